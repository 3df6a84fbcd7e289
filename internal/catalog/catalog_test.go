package catalog

import (
	"bytes"
	"os"
	"os/exec"
	"strings"
	"testing"

	"sslnotes/internal/config"
	"sslnotes/sslkit/nn"
)

// TestUpToDate generates the table again.
func TestUpToDate(t *testing.T) {
	var problems bytes.Buffer
	c := exec.Command("go", "run", "./gen")
	c.Stderr = &problems
	want, err := c.Output()
	if err != nil {
		t.Fatalf("%v\n%s", err, &problems)
	}
	have, err := os.ReadFile("table.go")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(have, want) {
		t.Error("table.go is not what the sources say: run go generate ./internal/catalog")
	}
}

func TestMethodsAreDescribed(t *testing.T) {
	seen := map[string]bool{}
	for _, m := range Methods() {
		if seen[m.Name] {
			t.Errorf("two methods are called %s", m.Name)
		}
		seen[m.Name] = true
		if m.Summary == "" || m.Paper == "" {
			t.Errorf("%s: summary %q, paper %q: its doc comment must begin with a sentence and cite a paper with its year in brackets", m.Type, m.Summary, m.Paper)
		}
		if f, err := FindMethod(strings.ToUpper(m.Name)); err != nil || f.Type != m.Type || config.Name(f.New()) != m.Type {
			t.Errorf("FindMethod(%s) returns %s, %v", m.Name, f.Type, err)
		}
	}
	for _, name := range []string{"rotation", "simclr"} {
		if !seen[name] {
			t.Errorf("no method %s", name)
		}
	}
	if _, err := FindMethod("simclone"); err == nil || !strings.Contains(err.Error(), "simclr") {
		t.Errorf("an unknown method: %v", err)
	}
}

func TestEncoders(t *testing.T) {
	for _, e := range Encoders() {
		if f, err := FindEncoder(e.Name); err != nil || f.Type != e.Type {
			t.Errorf("FindEncoder(%s): %s, %v", e.Name, f.Type, err)
		}
	}
	if _, err := FindEncoder("vgg"); err == nil || !strings.Contains(err.Error(), "resnet") {
		t.Errorf("an unknown encoder: %v", err)
	}
}

func TestTypes(t *testing.T) {
	types := Types()
	for _, name := range []string{"pretext.Rotation", "nn.ResNet", "augment.Crop"} {
		if types[name] == nil {
			t.Errorf("records cannot name %s", name)
		}
	}
}

// What records of runs hold of a plan does not change with options that came later.
func TestRecordsKeep(t *testing.T) {
	got, err := config.Encode(nn.ResNet{StemStride: 1})
	if want := `{"Blocks":0,"Channels":null,"StemStride":1,"type":"nn.ResNet"}`; err != nil || string(got) != want {
		t.Errorf("recorded as %s, %v", got, err)
	}
}

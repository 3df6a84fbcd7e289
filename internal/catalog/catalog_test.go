package catalog

import (
	"bytes"
	"os"
	"os/exec"
	"reflect"
	"strings"
	"testing"

	"sslnotes/internal/config"
	"sslnotes/sslkit"
	"sslnotes/sslkit/augment"
	"sslnotes/sslkit/data"
	"sslnotes/sslkit/nn"
	"sslnotes/sslkit/rng"
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

// TestMethodsCheckAugmentations gives every field of every method that holds
// augmentations one that is misconfigured.
func TestMethodsCheckAugmentations(t *testing.T) {
	in := data.Spec{Height: 32, Width: 32, Channels: 3, Mean: make([]float32, 3), Std: []float32{1, 1, 1}, Captions: []string{"a cat", "a dog"}}
	plan, found := nn.ViT{Width: 8, Depth: 1, Heads: 2}, 0
	for _, m := range Methods() {
		for _, f := range reflect.VisibleFields(reflect.TypeOf(m.New()).Elem()) {
			if f.Type != reflect.TypeFor[augment.Chain]() {
				continue
			}
			found++
			method := m.New()
			reflect.ValueOf(method).Elem().FieldByIndex(f.Index).Set(reflect.ValueOf(augment.Chain{augment.Crop{MinArea: -1}}))
			e, err := plan.Build(nn.Input{Height: 32, Width: 32, Channels: 3}, rng.New(1, "weights"))
			if err != nil {
				t.Fatal(err)
			}
			name := m.Type[strings.LastIndexByte(m.Type, '.')+1:] + "." + f.Name
			if _, err := method.Build(e, in, sslkit.Setup{Seed: 1, Steps: 4, BatchSize: 6}); err == nil || !strings.Contains(err.Error(), m.Section+": "+name+": Crop.MinArea is -1, want 0 to 1") {
				t.Errorf("bad %s: error %v", name, err)
			}
		}
	}
	if found < 10 {
		t.Errorf("%d fields of augmentations", found)
	}
}

// What records of runs hold of a plan does not change with options that came later.
func TestRecordsKeep(t *testing.T) {
	got, err := config.Encode(nn.ResNet{StemStride: 1})
	if want := `{"Blocks":0,"Channels":null,"StemStride":1,"type":"nn.ResNet"}`; err != nil || string(got) != want {
		t.Errorf("recorded as %s, %v", got, err)
	}
}

package cli

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sslnotes/sslkit/nn"
	"sslnotes/sslkit/rng"
)

// run returns what a command prints, and its error.
func run(args ...string) (string, error) {
	var out, errs bytes.Buffer
	root := Root(&out, &errs)
	root.SetArgs(args)
	err := root.Execute()
	return out.String(), err
}

func TestMethods(t *testing.T) {
	out, err := run("methods")
	if err != nil || !strings.Contains(out, "rotation") || !strings.Contains(out, "simclr") {
		t.Errorf("%q, %v", out, err)
	}
}

func TestBadArgumentsAreNamed(t *testing.T) {
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"train", "simclone"}, `no method "simclone"`},
		{[]string{"train", "simclr", "--set", "Heat=1"}, "no field Heat"},
		{[]string{"train", "simclr", "--set", "Temperature"}, "Field=value"},
		{[]string{"train", "simclr", "--encoder", "vgg"}, `no encoder "vgg"`},
	} {
		if _, err := run(c.args...); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v: error %v, want one that says %q", c.args, err, c.want)
		}
	}
}

func TestTrainTwiceSameWeights(t *testing.T) {
	if _, err := os.Stat("/usr/share/datasets/fashion-mnist"); err != nil && os.Getenv("SSLNOTES_DATA") == "" {
		t.Skip("fashion-mnist is not installed")
	}
	var digests []string
	path := filepath.Join(t.TempDir(), "encoder.safetensors")
	for range 2 {
		out, err := run("train", "simclr", "--encoder", "convnet", "--steps", "2", "--batch", "32", "--seed", "5", "--json", "--out", path)
		if err != nil {
			t.Fatal(err)
		}
		var r trained
		if err := json.Unmarshal([]byte(out), &r); err != nil {
			t.Fatal(err)
		}
		digests = append(digests, r.Digest)
	}
	if digests[0] != digests[1] {
		t.Errorf("weights %s, then %s", digests[0], digests[1])
	}
	e, err := nn.ConvNet{}.Build(nn.Input{Height: 28, Width: 28, Channels: 1}, rng.New(9, "other weights"))
	if err != nil {
		t.Fatal(err)
	}
	if err := nn.LoadFile(path, e); err != nil || nn.Digest(e) != digests[1] {
		t.Errorf("the written weights have digest %s (%v), want %s", nn.Digest(e), err, digests[1])
	}
}

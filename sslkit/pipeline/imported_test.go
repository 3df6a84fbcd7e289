package pipeline

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sslnotes/sslkit/nn"
)

// TestImport judges an encoder from its file as the run that trained it, and
// does not take another file for it.
func TestImport(t *testing.T) {
	s := session(t)
	train, held := mini(t)
	r := pretrained(t, s, train)
	path := filepath.Join(t.TempDir(), "encoder.safetensors")
	must(t, nn.SaveFile(path, r.Encoder()))
	again, err := s.Import(tiny, path, train.Unlabelled())
	must(t, err)
	if have, want := nn.Digest(again.Encoder()), nn.Digest(r.Encoder()); have != want {
		t.Errorf("the encoder has digest %s, want %s", have, want)
	}
	var judged [2]float64
	for i, of := range []*Run{r, again} {
		j, err := KNN(of, train, held)
		must(t, err)
		judged[i], err = j.Value("test_accuracy")
		must(t, err)
	}
	if judged[0] != judged[1] || judged[0] == 0 {
		t.Errorf("the encoder's accuracy is %g, from its file %g", judged[0], judged[1])
	}
	loaded, err := s.Load(again.ID())
	must(t, err)
	if loaded.Encoder() == nil || nn.Digest(loaded.Encoder()) != nn.Digest(r.Encoder()) {
		t.Error("the run was loaded with another encoder")
	}
	v, err := s.Reproduce(again.ID())
	must(t, err)
	if v.Verdict != BitExact || v.Values != 1 {
		t.Errorf("%s %s, %d values", v.Verdict, v.Reason, v.Values)
	}
	b, err := os.ReadFile(path)
	must(t, err)
	b[len(b)-1] ^= 1
	must(t, os.WriteFile(path, b, 0o666))
	if v, err = s.Reproduce(again.ID()); err != nil || v.Verdict != NotReproducible || !strings.Contains(v.Reason, "digest") {
		t.Errorf("of another file: %s %s (%v)", v.Verdict, v.Reason, err)
	}
	if _, err := s.Import(nn.ViT{PatchSize: 7, Width: 8, Depth: 1, Heads: 2}, path, train.Unlabelled()); err == nil || !strings.Contains(err.Error(), "embed.weight") {
		t.Errorf("the file of another architecture gives the error %v", err)
	}
}

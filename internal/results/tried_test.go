package results

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sslnotes/sslkit/contrastive"
	"sslnotes/sslkit/data"
	"sslnotes/sslkit/nn"
	"sslnotes/sslkit/pipeline"
)

// TestKeepTried keeps a training by what held out images say of it, and none by
// what test images say.
func TestKeepTried(t *testing.T) {
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	train, test, err := data.FashionMini()
	must(err)
	rest, held, err := train.Holdout()
	must(err)
	s, dir := session(t, context.Background()), t.TempDir()
	r, err := s.Pretrain(nn.ConvNet{Channels: []int{4, 8}}, &contrastive.SimCLR{}, rest.Unlabelled(), pipeline.Schedule{Steps: 3, BatchSize: 8})
	must(err)
	_, err = pipeline.KNN(r, train, test)
	must(err)
	if err := KeepTried(s.Store, r.ID(), dir); err == nil || !strings.Contains(err.Error(), "validation images") {
		t.Errorf("judged on test images alone: %v", err)
	}
	if text, err := choices(dir); text != "" || err != nil {
		t.Errorf("nothing is tried yet: %q, %v", text, err)
	}
	_, err = pipeline.KNN(r, rest, held)
	must(err)
	must(KeepTried(s.Store, r.ID(), dir))
	all, err := pipeline.LinearProbe(r, rest, held)
	must(err)
	accuracy := func(r *pipeline.Run) float64 {
		v, err := r.Value("test_accuracy")
		must(err)
		return v
	}
	var few float64
	for draw := range 2 {
		labels, err := rest.PerClass(10, draw)
		must(err)
		p, err := pipeline.LinearProbe(r, labels, held)
		must(err)
		few += accuracy(p) / 2
	}
	must(KeepTried(s.Store, r.ID(), dir))
	must(write(dir, Result{Row: Row{Name: "simclr-1"}, Config: []byte(`{"Method": {"Dim": 64, "Hidden": 8, "Temperature": 0.3, "Augment": [{"type": "augment.Crop", "MaxArea": 0, "MaxRatio": 0, "MinArea": 0.3}, {"type": "augment.Jitter", "Brightness": 0.4, "Contrast": 0.4, "P": 0.8}]}}`)}))
	want := fmt.Sprintf("| simclr | Temperature 0.2, Flip.P 0.5 | ConvNet [4 8] | 3 × 8 | 0.002 | %.1f | ", 100*accuracy(all))
	if text, err := choices(dir); err != nil || !strings.Contains(text, want) || !strings.Contains(text, fmt.Sprintf(" | %.1f |\n", 100*few)) {
		t.Errorf("%v: no %q or %.3f in %s", err, want, few, text)
	}
	must(os.Remove(filepath.Join(dir, "simclr-1.json")))
	text, err := choices(dir)
	if err != nil || !strings.Contains(text, fmt.Sprintf("| simclr |  | ConvNet [4 8] | 3 × 8 | 0.002 | %.1f | ", 100*accuracy(all))) {
		t.Errorf("%v in %s", err, text)
	}
}

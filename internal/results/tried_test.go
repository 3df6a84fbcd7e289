package results

import (
	"context"
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
	text, err := choices(dir)
	if err != nil || !strings.Contains(text, "| simclr | ConvNet [4 8] | 3 × 8 | 0.002 | – | ") {
		t.Errorf("%v in %s", err, text)
	}
}

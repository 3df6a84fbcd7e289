package cli

import (
	"slices"
	"testing"

	"sslnotes/internal/results"
	"sslnotes/sslkit/clip"
)

// TestPretrainedAnswersAsItsRun asks the model that comes with the program what
// the run was asked that made it.
func TestPretrainedAnswersAsItsRun(t *testing.T) {
	const dir = "../../sslkit/results/clip"
	if !results.HasRetrieval(dir, "long-1") {
		t.Fatal("the run of the first seed is not stored: sslnotes retrieve --make")
	}
	want, err := results.ReadRetrieval(dir, "long-1")
	if err != nil {
		t.Fatal(err)
	}
	m, err := clip.Pretrained()
	if err != nil {
		t.Fatal(err)
	}
	r, err := questions(clip.RecipeData, want.Judged)
	if err != nil {
		t.Fatal(err)
	}
	if d := r.training.Digest(); d != want.Training {
		t.Errorf("the run trained on %s, %s is now %s", want.Training, clip.RecipeData, d)
	}
	var got results.RetrievalFile
	r.ask(&got, "CLIP", m, true)
	if !slices.Equal(got.Answers, want.Answers) {
		t.Errorf("it answers %+v, the run %+v", got.Answers, want.Answers)
	}
}

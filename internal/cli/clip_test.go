package cli

import (
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
	if got := r.answers(r.known.Answer(m), r.unknown.Answer(m)); got != want.Answers[0].Retrieval {
		t.Errorf("it answers %+v, the run %+v", got, want.Answers[0].Retrieval)
	}
}

package cli

import (
	"fmt"
	"slices"
	"strings"
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

// What was tried is asked about a style that the recipes' runs are not judged by.
func TestTriedIsRefused(t *testing.T) {
	for style, want := range map[string]string{
		"emoji-twitter": "options are chosen by another", "emoji-google-twitter": "options are chosen by another",
		"emoji": "options are chosen by another", "emoji-blobs": "--tried needs a RUN",
	} {
		err := (&app{}).runRetrieve(t.Context(), retrieveOptions{tried: true, style: style, training: "emoji-google"}, nil)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want %q", style, err, want)
		}
	}
}

// --make makes the runs of all recipes, of the long one those of other choices of what
// is held out, and of the wide one that of the first seed.
func TestRunsToMake(t *testing.T) {
	var got []string
	for _, r := range (retrieveOptions{seeds: 2, folds: 3}).runs() {
		got = append(got, fmt.Sprintf("%s:%d:%d", r.name, r.seed, r.fold))
	}
	if want := []string{"clip-1:1:0", "clip-2:2:0", "long-1:1:0", "long-2:2:0", "long-fold-1:1:1", "long-fold-1-2:2:1", "long-fold-2:1:2", "long-fold-2-2:2:2", "wide-1:1:0"}; !slices.Equal(got, want) {
		t.Errorf("runs %v, want %v", got, want)
	}
}

package pipeline

import (
	"slices"
	"testing"

	"sslnotes/sslkit/data"
)

// TestFeaturesAreOfTheirSpec asks one run for the features of the same bytes
// that are normalised or shaped otherwise, and of two sets of emoji whose
// pictures are the same and whose means are not.
func TestFeaturesAreOfTheirSpec(t *testing.T) {
	s := session(t)
	train, held := mini(t)
	r := pretrained(t, s, train)
	var all []*data.Set
	for _, change := range []func(*data.Spec){
		func(*data.Spec) {},
		func(s *data.Spec) { s.Mean = []float32{0.1} },
		func(s *data.Spec) { s.Std = []float32{0.7} },
		func(s *data.Spec) { s.Height, s.Width = 14, 56 },
	} {
		spec := held.Spec()
		change(&spec)
		var pixels []uint8
		for i := range held.Len() {
			pixels = append(pixels, held.Pixels(i)...)
		}
		set, err := data.FromPixels("same bytes", "train", spec, held.Classes(), pixels, held.Labels())
		must(t, err)
		if set.Digest() != held.Digest() {
			t.Fatal("a spec changes the digest, which records hold")
		}
		all = append(all, set)
	}
	for range 2 {
		for i, set := range all {
			got, err := r.featuresOf(t.Context(), set, 0)
			must(t, err)
			if !slices.Equal(got.Data(), Features(r.encoder, set).Data()) {
				t.Errorf("set %d has the features of another", i)
			}
		}
	}

	_, on, err := data.Open("emoji-google/on-twitter")
	must(t, err)
	twitter, _, err := data.Open("emoji-twitter")
	must(t, err)
	if on.Digest() != twitter.Digest() || keyOf(on) == keyOf(twitter) {
		t.Errorf("emoji of one digest, %v, normalised otherwise have the key %s", on.Digest() == twitter.Digest(), keyOf(on))
	}
	if keyOf(on) != keyOf(on.Unlabelled()) {
		t.Error("without labels the same images have another key")
	}
	again, err := s.openSets(sets{unlabelled: on.Unlabelled(), train: twitter, test: on}.refs())
	must(t, err)
	if keyOf(again.train) != keyOf(twitter) || keyOf(again.test) != keyOf(on) || keyOf(again.unlabelled) != keyOf(on) {
		t.Error("a record's sets of one digest are found again normalised otherwise")
	}
}

package clip

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"sslnotes/sslkit"
	"sslnotes/sslkit/data"
	"sslnotes/sslkit/nn"
	"sslnotes/sslkit/rng"
)

// What is written of a model of Recipe is read as the same model, the way it
// normalises its images and its tokenizer included.
func TestWeightsRoundTrip(t *testing.T) {
	set, held, err := data.Open("emoji-google")
	if err != nil {
		t.Fatal(err)
	}
	spec := set.Spec()
	spec.Captions = spec.Captions[:50]
	plan, m, s := Recipe()
	e, err := plan.Build(nn.Input{Height: spec.Height, Width: spec.Width, Channels: spec.Channels}, rng.New(3, "encoder"))
	if err == nil {
		_, err = m.Build(e, spec, sslkit.Setup{Seed: 3, BatchSize: s.BatchSize, Steps: s.Steps})
	}
	var file bytes.Buffer
	if err == nil {
		err = WriteWeights(&file, m)
	}
	if err != nil {
		t.Fatal(err)
	}
	whole := file.Bytes()
	got, err := ReadWeights(bytes.NewReader(whole))
	if err != nil {
		t.Fatal(err)
	}
	said := []string{"grinning face, happy", "zebra"}
	if !slices.Equal(got.TextFeatures(said).Data(), m.TextFeatures(said).Data()) || got.Scale() != m.Scale() {
		t.Error("texts have other features, or the scale is another")
	}
	if !slices.Equal(got.Embed(held, []int{5, 0}).Data(), m.Embed(held, []int{5, 0}).Data()) {
		t.Error("pictures have other features")
	}
	if _, err := ReadWeights(bytes.NewReader(whole[:len(whole)-4])); err == nil || !strings.Contains(err.Error(), "clip: weights") {
		t.Errorf("a cut file: error %v", err)
	}
}

// TestEmbed takes all pictures where none are named.
func TestEmbed(t *testing.T) {
	set := pictures(t, "emoji-google")
	m := built(t, small())
	m.in = set.Spec()
	all := m.Embed(set, nil)
	if all.Dim(0) != set.Len() {
		t.Fatalf("%d of %d pictures", all.Dim(0), set.Len())
	}
	if !slices.Equal(m.Embed(set, []int{4}).Data(), all.Data()[4*m.Dim:5*m.Dim]) {
		t.Error("a picture alone has other features")
	}
}

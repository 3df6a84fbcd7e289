package clip

import (
	"strings"
	"testing"

	"sslnotes/sslkit"
	"sslnotes/sslkit/data"
	"sslnotes/sslkit/nn"
	"sslnotes/sslkit/pipeline"
	"sslnotes/sslkit/rng"
	"sslnotes/sslkit/sslkittest"
)

// pictures are 18 emoji of two styles, 8×8 pixels, with captions.
func pictures(t *testing.T, style string) *data.Set {
	t.Helper()
	train, _, err := data.Open(style)
	if err == nil {
		train, err = train.PerClass(3, 0)
	}
	if err != nil {
		t.Fatal(err)
	}
	spec := train.Spec()
	spec.Height, spec.Width = 8, 8
	var pixels []uint8
	for i := range train.Len() {
		for y := range 8 {
			for x := range 8 {
				at := (y*4*data.EmojiSide + x*4) * 3
				pixels = append(pixels, train.Pixels(i)[at:at+3]...)
			}
		}
	}
	set, err := data.FromPixels("small-emoji", "train", spec, train.Classes(), pixels, train.Labels())
	if err != nil {
		t.Fatal(err)
	}
	return set
}

func TestCLIPSuite(t *testing.T) {
	for name, change := range map[string]func(m *CLIP){
		"symmetric": func(*CLIP) {}, "multi-positive": func(m *CLIP) { m.MultiPositive = true }, "sigmoid": func(m *CLIP) { m.Sigmoid = true },
		"grouped": func(m *CLIP) { m.Groups = 2 }, "map": func(m *CLIP) { m.Map = true },
	} {
		t.Run(name, func(t *testing.T) {
			with := func(change func(m *CLIP)) *CLIP {
				m := small()
				m.Temperature = 0.5 // at 0.07, similarities of random weights are far from all equal
				change(m)
				return m
			}
			sslkittest.TestMethod(t, func() sslkit.Method { return with(change) }, sslkittest.Options{
				Set: pictures(t, "emoji-google").Unlabelled(), Permutation: 1e-5,
				Trivial: func(heads nn.Module) {
					for _, p := range heads.Params() {
						if p.Name == "logit bias" { // of one in eight
							p.Value.Data()[0] = -float32(rng.Log(7))
						}
					}
				},
				Bad: map[string]sslkit.Method{
					"CLIP.Temperature": with(func(m *CLIP) { m.Temperature = 2 }), "CLIP.Dim": with(func(m *CLIP) { m.Dim = -1 }),
					"CLIP.Context": with(func(m *CLIP) { m.Context = 2 }), "CLIP.Vocabulary": with(func(m *CLIP) { m.Vocabulary = 100 }),
					"CLIP.Phrases": with(func(m *CLIP) { m.Phrases = -1 }), "CLIP.Groups": with(func(m *CLIP) { m.Groups = -1 }), "CLIP.Text": with(func(m *CLIP) { m.Text.Heads = 3 }),
				},
			})
		})
	}
}

func TestNeedsCaptions(t *testing.T) {
	e, err := nn.ConvNet{}.Build(nn.Input{Height: 8, Width: 8, Channels: 3}, rng.New(1, "e"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := small().Build(e, data.Spec{Height: 8, Width: 8, Channels: 3}, sslkit.Setup{}); err == nil || !strings.Contains(err.Error(), "Captions") {
		t.Errorf("a set without captions: error %v", err)
	}
}

func TestBatchesCarryCaptions(t *testing.T) {
	set := pictures(t, "emoji-google")
	index := []int{5, 0, 5, 9}
	m := small()
	if err := m.resolve(); err != nil {
		t.Fatal(err)
	}
	b := pipeline.Draw(m, set.Unlabelled(), index, 1, 0)
	for i, sample := range index {
		if b.Texts[i] != set.Captions()[sample] {
			t.Errorf("sample %d: %q, want %q", sample, b.Texts[i], set.Captions()[sample])
		}
	}
}

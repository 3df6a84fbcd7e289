package clip

import (
	"fmt"
	"io"

	"sslnotes/sslkit"
	"sslnotes/sslkit/data"
	"sslnotes/sslkit/nn"
	"sslnotes/sslkit/rng"
)

// WriteWeights writes a model of Recipe or LongRecipe, after training, in the
// safetensors format, with its tokenizer and the statistics of its pictures.
func WriteWeights(w io.Writer, m *CLIP) error { return nn.Save(w, m.whole()) }

// ReadWeights returns the model of Recipe that WriteWeights wrote.
func ReadWeights(r io.Reader) (*CLIP, error) { return readWeights(r, Recipe) }

func readWeights(r io.Reader, recipe func() (nn.Plan, *CLIP, sslkit.Schedule)) (*CLIP, error) {
	plan, m, s := recipe()
	in := data.Spec{Height: data.EmojiSide, Width: data.EmojiSide, Channels: 3,
		Mean: make([]float32, 3), Std: make([]float32, 3), Captions: []string{"none"}}
	e, err := plan.Build(nn.Input{Height: in.Height, Width: in.Width, Channels: in.Channels}, rng.New(0, "encoder"))
	if err != nil {
		return nil, err
	}
	if _, err := m.Build(e, in, sslkit.Setup{BatchSize: s.BatchSize, Steps: s.Steps}); err != nil {
		return nil, err
	}
	if err := nn.Load(r, m.whole()); err != nil {
		return nil, fmt.Errorf("clip: weights: %w", err)
	}
	return m, nil
}

// whole is the model with the statistics by which its images are normalised.
func (m *CLIP) whole() nn.Module {
	return nn.Modules{nn.Named("image.", m.encoder), m.Keep(), statistics{&nn.Buffer{Name: "mean", Value: m.in.Mean}, &nn.Buffer{Name: "std", Value: m.in.Std}}}
}

// statistics is a module of buffers alone.
type statistics []*nn.Buffer

// Params implements nn.Module.
func (s statistics) Params() []*nn.Param { return nil }

// Buffers implements nn.Module.
func (s statistics) Buffers() []*nn.Buffer { return s }

package mae

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"sslnotes/sslkit"
	"sslnotes/sslkit/augment"
	"sslnotes/sslkit/data"
	"sslnotes/sslkit/nn"
	"sslnotes/sslkit/rng"
	"sslnotes/sslkit/tensor"
)

// Autoencoder hides most patches of an image and paints them from the others
// (He and others 2022). The encoder sees the visible patches alone, which is
// what makes it cheap; a small decoder gets their features, a learned token in
// every hidden place, and the positions. The loss is the mean squared error on
// the hidden patches, each normalised by its own pixels. The encoder must be
// able to leave patches out, as nn.ViT is.
//
// Predicting nothing, zero everywhere, has the loss (P-1)/P for patches of P
// values: a loss there has learnt nothing.
type Autoencoder struct {
	MaskRatio float32 // share of the patches that is hidden. If 0, 0.75.
	Width     int     // of the decoder's tokens. If 0, 64.
	Depth     int     // blocks of the decoder. If 0, 2.
	Heads     int     // of the decoder. If 0, 4.
	RawPixels bool    // predict pixels as they are, not normalised by patch

	// Augment draws the image. If nil, a crop of at least 30 % of the area and
	// a flip.
	Augment augment.Chain

	encoder   nn.Masker
	in        data.Spec
	bridge    *nn.Linear
	token     *nn.Param
	decoder   *nn.Stack
	out       *nn.Linear
	positions *tensor.Tensor
}

// Name implements sslkit.Method.
func (m *Autoencoder) Name() string { return "mae" }

// Schedule implements sslkit.Scheduler.
func (m *Autoencoder) Schedule() sslkit.Schedule {
	return sslkit.Schedule{Epochs: 30, BatchSize: 256, LearningRate: 1e-3, WeightDecay: 0.05}
}

// Build implements sslkit.Method: a linear layer to the decoder's width, the
// token of hidden places, the decoder, and a linear layer to pixels.
func (m *Autoencoder) Build(e nn.Encoder, in data.Spec, s sslkit.Setup) (nn.Module, error) {
	masker, ok := e.(nn.Masker)
	if !ok {
		return nil, fmt.Errorf("mae: Autoencoder needs an encoder that can leave patches out, such as nn.ViT, not %T", e.Plan())
	}
	if err := m.resolve(masker); err != nil {
		return nil, err
	}
	m.encoder, m.in = masker, in
	r := s.Stream("decoder")
	rows, cols := masker.Grid()
	m.bridge = nn.NewLinear("bridge", e.Dim(), m.Width, true, r)
	m.decoder = nn.NewStack("decoder", m.Width, m.Depth, m.Heads, 4*m.Width, r)
	m.out = nn.NewLinear("pixels", m.Width, masker.PatchSize()*masker.PatchSize()*in.Channels, true, r)
	token := tensor.New(m.Width)
	for i := range token.Data() {
		token.Data()[i] = 0.02 * r.Norm()
	}
	m.token = &nn.Param{Name: "hidden token", Value: token.RequireGrad()}
	m.positions = nn.SinCos(rows, cols, m.Width)
	return nn.Modules{m.bridge, lone{m.token}, m.decoder, m.out}, nil
}

func (m *Autoencoder) resolve(e nn.Masker) error {
	if m.MaskRatio == 0 {
		m.MaskRatio = 0.75
	}
	for _, f := range []struct {
		field *int
		value int
	}{{&m.Width, 64}, {&m.Depth, 2}, {&m.Heads, 4}} {
		if *f.field == 0 {
			*f.field = f.value
		}
	}
	if m.Augment == nil {
		m.Augment = augment.Chain{augment.Crop{MinArea: 0.3}, augment.Flip{P: 0.5}}
	}
	rows, cols := e.Grid()
	switch keep := m.keep(rows * cols); {
	case !(m.MaskRatio > 0 && m.MaskRatio < 1) || keep == 0 || keep == rows*cols:
		return fmt.Errorf("mae: Autoencoder.MaskRatio is %g, want above 0 and below 1, so that of %d patches some are seen and some hidden", m.MaskRatio, rows*cols)
	case m.Width < 4 || m.Depth < 1 || m.Heads < 1:
		return fmt.Errorf("mae: Autoencoder.Width is %d, Depth %d and Heads %d, want at least 4, 1 and 1", m.Width, m.Depth, m.Heads)
	case m.Width%m.Heads != 0 || m.Width%4 != 0:
		return errors.New("mae: Autoencoder.Width must be a multiple of Heads and of 4")
	}
	return augment.Check("mae: Autoencoder.Augment", m.Augment)
}

// keep is how many of n patches are seen.
func (m *Autoencoder) keep(n int) int { return int(float64(n) * (1 - float64(m.MaskRatio))) }

// lone is a module of one parameter.
type lone struct{ p *nn.Param }

// Params implements nn.Module.
func (l lone) Params() []*nn.Param { return []*nn.Param{l.p} }

// Buffers implements nn.Module.
func (l lone) Buffers() []*nn.Buffer { return nil }

// Views implements sslkit.Viewer.
func (m *Autoencoder) Views(in data.Spec) []data.Spec { return []data.Spec{in} }

// View implements sslkit.Viewer.
func (m *Autoencoder) View(dst *data.Image, src data.Image, _ int, r *rng.Stream) {
	m.Augment.Draw(dst, src, r)
}

// BlankLoss is the loss of predicting every patch's mean, for patches of p
// values: (p-1)/p, since targets are normalised by the unbiased variance.
func BlankLoss(p int) float64 { return float64(p-1) / float64(p) }

// Report implements sslkit.Reporter: the loss of predicting every patch's mean, unless
// RawPixels.
func (m *Autoencoder) Report() map[string]float64 {
	if m.RawPixels {
		return nil
	}
	p := m.encoder.PatchSize()
	return map[string]float64{"blank_loss": BlankLoss(p * p * m.in.Channels)}
}

// Loss implements sslkit.Method.
func (m *Autoencoder) Loss(b data.Batch, s sslkit.Step) *tensor.Tensor {
	x := b.Views[0]
	// 1. Hide patches of every image, others in each step.
	visible, mask := m.hide(x.Dim(0), func(i int) *rng.Stream {
		return rng.New(s.Seed, "mask", uint64(s.Index), uint64(b.Index[i]))
	})
	// 2. Paint all patches from those that are seen.
	painted := m.paint(x, visible, true)
	// 3. Compare with the hidden ones, normalised.
	target := tensor.Patchify(x, m.encoder.PatchSize())
	if !m.RawPixels {
		target, _, _ = normalised(target)
	}
	return tensor.MaskedMSE(painted, target.Detach(), mask)
}

// hide draws for each of n images which patches are seen, in rising order, and
// marks the hidden ones by 1.
func (m *Autoencoder) hide(n int, stream func(i int) *rng.Stream) (visible []int, mask []float32) {
	rows, cols := m.encoder.Grid()
	t := rows * cols
	mask = make([]float32, n*t)
	for i := range n {
		order := stream(i).Perm(t)
		seen, hidden := order[:m.keep(t)], order[m.keep(t):]
		slices.Sort(seen)
		visible = append(visible, seen...)
		for _, p := range hidden {
			mask[i*t+p] = 1
		}
	}
	return visible, mask
}

// paint returns what the decoder makes of all patches, [N,T,P].
func (m *Autoencoder) paint(x *tensor.Tensor, visible []int, train bool) *tensor.Tensor {
	rows, cols := m.encoder.Grid()
	z := m.bridge.Forward(m.encoder.Visible(x, visible, train), train)
	z = tensor.AddToEach(tensor.ScatterTokens(z, m.token.Value, visible, rows*cols), m.positions)
	return m.out.Forward(m.decoder.Forward(z, train), train)
}

// normalised returns patches less their mean, over the root of their unbiased
// variance plus 1e-6, with both; sums run in float64, in order.
func normalised(patches *tensor.Tensor) (y *tensor.Tensor, mean, deviation []float32) {
	p := patches.Dim(-1)
	rows := patches.Len() / p
	y = tensor.New(patches.Shape()...)
	mean, deviation = make([]float32, rows), make([]float32, rows)
	for r := range rows {
		x := patches.Data()[r*p : (r+1)*p]
		var sum, square float64
		for _, v := range x {
			sum += float64(v)
		}
		mu := sum / float64(p)
		for _, v := range x {
			d := float64(v) - mu
			square += float64(d * d)
		}
		sd := math.Sqrt(square/float64(max(1, p-1)) + 1e-6)
		mean[r], deviation[r] = float32(mu), float32(sd)
		for j, v := range x {
			y.Data()[r*p+j] = float32((float64(v) - mu) / sd)
		}
	}
	return y, mean, deviation
}

// Reconstruct hides patches of normalised images [N,H,W,C] by the seed and
// returns the images as they were seen, hidden patches at the set's mean, and as
// they were painted: hidden patches predicted, the others as they were. A
// method that predicts normalised patches is given the true mean and deviation
// of each, so such pictures show more than was predicted. It panics before
// Build.
func (m *Autoencoder) Reconstruct(x *tensor.Tensor, seed uint64) (seen, painted *tensor.Tensor) {
	visible, mask := m.hide(x.Dim(0), func(i int) *rng.Stream { return rng.New(seed, "reconstruct", uint64(i)) })
	p := m.encoder.PatchSize()
	patches, guess := tensor.Patchify(x, p).Detach(), m.paint(x, visible, false).Detach()
	_, mean, deviation := normalised(patches)
	a, b := tensor.New(patches.Shape()...), tensor.New(patches.Shape()...)
	size := patches.Dim(-1)
	for i, v := range patches.Data() {
		r := i / size
		switch {
		case mask[r] == 0:
			a.Data()[i], b.Data()[i] = v, v
		case m.RawPixels:
			b.Data()[i] = guess.Data()[i]
		default:
			b.Data()[i] = float32(guess.Data()[i]*deviation[r]) + mean[r]
		}
	}
	h, w := x.Dim(1), x.Dim(2)
	return tensor.Unpatchify(a, p, h, w), tensor.Unpatchify(b, p, h, w)
}

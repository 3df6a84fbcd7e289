package bench

import (
	"sslnotes/sslkit/nn"
	"sslnotes/sslkit/rng"
	"sslnotes/sslkit/tensor"
)

// images returns n images of noise.
func images(seed uint64, n, side, channels int) *tensor.Tensor {
	return tensor.FromSlice(noise(seed, n*side*side*channels), n, side, side, channels)
}

// parameter returns a learned tensor of small noise.
func parameter(name string, r *rng.Stream, shape ...int) *nn.Param {
	t := tensor.New(shape...)
	for i := range t.Data() {
		t.Data()[i] = 0.02 * r.Norm()
	}
	return &nn.Param{Name: name, Value: t.RequireGrad(), Decay: true}
}

// parameters is a module of parameters alone.
type parameters []*nn.Param

func (p parameters) Params() []*nn.Param   { return p }
func (p parameters) Buffers() []*nn.Buffer { return nil }

// trainer steps an optimizer on a loss.
func trainer(m nn.Module, o interface {
	Begin([]*nn.Param)
	Step(rate float32)
}, rate float32, loss func() *tensor.Tensor) func() float32 {
	o.Begin(m.Params())
	return func() float32 {
		nn.ZeroGrad(m)
		l := loss()
		tensor.Backward(l)
		o.Step(rate)
		nn.Commit(m)
		return l.Item()
	}
}

// blockFLOPs is the cost of the products of depth transformer blocks on one
// sample.
func blockFLOPs(depth, tokens, width, hidden int) int {
	return depth * (2*tokens*width*(4*width+2*hidden) + 4*tokens*tokens*width)
}

// A mae is a masked autoencoder on 28×28 gray images: 49 patches of 4×4, of
// which 12 are seen by 6 blocks of width 128; 2 blocks of width 64 paint the
// others.
type mae struct {
	patches               *tensor.Tensor // [images,49,16]
	embed, bridge, out    *nn.Linear
	encoder, decoder      *nn.Stack
	places, hidden, spots *nn.Param
	all                   nn.Modules
	batch                 int
	r                     *rng.Stream
}

// A maeBatch is images as patches, the patches of each that are seen, in any
// order, and 1 for those that are not.
type maeBatch struct {
	patches *tensor.Tensor // [batch,49,16]
	seen    []int          // [batch·12]
	mask    []float32      // [batch·49]
}

const (
	maeTokens, maeSeen = 49, 12
	maePool            = 4096
)

func newMAE(batch int, seed uint64) (model, error) {
	m := buildMAE(batch, seed)
	flops := batch * 3 * (2*maeSeen*(16*128+128*64) + 2*maeTokens*64*16 + blockFLOPs(6, maeSeen, 128, 512) + blockFLOPs(2, maeTokens, 64, 256))
	return model{trainer(m.all, &nn.AdamW{WeightDecay: 0.05}, 1e-3, func() *tensor.Tensor { return m.loss(m.draw()) }), flops}, nil
}

func buildMAE(batch int, seed uint64) *mae {
	r := rng.New(seed, "mae")
	m := &mae{
		patches: tensor.Patchify(images(seed, maePool, 28, 1), 4), batch: batch, r: r,
		embed: nn.NewLinear("embed", 16, 128, true, r), bridge: nn.NewLinear("bridge", 128, 64, true, r), out: nn.NewLinear("out", 64, 16, true, r),
		encoder: nn.NewStack("encoder", 128, 6, 4, 512, r), decoder: nn.NewStack("decoder", 64, 2, 4, 256, r),
		places: parameter("places", r, maeTokens, 128), hidden: parameter("hidden", r, 64), spots: parameter("spots", r, maeTokens, 64),
	}
	m.all = nn.Modules{m.embed, m.bridge, m.out, m.encoder, m.decoder, parameters{m.places, m.hidden, m.spots}}
	return m
}

func (m *mae) draw() maeBatch {
	index := make([]int, m.batch)
	seen, order := make([]int, 0, m.batch*maeSeen), make([]int, maeTokens)
	mask := make([]float32, m.batch*maeTokens)
	for i := range index {
		index[i] = m.r.IntN(maePool)
		m.r.Permute(order)
		seen = append(seen, order[:maeSeen]...)
		for _, p := range order[maeSeen:] {
			mask[i*maeTokens+p] = 1
		}
	}
	return maeBatch{tensor.Rows(m.patches, index), seen, mask}
}

func (m *mae) loss(b maeBatch) *tensor.Tensor {
	x := m.embed.Forward(tensor.GatherTokens(b.patches, b.seen), true)
	x = tensor.Add(x, tensor.Embedding(m.places.Value, b.seen, m.batch))
	x = m.bridge.Forward(m.encoder.Forward(x, true), true)
	x = tensor.AddToEach(tensor.ScatterTokens(x, m.hidden.Value, b.seen, maeTokens), m.spots.Value)
	return tensor.MaskedMSE(m.out.Forward(m.decoder.Forward(x, true), true), b.patches, b.mask)
}

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

// listed is a module whose parameters and buffers are listed once, not in every
// step.
type listed struct {
	params  []*nn.Param
	buffers []*nn.Buffer
}

func (l *listed) Params() []*nn.Param   { return l.params }
func (l *listed) Buffers() []*nn.Buffer { return l.buffers }

// trainer steps an optimizer on a loss of which only the value is kept. A step
// allocates nothing once the first ones have taken what they need.
func trainer(m nn.Module, o interface {
	Begin([]*nn.Param)
	Step(rate float32)
}, rate float32, loss func() *tensor.Tensor) func() float32 {
	all := &listed{m.Params(), m.Buffers()}
	o.Begin(all.params)
	return func() float32 {
		nn.ZeroGrad(all)
		value := tensor.Consume(loss())
		o.Step(rate)
		nn.Commit(all)
		return value
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
	batch                 maeBatch // the one drawn last
	order                 []int
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
	return model{trainer(m.all, &nn.AdamW{WeightDecay: 0.05}, 1e-3, func() *tensor.Tensor { m.draw(); return m.loss(m.batch) }), flops, m.all}, nil
}

func buildMAE(batch int, seed uint64) *mae {
	r := rng.New(seed, "mae")
	m := &mae{
		patches: tensor.Patchify(images(seed, maePool, 28, 1), 4), order: make([]int, maeTokens), r: r,
		batch: maeBatch{tensor.New(batch, maeTokens, 16), make([]int, 0, batch*maeSeen), make([]float32, batch*maeTokens)},
		embed: nn.NewLinear("embed", 16, 128, true, r), bridge: nn.NewLinear("bridge", 128, 64, true, r), out: nn.NewLinear("out", 64, 16, true, r),
		encoder: nn.NewStack("encoder", 128, 6, 4, 512, r), decoder: nn.NewStack("decoder", 64, 2, 4, 256, r),
		places: parameter("places", r, maeTokens, 128), hidden: parameter("hidden", r, 64), spots: parameter("spots", r, maeTokens, 64),
	}
	m.all = nn.Modules{m.embed, m.bridge, m.out, m.encoder, m.decoder, parameters{m.places, m.hidden, m.spots}}
	return m
}

// draw draws the next batch.
func (m *mae) draw() {
	b := &m.batch
	b.seen = b.seen[:0]
	clear(b.mask)
	const size = maeTokens * 16
	for i := range b.patches.Dim(0) {
		at := m.r.IntN(maePool)
		copy(b.patches.Data()[i*size:(i+1)*size], m.patches.Data()[at*size:])
		m.r.Permute(m.order)
		b.seen = append(b.seen, m.order[:maeSeen]...)
		for _, p := range m.order[maeSeen:] {
			b.mask[i*maeTokens+p] = 1
		}
	}
}

func (m *mae) loss(b maeBatch) *tensor.Tensor {
	seen := tensor.GatherTokens(b.patches, b.seen)
	x := m.embed.Forward(seen, true)
	seen.UsedUpBy(x)
	x = tensor.Add(x, tensor.Embedding(m.places.Value, b.seen, b.patches.Dim(0)))
	x = m.bridge.Forward(m.encoder.Forward(x, true), true)
	x = tensor.AddToEach(tensor.ScatterTokens(x, m.hidden.Value, b.seen, maeTokens), m.spots.Value)
	return tensor.MaskedMSE(m.out.Forward(m.decoder.Forward(x, true), true), b.patches, b.mask)
}

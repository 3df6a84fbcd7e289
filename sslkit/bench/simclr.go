package bench

import (
	"math"
	"sync"

	"sslnotes/sslkit/nn"
	"sslnotes/sslkit/rng"
	"sslnotes/sslkit/tensor"
)

// A simclr is a residual network of 32, 64 and 128 channels, two basic blocks
// each and a stem of stride 1, on two views of 28×28 gray images; its 3×3
// convolutions of stride 1 are Winograd's.
type simclr struct {
	pictures  *tensor.Tensor
	encoder   nn.Encoder
	projector nn.Sequential
	views     *tensor.Tensor // those drawn last, [2·batch,28,28,1]
	partner   []int          // of each view
	index     []int          // the images they show
	r         *rng.Stream
}

const simclrPool = 4096

func newSimCLR(batch int, seed uint64) (model, error) {
	m, err := buildSimCLR(batch, seed)
	if err != nil {
		return model{}, err
	}
	flops := 3 * (2*batch*(m.encoder.(nn.Counted).FLOPs()+2*(128*128+128*64)) + 2*(2*batch)*(2*batch)*64)
	return model{trainer(m.all(), &nn.SGD{WeightDecay: 1e-4}, 0.05, func() *tensor.Tensor { m.draw(); return m.loss(m.views) }), flops, m.all()}, nil
}

func buildSimCLR(batch int, seed uint64) (*simclr, error) {
	r := rng.New(seed, "simclr")
	plan := nn.ResNet{Channels: []int{32, 64, 128}, Blocks: 2, StemStride: 1, Winograd: true}
	e, err := plan.Build(nn.Input{Height: 28, Width: 28, Channels: 1}, r)
	if err != nil {
		return nil, err
	}
	m := &simclr{
		pictures: images(seed, simclrPool, 28, 1), encoder: e, projector: nn.NewMLP("projector", 128, 128, 64, r),
		views: tensor.New(2*batch, 28, 28, 1), partner: make([]int, 2*batch), index: make([]int, batch), r: r,
	}
	for i := range batch {
		m.partner[i], m.partner[batch+i] = batch+i, i
	}
	return m, nil
}

func (m *simclr) all() nn.Modules { return nn.Modules{m.encoder, m.projector} }

// draw draws two views of the next batch of images.
func (m *simclr) draw() {
	for i := range m.index {
		m.index[i] = m.r.IntN(simclrPool)
	}
	for v := range 2 {
		m.view(m.views.Data()[v*len(m.index)*28*28:], m.index)
	}
}

func (m *simclr) loss(views *tensor.Tensor) *tensor.Tensor {
	z := tensor.L2Normalize(m.projector.Forward(m.encoder.Forward(views, true), true), 1e-12)
	similar := tensor.Scale(tensor.MatMulT(z, z), 1/float32(0.2))
	return tensor.CrossEntropy(tensor.MaskDiagonal(similar, float32(math.Inf(-1))), m.partner)
}

// view draws one cheap view of each image, a small share of the step: rolled by
// up to 3 pixels, mirrored, with noise from a table.
func (m *simclr) view(dst []float32, index []int) {
	down, right := m.r.IntN(7)-3, m.r.IntN(7)-3
	grain := grain()
	at := m.r.IntN(len(grain))
	for i, sample := range index {
		src := m.pictures.Data()[sample*28*28:]
		for y := range 28 {
			for x := range 28 {
				at = (at + 1) % len(grain)
				dst[(i*28+y)*28+27-x] = src[(y+28-down)%28*28+(x+28-right)%28] + grain[at]
			}
		}
	}
}

// grain is the table, made when first used.
var grain = sync.OnceValue(func() []float32 {
	x := noise(7, 1<<16)
	for i := range x {
		x[i] *= 0.1
	}
	return x
})

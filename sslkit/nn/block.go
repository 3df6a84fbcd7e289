package nn

import (
	"fmt"
	"math"

	"sslnotes/sslkit/rng"
	"sslnotes/sslkit/tensor"
)

// LayerNorm normalises every token by its own mean and variance.
type LayerNorm struct{ gamma, beta *Param }

// NewLayerNorm returns a layer of scale 1 and shift 0 for n channels.
func NewLayerNorm(name string, n int) *LayerNorm {
	return &LayerNorm{constant(name+".gamma", 1, n), constant(name+".beta", 0, n)}
}

// Forward implements Layer.
func (l *LayerNorm) Forward(x *tensor.Tensor, _ bool) *tensor.Tensor {
	return tensor.LayerNorm(x, l.gamma.Value, l.beta.Value, normEps)
}

// Params implements Module.
func (l *LayerNorm) Params() []*Param { return []*Param{l.gamma, l.beta} }

// Buffers implements Module.
func (l *LayerNorm) Buffers() []*Buffer { return nil }

// GELU is x·Φ(x).
type GELU struct{}

// Forward implements Layer.
func (GELU) Forward(x *tensor.Tensor, _ bool) *tensor.Tensor { return tensor.GELU(x) }

// Params implements Module.
func (GELU) Params() []*Param { return nil }

// Buffers implements Module.
func (GELU) Buffers() []*Buffer { return nil }

// A Block is a pre-LN transformer block: see tensor.TransformerBlock.
type Block struct {
	heads  int
	params [12]*Param // in the order of tensor.BlockWeights
}

// NewBlock returns a block on tokens of the given width with MLPs of hidden
// values. Weights are uniform with variance 2/(in+out) (Glorot and Bengio 2010),
// as MAE draws them; biases are zero.
func NewBlock(name string, width, heads, hidden int, r *rng.Stream) *Block {
	b := &Block{heads: heads}
	b.params = [12]*Param{
		constant(name+".norm1.gamma", 1, width), constant(name+".norm1.beta", 0, width),
		glorot(name+".qkv.weight", width, width, 3*width, r), constant(name+".qkv.bias", 0, 3*width),
		glorot(name+".proj.weight", width, width, width, r), constant(name+".proj.bias", 0, width),
		constant(name+".norm2.gamma", 1, width), constant(name+".norm2.beta", 0, width),
		glorot(name+".fc1.weight", hidden, width, hidden, r), constant(name+".fc1.bias", 0, hidden),
		glorot(name+".fc2.weight", width, hidden, width, r), constant(name+".fc2.bias", 0, width),
	}
	return b
}

// glorot returns a weight [in,cols], uniform with variance 2/(in+out).
func glorot(name string, out, in, cols int, r *rng.Stream) *Param {
	t := tensor.New(in, cols)
	limit := float32(math.Sqrt(6 / float64(in+out)))
	for i := range t.Data() {
		t.Data()[i] = float32(limit * (2*r.Float32() - 1))
	}
	return &Param{Name: name, Value: t.RequireGrad(), Decay: true}
}

// weights are the parameters' present values.
func (b *Block) weights() tensor.BlockWeights {
	v := func(i int) *tensor.Tensor { return b.params[i].Value }
	return tensor.BlockWeights{
		Gamma1: v(0), Beta1: v(1), QKV: v(2), QKVBias: v(3), Proj: v(4), ProjBias: v(5),
		Gamma2: v(6), Beta2: v(7), FC1: v(8), FC1Bias: v(9), FC2: v(10), FC2Bias: v(11),
	}
}

// Forward implements Layer: every token sees every token.
func (b *Block) Forward(x *tensor.Tensor, _ bool) *tensor.Tensor {
	return b.Attend(x, tensor.Heads{})
}

// Attend is Forward with a mask; the number of heads is the block's.
func (b *Block) Attend(x *tensor.Tensor, h tensor.Heads) *tensor.Tensor {
	h.N = b.heads
	w := b.weights()
	return tensor.TransformerBlock(x, &w, h, normEps)
}

// Attention returns how much each token's query gives each key, as [N,heads,T,T]
// with the keys last.
func (b *Block) Attention(x *tensor.Tensor, h tensor.Heads) *tensor.Tensor {
	h.N = b.heads
	w := b.weights()
	return tensor.BlockAttention(x, &w, h, normEps)
}

// Params implements Module.
func (b *Block) Params() []*Param { return b.params[:] }

// Buffers implements Module.
func (b *Block) Buffers() []*Buffer { return nil }

// A Stack is a chain of blocks on tokens [N,T,width] with a LayerNorm at the
// end: the trunk of an encoder, or a decoder.
type Stack struct {
	Chain []*Block
	Norm  *LayerNorm
}

// NewStack returns a stack of depth blocks.
func NewStack(name string, width, depth, heads, hidden int, r *rng.Stream) *Stack {
	s := &Stack{}
	for i := range depth {
		s.Chain = append(s.Chain, NewBlock(fmt.Sprintf("%s.block%d", name, i), width, heads, hidden, r))
	}
	s.Norm = NewLayerNorm(name+".norm", width)
	return s
}

// Forward implements Layer.
func (s *Stack) Forward(x *tensor.Tensor, _ bool) *tensor.Tensor { return s.Attend(x, tensor.Heads{}) }

// Attend is Forward with a mask.
func (s *Stack) Attend(x *tensor.Tensor, h tensor.Heads) *tensor.Tensor {
	in := x
	for _, b := range s.Chain {
		y := b.Attend(x, h)
		if x != in { // seen by nobody else
			x.UsedUpBy(y)
		}
		x = y
	}
	y := s.Norm.Forward(x, true)
	if x != in {
		x.UsedUpBy(y)
	}
	return y
}

// Params implements Module.
func (s *Stack) Params() (all []*Param) {
	for _, b := range s.Chain {
		all = append(all, b.Params()...)
	}
	return append(all, s.Norm.Params()...)
}

// Buffers implements Module.
func (s *Stack) Buffers() []*Buffer { return nil }

// flops is the cost of n samples of t tokens, a multiply-add counting as two:
// products of matrices alone.
func (s *Stack) flops(t int) int {
	if len(s.Chain) == 0 {
		return 0
	}
	width, hidden := s.Chain[0].params[0].Value.Len(), s.Chain[0].params[9].Value.Len()
	return len(s.Chain) * (2*t*width*(4*width+2*hidden) + 4*t*t*width)
}

// checkHeads refuses sizes no transformer can have.
func checkHeads(plan string, width, depth, heads, ratio int) error {
	if width <= 0 || depth <= 0 || heads <= 0 || ratio <= 0 {
		return fmt.Errorf("nn: %s.Width is %d, Depth %d, Heads %d and MLPRatio %d, want all > 0", plan, width, depth, heads, ratio)
	}
	if width%heads != 0 || width%4 != 0 {
		return fmt.Errorf("nn: %s.Width is %d, want a multiple of 4 and of Heads, %d", plan, width, heads)
	}
	return nil
}

package tensor

import (
	"fmt"
	"math"

	"sslnotes/sslkit/internal/f32"
)

// LayerNorm normalises every row (the last dimension) of x to mean 0 and
// variance 1, then scales by gamma and shifts by beta (Ba, Kiros and Hinton
// 2016). A row's sums run in 16 lanes and then by halves; the gradients of gamma
// and beta are sums over samples by the leaf tree.
func LayerNorm(x, gamma, beta *Tensor, eps float32) *Tensor {
	c := x.Dim(-1)
	if gamma.Len() != c || beta.Len() != c {
		mismatch("LayerNorm", x, gamma, beta)
	}
	rows, samples := len(x.data)/c, x.shape[0]
	stats := make([]float32, 2*rows)
	y := written(x.shape, func(y *Tensor) {
		size := rows / samples
		sums, zero := make([]float32, 2*c), make([]float32, f32.Leaf*size*c)
		held := f32.Scratch(len(x.data))
		dx := *held
		f32.SumSamples(samples, 2*c, sums, func(from, to int, sum []float32) {
			a, b := from*size, to*size
			f32.LayerNormGrad(dx[a*c:b*c], y.grad[a*c:b*c], zero, x.data[a*c:b*c], gamma.data, stats[2*a:2*b], sum[:c], sum[c:])
		})
		accumulate(gamma, sums[:c], 1)
		accumulate(beta, sums[c:], 1)
		receiveHeld(x, held)
	}, x, gamma, beta)
	f32.Chunks(rows, max(1, chunk/c), func(from, to int) {
		f32.LayerNorm(y.data[from*c:to*c], x.data[from*c:to*c], gamma.data, beta.data, stats[2*from:2*to], eps)
	})
	return y
}

// GELU returns x·Φ(x), Φ being the normal distribution function (Hendrycks and
// Gimpel 2016), within 7 ulp.
func GELU(x *Tensor) *Tensor {
	y := written(x.shape, func(y *Tensor) {
		held := f32.Scratch(len(x.data))
		d := *held
		again := f32.Scratch(len(d))
		defer f32.Release(again)
		f32.Chunks(len(d), chunk, func(from, to int) {
			copy(d[from:to], y.grad[from:to])
			f32.GELUGrad((*again)[from:to], d[from:to], x.data[from:to])
		})
		receiveHeld(x, held)
	}, x)
	f32.Chunks(len(x.data), chunk, func(from, to int) { f32.GELU(y.data[from:to], x.data[from:to]) })
	return y
}

// Heads says how tokens attend to one another.
type Heads struct {
	N       int   // number of heads
	Causal  bool  // a token sees itself and those before it
	Lengths []int // of each sample, that many first tokens are seen, at least one. If nil, all.
}

// attention is the kernel for x [N,T,width].
func (h Heads) attention(op string, x *Tensor, width int) f32.Attention {
	if len(x.shape) != 3 || h.N <= 0 || width%h.N != 0 || h.Lengths != nil && len(h.Lengths) != x.shape[0] {
		panic(fmt.Sprintf("tensor: %s of shape %v with %d heads and %d lengths", op, x.shape, h.N, len(h.Lengths)))
	}
	for _, n := range h.Lengths {
		if n < 1 || n > x.shape[1] {
			panic(fmt.Sprintf("tensor: %s of shape %v with a length of %d", op, x.shape, n))
		}
	}
	dim := width / h.N
	return f32.Attention{Tokens: x.shape[1], Heads: h.N, Dim: dim, Causal: h.Causal, Scale: float32(1 / math.Sqrt(float64(dim)))}
}

func (h Heads) keys(a f32.Attention, sample int) int {
	if h.Lengths == nil {
		return a.Tokens
	}
	return h.Lengths[sample]
}

// SelfAttention returns softmax(q·kᵀ/√d)·v for each head, from queries, keys
// and values side by side in qkv [N,T,3·D] (Vaswani and others 2017), as
// [N,T,D]. What the softmax gave is in the second result, [N,heads,T,T], the
// last dimension being the keys; no gradient flows through it.
func SelfAttention(qkv *Tensor, h Heads) (y, probabilities *Tensor) {
	if len(qkv.shape) != 3 || qkv.shape[2]%3 != 0 {
		mismatch("SelfAttention", qkv)
	}
	n, tokens, width := qkv.shape[0], qkv.shape[1], qkv.shape[2]/3
	a := h.attention("SelfAttention", qkv, width)
	p := make([]float32, n*a.Saved())
	y = written([]int{n, tokens, width}, func(y *Tensor) {
		held := f32.Scratch(len(qkv.data))
		d := *held
		f32.Parallel(n, func(i int) {
			row := i * tokens * width
			a.Backward(d[3*row:], y.grad[row:], p[i*a.Saved():], qkv.data[3*row:], h.keys(a, i))
		})
		receiveHeld(qkv, held)
	}, qkv)
	f32.Parallel(n, func(i int) {
		row := i * tokens * width
		a.Forward(y.data[row:], p[i*a.Saved():], qkv.data[3*row:], h.keys(a, i))
	})
	return y, untangle(p, n, a)
}

// untangle copies probabilities, keys down and queries across, to [n,heads,T,T]
// with a query's keys in a row.
func untangle(p []float32, n int, a f32.Attention) *Tensor {
	t, lanes := a.Tokens, a.Lanes()
	out := New(n, a.Heads, t, t)
	for i := range n * a.Heads {
		for j := range t {
			for q := range t {
				out.data[(i*t+q)*t+j] = p[(i*t+j)*lanes+q]
			}
		}
	}
	return out
}

// A BlockWeights holds the parameters of a transformer block; matrices are
// [in,out].
type BlockWeights struct {
	Gamma1, Beta1, QKV, QKVBias, Proj, ProjBias *Tensor // D, D, [D,3D], 3D, [D,D], D
	Gamma2, Beta2, FC1, FC1Bias, FC2, FC2Bias   *Tensor // D, D, [D,H], H, [H,D], D
}

// All lists the parameters in the order of the fields.
func (w *BlockWeights) All() []*Tensor {
	return []*Tensor{w.Gamma1, w.Beta1, w.QKV, w.QKVBias, w.Proj, w.ProjBias, w.Gamma2, w.Beta2, w.FC1, w.FC1Bias, w.FC2, w.FC2Bias}
}

// TransformerBlock returns z + MLP(LayerNorm(z)) for z = x +
// Attention(LayerNorm(x)), x being [N,T,D], as one operation (the pre-LN block
// of Xiong and others 2020). It is several times faster than its composition of
// LayerNorm, Linear, SelfAttention, GELU and Add, and equals that but for
// roundings: adding is done within the products' sums.
func TransformerBlock(x *Tensor, w *BlockWeights, h Heads, eps float32) *Tensor {
	b := block("TransformerBlock", x, w, h, eps)
	weights := raw(w, func(t *Tensor) []float32 { return t.data })
	inputs := append([]*Tensor{x}, w.All()...)
	var saved *f32.Saved
	var held [7]*[]float32
	y := written(x.shape, func(y *Tensor) {
		grads := raw(w, func(t *Tensor) []float32 {
			if t.needs {
				return t.gradient()
			}
			return nil
		})
		dx := f32.Scratch(len(x.data))
		b.Backward(*dx, y.grad, x.data, &weights, &grads, saved)
		for _, p := range held {
			f32.Release(p)
		}
		receiveHeld(x, dx)
	}, inputs...)
	if y.needs {
		saved, held = hold(b)
	}
	b.Forward(y.data, x.data, &weights, saved)
	return y
}

// block checks the shapes and returns the kernel.
func block(op string, x *Tensor, w *BlockWeights, h Heads, eps float32) *f32.Block {
	d := x.Dim(-1)
	b := &f32.Block{Attention: h.attention(op, x, d), Samples: x.shape[0], Width: d, Hidden: w.FC1Bias.Len(), Eps: eps, Lengths: h.Lengths}
	for i, size := range b.Sizes() {
		if t := w.All()[i]; t.Len() != size {
			mismatch(op, x, t)
		}
	}
	return b
}

// hold takes buffers for what a block saves.
func hold(b *f32.Block) (*f32.Saved, [7]*[]float32) {
	s, held := new(f32.Saved), [7]*[]float32{}
	for i, size := range b.SavedSizes(b.Samples) {
		held[i] = f32.Scratch(size)
		*s.Fields()[i] = *held[i]
	}
	return s, held
}

// raw gives the kernel's view of all parameters.
func raw(w *BlockWeights, of func(*Tensor) []float32) f32.Weights {
	return f32.Weights{
		Gamma1: of(w.Gamma1), Beta1: of(w.Beta1), QKV: of(w.QKV), QKVBias: of(w.QKVBias), Proj: of(w.Proj), ProjBias: of(w.ProjBias),
		Gamma2: of(w.Gamma2), Beta2: of(w.Beta2), FC1: of(w.FC1), FC1Bias: of(w.FC1Bias), FC2: of(w.FC2), FC2Bias: of(w.FC2Bias),
	}
}

// BlockAttention returns what the softmax of TransformerBlock gives for x, as
// [N,heads,T,T], the last dimension being the keys. No gradient flows through
// it.
func BlockAttention(x *Tensor, w *BlockWeights, h Heads, eps float32) *Tensor {
	b := block("BlockAttention", x, w, h, eps)
	weights := raw(w, func(t *Tensor) []float32 { return t.data })
	saved, held := hold(b)
	b.Forward(make([]float32, len(x.data)), x.data, &weights, saved)
	out := untangle(saved.P, b.Samples, b.Attention)
	for _, p := range held {
		f32.Release(p)
	}
	return out
}

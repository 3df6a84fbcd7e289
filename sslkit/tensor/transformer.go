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
	type saved struct {
		x, gamma, beta *Tensor
		stats          *[]float32 // mean and 1/σ of every row
	}
	type loop struct {
		y, x, gamma, beta, stats []float32
		dx, zero                 []float32
		size                     int // of a sample, in rows
		eps                      float32
	}
	rows := len(x.data) / c
	stats := f32.Scratch(2 * rows)
	y := written(x.shape, saved{x, gamma, beta, stats}, func(y *Tensor, s saved) {
		c, samples := s.gamma.Len(), s.x.shape[0]
		size := len(s.x.data) / c / samples
		sums, zero, dx := f32.Scratch(2*c), f32.Scratch(f32.Leaf*size*c), f32.Scratch(len(s.x.data))
		clear(*zero)
		l := loop{y: y.grad, x: s.x.data, gamma: s.gamma.data, stats: *s.stats, dx: *dx, zero: *zero, size: size}
		f32.SumSamples(samples, 2*c, *sums, l, func(l loop, from, to int, sum []float32) {
			c := len(l.gamma)
			a, b := from*l.size, to*l.size
			f32.LayerNormGrad(l.dx[a*c:b*c], l.y[a*c:b*c], l.zero, l.x[a*c:b*c], l.gamma, l.stats[2*a:2*b], sum[:c], sum[c:])
		})
		accumulate(s.gamma, (*sums)[:c], 1)
		accumulate(s.beta, (*sums)[c:], 1)
		f32.Release(sums)
		f32.Release(zero)
		f32.Release(s.stats)
		receive(s.x, dx)
	}, x, gamma, beta)
	l := loop{y: y.data, x: x.data, gamma: gamma.data, beta: beta.data, stats: *stats, eps: eps}
	f32.Chunks(rows, max(1, chunk/c), l, func(l loop, from, to int) {
		c := len(l.gamma)
		f32.LayerNorm(l.y[from*c:to*c], l.x[from*c:to*c], l.gamma, l.beta, l.stats[2*from:2*to], l.eps)
	})
	y.unsaved(stats)
	y.unread = true
	return y
}

// GELU returns x·Φ(x), Φ being the normal distribution function (Hendrycks and
// Gimpel 2016), within 7 ulp.
func GELU(x *Tensor) *Tensor {
	y := written(x.shape, x, func(y, x *Tensor) {
		type loop struct{ d, again, dy, x []float32 }
		d, again := f32.Scratch(len(x.data)), f32.Scratch(len(x.data))
		f32.Chunks(len(*d), chunk, loop{*d, *again, y.grad, x.data}, func(l loop, from, to int) {
			copy(l.d[from:to], l.dy[from:to])
			f32.GELUGrad(l.again[from:to], l.d[from:to], l.x[from:to])
		})
		f32.Release(again)
		receive(x, d)
	}, x)
	f32.Chunks(len(x.data), chunk, vectors{z: y.data, x: x.data}, func(v vectors, from, to int) { f32.GELU(v.z[from:to], v.x[from:to]) })
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
	type saved struct {
		a   f32.Attention
		h   Heads
		qkv *Tensor
		p   *[]float32
	}
	type loop struct {
		a            f32.Attention
		h            Heads
		y, p, qkv, d []float32
		size         int // of a sample of y
	}
	p := f32.Scratch(n * a.Saved())
	y = written([]int{n, tokens, width}, saved{a, h, qkv, p}, func(y *Tensor, s saved) {
		d := f32.Scratch(len(s.qkv.data))
		l := loop{s.a, s.h, y.grad, *s.p, s.qkv.data, *d, y.shape[1] * y.shape[2]}
		f32.Parallel(y.shape[0], l, func(l loop, i int) {
			row := i * l.size
			l.a.Backward(l.d[3*row:], l.y[row:], l.p[i*l.a.Saved():], l.qkv[3*row:], l.h.keys(l.a, i))
		})
		f32.Release(s.p)
		receive(s.qkv, d)
	}, qkv)
	f32.Parallel(n, loop{a: a, h: h, y: y.data, p: *p, qkv: qkv.data, size: tokens * width}, func(l loop, i int) {
		row := i * l.size
		l.a.Forward(l.y[row:], l.p[i*l.a.Saved():], l.qkv[3*row:], l.h.keys(l.a, i))
	})
	probabilities = untangle(*p, n, a)
	y.unsaved(p)
	return y, probabilities
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
	all := w.after(nil)
	return all[1:]
}

// TransformerBlock returns z + MLP(LayerNorm(z)) for z = x +
// Attention(LayerNorm(x)), x being [N,T,D], as one operation (the pre-LN block
// of Xiong and others 2020). It is several times faster than its composition of
// LayerNorm, Linear, SelfAttention, GELU and Add, and equals that but for
// roundings: adding is done within the products' sums.
func TransformerBlock(x *Tensor, w *BlockWeights, h Heads, eps float32) *Tensor {
	type saved struct {
		f32.Block
		x    *Tensor
		w    BlockWeights
		kept f32.Saved
		held [7]*[]float32
	}
	s := saved{Block: block("TransformerBlock", x, w, h, eps), x: x, w: *w}
	inputs, keep := w.after(x), (*f32.Saved)(nil)
	if flows(inputs[:]...) {
		s.kept, s.held = hold(&s.Block)
		keep = &s.kept
	}
	y := written(x.shape, s, func(y *Tensor, s saved) {
		weights, grads := s.w.data(), s.w.gradients()
		dx := f32.Scratch(len(s.x.data))
		s.Backward(*dx, y.grad, s.x.data, &weights, &grads, &s.kept)
		for _, p := range s.held {
			f32.Release(p)
		}
		receive(s.x, dx)
	}, inputs[:]...)
	weights := w.data()
	s.Forward(y.data, x.data, &weights, keep)
	y.unread = true
	return y
}

// block checks the shapes and returns the kernel.
func block(op string, x *Tensor, w *BlockWeights, h Heads, eps float32) f32.Block {
	d := x.Dim(-1)
	b := f32.Block{Attention: h.attention(op, x, d), Samples: x.shape[0], Width: d, Hidden: w.FC1Bias.Len(), Eps: eps, Lengths: h.Lengths}
	all := w.after(x)
	for i, size := range b.Sizes() {
		if t := all[1+i]; t.Len() != size {
			mismatch(op, x, t)
		}
	}
	return b
}

// hold takes buffers for what a block saves.
func hold(b *f32.Block) (s f32.Saved, held [7]*[]float32) {
	fields := s.Fields()
	for i, size := range b.SavedSizes(b.Samples) {
		held[i] = f32.Scratch(size)
		*fields[i] = *held[i]
	}
	return s, held
}

// after lists x and the parameters.
func (w *BlockWeights) after(x *Tensor) [13]*Tensor {
	return [...]*Tensor{x, w.Gamma1, w.Beta1, w.QKV, w.QKVBias, w.Proj, w.ProjBias, w.Gamma2, w.Beta2, w.FC1, w.FC1Bias, w.FC2, w.FC2Bias}
}

// data is the kernel's view of the parameters.
func (w *BlockWeights) data() f32.Weights {
	return w.raw(func(t *Tensor) []float32 { return t.data })
}

// gradients is the kernel's view of the gradients, nil where none is wanted.
func (w *BlockWeights) gradients() f32.Weights {
	return w.raw(func(t *Tensor) []float32 {
		if !t.needs {
			return nil
		}
		return t.gradient()
	})
}

func (w *BlockWeights) raw(of func(*Tensor) []float32) f32.Weights {
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
	weights := w.data()
	saved, held := hold(&b)
	y := f32.Scratch(len(x.data))
	b.Forward(*y, x.data, &weights, &saved)
	p := f32.Scratch(b.Samples * b.Attention.Saved())
	type loop struct {
		b         f32.Block
		y, p, qkv []float32
		size      int
	}
	f32.Parallel(b.Samples, loop{b, *y, *p, saved.QKV, b.Tokens * b.Width}, func(l loop, i int) {
		l.b.Attention.Forward(l.y[i*l.size:], l.p[i*l.b.Attention.Saved():], l.qkv[3*i*l.size:], l.b.Keys(i))
	})
	out := untangle(*p, b.Samples, b.Attention)
	f32.Release(p)
	f32.Release(y)
	for _, p := range held {
		f32.Release(p)
	}
	return out
}

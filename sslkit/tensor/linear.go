package tensor

import "sslnotes/sslkit/internal/f32"

// Linear returns x·w + b for x [N,in] or [N,T,in], w [in,out] and b [out] or
// nil. The gradients of w and b are sums over the N samples.
func Linear(x, w, b *Tensor) *Tensor {
	if len(w.shape) != 2 || len(x.shape) < 2 || x.Dim(-1) != w.shape[0] || b != nil && b.Len() != w.shape[1] {
		mismatch("Linear", x, w)
	}
	type saved struct{ x, w, b *Tensor }
	in, out := w.shape[0], w.shape[1]
	rows := len(x.data) / in
	var shape [4]int
	y := written(append(append(shape[:0], x.shape[:len(x.shape)-1]...), out), saved{x, w, b}, func(y *Tensor, s saved) {
		x, w, b := s.x, s.w, s.b
		in, out, samples := w.shape[0], w.shape[1], x.shape[0]
		rows := len(x.data) / in
		if x.needs {
			held := f32.Scratch(len(w.data))
			f32.Transpose(*held, w.data, in, out)
			f32.Gemm(rows, in, out, y.grad, out, 1, *held, in, x.gradient(), in, f32.Start{Acc: true})
			f32.Release(held)
		}
		if w.needs {
			dw := f32.Scratch(len(w.data))
			f32.WeightGrad(samples, rows/samples, in, out, x.data, y.grad, *dw)
			accumulate(w, *dw, 1)
			f32.Release(dw)
		}
		if b != nil && b.needs {
			columnGrad(b, samples, rows/samples, y.grad)
		}
	}, x, w, b)
	var start f32.Start
	if b != nil {
		start.Bias = b.data
	}
	f32.Gemm(rows, out, in, x.data, in, 1, w.data, out, y.data, out, start)
	y.unread = true
	return y
}

// columnGrad adds the sums of the columns of d [samples·rows,Len] to t's
// gradient.
func columnGrad(t *Tensor, samples, rows int, d []float32) {
	sum := f32.Scratch(t.Len())
	f32.ColumnSums(samples, rows, t.Len(), d, *sum)
	accumulate(t, *sum, 1)
	f32.Release(sum)
}

// MatMulT returns a·bᵀ for a [M,K] and b [N,K]: the similarities of rows.
func MatMulT(a, b *Tensor) *Tensor {
	if len(a.shape) != 2 || len(b.shape) != 2 || a.shape[1] != b.shape[1] {
		mismatch("MatMulT", a, b)
	}
	m, n, k := a.shape[0], b.shape[0], a.shape[1]
	out := written([]int{m, n}, pair{a, b}, func(out *Tensor, s pair) {
		m, n, k := s.a.shape[0], s.b.shape[0], s.a.shape[1]
		if s.a.needs {
			f32.Gemm(m, k, n, out.grad, n, 1, s.b.data, k, s.a.gradient(), k, f32.Start{Acc: true})
		}
		if s.b.needs {
			f32.Gemm(n, k, m, out.grad, 1, n, s.a.data, k, s.b.gradient(), k, f32.Start{Acc: true})
		}
	}, a, b)
	bt := f32.Scratch(k * n)
	f32.Transpose(*bt, b.data, n, k)
	f32.Gemm(m, n, k, a.data, k, 1, *bt, n, out.data, n, f32.Start{})
	f32.Release(bt)
	return out
}

// GlobalAvgPool returns the mean over all pixels of x [N,H,W,C] as [N,C].
func GlobalAvgPool(x *Tensor) *Tensor {
	if len(x.shape) != 4 {
		mismatch("GlobalAvgPool", x)
	}
	n, c := x.shape[0], x.shape[3]
	out := result([]int{n, c}, x, func(out, x *Tensor) {
		pool{x.gradient(), out.grad, x.shape[1] * x.shape[2], x.shape[3]}.each(pool.spread)
	}, x)
	pool{x.data, out.data, x.shape[1] * x.shape[2], c}.each(pool.mean)
	return out
}

// A pool is images and the means of their pixels, or the gradients of both.
type pool struct {
	images, means []float32
	pixels, c     int
}

// each calls f for every image.
func (p pool) each(f func(p pool, image, mean []float32)) {
	type of struct {
		pool
		f func(p pool, image, mean []float32)
	}
	f32.Chunks(len(p.means)/p.c, max(1, chunk/(p.pixels*p.c)), of{p, f}, func(o of, from, to int) {
		size := o.pixels * o.c
		for i := from; i < to; i++ {
			o.f(o.pool, o.images[i*size:(i+1)*size], o.means[i*o.c:(i+1)*o.c])
		}
	})
}

// mean sums the pixels in order and divides.
func (p pool) mean(image, mean []float32) {
	f32.Sums(mean, image)
	for j := range mean {
		mean[j] *= 1 / float32(p.pixels)
	}
}

// spread adds a mean's gradient to those of the pixels.
func (p pool) spread(image, mean []float32) {
	share := f32.Scratch(p.c)
	defer f32.Release(share)
	for j, d := range mean {
		(*share)[j] = d * (1 / float32(p.pixels))
	}
	for ; len(image) > 0; image = image[p.c:] {
		f32.Add(image[:p.c], image[:p.c], *share, false)
	}
}

package tensor

import (
	"slices"

	"sslnotes/sslkit/internal/f32"
	"sslnotes/sslkit/rng"
)

// elementwise returns f of every element; slope gives the derivative from x and
// f(x).
func elementwise(x *Tensor, f func(x float32) float32, slope func(x, y float32) float32) *Tensor {
	type saved struct {
		x     *Tensor
		slope func(x, y float32) float32
	}
	type loop struct {
		y, dy, x, g []float32
		f           func(x float32) float32
		slope       func(x, y float32) float32
	}
	out := written(x.shape, saved{x, slope}, func(out *Tensor, s saved) {
		l := loop{y: out.data, dy: out.grad, x: s.x.data, g: s.x.gradient(), slope: s.slope}
		f32.Chunks(len(l.g), chunk, l, func(l loop, from, to int) {
			for i := from; i < to; i++ {
				l.g[i] += float32(l.dy[i] * l.slope(l.x[i], l.y[i]))
			}
		})
	}, x)
	f32.Chunks(len(x.data), chunk, loop{y: out.data, x: x.data, f: f}, func(l loop, from, to int) {
		for i := from; i < to; i++ {
			l.y[i] = l.f(l.x[i])
		}
	})
	return out
}

// Exp returns e^x, rounded from float64.
func Exp(x *Tensor) *Tensor {
	return elementwise(x, f32.Exp, func(_, y float32) float32 { return y })
}

// Log returns the natural logarithm of x, rounded from float64: -Inf of 0, NaN of
// what is below.
func Log(x *Tensor) *Tensor {
	return elementwise(x, func(x float32) float32 { return float32(rng.Log(float64(x))) }, func(x, _ float32) float32 { return 1 / x })
}

// Sigmoid returns 1/(1+e^-x), rounded from float64.
func Sigmoid(x *Tensor) *Tensor {
	return elementwise(x, sigmoid, func(_, y float32) float32 { return y * (1 - y) })
}

func sigmoid(x float32) float32 { return float32(1 / (1 + f32.Exp64(-float64(x)))) }

// Tanh returns the hyperbolic tangent of x, rounded from float64.
func Tanh(x *Tensor) *Tensor {
	return elementwise(x, func(x float32) float32 {
		if x < 0 {
			e := f32.Exp64(2 * float64(x))
			return float32((e - 1) / (e + 1))
		}
		e := f32.Exp64(-2 * float64(x))
		return float32((1 - e) / (1 + e))
	}, func(_, y float32) float32 { return 1 - float32(y*y) })
}

// Softplus returns log(1+e^x), rounded from float64: -log of Sigmoid(-x).
func Softplus(x *Tensor) *Tensor {
	return elementwise(x, func(x float32) float32 {
		v := float64(x)
		return float32(max(v, 0) + rng.Log(1+f32.Exp64(-max(v, -v))))
	}, func(x, _ float32) float32 { return sigmoid(x) })
}

// ScaleBy returns x times the only element of s, such as a learned temperature.
// The gradient of s is a sum over samples by the leaf tree.
func ScaleBy(x, s *Tensor) *Tensor {
	if s.Len() != 1 {
		mismatch("ScaleBy", x, s)
	}
	out := written(x.shape, pair{x, s}, func(out *Tensor, p pair) {
		x, s := p.a, p.b
		accumulate(x, out.grad, s.data[0])
		if s.needs {
			type samples struct {
				size  int
				x, dy []float32
			}
			n := x.shape[0]
			sum := f32.Scratch(1)
			f32.SumSamples(n, 1, *sum, samples{len(x.data) / n, x.data, out.grad}, func(s samples, from, to int, sum []float32) {
				sum[0] = float32(f32.Dot(s.x[from*s.size:to*s.size], s.dy[from*s.size:to*s.size]))
			})
			accumulate(s, *sum, 1)
			f32.Release(sum)
		}
	}, x, s)
	for i, v := range x.data {
		out.data[i] = v * s.data[0]
	}
	return out
}

// AddScalar returns x plus the only element of s, such as a learned bias. The
// gradient of s is a sum over samples by the leaf tree.
func AddScalar(x, s *Tensor) *Tensor {
	if s.Len() != 1 {
		mismatch("AddScalar", x, s)
	}
	out := written(x.shape, pair{x, s}, func(out *Tensor, p pair) {
		x, s := p.a, p.b
		accumulate(x, out.grad, 1)
		if s.needs {
			columnGrad(s, x.shape[0], len(x.data)/x.shape[0], out.grad)
		}
	}, x, s)
	for i, v := range x.data {
		out.data[i] = v + s.data[0]
	}
	return out
}

// Sum returns the sum of all elements, over samples by the leaf tree.
func Sum(x *Tensor) *Tensor {
	out := written([]int{1}, x, func(out, x *Tensor) {
		g := x.gradient()
		for i := range g {
			g[i] += out.grad[0]
		}
	}, x)
	f32.ColumnSums(x.shape[0], len(x.data)/x.shape[0], 1, x.data, out.data)
	return out
}

// Transpose returns x [M,N] as [N,M].
func Transpose(x *Tensor) *Tensor {
	if len(x.shape) != 2 {
		mismatch("Transpose", x)
	}
	m, n := x.shape[0], x.shape[1]
	out := written([]int{n, m}, x, func(out, x *Tensor) {
		d := f32.Scratch(len(x.data))
		f32.Transpose(*d, out.grad, x.shape[1], x.shape[0])
		receive(x, d)
	}, x)
	f32.Transpose(out.data, x.data, m, n)
	return out
}

// MSE returns the mean over all elements of (x-y)². No gradient flows into y.
func MSE(x, y *Tensor) *Tensor { return MaskedMSE(x, y, nil) }

// MaskedMSE returns the mean of (x-y)² over the rows (the last dimension) that
// mask marks, 1 for each row that counts and 0 for the others; all count if it
// is nil. Without such a row it is 0. No gradient flows into y. A row's sum runs
// in float64, in order; over samples by the leaf tree.
func MaskedMSE(x, y *Tensor, mask []float32) *Tensor {
	c := x.Dim(-1)
	rows := len(x.data) / c
	if !slices.Equal(x.shape, y.shape) || mask != nil && len(mask) != rows {
		mismatch("MaskedMSE", x, y)
	}
	type saved struct {
		x, y   *Tensor
		mask   []float32
		weight float32
	}
	type loop struct {
		c          int
		x, y, mask []float32
		into       []float32 // gradients or the rows' sums
		by         float32
	}
	weight := maskShare(mask, rows, c)
	out := written([]int{1}, saved{x, y, mask, weight}, func(out *Tensor, s saved) {
		d, c := f32.Scratch(len(s.x.data)), s.x.Dim(-1)
		l := loop{c, s.x.data, s.y.data, s.mask, *d, 2 * s.weight * out.grad[0]}
		f32.Chunks(len(*d)/c, max(1, chunk/c), l, func(l loop, from, to int) {
			for r := from; r < to; r++ {
				d := l.into[r*l.c : (r+1)*l.c]
				if !counted(l.mask, r) {
					clear(d)
					continue
				}
				for j := range d {
					i := r*l.c + j
					d[j] = (l.x[i] - l.y[i]) * l.by
				}
			}
		})
		receive(s.x, d)
	}, x)
	errs := f32.Scratch(rows)
	f32.Chunks(rows, max(1, chunk/c), loop{c: c, x: x.data, y: y.data, mask: mask, into: *errs}, func(l loop, from, to int) {
		for r := from; r < to; r++ {
			l.into[r] = 0
			if counted(l.mask, r) {
				l.into[r] = squaredDistance(l.x[r*l.c:(r+1)*l.c], l.y[r*l.c:(r+1)*l.c])
			}
		}
	})
	f32.ColumnSums(x.shape[0], rows/x.shape[0], 1, *errs, out.data)
	f32.Release(errs)
	out.data[0] *= weight
	return out
}

// counted reports whether mask marks row r.
func counted(mask []float32, r int) bool { return mask == nil || mask[r] != 0 }

// maskShare returns the share of one element in the mean.
func maskShare(mask []float32, rows, c int) float32 {
	n := 0
	for r := range rows {
		if counted(mask, r) {
			n++
		}
	}
	return 1 / float32(max(1, n*c))
}

func squaredDistance(a, b []float32) float32 {
	var sum float64
	for i, v := range a {
		d := float64(v - b[i])
		sum += float64(d * d)
	}
	return float32(sum)
}

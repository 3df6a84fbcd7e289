package tensor

import (
	"slices"

	"sslnotes/sslkit/internal/f32"
	"sslnotes/sslkit/rng"
)

// elementwise returns f of every element; slope gives the derivative from x and
// f(x).
func elementwise(x *Tensor, f func(x float32) float32, slope func(x, y float32) float32) *Tensor {
	out := result(x.shape, func(out *Tensor) {
		g := x.gradient()
		f32.Chunks(len(g), chunk, func(from, to int) {
			for i := from; i < to; i++ {
				g[i] += float32(out.grad[i] * slope(x.data[i], out.data[i]))
			}
		})
	}, x)
	f32.Chunks(len(x.data), chunk, func(from, to int) {
		for i := from; i < to; i++ {
			out.data[i] = f(x.data[i])
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
	n := x.shape[0]
	out := result(x.shape, func(out *Tensor) {
		accumulate(x, out.grad, s.data[0])
		if s.needs {
			size := len(x.data) / n
			var sum [1]float32
			f32.SumSamples(n, 1, sum[:], func(from, to int, sum []float32) {
				sum[0] = float32(f32.Dot(x.data[from*size:to*size], out.grad[from*size:to*size]))
			})
			accumulate(s, sum[:], 1)
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
	n := x.shape[0]
	out := result(x.shape, func(out *Tensor) {
		accumulate(x, out.grad, 1)
		if s.needs {
			var sum [1]float32
			f32.ColumnSums(n, len(x.data)/n, 1, out.grad, sum[:])
			accumulate(s, sum[:], 1)
		}
	}, x, s)
	for i, v := range x.data {
		out.data[i] = v + s.data[0]
	}
	return out
}

// Sum returns the sum of all elements, over samples by the leaf tree.
func Sum(x *Tensor) *Tensor {
	out := result([]int{1}, func(out *Tensor) {
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
	out := result([]int{n, m}, func(out *Tensor) {
		d := make([]float32, len(x.data))
		f32.Transpose(d, out.grad, n, m)
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
	weight, counted := maskShare(mask, rows, c)
	out := result([]int{1}, func(out *Tensor) {
		d := make([]float32, len(x.data))
		f32.Chunks(rows, max(1, chunk/c), func(from, to int) {
			for r := from; r < to; r++ {
				if !counted(r) {
					continue
				}
				by := 2 * weight * out.grad[0]
				for i := r * c; i < (r+1)*c; i++ {
					d[i] = (x.data[i] - y.data[i]) * by
				}
			}
		})
		receive(x, d)
	}, x)
	errs := make([]float32, rows)
	f32.Chunks(rows, max(1, chunk/c), func(from, to int) {
		for r := from; r < to; r++ {
			if counted(r) {
				errs[r] = squaredDistance(x.data[r*c:(r+1)*c], y.data[r*c:(r+1)*c])
			}
		}
	})
	f32.ColumnSums(x.shape[0], rows/x.shape[0], 1, errs, out.data)
	out.data[0] *= weight
	return out
}

// maskShare returns the share of one element in the mean and which rows count.
func maskShare(mask []float32, rows, c int) (weight float32, counted func(r int) bool) {
	if mask == nil {
		return 1 / float32(rows*c), func(int) bool { return true }
	}
	n := 0
	for _, m := range mask {
		if m != 0 {
			n++
		}
	}
	return 1 / float32(max(1, n*c)), func(r int) bool { return mask[r] != 0 }
}

func squaredDistance(a, b []float32) float32 {
	var sum float64
	for i, v := range a {
		d := float64(v - b[i])
		sum += float64(d * d)
	}
	return float32(sum)
}

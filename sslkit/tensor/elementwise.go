package tensor

import (
	"slices"

	"sslnotes/sslkit/internal/f32"
)

// Add returns a + b of equal shapes.
func Add(a, b *Tensor) *Tensor {
	if !slices.Equal(a.shape, b.shape) {
		mismatch("Add", a, b)
	}
	out := result(a.shape, func(out *Tensor) {
		accumulate(a, out.grad, 1)
		accumulate(b, out.grad, 1)
	}, a, b)
	f32.Chunks(len(out.data), chunk, func(from, to int) {
		x, y, z := a.data[from:to], b.data[from:to], out.data[from:to]
		for i := range z {
			z[i] = x[i] + y[i]
		}
	})
	return out
}

// Sub returns a - b of equal shapes.
func Sub(a, b *Tensor) *Tensor {
	if !slices.Equal(a.shape, b.shape) {
		mismatch("Sub", a, b)
	}
	out := result(a.shape, func(out *Tensor) {
		accumulate(a, out.grad, 1)
		accumulate(b, out.grad, -1)
	}, a, b)
	for i := range out.data {
		out.data[i] = a.data[i] - b.data[i]
	}
	return out
}

// Mul returns the elementwise product of equal shapes.
func Mul(a, b *Tensor) *Tensor {
	if !slices.Equal(a.shape, b.shape) {
		mismatch("Mul", a, b)
	}
	out := result(a.shape, func(out *Tensor) {
		for _, p := range [][2]*Tensor{{a, b}, {b, a}} {
			if !p[0].needs {
				continue
			}
			g, other := p[0].gradient(), p[1].data
			for i, d := range out.grad {
				g[i] += float32(d * other[i])
			}
		}
	}, a, b)
	for i := range out.data {
		out.data[i] = a.data[i] * b.data[i]
	}
	return out
}

// Scale returns x times a constant.
func Scale(x *Tensor, by float32) *Tensor {
	out := result(x.shape, func(out *Tensor) { accumulate(x, out.grad, by) }, x)
	for i, v := range x.data {
		out.data[i] = v * by
	}
	return out
}

// accumulate adds by·g to t's gradient if t needs one.
func accumulate(t *Tensor, g []float32, by float32) {
	if !t.needs {
		return
	}
	into := t.gradient()
	f32.Chunks(len(g), chunk, func(from, to int) {
		x, y := into[from:to], g[from:to]
		for i := range x {
			x[i] += float32(by * y[i])
		}
	})
}

// ReLU returns max(x, 0); a NaN stays.
func ReLU(x *Tensor) *Tensor {
	out := result(x.shape, func(out *Tensor) {
		g := x.gradient()
		f32.Chunks(len(g), chunk, func(from, to int) {
			g, d, y := g[from:to], out.grad[from:to], out.data[from:to]
			for i, v := range y {
				if v > 0 {
					g[i] += d[i]
				}
			}
		})
	}, x)
	f32.Chunks(len(out.data), chunk, func(from, to int) {
		y := out.data[from:to]
		for i, v := range x.data[from:to] {
			if !(v <= 0) {
				y[i] = v
			}
		}
	})
	return out
}

// Exp64 returns e^x with the same bits on every processor, which math.Exp does
// not promise: for anything that ends up in a record.
func Exp64(x float64) float64 { return f32.Exp64(x) }

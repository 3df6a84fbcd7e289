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
	out := written(a.shape, func(out *Tensor) {
		accumulate(a, out.grad, 1)
		accumulate(b, out.grad, 1)
	}, a, b)
	f32.Chunks(len(out.data), chunk, func(from, to int) {
		f32.Add(out.data[from:to], a.data[from:to], b.data[from:to], false)
	})
	return out
}

// AddReLU is ReLU of Add in one pass, with the same bits.
func AddReLU(a, b *Tensor) *Tensor {
	if !slices.Equal(a.shape, b.shape) {
		mismatch("AddReLU", a, b)
	}
	out := written(a.shape, func(out *Tensor) {
		held := f32.Scratch(len(out.data))
		d := *held
		f32.Chunks(len(d), chunk, func(from, to int) {
			f32.ReLUGrad(d[from:to], out.grad[from:to], out.data[from:to])
		})
		accumulate(a, d, 1)
		receiveHeld(b, held)
	}, a, b)
	f32.Chunks(len(out.data), chunk, func(from, to int) {
		f32.Add(out.data[from:to], a.data[from:to], b.data[from:to], true)
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
	fresh := t.grad == nil && by == 1
	var into []float32
	if fresh {
		into = t.newGradient()
	} else {
		into = t.gradient()
	}
	f32.Chunks(len(g), chunk, func(from, to int) {
		x, y := into[from:to], g[from:to]
		switch {
		case fresh:
			copy(x, y)
		case by == 1:
			f32.Add(x, x, y, false)
		default:
			for i := range x {
				x[i] += float32(by * y[i])
			}
		}
	})
}

// receive adds g to t's gradient if t needs one, and may keep g as that.
func receive(t *Tensor, g []float32) {
	if t.needs && t.grad == nil {
		t.grad = g
		return
	}
	accumulate(t, g, 1)
}

// receiveHeld is receive of a scratch buffer, which it gives back or keeps.
func receiveHeld(t *Tensor, g *[]float32) {
	if t.needs && t.grad == nil && t.backward != nil {
		t.grad, t.held = *g, g
		return
	}
	accumulate(t, *g, 1)
	f32.Release(g)
}

// ReLU returns max(x, 0); a NaN stays.
func ReLU(x *Tensor) *Tensor {
	out := written(x.shape, func(out *Tensor) {
		held := f32.Scratch(len(out.data))
		d := *held
		f32.Chunks(len(d), chunk, func(from, to int) {
			f32.ReLUGrad(d[from:to], out.grad[from:to], out.data[from:to])
		})
		receiveHeld(x, held)
	}, x)
	f32.Chunks(len(out.data), chunk, func(from, to int) { f32.ReLU(out.data[from:to], x.data[from:to]) })
	return out
}

// Exp64 returns e^x with the same bits on every processor, which math.Exp does
// not promise: for anything that ends up in a record.
func Exp64(x float64) float64 { return f32.Exp64(x) }

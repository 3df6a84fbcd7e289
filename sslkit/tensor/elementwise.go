package tensor

import (
	"slices"

	"sslnotes/sslkit/internal/f32"
)

// pair is what an operation on two tensors saves.
type pair struct{ a, b *Tensor }

// vectors are what a loop over elements runs over: z is made of x and y.
type vectors struct{ z, x, y []float32 }

// Add returns a + b of equal shapes.
func Add(a, b *Tensor) *Tensor {
	if !slices.Equal(a.shape, b.shape) {
		mismatch("Add", a, b)
	}
	out := written(a.shape, pair{a, b}, func(out *Tensor, s pair) {
		accumulate(s.a, out.grad, 1)
		accumulate(s.b, out.grad, 1)
	}, a, b)
	f32.Chunks(len(out.data), chunk, vectors{out.data, a.data, b.data}, func(v vectors, from, to int) {
		f32.Add(v.z[from:to], v.x[from:to], v.y[from:to], false)
	})
	return out
}

// AddReLU is ReLU of Add in one pass, with the same bits.
func AddReLU(a, b *Tensor) *Tensor {
	if !slices.Equal(a.shape, b.shape) {
		mismatch("AddReLU", a, b)
	}
	out := written(a.shape, pair{a, b}, func(out *Tensor, s pair) {
		d := reluGrad(out)
		accumulate(s.a, *d, 1)
		receive(s.b, d)
	}, a, b)
	f32.Chunks(len(out.data), chunk, vectors{out.data, a.data, b.data}, func(v vectors, from, to int) {
		f32.Add(v.z[from:to], v.x[from:to], v.y[from:to], true)
	})
	return out
}

// reluGrad returns out's gradient where out is positive, else 0, in a scratch
// buffer.
func reluGrad(out *Tensor) *[]float32 {
	d := f32.Scratch(len(out.data))
	f32.Chunks(len(*d), chunk, vectors{*d, out.grad, out.data}, func(v vectors, from, to int) {
		f32.ReLUGrad(v.z[from:to], v.x[from:to], v.y[from:to])
	})
	return d
}

// Sub returns a - b of equal shapes.
func Sub(a, b *Tensor) *Tensor {
	if !slices.Equal(a.shape, b.shape) {
		mismatch("Sub", a, b)
	}
	out := written(a.shape, pair{a, b}, func(out *Tensor, s pair) {
		accumulate(s.a, out.grad, 1)
		accumulate(s.b, out.grad, -1)
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
	out := written(a.shape, pair{a, b}, func(out *Tensor, s pair) {
		for _, p := range [...]pair{{s.a, s.b}, {s.b, s.a}} {
			if !p.a.needs {
				continue
			}
			g := p.a.gradient()
			for i, d := range out.grad {
				g[i] += float32(d * p.b.data[i])
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
	type saved struct {
		x  *Tensor
		by float32
	}
	out := written(x.shape, saved{x, by}, func(out *Tensor, s saved) { accumulate(s.x, out.grad, s.by) }, x)
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
	type sum struct {
		into, g []float32
		by      float32
		fresh   bool
	}
	s := sum{g: g, by: by, fresh: t.grad == nil && by == 1}
	if s.fresh {
		s.into = t.newGradient()
	} else {
		s.into = t.gradient()
	}
	f32.Chunks(len(g), chunk, s, func(s sum, from, to int) {
		x, y := s.into[from:to], s.g[from:to]
		switch {
		case s.fresh:
			copy(x, y)
		case s.by == 1:
			f32.Add(x, x, y, false)
		default:
			for i := range x {
				x[i] += float32(s.by * y[i])
			}
		}
	})
}

// receive adds g, a scratch buffer, to t's gradient if t needs one, and gives it
// back or keeps it as that.
func receive(t *Tensor, g *[]float32) {
	if t.needs && t.grad == nil && t.made != nil {
		t.grad, t.held = *g, g
		return
	}
	accumulate(t, *g, 1)
	f32.Release(g)
}

// ReLU returns max(x, 0); a NaN stays.
func ReLU(x *Tensor) *Tensor {
	out := written(x.shape, x, func(out, x *Tensor) { receive(x, reluGrad(out)) }, x)
	f32.Chunks(len(out.data), chunk, vectors{z: out.data, x: x.data}, func(v vectors, from, to int) {
		f32.ReLU(v.z[from:to], v.x[from:to])
	})
	return out
}

// Exp64 returns e^x with the same bits on every processor, which math.Exp does
// not promise: for anything that ends up in a record.
func Exp64(x float64) float64 { return f32.Exp64(x) }

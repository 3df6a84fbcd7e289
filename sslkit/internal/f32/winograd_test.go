package f32

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// Winograd's convolution is the direct one but for roundings, whatever the shape, and
// the same on all instruction sets and threads; it reads nothing beside its operands and
// writes nothing beside its results.
func TestWinogradShapes(t *testing.T) {
	PoisonReleased = true
	defer func() { PoisonReleased = false }()
	r := rand.New(rand.NewPCG(31, 32))
	draw := func(n int) []float32 { // between NaNs
		x := make([]float32, n+64)
		for i := range x {
			x[i] = float32(math.NaN())
		}
		x = x[32 : 32+n : 32+n]
		for i := range x {
			x[i] = float32(r.NormFloat64())
		}
		return x
	}
	for round := range 40 {
		c := Conv{N: r.IntN(5), H: 1 + r.IntN(11), W: 1 + r.IntN(11), In: 16 * (1 + r.IntN(3)), Out: 16 * (1 + r.IntN(3)), Kernel: 3, Stride: 1, Pad: r.IntN(3)}
		switch round % 5 {
		case 0:
			c.H, c.W = 1, 1+r.IntN(2)
		case 1:
			c.N, c.H, c.W = 33+r.IntN(3), 1+r.IntN(3), 1+r.IntN(3) // several leaves
		case 2:
			c.N, c.W = 1, 290+r.IntN(3) // a line of tiles is more than is in hand
		}
		oh, ow := c.OutSize()
		if oh < 1 || ow < 1 {
			continue
		}
		x, w, dy, dx0 := draw(c.N*c.H*c.W*c.In), draw(9*c.In*c.Out), draw(c.N*oh*ow*c.Out), draw(c.N*c.H*c.W*c.In)
		if r.IntN(2) == 0 {
			c.Norm = NormReLU{draw(c.In), draw(c.In), draw(c.In)}
		}
		add := r.IntN(2) == 0
		run := func(winograd bool) [3][]float32 {
			c.Winograd = winograd
			y, y1 := guarded(t, len(dy))
			dx, dx1 := guarded(t, len(x))
			dw, dw1 := guarded(t, len(w))
			copy(dx, dx0)
			c.Forward(x, w, y)
			c.InputGrad(dy, w, dx, add)
			c.WeightGrad(x, dy, dw)
			y1()
			dx1()
			dw1()
			return [3][]float32{y, dx, dw}
		}
		var want, first [3][]float32
		for _, isa := range slices.Backward(Available()) {
			if isa == "generic" && len(x)*c.Out > 1e5 {
				continue // it is slow
			}
			with(t, isa, 1+r.IntN(3), func() {
				got := run(true)
				if first[0] == nil {
					first, want = got, run(false)
				}
				for i, name := range []string{"Forward", "InputGrad", "WeightGrad"} {
					name = fmt.Sprintf("%s of %d×%d×%d×%d to %d, border %d, on %s", name, c.N, c.H, c.W, c.In, c.Out, c.Pad, isa)
					compare(t, name, got[i], first[i])
					var scale, worst float64
					for j, v := range want[i] {
						scale, worst = max(scale, math.Abs(float64(v))), max(worst, math.Abs(float64(v-got[i][j])))
					}
					if !(worst <= 1e-5*scale) {
						t.Errorf("%s is off by %g of %g", name, worst, scale)
					}
				}
			})
		}
	}
}

// A slice that is too short panics before anything is written beside it.
func TestWinogradShort(t *testing.T) {
	c := Conv{N: 1, H: 5, W: 4, In: 16, Out: 16, Kernel: 3, Stride: 1, Pad: 1, Winograd: true}
	const n = 5 * 4 * 16
	for name, f := range map[string]func(short []float32){
		"Forward":        func(y []float32) { c.Forward(make([]float32, n), make([]float32, 9*256), y) },
		"InputGrad":      func(dx []float32) { c.InputGrad(make([]float32, n), make([]float32, 9*256), dx, false) },
		"Forward of":     func(x []float32) { c.Forward(x, make([]float32, 9*256), make([]float32, n)) },
		"WeightGrad":     func(dy []float32) { c.WeightGrad(make([]float32, n), dy, make([]float32, 9*256)) },
		"InputGrad of":   func(dy []float32) { c.InputGrad(dy, make([]float32, 9*256), make([]float32, n), true) },
		"InputGrad with": func(w []float32) { c.InputGrad(make([]float32, n), w, make([]float32, n), true) },
	} {
		for _, isa := range Available() {
			with(t, isa, 1, func() {
				all := make([]float32, n)
				all[n-1] = guard
				defer func() {
					if recover() == nil || all[n-1] != guard {
						t.Errorf("%s on %s: no panic, or %g beside", name, isa, all[n-1])
					}
				}()
				f(all[: n-1 : n-1])
			})
		}
	}
}

package f32

import (
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
	"testing"
)

// each runs f under every instruction set of this machine but the oracle.
func each(t *testing.T, f func(t *testing.T)) {
	was := Active()
	defer Use(was)
	for _, name := range Available()[1:] {
		if err := Use(name); err != nil {
			t.Fatal(err)
		}
		t.Run(name, f)
	}
}

// with runs f under one instruction set and thread count.
func with(t *testing.T, isa string, threads int, f func()) {
	t.Helper()
	was := Active()
	if err := Use(isa); err != nil {
		t.Fatal(err)
	}
	defer Use(was)
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(threads))
	f()
}

// fill draws values of every kind a product can meet.
func fill(r *rand.Rand, x []float32, kind int) {
	for i := range x {
		switch v := float32(r.NormFloat64()); {
		case kind == 1 && i%2 == 0: // products in the denormal range
			x[i] = v * 1e-25
		case kind == 2 && r.IntN(40) == 0:
			x[i] = []float32{float32(math.Inf(1)), float32(math.Inf(-1)), float32(math.NaN()), 0, math.SmallestNonzeroFloat32}[r.IntN(5)]
		default:
			x[i] = v * float32(math.Ldexp(1, r.IntN(8)))
		}
	}
}

func same(a, b float32) bool {
	return math.Float32bits(a) == math.Float32bits(b) || a != a && b != b
}

func compare(t *testing.T, what string, got, want []float32) {
	t.Helper()
	for i := range want {
		if !same(got[i], want[i]) {
			t.Fatalf("%s: element %d of %d is %x, want %x", what, i, len(want), got[i], want[i])
		}
	}
}

const guard = 0x1.23456p+30

// guarded returns n values between guard words, and a check of the guards.
func guarded(t *testing.T, n int) ([]float32, func()) {
	x := make([]float32, n+64)
	for i := range x {
		x[i] = guard
	}
	return x[32 : 32+n : 32+n], func() {
		t.Helper()
		for i := range 32 {
			if x[i] != guard || x[n+32+i] != guard {
				t.Fatal("wrote outside the result")
			}
		}
	}
}

func TestGemmSameBits(t *testing.T) {
	each(t, func(t *testing.T) {
		isa := Active()
		r := rand.New(rand.NewPCG(1, 2))
		for round := range 60 {
			m, n, k := 1+r.IntN(70), 1+r.IntN(80), r.IntN(120)
			if round%20 == 19 { // several blocks, some of them copied, and threads
				large := [][3]int{{60, 530, 400}, {330, 200, 400}, {280, 272, 1040}}[round/20]
				m, n, k = large[0], large[1], large[2]
			}
			a, b, bias, c0 := make([]float32, m*k), make([]float32, k*n), make([]float32, n), make([]float32, m*n)
			for _, x := range [][]float32{a, b, bias, c0} {
				fill(r, x, round%3)
			}
			ars, acs := k, 1
			if round%2 == 1 && round != 59 {
				ars, acs = 1, m
			}
			start := []Start{{}, {Acc: true}, {Bias: bias}}[r.IntN(3)]
			run := func(isa string, threads int) []float32 {
				c, check := guarded(t, m*n)
				copy(c, c0)
				with(t, isa, threads, func() { Gemm(m, n, k, a, ars, acs, b, n, c, n, start) })
				check()
				return c
			}
			want := run("generic", 1)
			for _, threads := range []int{1, 2, 3, 8} {
				compare(t, "Gemm", run(isa, threads), want)
			}
		}
	})
}

func TestConvSameBits(t *testing.T) {
	each(t, func(t *testing.T) {
		isa := Active()
		for i, c := range []Conv{
			{N: 3, H: 7, W: 7, In: 5, Out: 19, Kernel: 3, Stride: 1, Pad: 1},
			{N: 2, H: 8, W: 9, In: 1, Out: 33, Kernel: 3, Stride: 2, Pad: 1},
			{N: 35, H: 4, W: 4, In: 3, Out: 4, Kernel: 1, Stride: 2, Pad: 0},
			{N: 2, H: 6, W: 7, In: 40, Out: 24, Kernel: 3, Stride: 2, Pad: 1},
			{N: 2, H: 5, W: 5, In: 130, Out: 3, Kernel: 3, Stride: 1, Pad: 1},
			{N: 2, H: 9, W: 8, In: 2, Out: 3, Kernel: 2, Stride: 3, Pad: 0},
			{N: 1, H: 7, W: 9, In: 2, Out: 5, Kernel: 5, Stride: 2, Pad: 2},
			{N: 3, H: 8, W: 6, In: 16, Out: 48, Kernel: 3, Stride: 1, Pad: 1, Winograd: true},
			{N: 35, H: 7, W: 5, In: 48, Out: 16, Kernel: 3, Stride: 1, Pad: 1, Winograd: true},
			{N: 2, H: 9, W: 31, In: 32, Out: 32, Kernel: 3, Stride: 1, Pad: 0, Winograd: true},
			{N: 2, H: 1, W: 2, In: 16, Out: 16, Kernel: 3, Stride: 1, Pad: 2, Winograd: true},
			{N: 2, H: 6, W: 6, In: 16, Out: 24, Kernel: 3, Stride: 1, Pad: 1, Winograd: true}, // not in 16s
		} {
			oh, ow := c.OutSize()
			r := rand.New(rand.NewPCG(3, uint64(i)))
			x, w := make([]float32, c.N*c.H*c.W*c.In), make([]float32, c.Kernel*c.Kernel*c.In*c.Out)
			dy := make([]float32, c.N*oh*ow*c.Out)
			for _, v := range [][]float32{x, w, dy} {
				fill(r, v, 0)
			}
			run := func(isa string, threads int) (y, dx, dw []float32) {
				y, dx, dw = make([]float32, len(dy)), make([]float32, len(x)), make([]float32, len(w))
				with(t, isa, threads, func() { c.Forward(x, w, y); c.InputGrad(dy, w, dx, false); c.WeightGrad(x, dy, dw) })
				return
			}
			y, dx, dw := run("generic", 1)
			for _, threads := range []int{1, 2, 3} {
				y2, dx2, dw2 := run(isa, threads)
				compare(t, "Forward", y2, y)
				compare(t, "InputGrad", dx2, dx)
				compare(t, "WeightGrad", dw2, dw)
				sum, added := slices.Clone(x), slices.Clone(x)
				Add(sum, sum, dx, false)
				with(t, isa, threads, func() { c.InputGrad(dy, w, added, true) })
				compare(t, "InputGrad added", added, sum)
			}
			checkConv(t, c, x, w, dy, y, dx, dw)
		}
	})
}

// checkConv holds a convolution and its gradients against a naive float64 one.
func checkConv(t *testing.T, c Conv, x, w, dy, y, dx, dw []float32) {
	t.Helper()
	oh, ow := c.OutSize()
	wy, wx, ww := make([]float64, len(y)), make([]float64, len(x)), make([]float64, len(w))
	for n := range c.N {
		for h := range oh {
			for v := range ow {
				for kh := range c.Kernel {
					for kw := range c.Kernel {
						ih, iw := h*c.Stride+kh-c.Pad, v*c.Stride+kw-c.Pad
						if ih < 0 || iw < 0 || ih >= c.H || iw >= c.W {
							continue
						}
						for i := range c.In {
							for o := range c.Out {
								px, pw, py := ((n*c.H+ih)*c.W+iw)*c.In+i, ((kh*c.Kernel+kw)*c.In+i)*c.Out+o, ((n*oh+h)*ow+v)*c.Out+o
								wy[py] += float64(x[px]) * float64(w[pw])
								wx[px] += float64(dy[py]) * float64(w[pw])
								ww[pw] += float64(dy[py]) * float64(x[px])
							}
						}
					}
				}
			}
		}
	}
	for _, p := range []struct {
		name string
		got  []float32
		want []float64
	}{{"Forward", y, wy}, {"InputGrad", dx, wx}, {"WeightGrad", dw, ww}} {
		var scale, worst float64
		for i, v := range p.want {
			scale, worst = max(scale, math.Abs(v)), max(worst, math.Abs(v-float64(p.got[i])))
		}
		if worst > 2e-6*scale {
			t.Errorf("%s of %+v is off by %g of %g", p.name, c, worst, scale)
		}
	}
}

// Every kernel, stride, frame and size up to 6 has its gradients, none reads
// outside its frame.
func TestConvShapes(t *testing.T) {
	r := rand.New(rand.NewPCG(9, 9))
	for kernel := 1; kernel <= 5; kernel++ {
		for stride := 1; stride <= 3; stride++ {
			for pad := 0; pad <= kernel/2; pad++ {
				for size := max(1, kernel-2*pad); size <= 6; size++ {
					c := Conv{N: 1, H: size, W: 1 + max(kernel-2*pad, size-1), In: 1, Out: 2, Kernel: kernel, Stride: stride, Pad: pad}
					oh, ow := c.OutSize()
					x, w, dy := make([]float32, c.H*c.W), make([]float32, kernel*kernel*2), make([]float32, oh*ow*2)
					for _, v := range [][]float32{x, w, dy} {
						fill(r, v, 0)
					}
					y, dx, dw := make([]float32, len(dy)), make([]float32, len(x)), make([]float32, len(w))
					c.Forward(x, w, y)
					c.InputGrad(dy, w, dx, false)
					c.WeightGrad(x, dy, dw)
					checkConv(t, c, x, w, dy, y, dx, dw)
				}
			}
		}
	}
}

func TestWeightGradIgnoresThreads(t *testing.T) {
	const samples, rows, k, n = 7*Leaf + 5, 3, 10, 21
	r := rand.New(rand.NewPCG(5, 6))
	x, dy := make([]float32, samples*rows*k), make([]float32, samples*rows*n)
	fill(r, x, 0)
	fill(r, dy, 0)
	run := func(isa string, threads int) []float32 {
		out := make([]float32, k*n+n)
		with(t, isa, threads, func() {
			WeightGrad(samples, rows, k, n, x, dy, out[:k*n])
			ColumnSums(samples, rows, n, dy, out[k*n:])
		})
		return out
	}
	want := run("generic", 1)
	for _, isa := range Available() {
		for _, threads := range []int{1, 2, 3, 8} {
			compare(t, "WeightGrad", run(isa, threads), want)
		}
	}
}

func TestPanicSurfaces(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(3))
	defer func() {
		if p, ok := recover().(error); !ok || p.Error() != "task 5" {
			t.Errorf("recovered %v, want the task's panic", p)
		}
	}()
	Parallel(100, 5, func(bad, i int) {
		if i == bad {
			panic("task 5")
		}
	})
}

func TestUseRefuses(t *testing.T) {
	if err := Use("sse"); err == nil {
		t.Error("an unknown instruction set was accepted")
	}
}

// TestFastestIsChosen proves which path runs when nobody chooses.
func TestFastestIsChosen(t *testing.T) {
	all := Available()
	if got := choose("").name; got != all[len(all)-1] {
		t.Errorf("chose %s of %v", got, all)
	}
}

// A tap outside the image takes no part: of a kernel that is NaN around its
// middle, an image of one pixel meets the middle alone.
func TestPaddingTakesNoPart(t *testing.T) {
	nan := float32(math.NaN())
	c := Conv{N: 40, H: 1, W: 1, In: 1, Out: 1, Kernel: 3, Stride: 1, Pad: 1}
	w := []float32{nan, nan, nan, nan, 2, nan, nan, nan, nan}
	for _, isa := range Available() {
		with(t, isa, 2, func() {
			x, y, dx, dw := make([]float32, c.N), make([]float32, c.N), make([]float32, c.N), make([]float32, 9)
			for i := range x {
				x[i] = float32(i - 3)
			}
			c.Forward(x, w, y)
			c.InputGrad(x, w, dx, false)
			c.WeightGrad(x, x, dw)
			var squares float32
			for i, v := range x {
				squares += v * v
				if y[i] != 2*v || dx[i] != 2*v {
					t.Fatalf("%s: output %g and input gradient %g of %g", isa, y[i], dx[i], v)
				}
			}
			for i, v := range dw {
				if want := []float32{4: squares, 8: 0}[i]; v != want {
					t.Errorf("%s: gradient %g of tap %d, want %g", isa, v, i, want)
				}
			}
		})
	}
}

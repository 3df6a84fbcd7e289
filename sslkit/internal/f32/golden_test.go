package f32

import (
	"hash/fnv"
	"math"
	"math/rand/v2"
	"testing"
)

// What the arithmetic gives, whatever the processor: change it only with the
// numerics version.
const goldenBits = 0xb661fbabf685bbed

// TestGoldenBits holds every instruction set of every processor to one set of
// bits.
func TestGoldenBits(t *testing.T) {
	for _, isa := range Available() {
		with(t, isa, 2, func() {
			if got := bitsOfEverything(t); got != goldenBits {
				t.Errorf("%s gives %#x, want %#x", isa, got, uint64(goldenBits))
			}
		})
	}
}

// bitsOfEverything hashes what the kernels make of one set of inputs.
func bitsOfEverything(t *testing.T) uint64 {
	r, sum := rand.New(rand.NewPCG(21, 22)), fnv.New64a()
	draw := func(n int) []float32 {
		x := make([]float32, n)
		for i := range x {
			x[i] = float32(int32(r.Uint32())) / (1 << 29)
		}
		return x
	}
	add := func(xs ...[]float32) {
		for _, x := range xs {
			for _, v := range x {
				b := math.Float32bits(v)
				if v != v {
					b = 0x7fc00000 // any NaN equals any other
				}
				sum.Write([]byte{byte(b), byte(b >> 8), byte(b >> 16), byte(b >> 24)})
			}
		}
	}
	const rows, c = 37, 32
	var in [][]float32
	for range 7 {
		in = append(in, draw(rows*c))
	}
	for _, v := range vectorCases {
		add(v.run(t, rows*c, c, in)...)
	}
	add(rowKernels(t, rows, c, in)...)
	const m, n, k = 13, 39, 50
	a, b, out := draw(m*k), draw(k*n), make([]float32, m*n)
	Gemm(m, n, k, a, k, 1, b, n, out, n, Start{})
	add(out)
	g := Conv{N: 35, H: 6, W: 7, In: 3, Out: 18, Kernel: 3, Stride: 2, Pad: 1}
	h, w := g.OutSize()
	x, kernel, dy := draw(g.N*g.H*g.W*g.In), draw(9*g.In*g.Out), draw(g.N*h*w*g.Out)
	y, dx, dw := make([]float32, len(dy)), make([]float32, len(x)), make([]float32, len(kernel))
	g.Forward(x, kernel, y)
	g.InputGrad(dy, kernel, dx, false)
	g.WeightGrad(x, dy, dw)
	add(y, dx, dw)
	return sum.Sum64()
}

// What Winograd's convolution gives, whatever the processor.
const goldenWinograd = 0x0ee35048bd595fdc

// TestGoldenWinograd holds every instruction set of every processor to one set of bits.
func TestGoldenWinograd(t *testing.T) {
	c := Conv{N: 35, H: 7, W: 10, In: 32, Out: 48, Kernel: 3, Stride: 1, Pad: 1, Winograd: true}
	r := rand.New(rand.NewPCG(27, 28))
	draw := func(n int) []float32 {
		x := make([]float32, n)
		for i := range x {
			x[i] = float32(int32(r.Uint32())) / (1 << 29)
		}
		return x
	}
	x, w, dy := draw(c.N*c.H*c.W*c.In), draw(9*c.In*c.Out), draw(c.N*c.H*c.W*c.Out)
	for _, isa := range Available() {
		with(t, isa, 2, func() {
			y, dx, dw, sum := make([]float32, len(dy)), make([]float32, len(x)), make([]float32, len(w)), fnv.New64a()
			c.Forward(x, w, y)
			c.InputGrad(dy, w, dx, false)
			c.WeightGrad(x, dy, dw)
			for _, out := range [][]float32{y, dx, dw} {
				for _, v := range out {
					b := math.Float32bits(v)
					sum.Write([]byte{byte(b), byte(b >> 8), byte(b >> 16), byte(b >> 24)})
				}
			}
			if got := sum.Sum64(); got != goldenWinograd {
				t.Errorf("%s gives %#x, want %#x", isa, got, uint64(goldenWinograd))
			}
		})
	}
}

package f32

import (
	"fmt"
	"testing"
	"time"
	"unsafe"
)

// best reports the rate of f's fastest call: other programs share the machine.
func best(b *testing.B, flops int, f func()) {
	fastest := time.Hour
	for b.Loop() {
		start := time.Now()
		f()
		fastest = min(fastest, time.Since(start))
	}
	b.ReportMetric(float64(flops)/float64(fastest.Nanoseconds()), "GFLOPS")
}

// BenchmarkTile times the largest micro-kernel on operands in the first cache.
func BenchmarkTile(b *testing.B) {
	e := active
	for _, rows := range []int{e.rows, e.rows - 1, e.rows - 2} {
		b.Run(fmt.Sprintf("%dx%d", rows, e.cols), func(b *testing.B) {
			const k = 256
			x, y, z := make([]float32, rows*k), make([]float32, k*e.cols), make([]float32, rows*e.cols)
			t := tile{a: unsafe.Pointer(&x[0]), b: unsafe.Pointer(&y[0]), c: unsafe.Pointer(&z[0]), ars: 4 * k, acs: 4, ldb: uintptr(4 * e.cols), ldc: uintptr(4 * e.cols), k: k}
			best(b, 100*2*rows*e.cols*k, func() {
				for range 100 {
					e.tiles(&t, rows, e.cols, 1)
				}
			})
		})
	}
}

func BenchmarkGemm(b *testing.B) {
	for _, s := range [][3]int{{256, 256, 256}, {1024, 1024, 1024}, {2048, 2048, 2048}, {6272, 64, 192}, {12544, 128, 576}, {256, 512, 512}} {
		m, n, k := s[0], s[1], s[2]
		b.Run(fmt.Sprintf("%dx%dx%d", m, n, k), func(b *testing.B) {
			x, y, z := Make(m*k), Make(k*n), Make(m*n)
			best(b, 2*m*n*k, func() { Gemm(m, n, k, x, k, 1, y, n, z, n, Start{}) })
		})
	}
}

// The convolutions of a ResNet on 28×28 images; those of stride 1 of so many images
// that they are not in the second cache.
func BenchmarkConv(b *testing.B) {
	for _, c := range []Conv{
		{N: 32, H: 28, W: 28, In: 1, Out: 32, Kernel: 3, Stride: 1, Pad: 1},
		{N: 64, H: 28, W: 28, In: 32, Out: 32, Kernel: 3, Stride: 1, Pad: 1},
		{N: 32, H: 28, W: 28, In: 32, Out: 64, Kernel: 3, Stride: 2, Pad: 1},
		{N: 32, H: 28, W: 28, In: 32, Out: 64, Kernel: 1, Stride: 2},
		{N: 128, H: 14, W: 14, In: 64, Out: 64, Kernel: 3, Stride: 1, Pad: 1},
		{N: 256, H: 7, W: 7, In: 128, Out: 128, Kernel: 3, Stride: 1, Pad: 1},
	} {
		oh, ow := c.OutSize()
		x, w, y := make([]float32, c.N*c.H*c.W*c.In), make([]float32, c.Kernel*c.Kernel*c.In*c.Out), make([]float32, c.N*oh*ow*c.Out)
		flops := 2 * len(y) * c.Kernel * c.Kernel * c.In
		name := fmt.Sprintf("%dx%dx%d-%d-k%d-s%d", c.H, c.W, c.In, c.Out, c.Kernel, c.Stride)
		for _, c.Winograd = range []bool{false, true} {
			if c.Winograd && !c.winograds() {
				break
			}
			b.Run(name+"/forward", func(b *testing.B) { best(b, flops, func() { c.Forward(x, w, y) }) })
			b.Run(name+"/input", func(b *testing.B) { best(b, flops, func() { c.InputGrad(y, w, x, false) }) })
			b.Run(name+"/weight", func(b *testing.B) { best(b, flops, func() { c.WeightGrad(x, y, w) }) })
			name += "-winograd"
		}
	}
}

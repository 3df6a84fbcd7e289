package f32

import (
	"runtime"
	"testing"

	"sslnotes/sslkit/internal/allocs"
)

// What runs in every step allocates nothing the second time, on one thread and
// on several.
func TestNothingIsAllocated(t *testing.T) {
	x, y, w := make([]float32, 40*6*6*8), make([]float32, 40*6*6*8), make([]float32, 3*3*8*8)
	mean, variance := make([]float32, 8), make([]float32, 8)
	c := Conv{N: 40, H: 6, W: 6, In: 8, Out: 8, Kernel: 3, Stride: 1, Pad: 1}
	strided := Conv{N: 40, H: 6, W: 6, In: 8, Out: 8, Kernel: 3, Stride: 2, Pad: 1, Norm: NormReLU{mean, variance, mean}}
	wide := Conv{N: 20, H: 3, W: 3, In: 16, Out: 16, Kernel: 3, Stride: 1, Pad: 1, Winograd: true}
	taps := make([]float32, 9*16*16)
	b := &Block{Attention: Attention{Tokens: 6, Heads: 2, Dim: 8, Scale: 1}, Samples: 40, Width: 16, Hidden: 32}
	var weights, grads Weights
	for i, size := range b.Sizes() {
		*weights.all()[i], *grads.all()[i] = make([]float32, size), make([]float32, size)
	}
	saved, _ := takeSaved(b, b.Samples)
	g := make([]float32, 256*256)
	for name, f := range map[string]func(){
		"Parallel":    func() { Parallel(40, x, func(x []float32, i int) { x[i] = 1 }) },
		"Chunks":      func() { Chunks(len(x), 64, x, func(x []float32, from, to int) { clear(x[from:to]) }) },
		"ColumnSums":  func() { ColumnSums(40, 36, 8, x, mean) },
		"WeightGrad":  func() { WeightGrad(40, 36, 8, 8, x, y, w) },
		"Moments":     func() { Moments(40, 36, 8, x, mean, variance) },
		"Gemm":        func() { Gemm(256, 256, 256, g, 256, 1, g, 256, product256, 256, Start{}) },
		"Conv":        func() { c.Forward(x, w, y); c.InputGrad(y, w, x, false); c.WeightGrad(x, y, w) },
		"Winograd":    func() { wide.Forward(x, taps, y); wide.InputGrad(y, taps, x, true); wide.WeightGrad(x, y, taps) },
		"strided":     func() { strided.Forward(x, w, y); strided.InputGrad(y, w, x, true); strided.WeightGrad(x, y, w) },
		"block":       func() { b.Forward(x, y, &weights, nil) },
		"block again": func() { b.Forward(x, y, &weights, &saved); b.Backward(x, y, x, &weights, &grads, &saved) },
		"SGD":         func() { SGD{Momentum: 0.9, Decay: 1}.Apply(x, y, y); SGD{Momentum: 0.9}.Apply(x, y, y) },
		"AdamW":       func() { AdamW{}.Apply(x, y, y, y) },
	} {
		for _, place := range onThreads(1, 1, f) {
			t.Errorf("%s allocates on one thread: %s", name, place)
		}
		for _, place := range onThreads(3, 20, f) {
			t.Errorf("%s allocates on three threads: %s", name, place)
		}
	}
}

var product256 = make([]float32, 256*256)

// onThreads returns what f allocates on so many threads, once it has run twice: Go's
// map of the spares, if it holds eight types, grows when one is written again.
func onThreads(threads, runs int, f func()) []string {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(threads))
	f()
	f()
	return allocs.UntilNone(runs, f)
}

package f32

import (
	"math"
	"unsafe"
)

type geluTask struct {
	table, y, x, d unsafe.Pointer
	bytes          uintptr
}

// GELU computes y = x·Φ(x), Φ being the normal distribution function (Hendrycks
// and Gimpel 2016), each within 7 ulp where it is normal. Φ(-|x|) is
// e^(-x²/2) times a polynomial in 1/(1+0.27|x|); x² is taken in two parts, so
// that the error does not grow with it. Every operation is rounded by itself.
func GELU(y, x []float32) {
	n := len(y) / 16 * 16
	_ = x[:len(y)]
	t := geluTask{table: unsafe.Pointer(functionTable), y: pointer(y), x: pointer(x), bytes: uintptr(n) * 4}
	switch {
	case n == 0:
	case active.assembly():
		rowGELU(&t)
	default:
		n = 0
	}
	for i := n; i < len(y); i++ {
		cdf, _ := normal(x[i])
		y[i] = x[i] * cdf
	}
}

// GELUGrad computes y = GELU(x) again and d = d·GELU'(x).
func GELUGrad(y, d, x []float32) {
	n := len(y) / 16 * 16
	_, _ = x[:len(y)], d[:len(y)]
	t := geluTask{table: unsafe.Pointer(functionTable), y: pointer(y), x: pointer(x), d: pointer(d), bytes: uintptr(n) * 4}
	switch {
	case n == 0:
	case active.assembly():
		rowGELUGrad(&t)
	default:
		n = 0
	}
	for i := n; i < len(y); i++ {
		cdf, e := normal(x[i])
		d[i] *= float32(x[i]*float32(e*density)) + cdf
		y[i] = x[i] * cdf
	}
}

// normal returns Φ(x) and e^(-x²/2).
func normal(x float32) (cdf, e float32) {
	high := math.Float32frombits(math.Float32bits(x) & 0xfffff000)
	e = expFast(float32(float32(high*high)*-0.5), float32(float32(float32(x-high)*float32(x+high))*-0.5))
	ax := math.Float32frombits(math.Float32bits(x) & 0x7fffffff)
	t := 1 / (float32(ax*slope) + 1)
	p := float32(tailSeries[0] * t)
	for _, c := range tailSeries[1:] {
		p = float32((p + c) * t)
	}
	p = float32(p * e)
	if x < 0 {
		return p, e
	}
	return 1 - p, e
}

package f32

import (
	"math"
	"unsafe"
)

// The constants of the vector functions, in the order in which the generator
// names them. In the table each stands 16 times, for a vector to load.
const (
	log2e   = 1.44269504
	magic   = 12582912 // 1.5·2²³: what it is added to is rounded to an integer
	ln2High = 0.693359375
	ln2Low  = -2.12194440e-4
	lowest  = -87 // e^x of less is 0
	slope   = 0.27
	density = 0.3989422804 // 1/√(2π)
)

// expSeries are the coefficients of r², r³, … in e^r, |r| ≤ ½ ln 2, the highest
// first (Cephes, expf).
var expSeries = [...]float32{1.9875691500e-4, 1.3981999507e-3, 8.3334519073e-3, 4.1665795894e-2, 1.6666665459e-1, 5.0000001201e-1}

// tailSeries are the coefficients of t⁸ … t⁰ in e^(x²/2)·Φ(-x)/t for
// t = 1/(1+slope·x), interpolated at the Chebyshev nodes of 0 ≤ x ≤ 13.3: within
// 2.8e-8 relative.
var tailSeries = [...]float32{0.028935147002593177, -0.1263972206558955, 0.16967931758522467, -0.06917150623102394, 0.1078501622742793, 0.07202098354850416, 0.10182118856271175, 0.10754118838748765, 0.10772074997175315}

// negativeInfinity is the score of a key that is not seen.
var negativeInfinity = float32(math.Inf(-1))

var functionTable = fillTable()

func fillTable() *[27 * 16]float32 {
	values := []float32{log2e, magic, ln2High, ln2Low}
	values = append(values, expSeries[:]...)
	values = append(values, 1, lowest, math.Float32frombits(0x7fffffff), math.Float32frombits(0xfffff000), -0.5, slope)
	values = append(values, tailSeries[:]...)
	values = append(values, 0, density)
	var table [27 * 16]float32
	for i, v := range values {
		for j := range 16 {
			table[16*i+j] = v
		}
	}
	return &table
}

func pointer(x []float32) unsafe.Pointer { return unsafe.Pointer(unsafe.SliceData(x)) }

// expFast returns e^(a+b) for a ≤ 0 and |b| small beside it, every operation
// rounded by itself. It is 0 if a is below -87. On the integers of a table the
// error stays below 2 ulp.
func expFast(a, b float32) float32 {
	if a < lowest {
		return 0
	}
	t := float32(a*log2e) + magic
	n := t - magic
	r := float32(float32(a-float32(n*ln2High))-float32(n*ln2Low)) + b
	p := float32(expSeries[0] * r)
	for _, c := range expSeries[1:5] {
		p = float32((p + c) * r)
	}
	p = float32(float32(p+expSeries[5]) * float32(r*r))
	p = float32(p+r) + 1
	return float32(p * math.Float32frombits(math.Float32bits(t)<<23+0x3f800000))
}

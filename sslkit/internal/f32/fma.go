package f32

import "math"

// FMA returns a*b + c rounded once to float32, as the processor's fused
// multiply-add does: the product is exact in float64, and where rounding the
// sum to float64 first could change the float32, it is rounded to odd.
func FMA(a, b, c float32) float32 {
	p := float64(a) * float64(b)
	s := p + float64(c)
	u := math.Float64bits(s)
	// Rounding twice differs only on the midpoint of two float32 values, or
	// where the float32 is denormal and has fewer bits.
	if u&0x1fffffff != 0x10000000 && u>>52&0x7ff > 1023-126 {
		return float32(s)
	}
	return fmaOdd(p, float64(c), s)
}

// fmaOdd rounds p+c, whose nearest float64 is s, to odd and then to float32
// (Boldo and Melquiond 2008).
func fmaOdd(p, c, s float64) float32 {
	u := math.Float64bits(s)
	if u>>52&0x7ff == 0x7ff {
		return float32(s)
	}
	t := float64(s - p)
	lost := float64(float64(p-float64(s-t)) + float64(c-t)) // exact, by Knuth's TwoSum
	if lost != 0 && u&1 == 0 {
		if lost > 0 == (s > 0) {
			u++
		} else {
			u--
		}
	}
	return float32(math.Float64frombits(u))
}

package f32

import "math"

// Exp64 returns e^x within 2 ulp, with the same bits on every processor:
// e^x = 2^n·e^r with |r| ≤ ½ ln 2, and e^r by its Taylor series to r¹³.
func Exp64(x float64) float64 {
	switch {
	case x != x || x > 709.7:
		return x + math.Inf(1) // +Inf, or NaN for NaN
	case x < -708:
		return 0
	}
	const log2e = 1.44269504088896338700e+00
	const hi, lo = 6.93147180369123816490e-01, 1.90821492927058770002e-10 // ln 2 in two parts
	n := math.Floor(float64(x*log2e) + 0.5)
	r := float64(x-float64(n*hi)) - float64(n*lo)
	p := 1.0 / 6227020800
	p = float64(p*r) + 1.0/479001600
	p = float64(p*r) + 1.0/39916800
	p = float64(p*r) + 1.0/3628800
	p = float64(p*r) + 1.0/362880
	p = float64(p*r) + 1.0/40320
	p = float64(p*r) + 1.0/5040
	p = float64(p*r) + 1.0/720
	p = float64(p*r) + 1.0/120
	p = float64(p*r) + 1.0/24
	p = float64(p*r) + 1.0/6
	p = float64(p*r) + 0.5
	p = float64(p*r) + 1
	p = float64(p*r) + 1
	if n > 1023 { // 2^n alone is too large
		return 2 * p * math.Float64frombits(2046<<52)
	}
	return p * math.Float64frombits(uint64(int(n)+1023)<<52)
}

// Exp returns e^x rounded from Exp64: within 0.5000001 ulp where the result is
// normal.
func Exp(x float32) float32 { return float32(Exp64(float64(x))) }

// Dot returns the sum of a[i]·b[i] in float64, in order.
func Dot(a, b []float32) float64 {
	var sum float64
	for i, v := range a {
		sum += float64(float64(v) * float64(b[i]))
	}
	return sum
}

package clip

import (
	"math"

	"sslnotes/sslkit/tensor"
)

// unit returns x over its length, or zeros.
func unit(x []float32) []float64 {
	var square float64
	for _, v := range x {
		square += float64(float64(v) * float64(v))
	}
	length := max(math.Sqrt(square), 1e-12)
	u := make([]float64, len(x))
	for i, v := range x {
		u[i] = float64(v) / length
	}
	return u
}

func dot(a, b []float64) (sum float64) {
	for i, v := range a {
		sum += float64(v * b[i])
	}
	return sum
}

// softmax of scale times x.
func softmax(x []float64, scale float64) []float64 {
	top := math.Inf(-1)
	for _, v := range x {
		top = max(top, float64(v*scale))
	}
	p, sum := make([]float64, len(x)), 0.0
	for i, v := range x {
		p[i] = tensor.Exp64(float64(v*scale) - top)
		sum += p[i]
	}
	for i := range p {
		p[i] /= sum
	}
	return p
}

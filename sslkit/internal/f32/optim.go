package f32

import "math"

// AdamW holds the constants of a step of AdamW. Every operation is rounded by
// itself.
type AdamW struct {
	Beta1, Beta2 float32
	Scale        float32 // 1/√(1-Beta2ᵗ)
	Eps          float32
	Step         float32 // rate/(1-Beta1ᵗ)
	Keep         float32 // 1 - rate·decay
}

// Apply updates the weights w and their moments m and v by the gradients g:
//
//	m = m·Beta1 + g·(1-Beta1)
//	v = v·Beta2 + g²·(1-Beta2)
//	w = w·Keep - Step·m/(√v·Scale + Eps)
func (a AdamW) Apply(w, g, m, v []float32) {
	left1, left2 := 1-a.Beta1, 1-a.Beta2
	n := whole(len(w), g, m, v)
	if n > 0 {
		k := eightfold(a.Beta1, left1, a.Beta2, left2, a.Scale, a.Eps, a.Step, a.Keep)
		adamWLoop(&w[0], &g[0], &m[0], &v[0], &k[0], uintptr(n/8), 8)
	}
	for j := n; j < len(w); j++ {
		d := g[j]
		m[j] = float32(m[j]*a.Beta1) + float32(d*left1)
		v[j] = float32(v[j]*a.Beta2) + float32(float32(d*d)*left2)
		root := float32(math.Sqrt(float64(v[j])))
		w[j] = float32(w[j]*a.Keep) - float32(a.Step*m[j])/(float32(root*a.Scale)+a.Eps)
	}
}

// SGD holds the constants of a step of gradient descent with momentum.
type SGD struct{ Momentum, Rate, Decay float32 }

// Apply updates the weights w and their velocity v by the gradients g:
//
//	v = v·Momentum + (g + w·Decay)
//	w = w - Rate·v
//
// With Decay 0 its term is left out.
func (s SGD) Apply(w, g, v []float32) {
	n := whole(len(w), g, v)
	if n > 0 {
		k := eightfold(s.Momentum, s.Rate, s.Decay) // calls by name leave it on the stack
		if s.Decay != 0 {
			sgdDecayLoop(&w[0], &g[0], &v[0], &k[0], uintptr(n/8), 8)
		} else {
			sgdLoop(&w[0], &g[0], &v[0], &k[0], uintptr(n/8), 8)
		}
	}
	for j := n; j < len(w); j++ {
		d := g[j]
		if s.Decay != 0 {
			d += float32(w[j] * s.Decay)
		}
		v[j] = float32(v[j]*s.Momentum) + d
		w[j] -= float32(s.Rate * v[j])
	}
}

// eightfold repeats each value for a vector to load.
func eightfold(values ...float32) (k [64]float32) {
	for i, v := range values {
		for j := range 8 {
			k[8*i+j] = v
		}
	}
	return k
}

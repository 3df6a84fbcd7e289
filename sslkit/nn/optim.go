package nn

import (
	"math"

	"sslnotes/sslkit/internal/f32"
)

// AdamW is Adam with decoupled weight decay (Loshchilov and Hutter 2019).
type AdamW struct {
	Beta1       float32 // If 0, 0.9.
	Beta2       float32 // If 0, 0.999.
	Eps         float32 // If 0, 1e-8.
	WeightDecay float32 // on parameters that decay. If 0, none.

	params []*Param
	m, v   [][]float32
	c1, c2 float64 // Beta1 and Beta2 to the number of steps
}

// Begin resolves defaults and starts on the given parameters with no memory.
func (o *AdamW) Begin(params []*Param) {
	o.Beta1, o.Beta2, o.Eps = orDefault(o.Beta1, 0.9), orDefault(o.Beta2, 0.999), orDefault(o.Eps, 1e-8)
	o.params, o.m, o.v = params, zerosLike(params), zerosLike(params)
	o.c1, o.c2 = 1, 1
}

func orDefault(v, d float32) float32 {
	if v == 0 {
		return d
	}
	return v
}

func zerosLike(params []*Param) [][]float32 {
	z := make([][]float32, len(params))
	for i, p := range params {
		z[i] = make([]float32, p.Value.Len())
	}
	return z
}

// Step changes the parameters by their gradients at the given rate. It panics
// if a parameter has none: a loss that forgot a layer must not go unseen.
func (o *AdamW) Step(rate float32) {
	o.c1, o.c2 = o.c1*float64(o.Beta1), o.c2*float64(o.Beta2)
	step := rate / float32(1-o.c1)
	scale := 1 / float32(math.Sqrt(1-o.c2))
	f32.Parallel(len(o.params), func(i int) {
		p := o.params[i]
		g := p.Value.Grad()
		if g == nil {
			panic("nn: parameter " + p.Name + " has no gradient")
		}
		keep := float32(1)
		if p.Decay {
			keep = 1 - float32(rate*o.WeightDecay)
		}
		m, v, w := o.m[i], o.v[i], p.Value.Data()
		for j, d := range g {
			m[j] = float32(m[j]*o.Beta1) + float32(d*(1-o.Beta1))
			v[j] = float32(v[j]*o.Beta2) + float32(float32(d*d)*(1-o.Beta2))
			root := float32(math.Sqrt(float64(v[j])))
			w[j] = float32(w[j]*keep) - float32(step*m[j])/(float32(root*scale)+o.Eps)
		}
	})
}

// SGD is gradient descent with momentum; weight decay is added to the gradient.
type SGD struct {
	Momentum    float32 // If 0, 0.9; negative: none.
	WeightDecay float32 // on parameters that decay. If 0, none.

	params []*Param
	v      [][]float32
}

// Begin resolves defaults and starts on the given parameters with no memory.
func (o *SGD) Begin(params []*Param) {
	o.Momentum = max(0, orDefault(o.Momentum, 0.9))
	o.params, o.v = params, zerosLike(params)
}

// Step changes the parameters by their gradients at the given rate.
func (o *SGD) Step(rate float32) {
	for i, p := range o.params {
		g := p.Value.Grad()
		if g == nil {
			panic("nn: parameter " + p.Name + " has no gradient")
		}
		v, w := o.v[i], p.Value.Data()
		for j, d := range g {
			if p.Decay {
				d += float32(w[j] * o.WeightDecay)
			}
			v[j] = float32(v[j]*o.Momentum) + d
			w[j] -= float32(rate * v[j])
		}
	}
}

// WarmupCosine returns the learning rate of step t of total: linear from
// peak/warmup to peak over warmup steps, then half a cosine down to floor
// (Loshchilov and Hutter 2017).
func WarmupCosine(t, total, warmup int, peak, floor float32) float32 {
	if t < warmup {
		return peak * float32(t+1) / float32(warmup)
	}
	phase := float64(t-warmup) / float64(max(1, total-warmup))
	return floor + float32((peak-floor)*float32((1+cosPi(min(1, phase)))/2))
}

// cosPi returns cos(πx) for 0 ≤ x ≤ 1 by its Taylor series about ½, with the
// same bits on every processor.
func cosPi(x float64) float64 {
	y := (0.5 - x) * math.Pi // cos(πx) = sin(y), |y| ≤ π/2
	z := float64(y * y)
	p := 1.0
	for k := 23.0; k > 1; k -= 2 {
		p = 1 - float64(float64(z*p)/float64(k*(k-1)))
	}
	return y * p
}

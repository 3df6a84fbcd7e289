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
	o.c1, o.c2 = float64(o.c1*float64(o.Beta1)), float64(o.c2*float64(o.Beta2))
	step := rate / float32(1-o.c1)
	scale := 1 / float32(math.Sqrt(1-o.c2))
	adam := f32.AdamW{Beta1: o.Beta1, Beta2: o.Beta2, Scale: scale, Eps: o.Eps, Step: step, Keep: 1}
	decaying := adam
	decaying.Keep = 1 - float32(rate*o.WeightDecay)
	forEachPiece(o.params, func(i, from, to int) {
		p, a := o.params[i], adam
		if p.Decay {
			a = decaying
		}
		a.Apply(p.Value.Data()[from:to], p.Value.Grad()[from:to], o.m[i][from:to], o.v[i][from:to])
	})
}

// forEachPiece runs f over all elements of all parameters in pieces of one
// size, so that threads share the work evenly. It panics if a parameter has no
// gradient.
func forEachPiece(params []*Param, f func(i, from, to int)) {
	const size = 1 << 14
	pieces := 0
	for _, p := range params {
		if p.Value.Grad() == nil {
			panic("nn: parameter " + p.Name + " has no gradient")
		}
		pieces += (p.Value.Len() + size - 1) / size
	}
	type piece struct{ i, from, to int }
	list := make([]piece, 0, pieces)
	for i, p := range params {
		for from := 0; from < p.Value.Len(); from += size {
			list = append(list, piece{i, from, min(p.Value.Len(), from+size)})
		}
	}
	f32.Parallel(len(list), func(k int) { f(list[k].i, list[k].from, list[k].to) })
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
	forEachPiece(o.params, func(i, from, to int) {
		p, s := o.params[i], f32.SGD{Momentum: o.Momentum, Rate: rate}
		if p.Decay {
			s.Decay = o.WeightDecay
		}
		s.Apply(p.Value.Data()[from:to], p.Value.Grad()[from:to], o.v[i][from:to])
	})
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
	return float64(y * p)
}

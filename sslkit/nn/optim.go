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
	pieces []piece
	m, v   [][]float32
	c1, c2 float64 // Beta1 and Beta2 to the number of steps
}

// Begin resolves defaults and starts on the given parameters with no memory.
func (o *AdamW) Begin(params []*Param) {
	o.Beta1, o.Beta2, o.Eps = orDefault(o.Beta1, 0.9), orDefault(o.Beta2, 0.999), orDefault(o.Eps, 1e-8)
	o.params, o.pieces, o.m, o.v = params, pieces(params), zerosLike(params), zerosLike(params)
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
	by := rate / float32(1-o.c1)
	scale := 1 / float32(math.Sqrt(1-o.c2))
	type step struct {
		*AdamW
		plain, decaying f32.AdamW
	}
	s := step{AdamW: o, plain: f32.AdamW{Beta1: o.Beta1, Beta2: o.Beta2, Scale: scale, Eps: o.Eps, Step: by, Keep: 1}}
	s.decaying = s.plain
	s.decaying.Keep = 1 - float32(rate*o.WeightDecay)
	checkGradients(o.params)
	f32.Parallel(len(o.pieces), s, func(s step, k int) {
		at := s.pieces[k]
		p, a := s.params[at.param], s.plain
		if p.Decay {
			a = s.decaying
		}
		a.Apply(at.of(p.Value.Data()), at.of(p.Value.Grad()), at.of(s.m[at.param]), at.of(s.v[at.param]))
	})
}

// A piece is some elements of a parameter.
type piece struct{ param, from, to int }

func (p piece) of(x []float32) []float32 { return x[p.from:p.to] }

// pieces cuts all parameters into pieces of one size, so that threads share the
// work evenly.
func pieces(params []*Param) (list []piece) {
	const size = 1 << 14
	for i, p := range params {
		for from := 0; from < p.Value.Len(); from += size {
			list = append(list, piece{i, from, min(p.Value.Len(), from+size)})
		}
	}
	return list
}

// checkGradients panics if a parameter has no gradient.
func checkGradients(params []*Param) {
	for _, p := range params {
		if p.Value.Grad() == nil {
			panic("nn: parameter " + p.Name + " has no gradient")
		}
	}
}

// SGD is gradient descent with momentum; weight decay is added to the gradient.
type SGD struct {
	Momentum    float32 // If 0, 0.9; negative: none.
	WeightDecay float32 // on parameters that decay. If 0, none.

	params []*Param
	pieces []piece
	v      [][]float32
}

// Begin resolves defaults and starts on the given parameters with no memory.
func (o *SGD) Begin(params []*Param) {
	o.Momentum = max(0, orDefault(o.Momentum, 0.9))
	o.params, o.pieces, o.v = params, pieces(params), zerosLike(params)
}

// Step changes the parameters by their gradients at the given rate.
func (o *SGD) Step(rate float32) {
	type step struct {
		*SGD
		rate float32
	}
	checkGradients(o.params)
	f32.Parallel(len(o.pieces), step{o, rate}, func(s step, k int) {
		at := s.pieces[k]
		p, a := s.params[at.param], f32.SGD{Momentum: s.Momentum, Rate: s.rate}
		if p.Decay {
			a.Decay = s.WeightDecay
		}
		a.Apply(at.of(p.Value.Data()), at.of(p.Value.Grad()), at.of(s.v[at.param]))
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

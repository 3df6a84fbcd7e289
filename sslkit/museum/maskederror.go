package museum

import (
	"math"

	"sslnotes/sslkit/tensor"
)

// maskedErrorFunc is the error of painted patches [N,T,P] on those that mask
// [N·T] marks by 1 as hidden (He and others 2022).
type maskedErrorFunc = func(painted, target *tensor.Tensor, mask []float32) *tensor.Tensor

// hiddenError is the mean squared error over the rows that weigh 1.
func hiddenError(painted, target *tensor.Tensor, weight []float32) *tensor.Tensor {
	p := painted.Dim(-1)
	rows := painted.Len() / p
	w, count := tensor.New(painted.Shape()...), float32(0)
	for r := range rows {
		count += weight[r]
		for j := range p {
			w.Data()[r*p+j] = weight[r]
		}
	}
	d := tensor.Sub(painted, target.Detach())
	return tensor.Scale(tensor.Sum(tensor.Mul(tensor.Mul(d, d), w)), 1/(count*float32(p)))
}

// byPatch returns patches less their mean over their deviation, by a variance
// over so many values fewer than there are.
func byPatch(x *tensor.Tensor, fewer int) *tensor.Tensor {
	p := x.Dim(-1)
	y := tensor.New(x.Shape()...)
	for r := range x.Len() / p {
		row := x.Data()[r*p : (r+1)*p]
		var mean, square float64
		for _, v := range row {
			mean += float64(v) / float64(p)
		}
		for _, v := range row {
			square += float64((float64(v) - mean) * (float64(v) - mean))
		}
		for j, v := range row {
			y.Data()[r*p+j] = float32((float64(v) - mean) / math.Sqrt(square/float64(p-fewer)+1e-6))
		}
	}
	return y
}

func maskedError() subject {
	right := maskedErrorFunc(hiddenError)
	on := func(name string, painted, target *tensor.Tensor, mask ...float32) trial {
		return trial{name, []*tensor.Tensor{painted, target}, 1, func(loss any, x []*tensor.Tensor) *tensor.Tensor {
			return as[maskedErrorFunc](loss)(x[0], x[1], append([]float32(nil), mask...))
		}, false}
	}
	a, b := random("painted", 2, 6, 5), random("patches", 2, 6, 5)
	return subject{
		name:  "masked error",
		takes: "func(painted, target *tensor.Tensor, mask []float32) *tensor.Tensor",
		forms: []form{
			{"", right},
			{"with the target normalised by patch inside", maskedErrorFunc(func(a, b *tensor.Tensor, m []float32) *tensor.Tensor { return right(a, byPatch(b, 1), m) })},
		},
		bugs: maskedErrorBugs(right),
		trials: []trial{
			on("8 of 12 patches hidden", a, b, 1, 0, 1, 1, 1, 0, 1, 1, 0, 0, 1, 1), on("3 of 12 patches hidden", b, a, 0, 0, 0, 1, 0, 0, 1, 0, 0, 1, 0, 0),
		},
	}
}

func maskedErrorBugs(right maskedErrorFunc) []Exhibit {
	bug := func(name, source, cure string, f maskedErrorFunc) Exhibit {
		return Exhibit{"masked error", name, source, cure, f}
	}
	weighed := func(f func(m float32) float32) maskedErrorFunc {
		return func(a, b *tensor.Tensor, m []float32) *tensor.Tensor {
			w := make([]float32, len(m))
			for i, v := range m {
				w[i] = f(v)
			}
			return right(a, b, w)
		}
	}
	share := func(m []float32) (s float32) {
		for _, v := range m {
			s += v / float32(len(m))
		}
		return s
	}
	return []Exhibit{
		bug("visible patches, not hidden ones", "Sllambias/asparagus#12",
			"Count the rows whose mask is 1: what was seen is no task.",
			weighed(func(m float32) float32 { return 1 - m })),
		bug("all patches", "",
			"Count the rows whose mask is 1 alone.",
			weighed(func(float32) float32 { return 1 })),
		bug("hidden patches over the number of all", "lightly-ai/lightly#1937",
			"Divide by the number of hidden patches, else the mask ratio sets the learning rate.",
			func(a, b *tensor.Tensor, m []float32) *tensor.Tensor { return tensor.Scale(right(a, b, m), share(m)) }),
		bug("sum over a patch, not its mean", "",
			"Divide by the values of a patch, too.",
			func(a, b *tensor.Tensor, m []float32) *tensor.Tensor {
				return tensor.Scale(right(a, b, m), float32(a.Dim(-1)))
			}),
		bug("biased variance of patches", "",
			"Divide by P-1, as the paper's code does, if the target is normalised by patch.",
			func(a, b *tensor.Tensor, m []float32) *tensor.Tensor { return right(a, byPatch(b, 0), m) }),
	}
}

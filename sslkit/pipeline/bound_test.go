package pipeline

import (
	"math"
	"testing"

	"sslnotes/sslkit/rng"
	"sslnotes/sslkit/tensor"
)

// leaning are n points of d features that go together and differ in spread.
func leaning(n, d int) *tensor.Tensor {
	r := rng.New(6, "leaning")
	f := tensor.New(n, d)
	for i := range n {
		row, common := f.Data()[i*d:(i+1)*d], r.Norm()
		for j := range row {
			row[j] = (common + 0.1*r.Norm()) * float32(math.Pow(0.5, float64(j)))
		}
	}
	return f
}

// TestBoundDivides multiplies by the matrix what was divided by it.
func TestBoundDivides(t *testing.T) {
	const d, classes, penalty = 5, 3, 0.01
	m := moments(leaning(200, d))
	b := newBound(m, penalty)
	r := rng.New(7, "vector")
	x, want := make([]float64, (d+1)*classes), make([]float64, (d+1)*classes)
	for i := range x {
		x[i] = float64(r.Norm())
	}
	copy(want, x)
	b.divide(x)
	for i := range d + 1 {
		for k := range classes {
			var sum float64
			for j := range d + 1 {
				sum += m[i*(d+1)+j] * x[j*classes+k]
			}
			if i < d {
				sum += penalty * x[i*classes+k]
			}
			if math.Abs(sum-want[i*classes+k]) > 1e-9 {
				t.Errorf("row %d, class %d: %g, want %g", i, k, sum, want[i*classes+k])
			}
		}
	}
}

// TestBoundIsAbove holds a class's curvature along random directions, at random
// weights, against the bound's.
func TestBoundIsAbove(t *testing.T) {
	const n, d, classes = 300, 5, 4
	f := leaning(n, d)
	m := moments(f)
	r := rng.New(8, "directions")
	var closest float64
	for range 200 {
		w, v := make([]float64, (d+1)*classes), make([]float64, d+1)
		for i := range w {
			w[i] = 0.1 * float64(r.Norm())
		}
		for i := range v {
			v[i] = float64(r.Norm())
		}
		var curvature, above float64
		for i := range n {
			x := make([]float64, d+1)
			for j := range d {
				x[j] = float64(f.Data()[i*d+j])
			}
			x[d] = 1
			p, sum := make([]float64, classes), 0.0
			for k := range p {
				for j, value := range x {
					p[k] += value * w[j*classes+k]
				}
				p[k] = math.Exp(p[k])
				sum += p[k]
			}
			q := p[0] / sum
			along := dot(x, v)
			curvature += q * (1 - q) * along * along / n
		}
		for i := range v {
			above += v[i] * dot(m[i*(d+1):(i+1)*(d+1)], v)
		}
		if curvature > above {
			t.Fatalf("curvature %g, bound %g", curvature, above)
		}
		closest = max(closest, curvature/above)
	}
	if closest < 0.1 {
		t.Errorf("the bound is at least %g times the curvature", 1/closest)
	}
}

// TestTooFewSamplesForABound: moments of as many samples as features say
// nothing of the directions between them.
func TestTooFewSamplesForABound(t *testing.T) {
	if moments(leaning(5, 5)) != nil || newBound(nil, 1) != nil {
		t.Error("there is a bound of five samples")
	}
	if newBound(make([]float64, 4), 0) != nil {
		t.Error("there is a bound without spread and penalty")
	}
}

// TestBoundShortensTheSearch finds the minimum of a quadratic form of condition
// 4⁹ with and without division by its matrix.
func TestBoundShortensTheSearch(t *testing.T) {
	const d = 10
	m := moments(leaning(500, d-1))
	b := newBound(m, 0)
	search := func(divide func([]float64)) int {
		x := make([]float64, d)
		n := minimise(x, func(x, g []float64) (value float64) {
			for i := range x {
				g[i] = dot(m[i*d:(i+1)*d], x) - 1
				value += x[i] * (g[i] - 1) / 2
			}
			return value
		}, divide, 1000, 1e-4, func() bool { return false })
		return n
	}
	with, without := search(b.divide), search(nil)
	if with > 5 || without < 10*with {
		t.Errorf("%d iterations with the bound, %d without", with, without)
	}
}

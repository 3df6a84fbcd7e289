package f32

import (
	"math"
	"math/rand/v2"
	"testing"
)

// Moments and NormSums stay near float64's where thousands of rows are almost
// equal, so that the roundings of one long sum would all go one way.
func TestLongSums(t *testing.T) {
	const samples, rows, c = 40, 100, 8
	r := rand.New(rand.NewPCG(3, 4))
	x, dy := make([]float32, samples*rows*c), make([]float32, samples*rows*c)
	for i := range x {
		x[i] = 0.7 + 1e-3*r.Float32()
		dy[i] = 0.3 + 1e-3*r.Float32()
	}
	mean, variance := make([]float32, c), make([]float32, c)
	Moments(samples, rows, c, x, mean, variance)
	ones := make([]float32, c)
	for j := range ones {
		ones[j] = 1
	}
	s, u := make([]float32, c), make([]float32, c)
	NormSums(s, u, dy, nil, x, make([]float32, c), ones)
	for j := range c {
		var m, v, ds, du float64
		for i := j; i < len(x); i += c {
			m += float64(x[i]) / (samples * rows)
			ds += float64(dy[i])
			du += float64(dy[i]) * float64(x[i])
		}
		for i := j; i < len(x); i += c {
			v += (float64(x[i]) - m) * (float64(x[i]) - m) / (samples * rows)
		}
		closeTo(t, "mean", mean[j], m, 1e-7)
		closeTo(t, "variance", variance[j], v, 2e-5) // of values that differ in their last ten bits
		closeTo(t, "sum", s[j], ds, 1e-6)
		closeTo(t, "sum of products", u[j], du, 1e-6)
	}
}

func closeTo(t *testing.T, what string, got float32, want, most float64) {
	t.Helper()
	if e := math.Abs(float64(got)/want - 1); e > most || e != e {
		t.Errorf("%s: %g, want %g: %.1g away", what, got, want, e)
	}
}

// Moments of one row a sample, of one sample, and on any number of threads.
func TestMomentsShapes(t *testing.T) {
	for _, s := range [][3]int{{1, 1, 1}, {1, 70, 3}, {65, 1, 8}, {7, 33, 16}} {
		samples, rows, c := s[0], s[1], s[2]
		x := make([]float32, samples*rows*c)
		for i := range x {
			x[i] = float32(i*i%17) - 5
		}
		var first []float32
		for _, isa := range Available() {
			for _, threads := range []int{1, 3} {
				with(t, isa, threads, func() {
					out := make([]float32, 2*c)
					Moments(samples, rows, c, x, out[:c], out[c:])
					if first == nil {
						first = out
					}
					for j := range out {
						if !same(first[j], out[j]) {
							t.Fatalf("%v: %s on %d threads: %v, want %v", s, isa, threads, out, first)
						}
					}
				})
			}
		}
		for j := range c {
			var m, v float64
			for i := j; i < len(x); i += c {
				m += float64(x[i]) / float64(samples*rows)
			}
			for i := j; i < len(x); i += c {
				v += (float64(x[i]) - m) * (float64(x[i]) - m) / float64(samples*rows)
			}
			if math.Abs(float64(first[j])-m) > 1e-5 || math.Abs(float64(first[c+j])-v) > 1e-4 {
				t.Errorf("%v: mean %g, variance %g, want %g and %g", s, first[j], first[c+j], m, v)
			}
		}
	}
}

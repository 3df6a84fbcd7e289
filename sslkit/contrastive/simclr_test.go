package contrastive

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"sslnotes/sslkit"
	"sslnotes/sslkit/data"
	"sslnotes/sslkit/nn"
	"sslnotes/sslkit/rng"
	"sslnotes/sslkit/tensor"
)

func random(seed uint64, n, d int) *tensor.Tensor {
	t := tensor.New(n, d)
	r := rng.New(seed, "test")
	for i := range t.Data() {
		t.Data()[i] = r.Norm()
	}
	return t
}

// naive is equation 1 of the paper, term by term, in float64.
func naive(z1, z2 *tensor.Tensor, temperature float64) float64 {
	n, d := z1.Dim(0), z1.Dim(1)
	rows := make([][]float64, 2*n)
	for i := range rows {
		from, r := z1, i
		if i >= n {
			from, r = z2, i-n
		}
		rows[i] = make([]float64, d)
		var square float64
		for j := range d {
			rows[i][j] = float64(from.Data()[r*d+j])
			square += rows[i][j] * rows[i][j]
		}
		for j := range d {
			rows[i][j] /= math.Sqrt(square)
		}
	}
	similar := func(a, b int) (s float64) {
		for j := range d {
			s += rows[a][j] * rows[b][j]
		}
		return s / temperature
	}
	var total float64
	for i := range rows {
		var sum float64
		for k := range rows {
			if k != i {
				sum += math.Exp(similar(i, k))
			}
		}
		total += math.Log(sum) - similar(i, (i+n)%(2*n))
	}
	return total / float64(2*n)
}

type ntXent = func(z1, z2 *tensor.Tensor, temperature float32) *tensor.Tensor

func TestNTXentEqualsNaive(t *testing.T) { ntXentEqualsNaive(t, NTXent) }
func TestNTXentClosedForms(t *testing.T) { ntXentClosedForms(t, NTXent) }
func TestNTXentGradient(t *testing.T)    { ntXentGradient(t, NTXent) }

// The course's example as notebook 03 shows it: NumPy's stream of seed 42, after
// the five pictures of 8×8 of the rotation example, and its loss, to the digit.
func TestNTXentOfTheCourse(t *testing.T) {
	numpy := rng.NumPy(42)
	numpy.Randn(5 * 8 * 8)
	vectors, noise := numpy.Randn(4*128), numpy.Randn(4*128)
	z1, z2 := tensor.New(4, 128), tensor.New(4, 128)
	for i, v := range vectors {
		z1.Data()[i], z2.Data()[i] = float32(v), float32(v+float64(0.1*noise[i]))
	}
	if got := fmt.Sprintf("%.4f", NTXent(z1, z2, 0.5).Item()); got != "0.6047" {
		t.Errorf("SimCLR loss: %s, the course has 0.6047", got)
	}
}

func ntXentEqualsNaive(t reporter, loss ntXent) {
	for _, n := range []int{2, 5, 40} {
		for _, temperature := range []float32{0.1, 0.5, 1} {
			a, b := random(1, n, 8), random(2, n, 8)
			got, want := float64(loss(a, b, temperature).Item()), naive(a, b, float64(temperature))
			if !(math.Abs(got-want) <= 2e-6*(1+want)) {
				t.Errorf("N=%d τ=%g: %g, want %g", n, temperature, got, want)
			}
			if swapped := float64(loss(b, a, temperature).Item()); !(math.Abs(swapped-got) <= 2e-6*(1+want)) {
				t.Errorf("N=%d τ=%g: %g with views swapped, %g before", n, temperature, swapped, got)
			}
		}
	}
}

func ntXentClosedForms(t reporter, loss ntXent) {
	const n = 16
	equal := tensor.New(n, 4)
	for i := range equal.Data() {
		equal.Data()[i] = 3
	}
	// The mean adds 2N equal losses in float32: 2N roundings of half an ulp.
	if got, want := float64(loss(equal, equal, 0.2).Item()), math.Log(2*n-1); !(math.Abs(got-want) <= 2*n*want*0x1p-24) {
		t.Errorf("all equal: %g, want ln(2N-1) = %g", got, want)
	}
	apart := tensor.New(n, n)
	for i := range n {
		apart.Data()[i*(n+1)] = 2
	}
	if got, want := float64(loss(apart, apart, 0.2).Item()), math.Log(1+(2*n-2)*math.Exp(-5)); !(math.Abs(got-want) <= 1e-6) {
		t.Errorf("positives equal, others orthogonal: %g, want %g", got, want)
	}
	if got := loss(random(1, 1, 4), random(2, 1, 4), 0.2).Item(); !(math.Abs(float64(got)) <= 1e-6) {
		t.Errorf("one pair: %g, want 0", got)
	}
	// A temperature at which exp(1/τ) overflows float32.
	if got := loss(apart, apart, 0.01).Item(); got != 0 {
		t.Errorf("τ=0.01: %g, want 0", got)
	}
}

// ntXentGradient holds the gradient against central differences of the naive
// loss; it is orthogonal to the embedding, whose length does not matter.
func ntXentGradient(t reporter, loss ntXent) {
	a, b := random(1, 5, 6).RequireGrad(), random(2, 5, 6).RequireGrad()
	tensor.Backward(loss(a, b, 0.3))
	for _, x := range []*tensor.Tensor{a, b} {
		for i, at := range x.Data() {
			const h = 1.0 / 1024
			x.Data()[i] = at + h
			up := naive(a, b, 0.3)
			x.Data()[i] = at - h
			down := naive(a, b, 0.3)
			x.Data()[i] = at
			if want, got := (up-down)/(2*h), float64(x.Grad()[i]); !(math.Abs(got-want) <= 1e-5) {
				t.Errorf("gradient %g, want %g", got, want)
			}
		}
		for r := range 5 {
			var along float64
			for j := range 6 {
				along += float64(x.Data()[r*6+j]) * float64(x.Grad()[r*6+j])
			}
			if !(math.Abs(along) <= 1e-6) {
				t.Errorf("row %d: gradient along the embedding is %g", r, along)
			}
		}
	}
}

func TestSimCLRRefusesBadFields(t *testing.T) {
	e, err := nn.ConvNet{}.Build(nn.Input{Height: 8, Width: 8, Channels: 1}, rng.New(1, "e"))
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range []*SimCLR{{Temperature: -1}, {Temperature: float32(math.NaN())}} {
		if _, err := m.Build(e, data.Spec{}, sslkit.Setup{}); err == nil || !strings.Contains(err.Error(), "SimCLR.Temperature") {
			t.Errorf("%g: error %v", m.Temperature, err)
		}
	}
}

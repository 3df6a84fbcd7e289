package contrastive

import (
	"context"
	"math"
	"strings"
	"testing"

	"sslnotes/sslkit"
	"sslnotes/sslkit/data"
	"sslnotes/sslkit/nn"
	"sslnotes/sslkit/pipeline"
	"sslnotes/sslkit/rng"
	"sslnotes/sslkit/tensor"
)

// trained trains a method for some steps on real images and returns its
// projections of 256 of them, as b makes them then, and the mean loss of the last
// 50 steps.
func trained(t *testing.T, m sslkit.Method, steps int, b func() *branch) (z *tensor.Tensor, loss float64) {
	t.Helper()
	train, _, err := data.FashionMini()
	if err != nil {
		t.Fatal(err)
	}
	u := train.Unlabelled()
	e, err := nn.ConvNet{Channels: []int{8, 16}}.Build(nn.Input{Height: 28, Width: 28, Channels: 1}, rng.New(1, "weights"))
	if err != nil {
		t.Fatal(err)
	}
	s := sslkit.Schedule{Steps: steps, BatchSize: 32, LearningRate: 5e-3, Seed: 1}
	err = pipeline.Train(context.Background(), e, m, u, s, func(step int, values map[string]float64) error {
		if step >= steps-50 {
			loss += values["loss"] / 50
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	index := make([]int, 256)
	for i := range index {
		index[i] = 4 * i
	}
	z = b().project(pipeline.Images(u, index)).Detach()
	discard(b())
	return z, loss
}

// directions is in how many directions the rows of z spread: the square of the
// sum of their covariance's eigenvalues over the sum of the squares. It is 1 if
// they lie on a line.
func directions(z *tensor.Tensor) float64 {
	n, d := z.Dim(0), z.Dim(1)
	mean := make([]float64, d)
	for i, v := range z.Data() {
		mean[i%d] += float64(v) / float64(n)
	}
	var trace, squares float64
	for a := range d {
		for b := range d {
			var c float64
			for i := range n {
				c += (float64(z.Data()[i*d+a]) - mean[a]) * (float64(z.Data()[i*d+b]) - mean[b])
			}
			squares += c * c
			if a == b {
				trace += c
			}
		}
	}
	return trace * trace / squares
}

// TestDirections compares with the whole covariance, and knows a line.
func TestDirections(t *testing.T) {
	z := random(5, 20, 6)
	if got, want := directionsOf(z), directions(z); math.Abs(got-want) > 1e-9*want {
		t.Errorf("%g directions, want %g", got, want)
	}
	for i := range z.Data() {
		z.Data()[i] = float32(i/6) * float32(i%6)
	}
	if got := directionsOf(z); math.Abs(got-1) > 1e-6 {
		t.Errorf("%g directions on a line, want 1", got)
	}
}

// TestSwitches: of what keeps projections from collapse each part is needed. BYOL
// without its predictor, whose target still is slow, goes the way of a
// collapse and not to its end. Normalised over the batch, as at SimSiam's end,
// projections cannot be all the same, but they can lie on a line.
func TestSwitches(t *testing.T) {
	byol := func(m *BYOL) (sslkit.Method, func() *branch) { return m, func() *branch { return m.online } }
	simSiam := func(m *SimSiam) (sslkit.Method, func() *branch) { return m, func() *branch { return m.online } }
	for _, c := range []struct {
		name   string
		make   func() (sslkit.Method, func() *branch)
		spread [2]float64 // least and most
		ways   [2]float64
	}{
		{"BYOL", func() (sslkit.Method, func() *branch) { return byol(&BYOL{}) }, [2]float64{0.6, 1}, [2]float64{1.5, 64}},
		{"BYOL without predictor", func() (sslkit.Method, func() *branch) { return byol(&BYOL{NoPredictor: true}) }, [2]float64{0, 0.35}, [2]float64{1, 64}},
		{"BYOL without stop-gradient", func() (sslkit.Method, func() *branch) { return byol(&BYOL{NoStopGradient: true}) }, [2]float64{0, 0.1}, [2]float64{1, 1.2}},
		{"BYOL with neither", func() (sslkit.Method, func() *branch) { return byol(&BYOL{NoPredictor: true, NoStopGradient: true}) }, [2]float64{0, 0.1}, [2]float64{1, 1.2}},
		{"SimSiam", func() (sslkit.Method, func() *branch) { return simSiam(&SimSiam{}) }, [2]float64{0.9, 1}, [2]float64{1.8, 128}},
		{"SimSiam without stop-gradient", func() (sslkit.Method, func() *branch) { return simSiam(&SimSiam{NoStopGradient: true}) }, [2]float64{0, 1}, [2]float64{1, 1.4}},
	} {
		m, b := c.make()
		z, loss := trained(t, m, 150, b)
		s, ways := spread(z), directions(z)
		t.Logf("%s: spread %.3f, in %.2f directions, loss %.4f", c.name, s, ways, loss)
		if m, ok := m.(*SimSiam); ok && strings.HasPrefix(m.Diagnose(m.Report()), "dimensional collapse") != m.NoStopGradient {
			t.Errorf("%s says %q of %v", c.name, m.Diagnose(m.Report()), m.Report())
		}
		if s < c.spread[0] || s > c.spread[1] || ways < c.ways[0] || ways > c.ways[1] {
			t.Errorf("%s: spread %.3f in %.2f directions, want %g and %g", c.name, s, ways, c.spread, c.ways)
		}
	}
}

// TestMoCoMomentum: keys of a network that is the query's own are out of date in
// the queue, and training fails: the loss stays near that of projections that are
// all equal.
func TestMoCoMomentum(t *testing.T) {
	const queue = 32 * 32
	for momentum, learns := range map[float32]bool{0: true, -1: false} {
		m := &MoCo{Queue: queue, Momentum: momentum}
		z, loss := trained(t, m, 250, func() *branch { return m.query })
		s, most := spread(z), math.Log(1+queue)
		t.Logf("momentum %g: spread %.3f, loss %.4f of %.4f", m.Momentum, s, loss, most)
		if learns && (s < 0.45 || loss > most-1) || !learns && (s > 0.25 || loss < most-0.3) {
			t.Errorf("momentum %g: spread %.3f, loss %.4f of %.4f", m.Momentum, s, loss, most)
		}
	}
}

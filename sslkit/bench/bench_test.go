package bench

import (
	"math"
	"slices"
	"testing"
)

// Each model learns: its loss is finite and changes, and two builds from one
// seed give the same bits on any number of threads.
func TestModelsRepeat(t *testing.T) {
	for _, name := range Models() {
		a, err := Run(name, Options{Threads: 1, Batch: 4, Steps: 2, Warmup: 1}, 100)
		if err != nil {
			t.Fatal(err)
		}
		b, err := Run(name, Options{Threads: 3, Batch: 4, Steps: 2, Warmup: 1}, 100)
		if err != nil {
			t.Fatal(err)
		}
		if a.FirstLoss != b.FirstLoss || a.LastLoss != b.LastLoss {
			t.Errorf("%s: losses %g and %g on one thread, %g and %g on three", name, a.FirstLoss, a.LastLoss, b.FirstLoss, b.LastLoss)
		}
		if a.FirstLoss == a.LastLoss || math.IsNaN(float64(a.LastLoss)) || math.IsInf(float64(a.LastLoss), 0) {
			t.Errorf("%s: losses %g and %g", name, a.FirstLoss, a.LastLoss)
		}
	}
	if _, err := Run("gan", Options{}, 100); err == nil {
		t.Error("an unknown model ran")
	}
}

// The counted arithmetic of the three models, worked out by hand in millions a
// batch of 256.
func TestFLOPs(t *testing.T) {
	for name, want := range map[string]float64{"mae": 30.5e9, "clip": 93.4e9} {
		m, err := models[name](256, 1)
		if err != nil {
			t.Fatal(err)
		}
		if got := float64(m.flops); math.Abs(got/want-1) > 0.02 {
			t.Errorf("%s: %g, want about %g", name, got, want)
		}
	}
}

func TestRatios(t *testing.T) {
	r := Row{Ours: Series{Milliseconds: []float64{10, 20, 40}}, Rivals: []Series{
		{Name: "slow", Milliseconds: []float64{50, 50, 50}},
		{Name: "fast", Milliseconds: []float64{20, 30, 40}},
	}}
	if got := r.Ratios(); !slices.Equal(got, []float64{2, 1.5, 1}) {
		t.Errorf("ratios %v", got)
	}
	if got := median([]float64{4, 1, 3, 2}); got != 2.5 {
		t.Errorf("median %g", got)
	}
}

// BenchmarkStep times a training step of each model on a batch of 256.
func BenchmarkStep(b *testing.B) {
	for _, name := range Models() {
		b.Run(name, func(b *testing.B) {
			m, err := models[name](256, 1)
			if err != nil {
				b.Fatal(err)
			}
			m.step()
			b.ReportAllocs()
			for b.Loop() {
				m.step()
			}
			b.ReportMetric(float64(m.flops)*float64(b.N)/b.Elapsed().Seconds()/1e9, "GFLOPS")
		})
	}
}

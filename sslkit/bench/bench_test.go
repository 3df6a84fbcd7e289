package bench

import (
	"math"
	"slices"
	"testing"

	"sslnotes/sslkit/internal/f32"
)

// digests are those of the models after three steps on batches of 4. To change
// one is to change the bits of trained networks, and so the numerics version.
var digests = map[string]string{
	"mae":    "bc0cba2ade8094746aa61c58e79ace36cbf3beff15363b6a9c2d0d0489ee2c03",
	"clip":   "77721a0d8c308a88a1de0e54d4ef32112b861b6876e9a30b97188788ed0b34e4",
	"simclr": "2dd2d743077aac06c4362a66e2bbcf8d06e101cfaa216c6cc3118517bc293475",
}

// Each model learns: its loss is finite and changes; and threads, instruction
// sets and processors change no bit of it.
func TestModelsRepeat(t *testing.T) {
	was := f32.Active()
	defer f32.Use(was)
	for _, name := range Models() {
		for _, isa := range f32.Available() {
			f32.Use(isa)
			for _, threads := range []int{1, 3} {
				if isa == "generic" && threads == 1 && len(f32.Available()) > 1 {
					continue // it is slow
				}
				r, err := Run(name, Options{Threads: threads, Batch: 4, Steps: 2, Warmup: 1}, 100)
				if err != nil {
					t.Fatal(err)
				}
				if r.Digest != digests[name] {
					t.Errorf("%s on %s, %d threads: digest %s, want %s", name, isa, threads, r.Digest, digests[name])
				}
				if r.FirstLoss == r.LastLoss || math.IsNaN(float64(r.LastLoss)) || math.IsInf(float64(r.LastLoss), 0) {
					t.Errorf("%s: losses %g and %g", name, r.FirstLoss, r.LastLoss)
				}
			}
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
		{Name: "slow", Milliseconds: []float64{70, 70, 70}, Plain: true},
		{Name: "fast", Milliseconds: []float64{40, 50, 60}, Plain: true},
	}}
	r.leaveOut()
	for i, out := range []bool{true, false, true, false} {
		if r.Rivals[i].out != out {
			t.Errorf("rival %d takes part: %v", i, out)
		}
	}
	for plain, want := range map[bool][]float64{false: {2, 1.5, 1}, true: {4, 2.5, 1.5}} {
		if got := r.Ratios(plain); !slices.Equal(got, want) {
			t.Errorf("ratios %v, want %v", got, want)
		}
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

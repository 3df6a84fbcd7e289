package nn

import (
	"math"
	"runtime"
	"strings"
	"testing"

	"sslnotes/sslkit/internal/f32"
	"sslnotes/sslkit/rng"
	"sslnotes/sslkit/tensor"
)

func size(m Module) (n int) {
	for _, p := range m.Params() {
		n += p.Value.Len()
	}
	return n
}

func TestPlans(t *testing.T) {
	for _, c := range []struct {
		name   string
		plan   Plan
		params int
	}{{"ResNet", ResNet{}, 306784}, {"ConvNet", ConvNet{}, 92896}} {
		e, err := c.plan.Build(Input{28, 28, 1}, rng.New(1, "weights"))
		if err != nil {
			t.Fatal(err)
		}
		if n := size(e); n != c.params {
			t.Errorf("%s has %d parameters, want %d", c.name, n, c.params)
		}
		if y := e.Forward(tensor.New(3, 28, 28, 1), false); y.Dim(0) != 3 || y.Dim(1) != e.Dim() {
			t.Errorf("%s gives features of shape %v", c.name, y.Shape())
		}
		seen := map[string]bool{}
		for _, p := range e.Params() {
			if seen[p.Name] {
				t.Errorf("%s has two parameters %s", c.name, p.Name)
			}
			seen[p.Name] = true
		}
		again, _ := c.plan.Build(Input{28, 28, 1}, rng.New(1, "weights"))
		if Digest(e) != Digest(again) {
			t.Errorf("%s: one seed gives two sets of weights", c.name)
		}
	}
	if _, err := (ResNet{Channels: []int{4, 0}}).Build(Input{8, 8, 1}, rng.New(1, "")); err == nil || !strings.Contains(err.Error(), "ResNet.Channels") {
		t.Errorf("zero channels: %v", err)
	}
}

func TestBatchNormBuffersWaitForCommit(t *testing.T) {
	l := NewBatchNorm("n", 1)
	x := tensor.FromSlice([]float32{1, 2, 3, 6}, 4, 1)
	l.Forward(x, true)
	if l.mean.Value[0] != 0 || l.variance.Value[0] != 1 {
		t.Error("running statistics changed before the step's end")
	}
	Commit(l)
	if got := l.mean.Value[0]; math.Abs(float64(got)-0.3) > 1e-6 {
		t.Errorf("running mean %g, want 0.3", got)
	}
	if got, want := float64(l.variance.Value[0]), 0.9+0.1*14.0/3; math.Abs(got-want) > 1e-6 {
		t.Errorf("running variance %g, want %g", got, want)
	}
}

// One step of each optimizer against its formula in float64.
func TestOptimizers(t *testing.T) {
	p := &Param{Name: "w", Value: tensor.FromSlice([]float32{0.5}, 1).RequireGrad(), Decay: true}
	backward := func() {
		p.Value.ZeroGrad()
		tensor.Backward(tensor.Mean(tensor.Mul(p.Value, p.Value)))
	}
	adam := &AdamW{WeightDecay: 0.1}
	adam.Begin([]*Param{p})
	w, m, v := 0.5, 0.0, 0.0
	for n := 1; n <= 3; n++ {
		backward()
		adam.Step(0.01)
		g := 2 * w
		m, v = 0.9*m+0.1*g, 0.999*v+0.001*g*g
		w = w*(1-0.01*0.1) - 0.01*m/(1-math.Pow(0.9, float64(n)))/(math.Sqrt(v/(1-math.Pow(0.999, float64(n))))+1e-8)
		if got := float64(p.Value.Item()); math.Abs(got-w) > 1e-6 {
			t.Fatalf("AdamW step %d: %g, want %g", n, got, w)
		}
	}
	sgd := &SGD{WeightDecay: 0.1}
	sgd.Begin([]*Param{p})
	v = 0
	for n := 1; n <= 3; n++ {
		backward()
		sgd.Step(0.1)
		v = 0.9*v + 2*w + 0.1*w
		w -= 0.1 * v
		if got := float64(p.Value.Item()); math.Abs(got-w) > 1e-6 {
			t.Fatalf("SGD step %d: %g, want %g", n, got, w)
		}
	}
}

func TestMissingGradientIsAnError(t *testing.T) {
	o := &AdamW{}
	o.Begin(NewLinear("forgotten", 2, 2, false, rng.New(1, "")).Params())
	defer func() {
		if p := recover(); p == nil {
			t.Error("a parameter without gradient was stepped over")
		}
	}()
	o.Step(0.1)
}

func TestWarmupCosine(t *testing.T) {
	for _, c := range []struct {
		t    int
		want float64
	}{{0, 0.1}, {9, 1}, {10, 1}, {60, 0.5}, {110, 0}} {
		if got := WarmupCosine(c.t, 110, 10, 1, 0); math.Abs(float64(got)-c.want) > 1e-7 {
			t.Errorf("rate at step %d is %g, want %g", c.t, got, c.want)
		}
	}
	for i := range 1001 {
		x := float64(i) / 1000
		if math.Abs(cosPi(x)-math.Cos(math.Pi*x)) > 2e-15 {
			t.Fatalf("cosPi(%g) = %g", x, cosPi(x))
		}
	}
}

// train takes three steps of classification on random images and returns the
// digest of the model.
func train(t *testing.T) string {
	t.Helper()
	e, err := ResNet{Channels: []int{6, 10}}.Build(Input{10, 10, 1}, rng.New(1, "weights"))
	if err != nil {
		t.Fatal(err)
	}
	model := Sequential{e, NewLinear("head", e.Dim(), 3, true, rng.New(1, "head"))}
	o := &AdamW{WeightDecay: 0.01}
	o.Begin(model.Params())
	for step := range 3 {
		r := rng.New(2, "data", uint64(step))
		x, labels := tensor.New(40, 10, 10, 1), make([]int, 40)
		for i := range x.Data() {
			x.Data()[i] = r.Norm()
		}
		for i := range labels {
			labels[i] = r.IntN(3)
		}
		ZeroGrad(model)
		tensor.Backward(tensor.CrossEntropy(model.Forward(x, true), labels))
		o.Step(0.01)
		Commit(model)
	}
	return Digest(model)
}

// TestTrainingSameBits is the house's promise in small: threads and instruction
// sets change no bit of a trained model.
func TestTrainingSameBits(t *testing.T) {
	was := f32.Active()
	defer f32.Use(was)
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(0))
	f32.Use("generic")
	want := train(t)
	for _, isa := range f32.Available() {
		f32.Use(isa)
		for _, threads := range []int{1, 2, 3} {
			runtime.GOMAXPROCS(threads)
			if got := train(t); got != want {
				t.Errorf("%s with %d threads: digest %s, want %s", isa, threads, got, want)
			}
		}
	}
}

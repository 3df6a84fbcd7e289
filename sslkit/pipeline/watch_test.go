package pipeline

import (
	"context"
	"math"
	"sort"
	"strings"
	"testing"

	"sslnotes/sslkit"
	"sslnotes/sslkit/contrastive"
	"sslnotes/sslkit/data"
	"sslnotes/sslkit/nn"
	"sslnotes/sslkit/rng"
	"sslnotes/sslkit/tensor"
)

// gaussian is n points of d independent dimensions.
func gaussian(n, d int) *tensor.Tensor {
	x, r := tensor.New(n, d), rng.New(9, "gaussian")
	for i := range x.Data() {
		x.Data()[i] = r.Norm()
	}
	return x
}

// TestDiagnosticsClosedForms holds each measure against what it must be.
func TestDiagnosticsClosedForms(t *testing.T) {
	iso := gaussian(4000, 16)
	unit := tensor.L2Normalize(iso, 1e-12)
	one := tensor.New(50, 8)
	for i := range 50 {
		one.Data()[i*8+3] = float32(i + 1)
	}
	point := tensor.L2Normalize(one, 1e-12)
	identity := tensor.New(6, 6)
	for i := range 6 {
		identity.Data()[i*7] = 1
	}
	// -ln ∫exp(-2‖u-w‖²) over the sphere of 16 dimensions, by a large sample.
	for _, c := range []struct {
		name            string
		got, want, slip float64
	}{
		{"rankme of a Gaussian", rankMe(iso), 15.95, 0.06},
		{"rankme of one direction", rankMe(one), 1, 1e-4},
		{"rankme of the identity", rankMe(identity), 6, 1e-4},
		{"feature std of a sphere", featureStd(unit), 1, 0.01},
		{"feature std of a point", featureStd(point), 0, 1e-12},
		{"uniformity of a point", uniformity(point), 0, 1e-12},
		{"uniformity of an orthonormal set", uniformity(identity), -4, 1e-6},
		{"uniformity of a circle", uniformity(tensor.L2Normalize(gaussian(600, 2), 1e-12)), -1.57, 0.02},
		{"uniformity of a sphere in 8 dimensions", uniformity(tensor.L2Normalize(gaussian(600, 8), 1e-12)), -3.08, 0.02},
		{"alignment with itself", alignment(unit, unit), 0, 0},
		{"alignment with the opposite", alignment(unit, tensor.Scale(unit, -1)), 4, 1e-5},
	} {
		if !(math.Abs(c.got-c.want) <= c.slip) {
			t.Errorf("%s is %g, want %g ± %g", c.name, c.got, c.want, c.slip)
		}
	}
}

// TestEigenvalues builds symmetric matrices of known eigenvalues.
func TestEigenvalues(t *testing.T) {
	for _, n := range []int{1, 2, 3, 17, 60} {
		want, a := make([]float64, n), make([]float64, n*n)
		for i := range want {
			want[i] = float64(i*i) - 5
			a[i*n+i] = want[i]
		}
		r := rng.New(uint64(n), "reflections")
		v, w := make([]float64, n), make([]float64, n)
		for range 3 { // similar matrices have the same eigenvalues
			var length float64
			for i := range v {
				v[i] = float64(r.Norm())
				length += v[i] * v[i]
			}
			reflect(a, n, 0, v, w, 2/length)
		}
		got := eigenvalues(a, n)
		sort.Float64s(got)
		sort.Float64s(want)
		for i := range got {
			if math.Abs(got[i]-want[i]) > 1e-9*float64(n*n) {
				t.Fatalf("n=%d: eigenvalue %d is %g, want %g", n, i, got[i], want[i])
			}
		}
	}
}

// TestWatchIsRecorded trains with a monitor and looks for every key; what is
// watched changes no weight.
func TestWatchIsRecorded(t *testing.T) {
	s := session(t)
	train, held := mini(t)
	s.Monitor = held
	r, err := s.Pretrain(tiny, &contrastive.SimCLR{Dim: 8}, train.Unlabelled(), Schedule{Steps: 6, BatchSize: 40, Seed: 7, Watch: 4})
	must(t, err)
	rec, err := r.Record()
	must(t, err)
	for key, n := range map[string]int{FeatureStd: 2, RankMe: 2, Alignment: 2, Uniformity: 2, MonitorKNN: 2, TrivialLoss: 1, "gradient_norm": 6, "loss": 6} {
		if m := rec.Metrics[key]; m.N != n || m.Observed {
			t.Errorf("%s: %+v, want %d computed values", key, m, n)
		}
	}
	if v := rec.Metrics[TrivialLoss].Value; math.Abs(v-math.Log(79)) > 1e-12 {
		t.Errorf("trivial loss %g, want ln 79", v)
	}
	s.Monitor = nil
	plain, err := s.Pretrain(tiny, &contrastive.SimCLR{Dim: 8}, train.Unlabelled(), Schedule{Steps: 6, BatchSize: 40, Seed: 7, Watch: -1})
	must(t, err)
	if nn.Digest(plain.Encoder()) != nn.Digest(r.Encoder()) {
		t.Error("watching changed the weights")
	}
	if v, err := s.Reproduce(r.ID()); err != nil || v.Verdict != BitExact {
		t.Errorf("%+v %v", v, err)
	}
}

// TestMonitorOfOtherImages leaves out a monitor that does not fit.
func TestMonitorOfOtherImages(t *testing.T) {
	s := session(t)
	train, _ := mini(t)
	odd, err := data.FromPixels("odd", "train", data.Spec{Height: 2, Width: 2, Channels: 1, Mean: []float32{0}, Std: []float32{1}}, []string{"a"}, make([]uint8, 40), make([]int, 10))
	must(t, err)
	s.Monitor = odd
	r := pretrained(t, s, train)
	if rec, err := r.Record(); err != nil || len(rec.Data) != 1 {
		t.Errorf("data %+v %v", rec.Data, err)
	}
}

// collapsed is SimCLR whose encoder and loss are those of constant features.
type collapsed struct{ contrastive.SimCLR }

func (m *collapsed) Loss(b data.Batch, s sslkit.Step) *tensor.Tensor {
	z := tensor.Scale(m.SimCLR.Loss(b, s), 0)
	return tensor.Add(z, tensor.FromSlice([]float32{float32(m.TrivialLoss())}, 1))
}

// TestAlarms collapses features and expects to be told.
func TestAlarms(t *testing.T) {
	train, _ := mini(t)
	e, err := build(tiny, train.Spec(), 1)
	must(t, err)
	for _, p := range e.Params() {
		if strings.Contains(p.Name, "gamma") {
			clear(p.Value.Data())
		}
		if strings.Contains(p.Name, "beta") {
			for i := range p.Value.Data() {
				p.Value.Data()[i] = 1
			}
		}
	}
	m := &collapsed{}
	schedule, err := Schedule{Steps: 20, BatchSize: 30}.Resolve(m, train.Len())
	must(t, err)
	_, err = newTrainer(e, m, train.Unlabelled(), schedule)
	must(t, err)
	w := newWatch(e, m, sets{unlabelled: train.Unlabelled()}, schedule)
	values := map[string]float64{"loss": m.TrivialLoss()}
	must(t, w.look(context.Background(), 19, values))
	_, constant := values[AlarmConstant]
	if !constant || values[AlarmTrivial] != m.TrivialLoss() || !strings.Contains(w.line(values), "constant features") {
		t.Errorf("values %v, line %q", values, w.line(values))
	}
	healthy, err := build(tiny, train.Spec(), 1)
	must(t, err)
	w.encoder = healthy
	values = map[string]float64{"loss": 1}
	must(t, w.look(context.Background(), 19, values))
	for key := range values {
		if strings.HasPrefix(key, "alarm") {
			t.Errorf("%s for a healthy encoder: %v", key, values)
		}
	}
}

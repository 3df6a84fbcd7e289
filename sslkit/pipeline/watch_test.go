package pipeline

import (
	"context"
	"fmt"
	"math"
	"slices"
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
	schedule, err := Schedule{Steps: 60, BatchSize: 30}.Resolve(m, train.Len())
	must(t, err)
	_, err = newTrainer(e, m, train.Unlabelled(), schedule)
	must(t, err)
	w := newWatch(e, m, sets{unlabelled: train.Unlabelled()}, schedule)
	values := map[string]float64{"loss": m.TrivialLoss()}
	must(t, w.look(context.Background(), 59, values))
	_, constant := values[AlarmConstant]
	if !constant || values[AlarmTrivial] != m.TrivialLoss() || w.line(values) != "loss 4.0775, complete collapse, trivial loss" {
		t.Errorf("values %v, line %q", values, w.line(values))
	}
	p := &panel{}
	w.show(p, 59, values)
	w.show(p, 60, map[string]float64{"loss": 1}) // still ill, as far as is known
	if len(p.alarms) != 2 || !strings.HasPrefix(p.alarms[0], "complete collapse: ") || p.text != "loss 1.0000, complete collapse, trivial loss" || len(p.drawn["loss"]) != 2 {
		t.Errorf("shown %+v", p)
	}
	healthy, err := build(tiny, train.Spec(), 1)
	must(t, err)
	w.encoder = healthy
	values = map[string]float64{"loss": 1}
	must(t, w.look(context.Background(), 59, values))
	for key := range values {
		if strings.HasPrefix(key, "alarm") {
			t.Errorf("%s for a healthy encoder: %v", key, values)
		}
	}
	w.show(p, 61, values)
	if len(w.ill) != 0 || len(p.alarms) != 2 || p.text != "loss 1.0000" {
		t.Errorf("a healthy encoder: ill %v, shown %+v", w.ill, p)
	}
}

// panel keeps what it is told.
type panel struct {
	text   string
	alarms []string
	drawn  map[string][]float64
}

func (p *panel) Update(_ int, text string) { p.text = text }
func (p *panel) Close()                    {}
func (p *panel) Alarm(_ int, what string)  { p.alarms = append(p.alarms, what) }
func (p *panel) Draw(key string, _ int, v float64) {
	if p.drawn == nil {
		p.drawn = map[string][]float64{}
	}
	p.drawn[key] = append(p.drawn[key], v)
}

// ill is SimCLR that says it is ill.
type ill struct{ contrastive.SimCLR }

func (*ill) Diagnose(values map[string]float64) string {
	return fmt.Sprintf("flu: loss %t", values["loss"] > 0)
}

// TestDimensionalCollapse squeezes features into one direction, both ways.
func TestDimensionalCollapse(t *testing.T) {
	train, _ := mini(t)
	e, err := build(tiny, train.Spec(), 1)
	must(t, err)
	schedule, err := Schedule{Steps: 20, BatchSize: 30}.Resolve(&ill{}, train.Len())
	must(t, err)
	w := newWatch(e, &ill{}, sets{unlabelled: train.Unlabelled()}, schedule)
	alarm := func(step int) map[string]float64 {
		values := map[string]float64{"loss": 3, FeatureStd: 0.8, RankMe: 1.2}
		w.alarm(step, values, values)
		return values
	}
	values := alarm(19)
	if len(w.ill) != 2 || !strings.HasPrefix(w.ill[0], "dimensional collapse: the features vary in few of their 8 dimensions") || w.ill[1] != "flu: loss true" {
		t.Errorf("ill of %q", w.ill)
	}
	if values[AlarmDimensional] != 1.2 || values[AlarmMethod] != 1 {
		t.Errorf("alarms are not recorded: %v", values)
	}
	if values = alarm(0); len(w.ill) != 0 || len(values) != 3 {
		t.Errorf("ill of %q at the first step, %v", w.ill, values)
	}
	w.full = false
	if values = alarm(19); len(w.ill) != 2 || len(values) != 3 {
		t.Errorf("without Diagnostics ill of %q, recorded %v", w.ill, values)
	}
}

// TestReports: what a method reports is recorded at every look, and nothing of it, nor
// a trivial loss that there was not before, in records from before there were reports.
func TestReports(t *testing.T) {
	train, _ := mini(t)
	for diagnostics, want := range map[int][]string{0: {"projection_std", "queue_age", "key_distance", TrivialLoss}, -1: nil} {
		r, err := session(t).Pretrain(tiny, &contrastive.MoCo{}, train.Unlabelled(), Schedule{Steps: 4, BatchSize: 30, Watch: 2, Diagnostics: diagnostics})
		must(t, err)
		rec, err := r.Record()
		must(t, err)
		for _, key := range []string{"projection_std", "queue_age", "key_distance", TrivialLoss} {
			n := 0
			if slices.Contains(want, key) {
				if n = 2; key == TrivialLoss {
					n = 1
				}
			}
			if got := rec.Metrics[key].N; got != n {
				t.Errorf("Diagnostics %d: %d values of %s, want %d", diagnostics, got, key, n)
			}
		}
		if strings.Contains(string(rec.Config), "Diagnostics") != (want != nil) {
			t.Errorf("Diagnostics %d: recorded %s", diagnostics, rec.Config)
		}
	}
}

// TestMonitorAccuracy holds the online accuracy against plain float64: every
// image of the monitor by all others.
func TestMonitorAccuracy(t *testing.T) {
	train, held := mini(t)
	e, err := build(tiny, train.Spec(), 1)
	must(t, err)
	w := newWatch(e, &contrastive.SimCLR{}, sets{unlabelled: train.Unlabelled(), monitor: held}, Schedule{Steps: 1, Watch: 1, Monitor: 150, Seed: 1})
	values := map[string]float64{"loss": 3}
	must(t, w.look(context.Background(), 0, values))
	index := spaced(held.Len(), 150)
	f, labels, right := Features(e, held), held.Labels(), 0
	d := f.Dim(1)
	cosine := func(a, b int) float64 {
		var ab, aa, bb float64
		for j := range d {
			x, y := float64(f.Data()[a*d+j]), float64(f.Data()[b*d+j])
			ab, aa, bb = ab+x*y, aa+x*x, bb+y*y
		}
		return ab / math.Sqrt(aa*bb)
	}
	for _, i := range index {
		others := slices.DeleteFunc(slices.Clone(index), func(j int) bool { return j == i })
		sort.SliceStable(others, func(a, b int) bool { return cosine(i, others[a]) > cosine(i, others[b]) })
		votes := make([]float64, 10)
		for _, j := range others[:20] {
			votes[labels[j]] += math.Exp(cosine(i, j) / 0.07)
		}
		best := 0
		for c, v := range votes {
			if v > votes[best] {
				best = c
			}
		}
		if best == labels[i] {
			right++
		}
	}
	if want := float64(right) / 150; math.Abs(values[MonitorKNN]-want) > 1.0/150 { // a tie in float32 may be none in float64
		t.Errorf("accuracy %g, want %g", values[MonitorKNN], want)
	}
	if old := newWatch(e, &contrastive.SimCLR{}, sets{unlabelled: train.Unlabelled(), monitor: held}, Schedule{Steps: 1, Watch: 1}); len(old.query) != 100 || len(old.memory) != 100 {
		t.Errorf("a record without a number of images has %d and %d, want half of all each", len(old.memory), len(old.query))
	}
}

// TestMonitorIsBounded counts the images that looks may take.
func TestMonitorIsBounded(t *testing.T) {
	train, held := mini(t)
	big, _, err := data.FashionMini()
	must(t, err)
	for _, c := range []struct {
		monitor *data.Set
		s       Schedule
		want    int // images, 0 for no monitor
	}{
		{big, Schedule{Steps: 1000, BatchSize: 200, Watch: 100}, 1000},
		{big, Schedule{Steps: 1050, BatchSize: 200, Watch: 100}, 954},
		{big, Schedule{Steps: 10, BatchSize: 20, Watch: 50}, 200},
		{big, Schedule{Steps: 9000, BatchSize: 200, Watch: 100, Monitor: 30}, 30},
		{big, Schedule{Steps: 9000, BatchSize: 2000, Watch: 100}, 2000},
		{held, Schedule{Steps: 9000, BatchSize: 2000, Watch: 100}, 200},
		{held, Schedule{Steps: 10, BatchSize: 20, Watch: 50, Monitor: -1}, 0},
		{held, Schedule{Steps: 10, BatchSize: 20}, 0},
		{nil, Schedule{Steps: 10, BatchSize: 20, Watch: 50, Monitor: 9}, 9},
	} {
		got, s := (&Session{Monitor: c.monitor}).monitor(train.Unlabelled(), c.s)
		if s.Monitor != c.want || (got != nil) != (c.want > 0) {
			t.Errorf("%+v: %d images of %v", c.s, s.Monitor, got != nil)
		}
	}
}

// TestHeldOut finds validation images for the house's sets and none for others.
func TestHeldOut(t *testing.T) {
	train, test, err := data.FashionMini()
	must(t, err)
	rest, held, err := train.Holdout()
	must(t, err)
	for _, u := range []*data.Set{train, rest, held} {
		if got := heldOut(u.Unlabelled()); got == nil || got.Digest() != held.Digest() {
			t.Errorf("%s: %v", u.Split(), got)
		}
	}
	renamed, err := data.FromPixels("fashion-mini", "train", train.Spec(), []string{"a"}, make([]uint8, 28*28*60), make([]int, 60))
	must(t, err)
	for _, u := range []*data.Unlabelled{test.Unlabelled(), renamed.Unlabelled(), fakeSet(t)} {
		if got := heldOut(u); got != nil {
			t.Errorf("%s, %s has a monitor: %s", u.Name(), u.Split(), got.Split())
		}
	}
}

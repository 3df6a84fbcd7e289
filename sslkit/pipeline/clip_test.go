package pipeline

import (
	"context"
	"math"
	"slices"
	"strings"
	"testing"

	"sslnotes/sslkit"
	"sslnotes/sslkit/contrastive"
	"sslnotes/sslkit/data"
	"sslnotes/sslkit/nn"
	"sslnotes/tracker"
)

// gradients is DINO, which keeps the gradients with which the optimizer stepped.
type gradients struct {
	contrastive.DINO
	params []*nn.Param
	last   [][]float64
}

func (m *gradients) Build(e nn.Encoder, in data.Spec, s sslkit.Setup) (nn.Module, error) {
	heads, err := m.DINO.Build(e, in, s)
	if err == nil {
		m.params = append(e.Params(), heads.Params()...)
	}
	return heads, err
}

func (m *gradients) AfterStep(s sslkit.Step) {
	m.DINO.AfterStep(s)
	m.last = nil
	for _, p := range m.params {
		g := make([]float64, p.Value.Len())
		for i, v := range p.Value.Grad() {
			g[i] = float64(v)
		}
		m.last = append(m.last, g)
	}
}

// length is by another way than the pipeline's: scaled, and in one array.
func length(all ...[]float64) float64 {
	flat := slices.Concat(all...)
	top := 0.0
	for _, v := range flat {
		top = max(top, math.Abs(v))
	}
	sum := 0.0
	for _, v := range flat {
		sum += v / top * v / top
	}
	if top == 0 {
		return 0
	}
	return top * math.Sqrt(sum)
}

// firstStep returns the gradients of a first step and the values it reported.
func firstStep(t *testing.T, s Schedule) ([][]float64, map[string]float64) {
	t.Helper()
	train, _ := mini(t)
	e, err := build(tiny, train.Spec(), 3)
	must(t, err)
	m, said := &gradients{}, map[string]float64{}
	s.Steps, s.BatchSize, s.Seed = 1, 20, 3
	must(t, Train(context.Background(), e, m, train.Unlabelled(), s, func(_ int, v map[string]float64) error {
		said = v
		return nil
	}))
	return m.last, said
}

// TestClip holds the gradients that the optimizer sees against those of a step
// that is not clipped.
func TestClip(t *testing.T) {
	raw, plain := firstStep(t, Schedule{})
	norm := length(raw...)
	if _, ok := plain["gradient_clipped"]; ok || math.Abs(plain["gradient_norm"]/norm-1) > 1e-6 {
		t.Fatalf("without a bound: norm %g, %v", norm, plain)
	}
	for _, bound := range []float64{norm / 3, norm * 1.01} {
		got, said := firstStep(t, Schedule{ClipNorm: float32(bound)})
		want := min(1, bound/norm)
		if said["gradient_norm"] != plain["gradient_norm"] || (said["gradient_clipped"] == 1) != (want < 1) {
			t.Errorf("bound %g: %v", bound, said)
		}
		closeTo(t, "ClipNorm", got, raw, func(int) float64 { return want })
	}
	const each = 0.05
	got, said := firstStep(t, Schedule{ClipEach: each})
	clipped := 0
	closeTo(t, "ClipEach", got, raw, func(i int) float64 {
		if l := length(raw[i]); l > each {
			clipped++
			return each / l
		}
		return 1
	})
	if clipped == 0 || clipped == len(raw) || said["gradient_clipped"] != float64(clipped)/float64(len(raw)) {
		t.Errorf("%d of %d gradients are longer than %g: %v", clipped, len(raw), each, said)
	}
}

// closeTo expects gradient i to be raw's times scale(i), to rounding.
func closeTo(t *testing.T, name string, got, raw [][]float64, scale func(i int) float64) {
	t.Helper()
	for i, g := range got {
		by := scale(i)
		for j, v := range g {
			if want := raw[i][j] * by; math.Abs(v-want) > 2e-7*math.Abs(want) || by == 1 && v != raw[i][j] {
				t.Fatalf("%s: gradient %d, element %d is %g, want %g·%g", name, i, j, v, raw[i][j], by)
			}
		}
	}
}

// TestClipIsRecorded executes a clipped run again; one that is not clipped keeps
// the record it had before there was such a thing.
func TestClipIsRecorded(t *testing.T) {
	s := session(t)
	train, _ := mini(t)
	var records []tracker.Run
	for _, schedule := range []Schedule{{}, {ClipNorm: 0.01}, {ClipEach: 0.01}} {
		schedule.Steps, schedule.BatchSize, schedule.Seed, schedule.Watch = 4, 40, 7, -1
		r, err := s.Pretrain(tiny, &contrastive.SimCLR{Dim: 8}, train.Unlabelled(), schedule)
		must(t, err)
		if v, err := s.Reproduce(r.ID()); err != nil || v.Verdict != BitExact {
			t.Errorf("%+v: %+v %v", schedule, v, err)
		}
		rec, err := r.Record()
		must(t, err)
		records = append(records, rec)
	}
	plain, norm, each := records[0], records[1], records[2]
	if c := string(plain.Config); strings.Contains(c, "Clip") || plain.Metrics["gradient_clipped"].N != 0 {
		t.Errorf("a run that is not clipped records %s and %v", c, plain.Metrics)
	}
	if c := string(norm.Config); !strings.Contains(c, `"ClipNorm":0.01`) || norm.Metrics["gradient_clipped"].N != 4 {
		t.Errorf("a clipped run records %s and %v", c, norm.Metrics)
	}
	if plain.Metrics["loss"].Value == norm.Metrics["loss"].Value || norm.Metrics["loss"].Value == each.Metrics["loss"].Value {
		t.Error("clipping changes nothing")
	}
}

// clipping is SimCLR that wants its gradients clipped.
type clipping struct{ contrastive.SimCLR }

func (m *clipping) Schedule() sslkit.Schedule { return sslkit.Schedule{ClipEach: 3} }

func TestClipResolves(t *testing.T) {
	for _, c := range []struct {
		given, want Schedule
		refused     string
	}{
		{given: Schedule{}, want: Schedule{ClipEach: 3}},
		{given: Schedule{ClipEach: -1}},
		{given: Schedule{ClipEach: 2}, want: Schedule{ClipEach: 2}},
		{given: Schedule{ClipNorm: 2}, want: Schedule{ClipNorm: 2}},
		{given: Schedule{ClipNorm: 2, ClipEach: 1}, refused: "ClipNorm is 2 and ClipEach 1"},
		{given: Schedule{ClipNorm: float32(math.NaN())}, refused: "ClipNorm is NaN"},
		{given: Schedule{ClipEach: float32(math.Inf(-1))}, refused: "ClipEach is -Inf"},
	} {
		got, err := c.given.Resolve(&clipping{}, 1000)
		switch {
		case c.refused != "":
			if err == nil || !strings.Contains(err.Error(), c.refused) {
				t.Errorf("%+v: error %v, want one that says %q", c.given, err, c.refused)
			}
		case err != nil || got.ClipNorm != c.want.ClipNorm || got.ClipEach != c.want.ClipEach:
			t.Errorf("%+v resolves to %g and %g, %v", c.given, got.ClipNorm, got.ClipEach, err)
		}
	}
}

package pipeline

import (
	"slices"
	"strings"
	"testing"

	"sslnotes/sslkit/data"
	"sslnotes/sslkit/nn"
	"sslnotes/sslkit/pretext"
)

func TestTransfer(t *testing.T) {
	s := session(t)
	a, test := mini(t)
	b, err := a.PerClass(20, 1)
	must(t, err)
	r := pretrained(t, s, a)
	other, err := s.Pretrain(tiny, &pretext.Rotation{}, b.Unlabelled(), Schedule{Steps: 4, BatchSize: 20, Seed: 1})
	must(t, err)
	pixels, err := s.Pixels(b.Unlabelled())
	must(t, err)
	before := nn.Digest(r.Encoder())
	m, err := Transfer([]*Run{r, other, pixels}, []Target{{Train: a, Test: test}, {"few", b, test}})
	must(t, err)
	if nn.Digest(r.Encoder()) != before {
		t.Error("the encoder has changed")
	}
	if want := []string{"simclr on fashion-mini", "rotation on fashion-mini", "raw pixels"}; !slices.Equal(m.From, want) {
		t.Errorf("rows are %q, want %q", m.From, want)
	}
	if want := []string{"fashion-mini", "few"}; !slices.Equal(m.To, want) {
		t.Errorf("columns are %q, want %q", m.To, want)
	}
	for i, from := range []*Run{r, other, pixels} {
		for j, to := range []*data.Set{a, b} {
			count, split, parent := trainedOn(t, m.Runs[i][j])
			if count != to.Len() || split != to.Split() || parent != from.ID() {
				t.Errorf("row %d, column %d: %d labels of %s on %s", i, j, count, split, parent)
			}
			if v, err := m.Runs[i][j].Value("test_accuracy"); err != nil || v != m.Accuracy[i][j] {
				t.Errorf("row %d, column %d: the run has %g, the matrix %g", i, j, v, m.Accuracy[i][j])
			}
		}
	}
	// On its own data it is the linear probe, elsewhere standardised by the target.
	own, err := LinearProbe(r, a, test)
	must(t, err)
	if v, err := own.Value("test_accuracy"); err != nil || v != m.Accuracy[0][0] {
		t.Errorf("the linear probe has %g, the matrix %g", v, m.Accuracy[0][0])
	}
	v, err := s.Reproduce(m.Runs[1][0].ID())
	if err != nil || v.Verdict != BitExact {
		t.Errorf("executed again a transferred probe is %s: %s %v", v.Verdict, v.Reason, err)
	}
}

// The target's images standardise the features, those of the encoder's own set
// do not.
func TestTransferStandardises(t *testing.T) {
	s := session(t)
	a, _ := mini(t)
	b, err := a.PerClass(5, 0)
	must(t, err)
	r := pretrained(t, s, a)
	mean := func(x *execution) float64 {
		scale, err := x.scaling(0)
		must(t, err)
		sum := 0.0
		for _, v := range scale.apply(Features(r.Encoder(), b)).Data() {
			sum += float64(v)
		}
		return sum
	}
	own, target := mean(&execution{fitting: fitting{ctx: t.Context()}, parent: r}), mean(&execution{fitting: fitting{ctx: t.Context()}, parent: r, sets: sets{unlabelled: b.Unlabelled()}})
	if target > 1e-2 || target < -1e-2 || own < 0.1 && own > -0.1 {
		t.Errorf("features of the target sum to %g, standardised by the encoder's own images to %g", target, own)
	}
}

func TestTransferRefuses(t *testing.T) {
	s := session(t)
	a, test := mini(t)
	r := pretrained(t, s, a)
	colour, held, err := data.Open("emoji-google")
	must(t, err)
	if _, err := Transfer([]*Run{r}, []Target{{Train: colour, Test: held}}); err == nil || !strings.Contains(err.Error(), "channels") {
		t.Errorf("gray features of colours: %v", err)
	}
	if _, err := Transfer(nil, []Target{{Train: a, Test: test}}); err == nil {
		t.Error("no runs pass")
	}
	if _, err := Transfer([]*Run{r}, []Target{{Name: "x", Train: a}}); err == nil || !strings.Contains(err.Error(), `"x"`) {
		t.Errorf("a target without test data: %v", err)
	}
}

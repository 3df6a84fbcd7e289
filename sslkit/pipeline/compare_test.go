package pipeline

import (
	"math"
	"strings"
	"testing"

	"sslnotes/sslkit/contrastive"
)

func TestPair(t *testing.T) {
	for _, c := range []struct {
		p    Pair
		want float64
	}{
		{Pair{Both: 5, First: 0, Second: 0}, 1},
		{Pair{First: 1, Second: 0}, 1},
		{Pair{First: 0, Second: 5}, 2.0 / 32},
		{Pair{First: 2, Second: 8}, 2 * (1 + 10 + 45) / 1024.0},
		{Pair{First: 1, Second: 9}, 2 * 11 / 1024.0},
		{Pair{First: 4, Second: 4}, 1},
	} {
		if got := c.p.P(); math.Abs(got-c.want) > 1e-12 {
			t.Errorf("%+v: p = %g, want %g", c.p, got, c.want)
		}
	}
	p := Pair{Both: 60, First: 10, Second: 20, Neither: 10}
	if d, e := p.Difference(), p.Error(); math.Abs(d-0.1) > 1e-15 || math.Abs(e-math.Sqrt((0.3-0.01)/100)) > 1e-15 {
		t.Errorf("difference %g ± %g", d, e)
	}
}

func TestMeanStd(t *testing.T) {
	if m, s := MeanStd([]float64{1, 2, 3, 6}); m != 3 || math.Abs(s-math.Sqrt(14.0/3)) > 1e-12 {
		t.Errorf("%g ± %g", m, s)
	}
	if m, s := MeanStd([]float64{4}); m != 4 || !math.IsNaN(s) {
		t.Errorf("%g ± %g", m, s)
	}
}

// TestCompare puts two seeds of a method beside pixels.
func TestCompare(t *testing.T) {
	s := session(t)
	train, held := mini(t)
	pixels, err := s.Pixels(train.Unlabelled())
	must(t, err)
	var judged []*Run
	for i := range 2 {
		few, err := train.PerClass(5, i)
		must(t, err)
		p, err := LinearProbe(pixels, few, held)
		must(t, err)
		judged = append(judged, p)
	}
	for i := range 2 {
		r, err := s.Pretrain(tiny, &contrastive.SimCLR{Dim: 8}, train.Unlabelled(), Schedule{Steps: 3, BatchSize: 40, Seed: uint64(i)})
		must(t, err)
		few, err := train.PerClass(5, i)
		must(t, err)
		p, err := LinearProbe(r, few, held)
		must(t, err)
		judged = append(judged, p)
	}
	c := Compare(append(judged, nil)...)
	if len(c.Rows) != 3 {
		t.Fatalf("%d rows:\n%s", len(c.Rows), c)
	}
	a, b := c.Rows[0], c.Rows[1]
	if len(a.Values) != 2 || len(b.Values) != 2 || a.Labels != 50 || b.Method != "simclr" || b.Kind != "probe" {
		t.Errorf("rows %+v %+v", a, b)
	}
	first, err := Paired(judged[0], judged[2])
	must(t, err)
	second, err := Paired(judged[1], judged[3])
	must(t, err)
	if d := (first.Difference() + second.Difference()) / 2; math.Abs(d-(b.Mean-a.Mean)) > 1e-12 || first.N() != held.Len() {
		t.Errorf("paired difference %g of %d images, means differ by %g", d, first.N(), b.Mean-a.Mean)
	}
	for _, text := range []string{c.String(), c.HTML()} {
		for _, want := range []string{"pixels-probe-1", "simclr-probe-1", "test accuracy", "±", "pt over 2 runs", "no run"} {
			if !strings.Contains(text, want) {
				t.Errorf("the table lacks %q:\n%s", want, text)
			}
		}
	}
	loaded, err := s.Load(judged[2].ID())
	must(t, err)
	if again, err := Paired(judged[0], loaded); err != nil || again != first {
		t.Errorf("from the store: %+v %v, want %+v", again, err, first)
	}
	if _, err := Paired(judged[0], pixels); err == nil {
		t.Error("compared a probe with a run that judged nothing")
	}
	if text := Compare(judged[0], judged[2]).String(); !strings.Contains(text, "p = ") {
		t.Errorf("two runs on the same images without a test:\n%s", text)
	}
}

package pipeline

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"sslnotes/sslkit/data"
	"sslnotes/sslkit/nn"
)

// trainedOn returns how many labelled images a run's record names, and its parent.
func trainedOn(t *testing.T, r *Run) (count int, split, parent string) {
	t.Helper()
	rec, err := r.Record()
	must(t, err)
	for _, d := range rec.Data {
		if d.Role == "train" {
			return d.Count, d.Split, rec.Parent
		}
	}
	t.Fatalf("%s names no training data", r.Name())
	return
}

// wrongLabels lists the runs whose records name more or fewer labels than the
// efficiency says.
func wrongLabels(t *testing.T, e *Efficiency, classes int) (wrong []string) {
	t.Helper()
	for i, runs := range e.Runs {
		for _, run := range runs {
			if count, _, _ := trainedOn(t, run); count != int(e.Labels[i])*classes {
				wrong = append(wrong, fmt.Sprintf("%s used %d labels, want %d", run.Name(), count, int(e.Labels[i])*classes))
			}
		}
	}
	return wrong
}

func TestLabelEfficiency(t *testing.T) {
	s := session(t)
	train, test := mini(t)
	r := pretrained(t, s, train)
	before := nn.Digest(r.Encoder())
	l := Labels{PerClass: []int{1, 10, 0}, Subsets: 2, Tuning: Tuning{Steps: 3, BatchSize: 10}}
	probe, tuned, err := l.Judge(r, train, test)
	must(t, err)
	if nn.Digest(r.Encoder()) != before {
		t.Error("the judged encoder has changed")
	}
	var splits []string
	for _, e := range []*Efficiency{probe, tuned} {
		for _, w := range wrongLabels(t, e, len(train.Classes())) {
			t.Error(w)
		}
		if want := []float64{1, 10, 60}; !slices.Equal(e.Labels, want) {
			t.Errorf("labels %v, want %v", e.Labels, want)
		}
		var these []string
		for i, runs := range e.Runs {
			if want := []int{2, 2, 1}[i]; len(runs) != want || len(e.Values[i]) != want {
				t.Fatalf("%g labels: %d runs and %d values, want %d", e.Labels[i], len(runs), len(e.Values[i]), want)
			}
			for k, run := range runs {
				_, split, parent := trainedOn(t, run)
				these = append(these, split)
				if parent != r.ID() {
					t.Errorf("%s has the parent %s, want %s", run.Name(), parent, r.ID())
				}
				if v, err := run.Value("test_accuracy"); err != nil || v != e.Values[i][k] {
					t.Errorf("%s has %g, the efficiency says %g", run.Name(), v, e.Values[i][k])
				}
			}
		}
		if splits != nil && !slices.Equal(splits, these) {
			t.Errorf("fine-tuning used %v, the probe %v", these, splits)
		}
		splits = these
	}
}

// Fewer labels are a part of more, and other draws are others.
func TestLabelsAreNested(t *testing.T) {
	train, _ := mini(t)
	l := Labels{Subsets: 2}
	for i := range 2 {
		var above map[string]bool
		for _, n := range []int{60, 10, 1} {
			all, err := l.draw(train, n)
			must(t, err)
			here := pictures(all[i])
			for p := range here {
				if above != nil && !above[p] {
					t.Errorf("subset %d: of %d labels one is not among the larger number", i, n)
				}
			}
			above = here
		}
	}
	one, err := l.draw(train, 10)
	must(t, err)
	if one[0].Digest() == one[1].Digest() {
		t.Error("both draws are the same")
	}
}

func pictures(s *data.Set) map[string]bool {
	all := map[string]bool{}
	for i := range s.Len() {
		all[string(s.Pixels(i))] = true
	}
	return all
}

func TestLabelsDefaults(t *testing.T) {
	train, _ := mini(t)
	l, err := Labels{}.resolve(train)
	must(t, err)
	if !slices.Equal(l.PerClass, []int{1, 10, 0}) || l.Subsets != 5 {
		t.Errorf("of 60 labels a class %v in %d draws, want 1, 10 and all in 5", l.PerClass, l.Subsets)
	}
	for _, bad := range []Labels{{PerClass: []int{61}}, {PerClass: []int{-1}}, {Subsets: -1}} {
		if _, err := bad.resolve(train); err == nil {
			t.Errorf("%+v passes", bad)
		}
	}
	if _, err := (Labels{}).Each(nil, nil); err == nil {
		t.Error("no data passes")
	}
	enough, calls := errors.New("enough"), 0
	if _, err := (Labels{}).Each(train, func(*data.Set) (*Run, error) { calls++; return nil, enough }); err != enough || calls != 1 {
		t.Errorf("after %d calls Each returned %v", calls, err)
	}
}

// Pixels are probed and cannot be tuned.
func TestLabelEfficiencyOfPixels(t *testing.T) {
	s := session(t)
	train, test := mini(t)
	pixels, err := s.Pixels(train.Unlabelled())
	must(t, err)
	probe, tuned, err := Labels{PerClass: []int{2}, Subsets: 1}.Judge(pixels, train, test)
	must(t, err)
	if tuned != nil || len(probe.Values) != 1 {
		t.Errorf("probe %v, tuned %v", probe, tuned)
	}
}

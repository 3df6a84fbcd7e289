package pipeline

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"sslnotes/sslkit/contrastive"
	"sslnotes/sslkit/data"
	"sslnotes/tracker"
)

// copied is a set of the given images under another name or with other labels.
func copied(t *testing.T, s *data.Set, name, split string, label func(i int) int) *data.Set {
	t.Helper()
	var pixels []uint8
	labels := make([]int, s.Len())
	for i := range labels {
		pixels, labels[i] = append(pixels, s.Pixels(i)...), label(i)
	}
	set, err := data.FromPixels(name, split, s.Spec(), s.Classes(), pixels, labels)
	must(t, err)
	return set
}

// TestRefusesWhatIsNoTest asks for judgements that cannot tell what was learned,
// in every way to judge, and for trainings on test images: none makes a run.
func TestRefusesWhatIsNoTest(t *testing.T) {
	s := session(t)
	all, test, err := data.FashionMini()
	must(t, err)
	train, held := mini(t)
	r := pretrained(t, s, train)
	few, err := train.PerClass(5, 0)
	must(t, err)
	other, err := train.PerClass(50, 1)
	must(t, err)
	both, those := 0, pictures(other)
	for p := range pictures(few) {
		if those[p] {
			both++
		}
	}
	if both == 0 || both == few.Len() {
		t.Fatalf("%d images of two draws are the same", both)
	}
	sneaky := copied(t, train, "mine", "test", func(i int) int { return (train.Labels()[i] + 1) % 10 })
	one := copied(t, held, "one", "train", func(int) int { return 3 })
	judges := map[string]func(train, test *data.Set) (*Run, error){
		"probe":      func(a, b *data.Set) (*Run, error) { return LinearProbe(r, a, b) },
		"knn":        func(a, b *data.Set) (*Run, error) { return KNN(r, a, b) },
		"tuning":     func(a, b *data.Set) (*Run, error) { return FullFineTune(r, a, b) },
		"partial":    func(a, b *data.Set) (*Run, error) { return PartialFineTune(r, 1, a, b) },
		"supervised": func(a, b *data.Set) (*Run, error) { return s.Supervised(tiny, a, b, Tuning{}) },
		"transfer": func(a, b *data.Set) (*Run, error) {
			_, err := Transfer([]*Run{r}, []Target{{Train: few, Test: held}, {Train: a, Test: b}})
			return nil, err
		},
		"labels": func(a, b *data.Set) (*Run, error) {
			_, _, err := Labels{PerClass: []int{0}}.Judge(r, a, b)
			return nil, err
		},
	}
	for _, c := range []struct {
		train, test *data.Set
		want        string
	}{
		{held, held, "200 of the 200 test images, fashion-mini, train/held(200,0), are among those to learn from, fashion-mini, train/held(200,0)"},
		{all, held, "200 of the 200 test images"},
		{train, few, "50 of the 50 test images"},
		{few, all, "50 of the 2000 test images"},
		{other, few, fmt.Sprintf("%d of the 50 test images", both)},
		{train, sneaky, "600 of the 600 test images, mine, test, are among"},
		{one, test, "all 200 images of one, train are of one class"},
	} {
		for name, judge := range judges {
			if _, err := judge(c.train, c.test); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%s of %s on %s: %v, want %q", name, nameOf(c.train), nameOf(c.test), err, c.want)
			}
		}
	}
	if _, err := LinearProbe(r, held, train); err == nil || !strings.Contains(err.Error(), "simclr-1 has learned from the test images") {
		t.Errorf("judged on the images it has seen: %v", err)
	}

	some, err := test.PerClass(20, 0)
	must(t, err)
	for _, set := range []*data.Unlabelled{test.Unlabelled(), some.Unlabelled()} {
		for name, learn := range map[string]func() (*Run, error){
			"pretrain": func() (*Run, error) {
				return s.Pretrain(tiny, &contrastive.SimCLR{}, set, Schedule{Steps: 1, BatchSize: 20})
			},
			"random": func() (*Run, error) { return s.Random(tiny, set, 1) },
			"pixels": func() (*Run, error) { return s.Pixels(set) },
			"import": func() (*Run, error) { return s.Import(tiny, filepath.Join(t.TempDir(), "none"), set) },
			"train": func() (*Run, error) {
				return nil, Train(context.Background(), r.encoder, &contrastive.SimCLR{}, set, Schedule{Steps: 1, BatchSize: 20}, nil)
			},
		} {
			if _, err := learn(); err == nil || !strings.Contains(err.Error(), "nothing may learn from fashion-mini, test") {
				t.Errorf("%s on %s: %v", name, set.Split(), err)
			}
		}
	}
	s.Monitor = some
	if _, err := s.Pretrain(tiny, &contrastive.SimCLR{}, train.Unlabelled(), Schedule{Steps: 1, BatchSize: 20}); err == nil || !strings.Contains(err.Error(), "Session.Monitor is fashion-mini, test/per(20,0)") {
		t.Errorf("monitored by test images: %v", err)
	}
	if runs, err := s.Store.Runs(tracker.Filter{}); err != nil || len(runs) != 1 {
		t.Errorf("%d runs %v, want the one that was made", len(runs), err)
	}
}

// TestWhatIsATest has the pairs of sets that the house's plans judge by.
func TestWhatIsATest(t *testing.T) {
	for _, name := range []string{"fashion-mini", "emoji-google", "emoji-google/on-twitter", "emoji-google/gray", "emoji-google-fluent-flat-blobs-firefox/on-twitter"} {
		train, test, err := data.Open(name)
		must(t, err)
		if err := examinable(train, test); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		rest, held, err := train.Holdout()
		must(t, err)
		for _, c := range [][2]*data.Set{{rest, held}, {rest, test}, {held, test}} {
			if err := examinable(c[0], c[1]); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
}

// TestTestLabelsAreOnlyScored judges in every way on the same images with two
// sets of labels: all but the accuracy on them is the same.
func TestTestLabelsAreOnlyScored(t *testing.T) {
	s := session(t)
	train, held := mini(t)
	train, err := train.PerClass(5, 0)
	must(t, err)
	r := pretrained(t, s, train)
	run := map[string][]tracker.Link{}
	for _, shift := range []int{0, 1} {
		test := copied(t, held, "asked", "test", func(i int) int { return (held.Labels()[i] + shift) % 10 })
		for _, j := range judged(t, s, r, train, test)[3:] {
			rec, err := j.Record()
			must(t, err)
			links, err := s.Store.Chain(j.ID())
			must(t, err)
			links = slices.DeleteFunc(links, func(l tracker.Link) bool { return l.Key == "test_accuracy" })
			if len(links) == 0 {
				t.Fatalf("%s has nothing to compare", j.Name())
			}
			key := rec.Kind + rec.Parent + string(rec.Config)
			if rec.Kind == "probe" || rec.Kind == "knn" {
				key = rec.Kind + rec.Method + string(rec.Config)
			}
			before, ok := run[key]
			if run[key] = links; ok != (shift == 1) {
				t.Fatalf("%s has the key %s of another", j.Name(), key)
			}
			if ok && !slices.EqualFunc(before, links, tracker.Link.Equal) {
				t.Errorf("%s knew the labels of the test images", j.Name())
			}
		}
	}
}

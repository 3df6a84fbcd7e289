package pipeline

import (
	"slices"
	"strings"
	"testing"

	"sslnotes/sslkit/nn"
	"sslnotes/tracker"
)

// forged records a run again under a digest that fits, one of its links bent.
func forged(t *testing.T, s *Session, r *Run, bend func(links []tracker.Link)) *Run {
	t.Helper()
	rec, err := r.Record()
	must(t, err)
	w, err := s.Store.Create(tracker.NewRun{Kind: rec.Kind, Method: rec.Method, Seed: rec.Seed, Config: rec.Config, Data: rec.Data, Numerics: rec.Numerics, Parent: rec.Parent})
	must(t, err)
	links := slices.Clone(chain(t, s, r))
	bend(links)
	for _, l := range links {
		if l.Blob == "" {
			must(t, w.Log(l.Step, tracker.Value{Key: l.Key, Value: l.Value}))
			continue
		}
		b, err := s.Store.Blob(l.Blob)
		must(t, err)
		if l.Key == "bent" {
			l.Key, b = predictionsFile(10), append([]byte{b[0] ^ 1}, b[1:]...)
		}
		must(t, w.Checkpoint(l.Step, l.Key, b))
	}
	must(t, w.Finish(tracker.Finished, ""))
	return &Run{id: w.ID(), name: w.Name()}
}

// TestReproduceNamesTheFirst bends each link of a judgement of every kind, one
// after the other, and wants each named, with its step.
func TestReproduceNamesTheFirst(t *testing.T) {
	s := session(t)
	train, held := mini(t)
	few, err := train.PerClass(3, 0)
	must(t, err)
	r := pretrained(t, s, train)
	short := Tuning{Steps: 2, BatchSize: 20}
	supervised, err := s.Supervised(tiny, few, held, short)
	must(t, err)
	probe, err := LinearProbe(r, few, held)
	must(t, err)
	block, err := Probe{Block: 1}.Judge(r, few, held)
	must(t, err)
	knn, err := KNN(r, few, held)
	must(t, err)
	tuned, err := short.Judge(r, few, held)
	must(t, err)
	moved, err := Transfer([]*Run{r}, []Target{{Train: few, Test: held}})
	must(t, err)
	for _, j := range []*Run{supervised, probe, block, knn, tuned, moved.Runs[0][0]} {
		if v, err := s.Reproduce(forged(t, s, j, func([]tracker.Link) {}).ID()); err != nil || v.Verdict != BitExact {
			t.Fatalf("an honest copy of %s: %s %s %v", j.Name(), v.Verdict, v.Reason, err)
		}
		bent := map[string]bool{}
		for i, l := range chain(t, s, j) {
			if bent[l.Key] || l.Key == encoderFile { // one of a key is enough
				continue
			}
			bent[l.Key] = true
			key := l.Key
			f := forged(t, s, j, func(links []tracker.Link) {
				if links[i].Blob != "" {
					links[i].Key = "bent"
				} else {
					links[i].Value++
				}
			})
			v, err := s.Reproduce(f.ID())
			must(t, err)
			if v.Verdict != DidDiverge || !strings.Contains(v.Reason, key) || v.Values != i {
				t.Errorf("%s with another %s: %s %s, %d values equal, want %d", j.Name(), l, v.Verdict, v.Reason, v.Values, i)
			}
		}
		if len(bent) < 2 {
			t.Errorf("%s has only %v", j.Name(), bent)
		}
	}
}

// TestReproduceOfSupervised judges an encoder that learned from labels, as made
// and as loaded.
func TestReproduceOfSupervised(t *testing.T) {
	s := session(t)
	train, held := mini(t)
	few, err := train.PerClass(3, 0)
	must(t, err)
	made, err := s.Supervised(tiny, few, held, Tuning{Steps: 2, BatchSize: 20})
	must(t, err)
	loaded, err := s.Load(made.ID())
	must(t, err)
	if nn.Digest(loaded.Encoder()) != nn.Digest(made.Encoder()) {
		t.Fatal("another encoder is loaded")
	}
	var accuracy []float64
	for _, r := range []*Run{made, loaded} {
		p, err := LinearProbe(r, few, held)
		must(t, err)
		a, err := p.Value("test_accuracy")
		must(t, err)
		accuracy = append(accuracy, a)
		if v, err := s.Reproduce(p.ID()); err != nil || v.Verdict != BitExact {
			t.Errorf("a probe of what learned from labels is %s: %s %v", v.Verdict, v.Reason, err)
		}
	}
	if accuracy[0] != accuracy[1] {
		t.Errorf("accuracies %v of one encoder", accuracy)
	}
}

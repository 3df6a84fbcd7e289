package sslkittest

import (
	"context"
	"errors"
	"math"
	"path/filepath"
	"reflect"
	"runtime"
	"testing"

	"sslnotes/internal/config"
	"sslnotes/sslkit"
	"sslnotes/sslkit/data"
	"sslnotes/sslkit/internal/f32"
	"sslnotes/sslkit/nn"
	"sslnotes/sslkit/pipeline"
	"sslnotes/tracker"
)

// sameBits: threads and instruction sets change no bit.
func (s *suite) sameBits(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(0))
	defer f32.Use(f32.Active())
	want := s.train(t, s.make(), s.Set, s.schedule(3))
	for _, isa := range f32.Available() {
		f32.Use(isa)
		for threads := 1; threads <= 3; threads++ {
			runtime.GOMAXPROCS(threads)
			if got := s.train(t, s.make(), s.Set, s.schedule(3)); got != want {
				t.Errorf("%s on %d threads trains to other bits", isa, threads)
			}
		}
	}
}

// anotherSeed: another seed is another run.
func (s *suite) anotherSeed(t *testing.T) {
	a, b := s.schedule(2), s.schedule(2)
	b.Seed++
	if s.train(t, s.make(), s.Set, a) == s.train(t, s.make(), s.Set, b) {
		t.Error("two seeds give the same bits")
	}
}

// noLabels: images whose labels are others train to the same bits.
func (s *suite) noLabels(t *testing.T) {
	var pixels []uint8
	other, classes := make([]int, s.Set.Len()), []string{"a", "b", "c"}
	for i := range other {
		pixels = append(pixels, s.Set.Pixels(i)...)
		other[i] = (i * i) % 3
	}
	labelled := func(labels []int) *data.Unlabelled {
		set, err := data.FromPixels("relabelled", "train", s.Set.Spec(), classes, pixels, labels)
		if err != nil {
			t.Fatal(err)
		}
		return set.Unlabelled()
	}
	if s.train(t, s.make(), labelled(make([]int, len(other))), s.schedule(2)) != s.train(t, s.make(), labelled(other), s.schedule(2)) {
		t.Error("labels reach the method")
	}
}

// notANumber: a loss that is not finite ends training, and the step that
// computed it changes and reports nothing.
func (s *suite) notANumber(t *testing.T) {
	e := s.encoder(t, seed)
	for _, p := range e.Params() {
		for i := range p.Value.Data() {
			p.Value.Data()[i] = float32(math.NaN())
		}
	}
	before := nn.Digest(e)
	err := pipeline.Train(context.Background(), e, s.make(), s.Set, s.schedule(2), func(step int, v map[string]float64) error {
		t.Errorf("step %d reports %v", step, v)
		return nil
	})
	if !errors.Is(err, pipeline.ErrDiverged) {
		t.Errorf("weights that are not numbers: error %v, want %v", err, pipeline.ErrDiverged)
	}
	if nn.Digest(e) != before {
		t.Error("the encoder was changed by a step without a loss")
	}
}

// resume: a run that was interrupted and goes on ends as one that was not.
func (s *suite) resume(t *testing.T) {
	session := &pipeline.Session{Path: filepath.Join(t.TempDir(), "runs.db"), Types: typesOf(s.world(t).method)}
	session.Types.Add(s.Plan)
	session.Data = func(string, string) (*data.Set, error) { return s.labelled() }
	set, err := s.labelled()
	if err != nil {
		t.Fatal(err)
	}
	schedule := s.schedule(5)
	schedule.Checkpoint, schedule.Watch = 2, -1
	want, err := session.Pretrain(s.Plan, s.make(), set.Unlabelled(), schedule)
	if err != nil {
		t.Fatal(err)
	}
	defer session.Store.Close()
	ctx, stop := context.WithCancel(context.Background())
	session.Context = func() context.Context { return ctx }
	session.Progress = func(string, int) pipeline.Bar { return alarmClock{3, stop} }
	session.Name = "stopped"
	if _, err := session.Pretrain(s.Plan, s.make(), set.Unlabelled(), schedule); !errors.Is(err, context.Canceled) {
		t.Fatalf("an interrupted run: error %v", err)
	}
	session.Context, session.Progress = nil, nil
	got, err := session.Resume("stopped")
	if err != nil {
		t.Fatal(err)
	}
	a, b := digest(t, want), digest(t, got)
	if a != b {
		t.Errorf("resumed, the run ends with digest %.12s, uninterrupted with %.12s: State must hold all that outlives a step", b, a)
	}
	v, err := session.Reproduce(got.ID())
	if err != nil || v.Verdict != pipeline.BitExact {
		t.Errorf("executed again the run is %s: %s %v", v.Verdict, v.Reason, err)
	}
}

// labelled is the suite's images as a set with labels.
func (s *suite) labelled() (*data.Set, error) {
	var pixels []uint8
	for i := range s.Set.Len() {
		pixels = append(pixels, s.Set.Pixels(i)...)
	}
	return data.FromPixels("own", "train", s.Set.Spec(), []string{"a"}, pixels, make([]int, s.Set.Len()))
}

// alarmClock is a progress bar that stops the run after a step.
type alarmClock struct {
	at   int
	stop context.CancelFunc
}

func (a alarmClock) Update(done int, _ string) {
	if done == a.at {
		a.stop()
	}
}
func (alarmClock) Close() {}

func digest(t *testing.T, r *pipeline.Run) string {
	t.Helper()
	rec, err := r.Record()
	if err != nil {
		t.Fatal(err)
	}
	if rec.Status != tracker.Finished {
		t.Errorf("run %s is %s", r.Name(), rec.Status)
	}
	return rec.Digest
}

// typesOf lists the types that a method's record names.
func typesOf(m sslkit.Method) config.Types {
	types := config.Types{}
	types.Add(m)
	addTypes(types, reflect.ValueOf(m))
	return types
}

func addTypes(types config.Types, v reflect.Value) {
	switch v.Kind() {
	case reflect.Interface:
		if !v.IsNil() && v.CanInterface() {
			types.Add(v.Interface())
			addTypes(types, v.Elem())
		}
	case reflect.Pointer:
		if !v.IsNil() {
			addTypes(types, v.Elem())
		}
	case reflect.Slice:
		for i := range v.Len() {
			addTypes(types, v.Index(i))
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				addTypes(types, v.Field(i))
			}
		}
	}
}

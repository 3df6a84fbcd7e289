package pipeline

import (
	"context"
	"errors"
	"fmt"
	"time"

	"sslnotes/sslkit/tensor"
	"sslnotes/tracker"
)

// The verdicts of Reproduce.
const (
	BitExact        = "BIT-EXACT"
	DidDiverge      = "DIVERGED"
	NotReproducible = "NOT REPRODUCIBLE"
)

// A Verdict is the outcome of executing a record again.
type Verdict struct {
	Run     string  `json:"run"`
	Name    string  `json:"name"`
	Verdict string  `json:"verdict"`
	Reason  string  `json:"reason,omitempty"` // the first difference and its cause, or what is missing
	Values  int     `json:"values"`           // computed values and checkpoints found equal
	Digest  string  `json:"digest"`
	ISA     string  `json:"isa"`
	Seconds float64 `json:"seconds"`
}

// ReproduceAll reproduces a run and before it all that it builds on, the oldest
// first. It stops at the first that is not bit-exact.
func (s *Session) ReproduceAll(ref string) ([]Verdict, error) {
	store, err := s.Open()
	if err != nil {
		return nil, err
	}
	r, err := store.Run(ref)
	if err != nil {
		return nil, err
	}
	var all []Verdict
	if r.Parent != "" {
		if all, err = s.ReproduceAll(r.Parent); err != nil || all[len(all)-1].Verdict != BitExact {
			return all, err
		}
	}
	v, err := s.Reproduce(r.ID)
	return append(all, v), err
}

// Reproduce executes a finished run again from its record and compares every
// computed value and every checkpoint bit for bit. The encoder of a run it
// builds on is taken from that run's checkpoint, whose record must be whole;
// ReproduceAll executes those again too. It returns an error only if the store
// cannot be read or the context ended.
func (s *Session) Reproduce(ref string) (Verdict, error) {
	store, err := s.Open()
	if err != nil {
		return Verdict{}, err
	}
	r, err := store.Run(ref)
	if err != nil {
		return Verdict{}, err
	}
	v := Verdict{Run: r.ID, Name: r.Name(), Digest: r.Digest, ISA: tensor.ISA()}
	if r.Status != tracker.Finished && r.Status != tracker.Diverged {
		return v.missing("an end: the run is %s", r.Status), nil
	}
	if err := verify(store, r); err != nil {
		v.Verdict, v.Reason = DidDiverge, err.Error()
		return v, nil
	}
	if r.Numerics != tensor.Numerics {
		return v.missing("numerics version %s: this program has version %s, the record's source is %s", r.Numerics, tensor.Numerics, r.Source.Digest), nil
	}
	x, t, err := s.prepare(r)
	if err != nil {
		return v.missing("%v", err), nil
	}
	links, err := store.Chain(r.ID)
	if err != nil {
		return v, err
	}
	files, err := store.Artifacts(r.ID)
	if err != nil {
		return v, err
	}
	return replay(v, x, t, &checker{want: links, files: files}, r.Status)
}

// verify checks the records of a run and of all that it builds on.
func verify(store *tracker.Store, r tracker.Run) error {
	if err := store.Verify(r); err != nil || r.Parent == "" {
		return err
	}
	p, err := store.Run(r.Parent)
	if err != nil {
		return err
	}
	if err := verify(store, p); err != nil {
		return fmt.Errorf("run %s, on which it builds: %w", p.Name(), err)
	}
	return nil
}

func (v Verdict) missing(format string, args ...any) Verdict {
	v.Verdict, v.Reason = NotReproducible, "missing "+fmt.Sprintf(format, args...)
	return v
}

// prepare finds all that the record builds on.
func (s *Session) prepare(r tracker.Run) (*execution, task, error) {
	t, err := s.decode(r)
	if err != nil {
		return nil, nil, err
	}
	if q, ok := t.(requiring); ok {
		if err := q.ready(); err != nil {
			return nil, nil, err
		}
	}
	in, err := s.openSets(r.Data)
	if err != nil {
		return nil, nil, err
	}
	x := &execution{fitting: fitting{ctx: s.context()}, out: &Run{name: r.Name()}}
	x.give(in)
	if r.Parent != "" {
		if x.parent, err = s.Load(r.Parent); err != nil {
			return nil, nil, err
		}
	}
	if j, ok := t.(judgement); ok {
		if x.parent, err = x.parent.as(j); err != nil {
			return nil, nil, err
		}
	}
	x.bar = s.bar("reproduce "+r.Name(), t.steps())
	return x, t, nil
}

// requiring is a task that needs more than its record, its data and its parent.
type requiring interface{ ready() error }

// replay does the task against its recorded values.
func replay(v Verdict, x *execution, t task, c *checker, status tracker.Status) (Verdict, error) {
	x.recorder, x.bar = c, struct{ Bar }{x.bar} // no Panel: its alarms are old
	start := time.Now()
	err := guard(func() error { return x.do(t) })
	x.bar.Close()
	v.Seconds, v.Values = time.Since(start).Seconds(), c.at
	var d *difference
	switch {
	case errors.As(err, &d):
		v.Verdict, v.Reason = DidDiverge, d.Error()
	case errors.Is(err, context.Canceled):
		return v, err
	case status == tracker.Diverged && !errors.Is(err, ErrDiverged):
		v.Verdict, v.Reason = DidDiverge, "the recorded run ended with a loss that is not finite, this one did not"
	case status == tracker.Finished && err != nil:
		v.Verdict, v.Reason = DidDiverge, "the recorded run finished, this one failed: "+err.Error()
	case c.at < len(c.want):
		v.Verdict, v.Reason = DidDiverge, fmt.Sprintf("%d values were recorded after the last of this run, first %s", len(c.want)-c.at, c.want[c.at])
	default:
		v.Verdict = BitExact
	}
	return v, nil
}

// A checker is a recorder that holds values against recorded ones and stops at
// the first difference.
type checker struct {
	want  []tracker.Link
	at    int
	files []tracker.Artifact // of the run
}

// difference is the first link that differs.
type difference struct{ message string }

func (d *difference) Error() string { return d.message }

func (c *checker) match(l tracker.Link) error {
	if c.at == len(c.want) {
		return &difference{fmt.Sprintf("%s was not recorded", l)}
	}
	want := c.want[c.at]
	if !l.Equal(want) {
		message := fmt.Sprintf("recorded %s, now %s", want, l)
		if want.Key == l.Key && want.Step == l.Step && want.Blob == "" {
			message += ": " + want.ULP(l) + " apart"
		}
		return &difference{message}
	}
	c.at++
	return nil
}

// Log implements recorder.
func (c *checker) Log(step int, values ...tracker.Value) error {
	for _, v := range values {
		if v.Observed {
			continue
		}
		if err := c.match(tracker.Link{Step: step, Key: v.Key, Value: v.Value}); err != nil {
			return err
		}
	}
	return nil
}

// Checkpoint implements recorder.
func (c *checker) Checkpoint(step int, name string, b []byte) error {
	return c.match(tracker.Link{Step: step, Key: name, Blob: tracker.DigestOf(b)})
}

// State implements recorder.
func (c *checker) State(step int, name string, b []byte) error { return c.Checkpoint(step, name, b) }

// Beside implements recorder. A record without the file is of a time before it.
func (c *checker) Beside(name string, b []byte) error {
	for _, f := range c.files {
		if digest := tracker.DigestOf(b); f.Name == name && !f.Checkpoint && f.Digest != digest {
			return &difference{fmt.Sprintf("recorded %s %s, now %s", name, f.Digest, digest)}
		}
	}
	return nil
}

package pipeline

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"

	"sslnotes/internal/config"
	"sslnotes/sslkit"
	"sslnotes/sslkit/data"
	"sslnotes/sslkit/tensor"
	"sslnotes/tracker"
)

// Schedule is sslkit.Schedule, named where training is called.
type Schedule = sslkit.Schedule

// Default is the one ambient state of the house: where runs are recorded, where
// progress is shown, and what can interrupt them. A kernel or a command line
// sets it up; a program may leave it alone.
var Default = &Session{}

// A Session carries what all runs of one program share.
type Session struct {
	Store    *tracker.Store                    // If nil, opened at Path when first needed.
	Path     string                            // of the store. If "", tracker.DefaultPath.
	Name     string                            // of the next run. If "", given by the store.
	Types    config.Types                      // what records may name: methods, encoders, augmentations
	Progress func(title string, total int) Bar // If nil, nothing is shown.
	Context  func() context.Context            // ends long work. If nil, nothing does.
	Cell     func() (session string, cell int) // the notebook cell that runs now. If nil, none.
	Source   tracker.Source                    // the code that runs

	// Monitor is a set of labelled images by whose nearest neighbours Pretrain
	// records how good the features are while it trains. No method sees it and
	// no choice is made by it. Pretrain refuses a test split. If nil, the images
	// that are held out for validation of the set of a run; they may be among
	// those it trains on, their labels are not.
	Monitor *data.Set

	// Data finds the set of a record again by its name and split. If nil,
	// data.Part, which knows the house's own.
	Data func(name, split string) (*data.Set, error)

	mu sync.Mutex
}

// A Bar shows the progress of one run.
type Bar interface {
	Update(done int, text string)
	Close()
}

// A Panel is a Bar that also draws what is seen of a training.
type Panel interface {
	Bar
	// Draw adds a value of a series: "loss" after every step, MonitorKNN after
	// every look.
	Draw(key string, step int, value float64)
	// Alarm shows, once a run for each, how the features have collapsed.
	Alarm(step int, message string)
}

type noBar struct{}

func (noBar) Update(int, string) {}
func (noBar) Close()             {}

func (s *Session) bar(title string, total int) Bar {
	if s.Progress == nil {
		return noBar{}
	}
	return s.Progress(title, total)
}

func (s *Session) context() context.Context {
	if s.Context == nil {
		return context.Background()
	}
	return s.Context()
}

// monitor returns the monitor if its images are of the kind the encoder takes,
// and the schedule with the number of them in a look.
func (s *Session) monitor(u *data.Unlabelled, schedule Schedule) (*data.Set, Schedule) {
	m, in := s.Monitor, u.Spec()
	wanted := schedule.Monitor
	schedule.Monitor = 0
	if wanted < 0 || schedule.Watch == 0 {
		return nil, schedule
	}
	if m == nil {
		m = heldOut(u)
	}
	if m == nil || m.Len() < 4 || m.Spec().Height != in.Height || m.Spec().Width != in.Width || m.Spec().Channels != in.Channels {
		return nil, schedule
	}
	if wanted == 0 {
		looks := (schedule.Steps + schedule.Watch - 1) / schedule.Watch
		wanted = min(max(schedule.Steps*schedule.BatchSize/20/looks, 200), 2000)
	}
	schedule.Monitor = min(wanted, m.Len())
	return m, schedule
}

// heldOut returns the images that are held out for validation of the set that u
// is a part of, with their labels, or nil if u is no training split that
// data.Part finds again.
func heldOut(u *data.Unlabelled) *data.Set {
	if !strings.HasPrefix(u.Split(), "train") {
		return nil
	}
	if same, err := data.Part(u.Name(), u.Split()); err != nil || same.Digest() != u.Digest() {
		return nil
	}
	train, _, err := data.Open(u.Name())
	if err != nil {
		return nil
	}
	_, held, err := train.Holdout()
	if err != nil {
		return nil
	}
	return held
}

// Open returns the session's store, opening it when first needed.
func (s *Session) Open() (*tracker.Store, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.Store != nil {
		return s.Store, nil
	}
	path, err := tracker.DefaultPath(s.Path)
	if err != nil {
		return nil, err
	}
	s.Store, err = tracker.Open(path)
	return s.Store, err
}

// A task is what a run does, with all options resolved: what its record holds.
type task interface {
	kind() string
	method(parent *Run) string
	seed(parent *Run) uint64
	steps() int // for the progress bar
	do(x *execution) error
}

// A fitting is what fits a classifier to labels: no test set is in its reach.
type fitting struct {
	ctx      context.Context
	recorder // where values go
	bar      Bar
}

// An execution is a task being done, for the first time or again.
type execution struct {
	fitting
	parent *Run
	sets   sets        // without the test set
	exam   *exam       // or nil
	out    *Run        // gets the encoder
	resume *resumption // If nil, from the start.
}

// give hands an execution the sets of its task, the labels of test apart.
func (x *execution) give(in sets) {
	if in.test != nil {
		x.exam = &exam{in.test}
	}
	x.sets, x.sets.test = in, nil
}

// A recorder takes what a task computes.
type recorder interface {
	Log(step int, values ...tracker.Value) error
	Checkpoint(step int, name string, data []byte) error
	// State is a Checkpoint that takes the place of the one before.
	State(step int, name string, data []byte) error
	// Beside takes a file that is a function of the task, too, but is no link of
	// the chain: runs that were recorded before there was such a file keep theirs.
	Beside(name string, data []byte) error
}

// execute does a task and records it.
func (s *Session) execute(t task, parent *Run, in sets) (*Run, error) {
	w, err := s.create(t, parent, in)
	if err != nil {
		return nil, err
	}
	store, err := s.Open()
	if err != nil {
		return nil, err
	}
	out := &Run{id: w.ID(), name: w.Name(), method: t.method(parent), seed: t.seed(parent), store: store, session: s, seen: in.unlabelled, test: in.test}
	x := &execution{fitting: fitting{s.context(), writing{w}, s.bar(w.Name(), t.steps())}, parent: parent, out: out}
	x.give(in)
	return finish(x, t, w)
}

// writing is a run's writer as a recorder.
type writing struct{ *tracker.Writer }

// Beside implements recorder.
func (w writing) Beside(name string, b []byte) error {
	_, err := w.Artifact(name, "application/octet-stream", b)
	return err
}

// do does a task; what judges a teacher begins with the weights it judges.
func (x *execution) do(t task) error {
	if j, ok := t.(judgement); ok && *j.ofTeacher() {
		if err := x.Checkpoint(0, teacherFile, x.parent.teaching); err != nil {
			return err
		}
	}
	return t.do(x)
}

// finish does a task and closes its record, whatever comes of it.
func finish(x *execution, t task, w *tracker.Writer) (*Run, error) {
	out := x.out
	err := guard(func() error { return x.do(t) })
	x.bar.Close()
	status, message := verdictOf(err)
	if e := w.Finish(status, message); e != nil {
		return nil, errors.Join(err, e)
	}
	if status == tracker.Diverged { // a status, not an error
		out.encoder = nil
		return out, nil
	}
	if err != nil {
		return nil, fmt.Errorf("%w (run %s)", err, w.Name())
	}
	return out, nil
}

// create opens a run's record.
func (s *Session) create(t task, parent *Run, in sets) (*tracker.Writer, error) {
	store, err := s.Open()
	if err != nil {
		return nil, err
	}
	options, err := config.Encode(t)
	if err != nil {
		return nil, fmt.Errorf("pipeline: recording the options: %w", err)
	}
	n := tracker.NewRun{
		Name: s.Name, Kind: t.kind(), Method: t.method(parent), Seed: t.seed(parent), Config: options, Data: in.refs(),
		Numerics: tensor.Numerics, Source: s.Source,
		Machine: map[string]string{"isa": tensor.ISA(), "threads": fmt.Sprint(runtime.GOMAXPROCS(0)), "cpus": fmt.Sprint(runtime.NumCPU())},
	}
	if parent != nil {
		n.Parent = parent.id
	}
	if s.Cell != nil {
		n.Session, n.Cell = s.Cell()
	}
	w, err := store.Create(n)
	if err == nil {
		s.Name = ""
	}
	return w, err
}

// guard turns a panic in body into an error.
func guard(body func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("pipeline: %v", p)
		}
	}()
	return body()
}

func verdictOf(err error) (tracker.Status, string) {
	switch {
	case err == nil:
		return tracker.Finished, ""
	case errors.Is(err, ErrDiverged):
		return tracker.Diverged, err.Error()
	case errors.Is(err, context.Canceled):
		return tracker.Interrupted, "interrupted"
	}
	return tracker.Failed, err.Error()
}

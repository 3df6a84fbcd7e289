package pipeline

import (
	"bytes"
	"fmt"
	"slices"
	"sort"
	"sync"

	"sslnotes/internal/config"
	"sslnotes/sslkit"
	"sslnotes/sslkit/data"
	"sslnotes/sslkit/nn"
	"sslnotes/sslkit/tensor"
	"sslnotes/tracker"
)

// A Run is a recorded piece of work and, where it has one, the encoder it left.
type Run struct {
	id, name, method string
	seed             uint64
	store            *tracker.Store
	session          *Session
	plan             nn.Plan
	encoder          nn.Encoder       // nil for raw pixels and judgements
	seen             *data.Unlabelled // whose statistics standardise features
	test             *data.Set        // which it judged, or nil
	keeper           sslkit.Keeper    // with the heads it left, or nil

	teaching []byte // If not nil, the encoder is the teacher, and this its file.

	mu       sync.Mutex
	features map[string][]*tensor.Tensor // by keyOf the set: the encoder's, then, if asked for, those after the blocks before the last
	teacher  any                         // the same *Run with that encoder, once it was asked for: gomacro cannot range over a type that holds itself
}

// ID is the run's identity in the store.
func (r *Run) ID() string { return r.id }

// Name is the run's name in the store.
func (r *Run) Name() string {
	if r == nil {
		return "nil"
	}
	return r.name
}

// Encoder returns the trained encoder, or nil if the run left none.
func (r *Run) Encoder() nn.Encoder { return r.encoder }

// Method returns the method with the heads that it keeps after training, on the
// run's encoder, or nil if it keeps none.
func (r *Run) Method() sslkit.Method {
	if r.keeper == nil {
		return nil
	}
	return r.keeper
}

// Record returns the run as stored.
func (r *Run) Record() (tracker.Run, error) { return r.store.Run(r.id) }

// Curve returns a metric's steps and values, empty if the run has none of that
// key. It makes a Run something plots can draw.
func (r *Run) Curve(key string) (steps, values []float64) {
	rec, err := r.Record()
	if err != nil {
		return nil, nil
	}
	return rec.Curve(key)
}

// Value returns the last value of a metric. It returns an error that lists the
// keys if the run has no such metric.
func (r *Run) Value(key string) (float64, error) {
	rec, err := r.Record()
	if err != nil {
		return 0, err
	}
	m, ok := rec.Metrics[key]
	if !ok {
		var have []string
		for k := range rec.Metrics {
			have = append(have, k)
		}
		sort.Strings(have)
		return 0, fmt.Errorf("pipeline: run %s has no metric %s, have %v", r.name, key, have)
	}
	return m.Value, nil
}

// String names the run with its status and its last test accuracy or loss.
func (r *Run) String() string {
	rec, err := r.Record()
	if err != nil {
		return r.name
	}
	for _, key := range []string{"test_accuracy", "loss"} {
		if m, ok := rec.Metrics[key]; ok {
			return fmt.Sprintf("%s (%s, %s): %s %.4f", r.name, r.id, rec.Status, key, m.Value)
		}
	}
	return fmt.Sprintf("%s (%s, %s)", r.name, r.id, rec.Status)
}

// sets are the data a task uses, by role.
type sets struct {
	unlabelled  *data.Unlabelled
	train, test *data.Set
	monitor     *data.Set
}

// refs names the sets for the record.
func (s sets) refs() []tracker.DataRef {
	all := []tracker.DataRef{}
	if u := s.unlabelled; u != nil {
		all = append(all, tracker.DataRef{Role: "unlabelled", Name: u.Name(), Split: u.Split(), Digest: u.Digest(), Count: u.Len()})
	}
	for role, l := range map[string]*data.Set{"train": s.train, "test": s.test} {
		if l != nil {
			all = append(all, tracker.DataRef{Role: role, Name: l.Name(), Split: l.Split(), Digest: l.Digest(), Count: l.Len()})
		}
	}
	sort.Slice(all, func(i, j int) bool { return all[i].Role < all[j].Role })
	if m := s.monitor; m != nil { // last: it is not what the run is about
		all = append(all, tracker.DataRef{Role: "monitor", Name: m.Name(), Split: m.Split(), Digest: m.Digest(), Count: m.Len()})
	}
	return all
}

// openSets finds a record's data again. It returns an error that names what is
// missing or has other content.
func (s *Session) openSets(refs []tracker.DataRef) (sets, error) {
	var in sets
	part := s.Data
	if part == nil {
		part = data.Part
	}
	for _, ref := range refs {
		s, err := part(ref.Name, ref.Split)
		if err != nil {
			return in, fmt.Errorf("the %s data %s, %s: %w", ref.Role, ref.Name, ref.Split, err)
		}
		if s.Digest() != ref.Digest {
			return in, fmt.Errorf("the %s data %s, %s: its digest is %s, the record says %s", ref.Role, ref.Name, ref.Split, s.Digest(), ref.Digest)
		}
		switch ref.Role {
		case "unlabelled":
			in.unlabelled = s.Unlabelled()
		case "train":
			in.train = s
		case "test":
			in.test = s
		case "monitor":
			in.monitor = s
		}
	}
	return in, nil
}

const encoderFile = "encoder.safetensors"

// saveEncoder stores the encoder's parameters and buffers.
func (x *execution) saveEncoder(step int, e nn.Encoder) error {
	var b bytes.Buffer
	if err := nn.Save(&b, e); err != nil {
		return err
	}
	return x.Checkpoint(step, encoderFile, b.Bytes())
}

const headsFile = "heads.safetensors"

// saveHeads stores the heads that a method keeps.
func (x *execution) saveHeads(step int, k sslkit.Keeper) error {
	var b bytes.Buffer
	if err := nn.Save(&b, k.Keep()); err != nil {
		return err
	}
	x.out.keeper = k
	return x.Checkpoint(step, headsFile, b.Bytes())
}

// loadHeads builds the method on the run's encoder and gives it the heads that
// were kept, if it keeps any.
func (t *pretraining) loadHeads(r *Run) error {
	k, ok := t.Method.(sslkit.Keeper)
	if !ok {
		return nil
	}
	s := t.Schedule
	if _, err := k.Build(r.encoder, r.seen.Spec(), sslkit.Setup{Seed: s.Seed, Steps: s.Steps, BatchSize: s.BatchSize}); err != nil {
		return err
	}
	b, err := lastCheckpoint(r.store, r.id, headsFile)
	if err == nil {
		err = nn.Load(bytes.NewReader(b), k.Keep())
	}
	if err == nil {
		r.keeper = k
	}
	return err
}

// Numerics is the version of the arithmetic by which this program's runs are made.
const Numerics = tensor.Numerics

// tasks are the types a record's config may name at its top.
var tasks = []any{pretraining{}, random{}, pixels{}, imported{}, supervised{}, Probe{}, Neighbours{}, Tuning{}}

// decode turns a record's config into its task.
func (s *Session) decode(r tracker.Run) (task, error) {
	types := config.Types{}
	for name, t := range s.Types {
		types[name] = t
	}
	types.Add(tasks...)
	v, err := types.New(r.Config)
	if err != nil {
		return nil, err
	}
	t, ok := v.(task)
	if !ok {
		return nil, fmt.Errorf("pipeline: the config of run %s is a %T, not a task", r.Name(), v)
	}
	return t, nil
}

// Load returns a recorded run with its encoder, by id, name or the beginning of
// an id.
func (s *Session) Load(ref string) (*Run, error) {
	store, err := s.Open()
	if err != nil {
		return nil, err
	}
	rec, err := store.Run(ref)
	if err != nil {
		return nil, err
	}
	t, err := s.decode(rec)
	if err != nil {
		return nil, fmt.Errorf("pipeline: run %s: %w", rec.Name(), err)
	}
	r := &Run{id: rec.ID, name: rec.Name(), method: rec.Method, seed: rec.Seed, store: store, session: s}
	in, err := s.openSets(rec.Data)
	if err != nil {
		return nil, fmt.Errorf("pipeline: run %s: %w", rec.Name(), err)
	}
	r.seen = in.unlabelled
	if _, ok := t.(*supervised); ok && in.train != nil {
		r.seen = in.train.Unlabelled()
	}
	p, ok := t.(interface{ architecture() nn.Plan })
	if !ok || rec.Status != tracker.Finished {
		return r, nil
	}
	r.plan = p.architecture()
	if r.encoder, err = build(r.plan, specOf(in), rec.Seed); err != nil {
		return nil, err
	}
	b, err := lastCheckpoint(store, rec.ID, encoderFile)
	if err == nil {
		err = nn.Load(bytes.NewReader(b), r.encoder)
	}
	if p, ok := t.(*pretraining); ok && err == nil {
		err = p.loadHeads(r)
	}
	if err != nil {
		return nil, fmt.Errorf("pipeline: run %s: %w", rec.Name(), err)
	}
	return r, nil
}

// lastCheckpoint reads the last checkpoint of that name in the digest chain.
func lastCheckpoint(store *tracker.Store, id, name string) ([]byte, error) {
	links, err := store.Chain(id)
	if err != nil {
		return nil, err
	}
	for _, l := range slices.Backward(links) {
		if l.Key == name && l.Blob != "" {
			return store.Blob(l.Blob)
		}
	}
	return nil, fmt.Errorf("it has no checkpoint %s", name)
}

// specOf describes the images of whichever set is there.
func specOf(in sets) data.Spec {
	if in.unlabelled != nil {
		return in.unlabelled.Spec()
	}
	return in.train.Spec()
}

// Load returns a run of the default session's store.
func Load(ref string) (*Run, error) { return Default.Load(ref) }

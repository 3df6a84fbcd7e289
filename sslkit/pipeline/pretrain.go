package pipeline

import (
	"errors"
	"fmt"
	"sort"
	"time"

	"sslnotes/sslkit"
	"sslnotes/sslkit/data"
	"sslnotes/sslkit/nn"
	"sslnotes/sslkit/rng"
	"sslnotes/sslkit/tensor"
	"sslnotes/tracker"
)

// pretraining is the record of Pretrain.
type pretraining struct {
	Encoder  nn.Plan
	Method   sslkit.Method
	Schedule Schedule
}

// Pretrain builds the planned encoder from the schedule's seed and trains it by
// the method on images without labels. Beside the loss it records what tells
// early whether the features are any good, by the keys from [FeatureStd] on. It returns an error that
// names the field if an option is out of range. A loss that is no longer finite
// ends the run with the status "diverged", which is not an error.
func Pretrain(plan nn.Plan, m sslkit.Method, set *data.Unlabelled, s Schedule) (*Run, error) {
	return Default.Pretrain(plan, m, set, s)
}

// Pretrain is the function of that name, recording in this session.
func (s *Session) Pretrain(plan nn.Plan, m sslkit.Method, set *data.Unlabelled, schedule Schedule) (*Run, error) {
	if plan == nil || m == nil || set == nil {
		return nil, errors.New("pipeline: Pretrain needs an encoder, a method and data")
	}
	if err := learnable(set); err != nil {
		return nil, err
	}
	if m := s.Monitor; m != nil && learnable(m) != nil {
		return nil, fmt.Errorf("pipeline: Session.Monitor is %s: want images that are not for testing", nameOf(m))
	}
	schedule, err := schedule.Resolve(m, set.Len())
	if err != nil {
		return nil, err
	}
	held, schedule := s.monitor(set, schedule)
	t := &pretraining{plan.Resolve(), m, schedule}
	e, err := build(plan, set.Spec(), schedule.Seed)
	if err != nil {
		return nil, err
	}
	// Built here only to resolve the method's options before they are recorded.
	if _, err := newTrainer(e, m, set, schedule); err != nil {
		return nil, err
	}
	return s.execute(t, nil, sets{unlabelled: set, monitor: held})
}

// build makes an encoder for such images from the seed.
func build(plan nn.Plan, in data.Spec, seed uint64) (nn.Encoder, error) {
	return plan.Build(nn.Input{Height: in.Height, Width: in.Width, Channels: in.Channels}, rng.New(seed, "weights"))
}

func (t *pretraining) kind() string          { return "pretrain" }
func (t *pretraining) method(*Run) string    { return t.Method.Name() }
func (t *pretraining) seed(*Run) uint64      { return t.Schedule.Seed }
func (t *pretraining) steps() int            { return t.Schedule.Steps }
func (t *pretraining) architecture() nn.Plan { return t.Encoder }

// trainingFile is the checkpoint to resume from.
const trainingFile = "training.safetensors"

func (t *pretraining) do(x *execution) error {
	e, err := build(t.Encoder, x.sets.unlabelled.Spec(), t.Schedule.Seed)
	if err != nil {
		return err
	}
	tr, err := newTrainer(e, t.Method, x.sets.unlabelled, t.Schedule)
	if err != nil {
		return err
	}
	if x.resume != nil {
		if err := tr.load(x.resume.state, x.resume.steps); err != nil {
			return err
		}
	}
	w := newWatch(e, t.Method, x.sets, t.Schedule)
	last := time.Now()
	err = tr.run(x.ctx, x.from(), func(step int, values map[string]float64) error {
		if err := w.look(x.ctx, step, values); err != nil {
			return err
		}
		now := time.Now()
		rate := float64(t.Schedule.BatchSize) / now.Sub(last).Seconds()
		last = now
		w.show(x.bar, step, values)
		if err := x.Log(step, append(computed(values), tracker.Value{Key: "images_per_second", Value: rate, Observed: true})...); err != nil {
			return err
		}
		return t.checkpoint(x, tr, step+1)
	})
	if err != nil {
		return err
	}
	x.out.encoder, x.out.plan = e, t.Encoder
	if m, ok := t.Method.(sslkit.Teacher); ok {
		if err := x.saveTeacher(m.Teacher()); err != nil {
			return err
		}
	}
	if k, ok := t.Method.(sslkit.Keeper); ok {
		if err := x.saveHeads(t.Schedule.Steps, k); err != nil {
			return err
		}
	}
	return x.saveEncoder(t.Schedule.Steps, e)
}

// checkpoint stores the training's state if it is time to.
func (t *pretraining) checkpoint(x *execution, tr *trainer, steps int) error {
	every := t.Schedule.Checkpoint
	if every == 0 || steps%every != 0 || steps == t.Schedule.Steps {
		return nil
	}
	b, err := tr.save()
	if err != nil {
		return err
	}
	return x.State(steps, trainingFile, b)
}

// computed lists values in the order of their keys.
func computed(values map[string]float64) []tracker.Value {
	all := make([]tracker.Value, 0, len(values))
	for k, v := range values {
		all = append(all, tracker.Value{Key: k, Value: v})
	}
	sort.Slice(all, func(i, j int) bool { return all[i].Key < all[j].Key })
	return all
}

// A resumption is where a run that ended early goes on.
type resumption struct {
	steps int
	state []byte
}

// from is the step to begin with.
func (x *execution) from() int {
	if x.resume == nil {
		return 0
	}
	return x.resume.steps
}

// Resume goes on with a pre-training that was interrupted, failed or was killed,
// from its last checkpoint. What was recorded after that is forgotten and made
// again: the run ends with the bits, and so the digest, of one that was never
// interrupted. It returns an error if the run is not one to go on with.
func Resume(ref string) (*Run, error) { return Default.Resume(ref) }

// Resume is the function of that name, recording in this session.
func (s *Session) Resume(ref string) (*Run, error) {
	store, err := s.Open()
	if err != nil {
		return nil, err
	}
	rec, err := store.Run(ref)
	if err != nil {
		return nil, err
	}
	x, task, err := s.prepare(rec)
	if err != nil {
		return nil, fmt.Errorf("pipeline: run %s cannot be resumed: %w", rec.Name(), err)
	}
	t, ok := task.(*pretraining)
	if !ok {
		return nil, fmt.Errorf("pipeline: run %s is a %s: only pre-training can be resumed", rec.Name(), rec.Kind)
	}
	if rec.Numerics != tensor.Numerics {
		return nil, fmt.Errorf("pipeline: run %s cannot be resumed: its numerics version is %s, this program's %s", rec.Name(), rec.Numerics, tensor.Numerics)
	}
	w, steps, state, err := store.Resume(rec.ID, trainingFile)
	if err != nil {
		return nil, err
	}
	x.recorder, x.resume = writing{w}, &resumption{steps, state}
	x.out = &Run{id: w.ID(), name: w.Name(), method: t.method(nil), seed: t.seed(nil), store: store, session: s, seen: x.sets.unlabelled}
	return finish(x, t, w)
}

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
	"sslnotes/tracker"
)

// pretraining is the record of Pretrain.
type pretraining struct {
	Encoder  nn.Plan
	Method   sslkit.Method
	Schedule Schedule
}

// Pretrain builds the planned encoder from the schedule's seed and trains it by
// the method on images without labels. It returns an error that names the field
// if an option is out of range. A loss that is no longer finite ends the run
// with the status "diverged", which is not an error.
func Pretrain(plan nn.Plan, m sslkit.Method, set *data.Unlabelled, s Schedule) (*Run, error) {
	return Default.Pretrain(plan, m, set, s)
}

// Pretrain is the function of that name, recording in this session.
func (s *Session) Pretrain(plan nn.Plan, m sslkit.Method, set *data.Unlabelled, schedule Schedule) (*Run, error) {
	if plan == nil || m == nil || set == nil {
		return nil, errors.New("pipeline: Pretrain needs an encoder, a method and data")
	}
	schedule, err := schedule.Resolve(m, set.Len())
	if err != nil {
		return nil, err
	}
	t := &pretraining{plan.Resolve(), m, schedule}
	e, err := build(plan, set.Spec(), schedule.Seed)
	if err != nil {
		return nil, err
	}
	// Built here only to resolve the method's options before they are recorded.
	if _, err := m.Build(e, set.Spec(), sslkit.Setup{Seed: schedule.Seed, Steps: schedule.Steps, BatchSize: schedule.BatchSize}); err != nil {
		return nil, err
	}
	return s.execute(t, nil, sets{unlabelled: set})
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

func (t *pretraining) do(x *execution) error {
	e, err := build(t.Encoder, x.sets.unlabelled.Spec(), t.Schedule.Seed)
	if err != nil {
		return err
	}
	last := time.Now()
	err = train(x.ctx, e, t.Method, x.sets.unlabelled, t.Schedule, func(step int, values map[string]float64) error {
		now := time.Now()
		rate := float64(t.Schedule.BatchSize) / now.Sub(last).Seconds()
		last = now
		x.bar.Update(step+1, fmt.Sprintf("loss %.4f", values["loss"]))
		return x.Log(step, append(computed(values), tracker.Value{Key: "images_per_second", Value: rate, Observed: true})...)
	})
	if err != nil {
		return err
	}
	x.out.encoder, x.out.plan = e, t.Encoder
	return x.saveEncoder(t.Schedule.Steps, e)
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

package pipeline

import (
	"errors"

	"sslnotes/sslkit/data"
	"sslnotes/sslkit/nn"
	"sslnotes/sslkit/rng"
)

// random is the record of Random.
type random struct {
	Encoder nn.Plan
	Seed    uint64
}

// Random builds the planned encoder from the seed and leaves its weights as
// they are, but gives BatchNorm the statistics of the images: what an
// architecture knows before it learns. Every method is held against it.
func Random(plan nn.Plan, set *data.Unlabelled, seed uint64) (*Run, error) {
	return Default.Random(plan, set, seed)
}

// Random is the function of that name, recording in this session.
func (s *Session) Random(plan nn.Plan, set *data.Unlabelled, seed uint64) (*Run, error) {
	if plan == nil || set == nil {
		return nil, errors.New("pipeline: Random needs an encoder and data")
	}
	if err := learnable(set); err != nil {
		return nil, err
	}
	return s.execute(&random{plan.Resolve(), seed}, nil, sets{unlabelled: set})
}

func (t *random) kind() string          { return "random" }
func (t *random) method(*Run) string    { return "random" }
func (t *random) seed(*Run) uint64      { return t.Seed }
func (t *random) steps() int            { return calibrations }
func (t *random) architecture() nn.Plan { return t.Encoder }

// calibrations is the number of batches that settle BatchNorm's running
// statistics: 0.9⁶⁴ is 0.1 %.
const calibrations = 64

func (t *random) do(x *execution) error {
	set := x.sets.unlabelled
	e, err := build(t.Encoder, set.Spec(), t.Seed)
	if err != nil {
		return err
	}
	order := rng.New(t.Seed, "calibrate")
	for i := range calibrations {
		if err := x.ctx.Err(); err != nil {
			return err
		}
		index := make([]int, min(256, set.Len()))
		for j := range index {
			index[j] = order.IntN(set.Len())
		}
		e.Forward(Images(set, index), true)
		nn.Commit(e)
		x.bar.Update(i+1, "")
	}
	x.out.encoder, x.out.plan = e, t.Encoder
	return x.saveEncoder(0, e)
}

// pixels is the record of Pixels.
type pixels struct{}

// Pixels is the run whose features are the pixels themselves.
func Pixels(set *data.Unlabelled) (*Run, error) { return Default.Pixels(set) }

// Pixels is the function of that name, recording in this session.
func (s *Session) Pixels(set *data.Unlabelled) (*Run, error) {
	if set == nil {
		return nil, errors.New("pipeline: Pixels needs data")
	}
	if err := learnable(set); err != nil {
		return nil, err
	}
	return s.execute(&pixels{}, nil, sets{unlabelled: set})
}

func (*pixels) kind() string        { return "pixels" }
func (*pixels) method(*Run) string  { return "pixels" }
func (*pixels) seed(*Run) uint64    { return 0 }
func (*pixels) steps() int          { return 0 }
func (*pixels) do(*execution) error { return nil }

package sslkittest

import (
	"context"
	"testing"

	"sslnotes/sslkit"
	"sslnotes/sslkit/data"
	"sslnotes/sslkit/nn"
	"sslnotes/sslkit/pipeline"
	"sslnotes/sslkit/rng"
	"sslnotes/sslkit/tensor"
)

const seed = 11

// schedule is that of the suite's short trainings.
func (s *suite) schedule(steps int) sslkit.Schedule {
	return sslkit.Schedule{Steps: steps, BatchSize: s.BatchSize, Seed: seed, Warmup: -1}
}

// encoder builds the plan's weights.
func (s *suite) encoder(t *testing.T, seed uint64) nn.Encoder {
	t.Helper()
	in := s.Set.Spec()
	e, err := s.Plan.Build(nn.Input{Height: in.Height, Width: in.Width, Channels: in.Channels}, rng.New(seed, "weights"))
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// world is a method built on an encoder, and a batch for it.
type world struct {
	method  sslkit.Method
	encoder nn.Encoder
	model   nn.Modules // encoder and heads: what is trained
	batch   data.Batch
	step    sslkit.Step
}

func (s *suite) world(t *testing.T) *world {
	t.Helper()
	const steps = 10
	w := &world{method: s.make(), encoder: s.encoder(t, seed), step: sslkit.NewStep(0, steps, 0, seed, nil)}
	heads, err := w.method.Build(w.encoder, s.Set.Spec(), sslkit.Setup{Seed: seed, Steps: steps, BatchSize: s.BatchSize})
	if err != nil {
		t.Fatal(err)
	}
	w.model = nn.Modules{w.encoder}
	if heads != nil {
		w.model = append(w.model, heads)
	}
	index := make([]int, s.BatchSize)
	for i := range index {
		index[i] = (7 * i) % s.Set.Len()
	}
	w.batch = pipeline.Draw(w.method, s.Set, index, seed, 0)
	return w
}

// state is the digest of everything that outlives a step.
func (w *world) state() string {
	d := nn.Digest(w.model)
	if h, ok := w.method.(sslkit.Stateful); ok {
		d += nn.Digest(h.State())
	}
	return d
}

// loss is the method's on a batch, and ends the test if that is no scalar.
func (w *world) loss(t *testing.T, b data.Batch) *tensor.Tensor {
	t.Helper()
	l := w.method.Loss(b, w.step)
	if l == nil || l.Len() != 1 {
		t.Fatalf("the loss is %v, want a scalar", l)
	}
	return l
}

// train trains a new encoder and returns the digest of its weights and losses.
func (s *suite) train(t *testing.T, m sslkit.Method, set *data.Unlabelled, schedule sslkit.Schedule) string {
	t.Helper()
	e := s.encoder(t, schedule.Seed)
	losses := tensor.New(schedule.Steps)
	err := pipeline.Train(context.Background(), e, m, set, schedule, func(step int, v map[string]float64) error {
		losses.Data()[step] = float32(v["loss"])
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return nn.Digest(e) + losses.String()
}

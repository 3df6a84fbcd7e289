package pipeline

import (
	"context"
	"errors"
	"fmt"
	"math"

	"sslnotes/sslkit"
	"sslnotes/sslkit/data"
	"sslnotes/sslkit/nn"
	"sslnotes/sslkit/rng"
	"sslnotes/sslkit/tensor"
)

// ErrDiverged is returned by Train when a loss is not finite.
var ErrDiverged = errors.New("pipeline: the loss is not finite")

// Train trains the encoder and the method's heads on images without labels.
// After each step it calls observe, which may be nil, with the step and the
// values computed in it: "loss", "learning_rate", and what the method logs. If
// observe returns an error, training ends with it.
//
// It returns an error that names the field if the schedule or the method is
// misconfigured, ErrDiverged, or the context's error between two steps.
func Train(ctx context.Context, e nn.Encoder, m sslkit.Method, set *data.Unlabelled, s sslkit.Schedule, observe func(step int, values map[string]float64) error) error {
	s, err := s.Resolve(m, set.Len())
	if err != nil {
		return err
	}
	return train(ctx, e, m, set, s, observe)
}

// train is Train by a schedule without defaults.
func train(ctx context.Context, e nn.Encoder, m sslkit.Method, set *data.Unlabelled, s sslkit.Schedule, observe func(step int, values map[string]float64) error) error {
	heads, err := m.Build(e, set.Spec(), sslkit.Setup{Seed: s.Seed, Steps: s.Steps, BatchSize: s.BatchSize})
	if err != nil {
		return err
	}
	model := nn.Sequential{e}
	if heads != nil {
		model = append(model, headless{heads})
	}
	optimizer := &nn.AdamW{WeightDecay: s.WeightDecay}
	optimizer.Begin(model.Params())

	ctx, stop := context.WithCancel(ctx)
	defer stop()
	batches := ahead(ctx, m, set, s, 0)
	for i := range s.Steps {
		b, ok := <-batches
		if !ok || ctx.Err() != nil {
			return ctx.Err()
		}
		if b.failed != nil {
			panic(b.failed)
		}
		values := map[string]float64{}
		step := sslkit.NewStep(i, s.Steps, b.epoch, s.Seed, func(key string, v float32) { values[key] = float64(v) })
		rate := nn.WarmupCosine(i, s.Steps, s.Warmup, s.LearningRate, 0)

		nn.ZeroGrad(model)
		loss := m.Loss(b.Batch, step)
		v := float64(loss.Item())
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return fmt.Errorf("%w: %g at step %d", ErrDiverged, v, i)
		}
		tensor.Backward(loss)
		optimizer.Step(rate)
		nn.Commit(model)
		if h, ok := m.(sslkit.Stateful); ok {
			nn.Commit(h.State())
		}
		if a, ok := m.(sslkit.AfterStepper); ok {
			a.AfterStep(step)
		}
		if observe != nil {
			values["loss"], values["learning_rate"] = v, float64(rate)
			if err := observe(i, values); err != nil {
				return err
			}
		}
	}
	return nil
}

// headless lets a module without a forward pass of its own stand in a chain,
// whose parameters and buffers alone are used.
type headless struct{ nn.Module }

func (headless) Forward(x *tensor.Tensor, _ bool) *tensor.Tensor { return x }

// drawn is a batch ready for its step, or the panic of a method's View.
type drawn struct {
	data.Batch
	epoch  int
	failed any
}

// ahead draws the batches of the schedule from a step on, in order and two
// steps ahead, until all are drawn or the context ends.
func ahead(ctx context.Context, m sslkit.Method, set *data.Unlabelled, s sslkit.Schedule, from int) <-chan drawn {
	out := make(chan drawn, 2)
	perEpoch := set.Len() / s.BatchSize // a last, smaller batch would change N
	go func() {
		defer close(out)
		defer func() {
			if p := recover(); p != nil {
				out <- drawn{failed: p}
			}
		}()
		var order []int
		for i := from; i < s.Steps; i++ {
			epoch, at := i/perEpoch, i%perEpoch
			if at == 0 || order == nil {
				order = rng.New(s.Seed, "order", uint64(epoch)).Perm(set.Len())
			}
			b := drawn{Batch: draw(m, set, order[at*s.BatchSize:(at+1)*s.BatchSize], s.Seed, epoch), epoch: epoch}
			select {
			case out <- b:
			case <-ctx.Done():
				return
			}
		}
	}()
	return out
}

// draw makes one batch: the method's views, or the images themselves.
func draw(m sslkit.Method, set *data.Unlabelled, index []int, seed uint64, epoch int) data.Batch {
	b := data.Batch{Index: index}
	viewer, ok := m.(sslkit.Viewer)
	if !ok {
		b.Images = Images(set, index)
		return b
	}
	for v, spec := range viewer.Views(set.Spec()) {
		size := spec.Height * spec.Width * spec.Channels
		views := tensor.New(len(index), spec.Height, spec.Width, spec.Channels)
		img := data.Image{H: spec.Height, W: spec.Width, C: spec.Channels, Pix: make([]float32, size)}
		for i, sample := range index {
			viewer.View(&img, set.Image(sample), v, rng.New(seed, "view", uint64(epoch), uint64(sample), uint64(v)))
			spec.Normalise(views.Data()[i*size:(i+1)*size], img)
		}
		b.Views = append(b.Views, views)
	}
	return b
}

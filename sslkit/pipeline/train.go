package pipeline

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"slices"

	"sslnotes/sslkit"
	"sslnotes/sslkit/data"
	"sslnotes/sslkit/nn"
	"sslnotes/sslkit/tensor"
)

// ErrDiverged is returned by Train when a loss is not finite.
var ErrDiverged = errors.New("pipeline: the loss is not finite")

// Train trains the encoder and the method's heads on images without labels.
// After each step it calls observe, which may be nil, with the step and the
// values computed in it: "loss", "learning_rate", "gradient_norm" before it is
// clipped, "gradient_clipped" if it may be, and what the method logs. If observe returns an error, training ends with it.
//
// It returns an error that names the field if the schedule or the method is
// misconfigured, ErrDiverged, or the context's error, which ends a step before
// its next operation: the step then has changed nothing.
func Train(ctx context.Context, e nn.Encoder, m sslkit.Method, set *data.Unlabelled, s sslkit.Schedule, observe func(step int, values map[string]float64) error) error {
	if err := learnable(set); err != nil {
		return err
	}
	s, err := s.Resolve(m, set.Len())
	if err != nil {
		return err
	}
	t, err := newTrainer(e, m, set, s)
	if err != nil {
		return err
	}
	return t.run(ctx, 0, observe)
}

// A trainer is all that training changes.
type trainer struct {
	method    sslkit.Method
	set       *data.Unlabelled
	schedule  sslkit.Schedule // resolved
	model     nn.Sequential   // encoder and heads
	optimizer optimizing
	steady    optimizing // of heads whose rate does not fall, or nil
}

// optimizing is what nn's optimizers do.
type optimizing interface {
	Begin([]*nn.Param)
	Step(rate float32)
	State() nn.Module
	Resume(steps int) // after State was loaded
}

// optimizerOf is the schedule's, before it begins.
func optimizerOf(s sslkit.Schedule) optimizing {
	if s.SGD {
		return &nn.SGD{Momentum: s.Beta1, WeightDecay: s.WeightDecay}
	}
	return &nn.AdamW{Beta1: s.Beta1, Beta2: s.Beta2, Eps: s.Epsilon, WeightDecay: s.WeightDecay}
}

// decays sets an optimizer's weight decay.
func decays(o optimizing, decay float32) {
	switch o := o.(type) {
	case *nn.AdamW:
		o.WeightDecay = decay
	case *nn.SGD:
		o.WeightDecay = decay
	}
}

// newTrainer builds the method on the encoder, ready for its first step.
func newTrainer(e nn.Encoder, m sslkit.Method, set *data.Unlabelled, s sslkit.Schedule) (*trainer, error) {
	heads, err := m.Build(e, set.Spec(), sslkit.Setup{Seed: s.Seed, Steps: s.Steps, BatchSize: s.BatchSize})
	if err != nil {
		return nil, err
	}
	if err := suits(e, m, set.Spec()); err != nil {
		return nil, err
	}
	t := &trainer{method: m, set: set, schedule: s, model: nn.Sequential{e}, optimizer: optimizerOf(s)}
	if heads != nil {
		t.model = append(t.model, headless{heads})
	}
	return t, t.begin()
}

// begin shares the parameters among the optimizers.
func (t *trainer) begin() error {
	falling := t.model.Params()
	if m, ok := t.method.(sslkit.Steadier); ok && m.Steady() != nil {
		all, steady := len(falling), m.Steady().Params()
		falling = slices.DeleteFunc(slices.Clone(falling), func(p *nn.Param) bool { return slices.Contains(steady, p) })
		if len(falling)+len(steady) != all {
			return fmt.Errorf("pipeline: what %s calls steady is not among the heads that it built", t.method.Name())
		}
		t.steady = optimizerOf(t.schedule)
		t.steady.Begin(steady)
	}
	t.optimizer.Begin(falling)
	return nil
}

// optimizers lists those there are.
func (t *trainer) optimizers() []optimizing {
	if t.steady == nil {
		return []optimizing{t.optimizer}
	}
	return []optimizing{t.optimizer, t.steady}
}

// suits returns an error unless the encoder can take every view of the method.
func suits(e nn.Encoder, m sslkit.Method, in data.Spec) error {
	v, ok := m.(sslkit.Viewer)
	if !ok {
		return nil
	}
	patch := nn.Patch(e)
	for i, spec := range v.Views(in) {
		if spec.Height <= 0 || spec.Width <= 0 || spec.Height%patch != 0 || spec.Width%patch != 0 {
			return fmt.Errorf("pipeline: view %d of %s is of %d×%d pixels, want multiples of the encoder's patch of %d", i, m.Name(), spec.Height, spec.Width, patch)
		}
	}
	return nil
}

// headless lets a module without a forward pass of its own stand in a chain,
// whose parameters and buffers alone are used.
type headless struct{ nn.Module }

func (headless) Forward(x *tensor.Tensor, _ bool) *tensor.Tensor { return x }

// run takes the steps from the given one on.
func (t *trainer) run(ctx context.Context, from int, observe func(step int, values map[string]float64) error) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	batches := ahead(ctx, t.method, t.set, t.schedule, from)
	for i := from; i < t.schedule.Steps; i++ {
		b, ok := <-batches
		if !ok || ctx.Err() != nil {
			return ctx.Err()
		}
		if b.failed != nil {
			panic(b.failed)
		}
		values, err := t.step(ctx, i, b)
		if err != nil {
			return err
		}
		if observe != nil {
			if err := observe(i, values); err != nil {
				return err
			}
		}
	}
	return nil
}

// step takes one step and returns the values computed in it. If the loss is not
// finite or the context ends nothing is changed.
func (t *trainer) step(ctx context.Context, i int, b drawn) (values map[string]float64, err error) {
	defer func() {
		if p := recover(); p == tensor.ErrInterrupted {
			err = ctx.Err()
		} else if p != nil {
			panic(p)
		}
	}()
	done := make(chan struct{})
	release := context.AfterFunc(ctx, func() { close(done) })
	defer release()
	b.until(done)
	values, s := map[string]float64{}, t.schedule
	step := sslkit.NewStep(i, s.Steps, b.epoch, s.Seed, func(key string, v float32) { values[key] = float64(v) })
	rate := nn.WarmupCosine(i, s.Steps, s.Warmup, s.LearningRate, 0)

	nn.ZeroGrad(t.model)
	loss := t.method.Loss(b.Batch, step)
	v := float64(loss.Item())
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return nil, fmt.Errorf("%w: %g at step %d", ErrDiverged, v, i)
	}
	tensor.Backward(loss.Until(done))
	if !release() { // from here on the step is finished whatever happens
		return nil, ctx.Err()
	}
	values["loss"], values["learning_rate"], values["gradient_norm"] = v, float64(rate), gradientNorm(t.model.Params())
	t.clip(values)
	if s.FinalDecay != 0 {
		for _, o := range t.optimizers() {
			decays(o, nn.WarmupCosine(i, s.Steps, 0, s.WeightDecay, s.FinalDecay))
		}
	}
	t.optimizer.Step(rate)
	if t.steady != nil {
		if i >= s.Warmup {
			rate = s.LearningRate
		}
		t.steady.Step(rate)
	}
	nn.Commit(t.model)
	if h, ok := t.method.(sslkit.Stateful); ok {
		nn.Commit(h.State())
	}
	if a, ok := t.method.(sslkit.AfterStepper); ok {
		a.AfterStep(step)
	}
	return values, nil
}

// state is all that outlives a step: weights, BatchNorm's statistics, the
// method's own state and the optimizer's.
func (t *trainer) state() nn.Module {
	all := nn.Modules{nn.Named("model.", t.model)}
	for _, o := range t.optimizers() {
		all = append(all, nn.Named("optimizer.", o.State()))
	}
	if h, ok := t.method.(sslkit.Stateful); ok {
		all = append(all, nn.Named("method.", h.State()))
	}
	return all
}

// save returns the state as a file.
func (t *trainer) save() ([]byte, error) {
	var b bytes.Buffer
	err := nn.Save(&b, t.state())
	return b.Bytes(), err
}

// load makes the trainer stand where save was called after so many steps.
func (t *trainer) load(state []byte, steps int) error {
	if err := nn.Load(bytes.NewReader(state), t.state()); err != nil {
		return err
	}
	for _, o := range t.optimizers() {
		o.Resume(steps)
	}
	return nil
}

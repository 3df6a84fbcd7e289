package pipeline

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"slices"

	"sslnotes/sslkit/data"
	"sslnotes/sslkit/tensor"
	"sslnotes/tracker"
)

// Probe is multinomial logistic regression on frozen features, which are
// standardised by the encoder's unlabelled training images (by the target's in
// Transfer). The zero value is the house's protocol.
type Probe struct {
	// Penalties are the strengths of L2 to choose from: the loss is the mean
	// cross-entropy plus half the strength times the squared weights (biases are
	// free). If nil, 1, 0.1 … 1e-5. The choice is made on held-out training
	// samples: a twelfth of them, or, below 1,000 a class, by five-fold
	// cross-validation within them.
	Penalties []float64

	Iterations int // of L-BFGS at most. If 0, 200.

	Teacher bool `config:"omitzero"` // judge the run's teacher (see Run.Teacher), not its encoder
	Block   int  `config:"omitzero"` // judge the features after this block, from 1 (see nn.Blocked). If 0, the encoder's, which are the last's.
}

// LinearProbe judges a run's features by a linear classifier, trained on all of
// train and scored once on test.
func LinearProbe(r *Run, train, test *data.Set) (*Run, error) { return Probe{}.Judge(r, train, test) }

// Judge is LinearProbe with these options.
func (p Probe) Judge(r *Run, train, test *data.Set) (*Run, error) {
	p, err := p.resolve()
	if err != nil {
		return nil, err
	}
	if err := r.hasBlock("Probe", p.Block); err != nil {
		return nil, err
	}
	return r.judge(&p, train, test)
}

func (p Probe) resolve() (Probe, error) {
	if p.Penalties == nil {
		p.Penalties = []float64{1, 0.1, 0.01, 1e-3, 1e-4, 1e-5}
	}
	p.Penalties = slices.Clone(p.Penalties)
	slices.SortFunc(p.Penalties, func(a, b float64) int { return cmp.Compare(b, a) })
	for _, v := range p.Penalties {
		if !(v > 0) || math.IsInf(v, 0) {
			return p, fmt.Errorf("pipeline: Probe.Penalties holds %g, want > 0", v)
		}
	}
	if p.Iterations == 0 {
		p.Iterations = 200
	}
	if p.Iterations < 0 || len(p.Penalties) == 0 {
		return p, fmt.Errorf("pipeline: Probe.Iterations is %d with %d penalties, want > 0", p.Iterations, len(p.Penalties))
	}
	return p, nil
}

// A judgement is a task that judges its parent's encoder, or its teacher.
type judgement interface {
	task
	ofTeacher() *bool // the option that says which
}

// judge executes a judgement of r.
func (r *Run) judge(t judgement, train, test *data.Set) (*Run, error) {
	return r.judgeIn(t, sets{train: train, test: test})
}

// judgeIn is judge on these sets.
func (r *Run) judgeIn(t judgement, in sets) (*Run, error) {
	if err := r.judgeable(in.train, in.test); err != nil {
		return nil, err
	}
	r, err := r.as(t)
	if err != nil {
		return nil, err
	}
	return r.session.execute(t, r, in)
}

// judgeable returns an error unless the run has features of such data, and such
// data can judge them.
func (r *Run) judgeable(train, test *data.Set) error {
	switch {
	case r == nil || train == nil || test == nil:
		return errors.New("pipeline: a run, training and test data are needed")
	case r.encoder == nil && r.method != "pixels":
		return fmt.Errorf("pipeline: run %s left no encoder", r.name)
	case r.encoder != nil && r.encoder.Input().Channels != train.Spec().Channels:
		return fmt.Errorf("pipeline: run %s takes images of %d channels, %s has %d", r.name, r.encoder.Input().Channels, train.Name(), train.Spec().Channels)
	case r.seen != nil && r.seen.Digest() == test.Digest():
		return fmt.Errorf("pipeline: run %s has learned from the test images, %s: they are its own, %s", r.name, nameOf(test), nameOf(r.seen))
	}
	return examinable(train, test)
}

func (p *Probe) ofTeacher() *bool     { return &p.Teacher }
func (p *Probe) kind() string         { return "probe" }
func (p *Probe) method(r *Run) string { return r.method }
func (p *Probe) seed(r *Run) uint64   { return r.seed }
func (p *Probe) steps() int           { return len(p.Penalties) + 1 }

func (p *Probe) do(x *execution) error {
	train := x.sets.train
	scale, err := x.scaling(p.Block)
	if err != nil {
		return err
	}
	f, err := x.parent.standardised(x.ctx, scale, train, p.Block)
	if err != nil {
		return err
	}
	best, penalty, err := p.choose(x.fitting, f, train)
	if err != nil {
		return err
	}
	g, err := x.parent.standardised(x.ctx, scale, x.exam.images(), p.Block)
	if err != nil {
		return err
	}
	predicted := best.predict(g)
	last := len(p.Penalties)
	x.bar.Update(last+1, "")
	return x.answer(last, predicted, map[string]float64{"chosen_penalty": penalty, "train_accuracy": share(best.predict(f), train.Labels())})
}

// share is how many of the predictions are right.
func share(predicted, labels []int) float64 {
	right := 0
	for i, c := range predicted {
		if c == labels[i] {
			right++
		}
	}
	return float64(right) / float64(len(labels))
}

// choose returns the classifier of all of train with the penalty whose
// validation accuracy is best, the stronger one of equals. One label a class
// leaves nothing to validate on; then the penalty is the third of the list.
func (p *Probe) choose(x fitting, f *tensor.Tensor, train *data.Set) (*classifier, float64, error) {
	parts := partition(f, train, folds(train))
	var best *classifier
	chosen, top := p.Penalties[min(2, len(p.Penalties)-1)], -1.0
	for i, penalty := range p.Penalties {
		if len(parts) == 0 {
			break
		}
		accuracy, err := p.validate(x.ctx, parts, penalty)
		if err != nil {
			return nil, 0, err
		}
		if accuracy > top {
			best, chosen, top = parts[0].fitted, penalty, accuracy
		}
		x.bar.Update(i+1, fmt.Sprintf("validation accuracy %.4f", accuracy))
		if err := x.Log(i, tracker.Value{Key: "penalty", Value: penalty}, tracker.Value{Key: "validation_accuracy", Value: accuracy}); err != nil {
			return nil, 0, err
		}
	}
	best, err := p.fit(x.ctx, f, train.Labels(), len(train.Classes()), chosen, best)
	return best, chosen, err
}

// A fold is what one validation trains and scores on.
type fold struct {
	train, held             *tensor.Tensor
	trainLabels, heldLabels []int
	classes                 int
	fitted                  *classifier // with the penalty before, from which the next fit starts
}

// partition cuts features into folds by the samples held out of each.
func partition(f *tensor.Tensor, s *data.Set, parts [][]int) []*fold {
	var all []*fold
	for _, held := range parts {
		rest := without(s.Len(), held)
		all = append(all, &fold{tensor.Rows(f, rest), tensor.Rows(f, held), pick(s.Labels(), rest), pick(s.Labels(), held), len(s.Classes()), nil})
	}
	return all
}

// validate fits every fold and returns the accuracy over all held samples.
func (p *Probe) validate(ctx context.Context, parts []*fold, penalty float64) (float64, error) {
	right, all := 0.0, 0.0
	for _, part := range parts {
		var err error
		if part.fitted, err = p.fit(ctx, part.train, part.trainLabels, part.classes, penalty, part.fitted); err != nil {
			return 0, err
		}
		n := float64(len(part.heldLabels))
		right += float64(share(part.fitted.predict(part.held), part.heldLabels) * n)
		all += n
	}
	return right / all, nil
}

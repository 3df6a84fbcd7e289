package pipeline

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"sslnotes/sslkit/augment"
	"sslnotes/sslkit/data"
	"sslnotes/sslkit/nn"
	"sslnotes/sslkit/rng"
	"sslnotes/sslkit/tensor"
	"sslnotes/tracker"
)

// Tuning trains an encoder and a linear classifier on labels. The zero value is
// the house's protocol.
type Tuning struct {
	Steps       int           // of the optimizer. If 0, three epochs but at least 300.
	BatchSize   int           // If 0, 64, or 128 from 10,000 samples on; never more than there are.
	HeadRate    float32       // peak learning rate of the classifier. If 0, 1e-3.
	EncoderRate float32       // of the encoder. If 0, 3e-4 when fine-tuning, 2e-3 from scratch.
	WeightDecay float32       // If 0, 1e-2; negative: none.
	Augment     augment.Chain // If nil, a flip and a crop of at least 0.6 of the area; empty: none.
	Frozen      int           // blocks from the input on that stay as they are, BatchNorm's statistics too. If 0, none.
	Seed        uint64        // of order and views; weights from scratch too. If 0, the run's.

	Teacher bool `config:"omitzero"` // start from the run's teacher (see Run.Teacher), not from its encoder

	// LayerDecay makes deeper layers learn slower: the rate of block i of L, from
	// 0, is EncoderRate·LayerDecay^(L-i), that of what stands before the blocks
	// EncoderRate·LayerDecay^(L+1), and what follows them has EncoderRate (Clark and
	// others 2020; as BEiT and MAE are fine-tuned, at 0.65 or 0.75). If 0 or 1, all
	// of the encoder learns at EncoderRate.
	LayerDecay float32 `config:"omitzero"`

	Warmup int `config:"omitzero"` // steps of linear warm-up before the cosine. If 0, a twentieth of all; negative: none.
}

// PartialFineTune is FullFineTune with the first blocks of the encoder frozen:
// between a linear probe (all blocks) and FullFineTune (none).
func PartialFineTune(r *Run, blocks int, train, test *data.Set) (*Run, error) {
	return Tuning{Frozen: blocks}.Judge(r, train, test)
}

// FullFineTune continues from a run's weights and trains all of them on labels.
// The classifier starts as the linear probe of the features (Kumar and others
// 2022), so that its first gradients do not wreck them.
func FullFineTune(r *Run, train, test *data.Set) (*Run, error) { return Tuning{}.Judge(r, train, test) }

// Judge is FullFineTune with these options.
func (t Tuning) Judge(r *Run, train, test *data.Set) (*Run, error) {
	if r == nil || r.encoder == nil {
		return nil, fmt.Errorf("pipeline: run %s left no encoder to fine-tune", r.Name())
	}
	if t.EncoderRate == 0 {
		t.EncoderRate = 3e-4
	}
	if t.Seed == 0 {
		t.Seed = r.seed
	}
	t, err := t.resolve(train)
	if err != nil {
		return nil, err
	}
	e, err := nn.Clone(r.encoder)
	if err != nil {
		return nil, err
	}
	if err := t.suits(e); err != nil { // refused before a run is made of it
		return nil, err
	}
	return r.judge(&t, train, test)
}

func (t Tuning) resolve(train *data.Set) (Tuning, error) {
	if train == nil {
		return t, errors.New("pipeline: labelled data are needed")
	}
	n := train.Len()
	if t.BatchSize == 0 {
		t.BatchSize = 64
		if n >= 10000 {
			t.BatchSize = 128
		}
	}
	t.BatchSize = min(t.BatchSize, n)
	if t.BatchSize < 2 {
		return t, fmt.Errorf("pipeline: Tuning.BatchSize is %d, want ≥ 2", t.BatchSize)
	}
	if t.Steps == 0 {
		t.Steps = max(300, 3*n/t.BatchSize)
	}
	if t.HeadRate == 0 {
		t.HeadRate = 1e-3
	}
	if t.WeightDecay == 0 {
		t.WeightDecay = 1e-2
	}
	t.WeightDecay = max(0, t.WeightDecay)
	if t.Augment == nil {
		t.Augment = augment.Chain{augment.Crop{MinArea: 0.6}, augment.Flip{P: 0.5}}
	}
	if t.Frozen < 0 {
		return t, fmt.Errorf("pipeline: Tuning.Frozen is %d, want ≥ 0", t.Frozen)
	}
	if t.Steps < 0 || !(t.HeadRate > 0) || !(t.EncoderRate > 0) {
		return t, fmt.Errorf("pipeline: Tuning.Steps is %d, HeadRate %g and EncoderRate %g, want > 0", t.Steps, t.HeadRate, t.EncoderRate)
	}
	if !(t.LayerDecay >= 0 && t.LayerDecay <= 1) {
		return t, fmt.Errorf("pipeline: Tuning.LayerDecay is %g, want 0 to 1", t.LayerDecay)
	}
	for _, f := range []struct {
		name  string
		value float32
	}{{"HeadRate", t.HeadRate}, {"EncoderRate", t.EncoderRate}, {"WeightDecay", t.WeightDecay}} {
		if v := float64(f.value); math.IsNaN(v) || math.IsInf(v, 0) {
			return t, fmt.Errorf("pipeline: Tuning.%s is %g, want a finite number", f.name, v)
		}
	}
	if t.Warmup > t.Steps {
		return t, fmt.Errorf("pipeline: Tuning.Warmup is %d, want at most Steps, %d", t.Warmup, t.Steps)
	}
	return t, augment.Check("pipeline: Tuning.Augment", t.Augment)
}

// suits returns an error if the encoder, which it may freeze, has not the blocks
// that the options tell apart.
func (t *Tuning) suits(e nn.Encoder) error {
	trained, err := nn.FreezeBlocks(e, t.Frozen)
	if err != nil {
		return fmt.Errorf("pipeline: Tuning.Frozen is %d: %w", t.Frozen, err)
	}
	_, err = t.optimizers(e, trained)
	return err
}

// An optimizer trains some of an encoder's layers, at a part of its rate.
type optimizer struct {
	nn.AdamW
	scale float32
}

// optimizers share the trained parameters of an encoder among them.
func (t *Tuning) optimizers(e nn.Encoder, trained nn.Layer) (all []*optimizer, err error) {
	layers, scale := []nn.Module{trained}, float32(1)
	if t.LayerDecay != 0 && t.LayerDecay != 1 {
		if layers, err = nn.Layers(e); err != nil {
			return nil, fmt.Errorf("pipeline: Tuning.LayerDecay is %g: %w", t.LayerDecay, err)
		}
	}
	left := map[*nn.Param]bool{}
	for _, p := range trained.Params() {
		left[p] = true
	}
	for _, l := range slices.Backward(layers) {
		frozen := func(p *nn.Param) bool { return !left[p] }
		o := &optimizer{nn.AdamW{WeightDecay: t.WeightDecay}, scale}
		o.Begin(slices.DeleteFunc(slices.Clone(l.Params()), frozen))
		all, scale = append(all, o), float32(scale*t.LayerDecay)
	}
	return all, nil
}

// warmup is the number of steps.
func (t *Tuning) warmup() int {
	if t.Warmup == 0 {
		return t.Steps / 20
	}
	return max(0, t.Warmup)
}

func (t *Tuning) ofTeacher() *bool     { return &t.Teacher }
func (t *Tuning) kind() string         { return "finetune" }
func (t *Tuning) method(r *Run) string { return r.method }
func (t *Tuning) seed(*Run) uint64     { return t.Seed }
func (t *Tuning) steps() int           { return t.Steps }

func (t *Tuning) do(x *execution) error {
	e, err := nn.Clone(x.parent.encoder)
	if err != nil {
		return err
	}
	head, err := t.probeHead(x)
	if err != nil {
		return err
	}
	return t.finish(x, e, head)
}

// probeHead fits the linear probe and folds the standardisation into it.
func (t *Tuning) probeHead(x *execution) (*nn.Linear, error) {
	p, err := Probe{}.resolve()
	if err != nil {
		return nil, err
	}
	scale, err := x.scaling(0)
	if err != nil {
		return nil, err
	}
	f, err := x.parent.standardised(x.ctx, scale, x.sets.train, 0)
	if err != nil {
		return nil, err
	}
	fitted, _, err := p.choose(fitting{x.ctx, nowhere{}, noBar{}}, f, x.sets.train)
	if err != nil {
		return nil, err
	}
	w, b := fitted.tensors()
	head := nn.NewLinear("classifier", w.Dim(0), w.Dim(1), true, rng.New(t.Seed, "classifier"))
	weight, bias := head.Params()[0].Value.Data(), head.Params()[1].Value.Data()
	classes := w.Dim(1)
	for j := range classes {
		sum := float64(b.Data()[j])
		for i, m := range scale.mean {
			v := float32(w.Data()[i*classes+j] * scale.inverse[i])
			weight[i*classes+j] = v
			sum -= float64(float64(v) * float64(m))
		}
		bias[j] = float32(sum)
	}
	return head, nil
}

// finish fits both to the labels, then answers once for the test set.
func (t *Tuning) finish(x *execution, e nn.Encoder, head *nn.Linear) error {
	if err := t.fit(x.fitting, x.sets.train, e, head); err != nil {
		return err
	}
	f, err := features(x.ctx, e, x.exam.images())
	if err != nil {
		return err
	}
	if err := x.answer(t.Steps, tensor.Argmax(head.Forward(f, false)), map[string]float64{}); err != nil {
		return err
	}
	return x.saveEncoder(t.Steps, e)
}

// fit trains both on the labels.
func (t *Tuning) fit(x fitting, train *data.Set, e nn.Encoder, head *nn.Linear) error {
	trained, err := nn.FreezeBlocks(e, t.Frozen)
	if err != nil {
		return err
	}
	body, err := t.optimizers(e, trained)
	if err != nil {
		return err
	}
	top := &nn.AdamW{WeightDecay: t.WeightDecay}
	top.Begin(head.Params())
	model := nn.Sequential{trained, head}
	perEpoch := train.Len() / t.BatchSize
	var order []int
	for i := range t.Steps {
		if err := x.ctx.Err(); err != nil {
			return err
		}
		epoch, at := i/perEpoch, i%perEpoch
		if at == 0 {
			order = rng.New(t.Seed, "tuning order", uint64(epoch)).Perm(train.Len())
		}
		index := order[at*t.BatchSize : (at+1)*t.BatchSize]
		labels := pick(train.Labels(), index)
		nn.ZeroGrad(model)
		logits := model.Forward(t.views(train, index, epoch), true)
		loss := tensor.CrossEntropy(logits, labels)
		v := float64(loss.Item())
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return fmt.Errorf("%w: %g at step %d", ErrDiverged, v, i)
		}
		accuracy := float64(tensor.Accuracy(logits, labels))
		tensor.Backward(loss)
		rate := nn.WarmupCosine(i, t.Steps, t.warmup(), t.EncoderRate, 0)
		for _, o := range body {
			o.Step(float32(rate * o.scale))
		}
		top.Step(nn.WarmupCosine(i, t.Steps, t.warmup(), t.HeadRate, 0))
		nn.Commit(model)
		x.bar.Update(i+1, fmt.Sprintf("loss %.4f", v))
		if err := x.Log(i, computed(map[string]float64{"loss": v, "batch_accuracy": accuracy})...); err != nil {
			return err
		}
	}
	return nil
}

// views draws one view of each sample.
func (t *Tuning) views(s *data.Set, index []int, epoch int) *tensor.Tensor {
	spec := s.Spec()
	size := spec.Height * spec.Width * spec.Channels
	out := tensor.New(len(index), spec.Height, spec.Width, spec.Channels)
	img := data.Image{H: spec.Height, W: spec.Width, C: spec.Channels, Pix: make([]float32, size)}
	for i, sample := range index {
		t.Augment.Draw(&img, s.Image(sample), rng.New(t.Seed, "tuning view", uint64(epoch), uint64(sample)))
		spec.Normalise(out.Data()[i*size:(i+1)*size], img)
	}
	return out
}

// nowhere takes what need not be recorded.
type nowhere struct{}

func (nowhere) Log(int, ...tracker.Value) error      { return nil }
func (nowhere) Checkpoint(int, string, []byte) error { return nil }
func (nowhere) State(int, string, []byte) error      { return nil }
func (nowhere) Beside(string, []byte) error          { return nil }

// supervised is the record of Supervised.
type supervised struct {
	Encoder nn.Plan
	Tuning  Tuning
}

// Supervised trains the planned encoder on labels from random weights: what
// fine-tuning is held against. If t.Seed is 0 the weights are those of seed 0.
func Supervised(plan nn.Plan, train, test *data.Set, t Tuning) (*Run, error) {
	return Default.Supervised(plan, train, test, t)
}

// Supervised is the function of that name, recording in this session.
func (s *Session) Supervised(plan nn.Plan, train, test *data.Set, t Tuning) (*Run, error) {
	if plan == nil || train == nil || test == nil {
		return nil, errors.New("pipeline: Supervised needs an encoder, training and test data")
	}
	if err := examinable(train, test); err != nil {
		return nil, err
	}
	if t.Teacher {
		return nil, errors.New("pipeline: Tuning.Teacher is true, but training from scratch starts from no run")
	}
	if t.EncoderRate == 0 {
		t.EncoderRate = 2e-3
	}
	t, err := t.resolve(train)
	if err != nil {
		return nil, err
	}
	e, err := build(plan, train.Spec(), t.Seed) // only to refuse before a run is made
	if err != nil {
		return nil, err
	}
	if err := t.suits(e); err != nil {
		return nil, err
	}
	return s.execute(&supervised{plan.Resolve(), t}, nil, sets{train: train, test: test})
}

func (t *supervised) kind() string          { return "supervised" }
func (t *supervised) method(*Run) string    { return "supervised" }
func (t *supervised) seed(*Run) uint64      { return t.Tuning.Seed }
func (t *supervised) steps() int            { return t.Tuning.Steps }
func (t *supervised) architecture() nn.Plan { return t.Encoder }

func (t *supervised) do(x *execution) error {
	e, err := build(t.Encoder, x.sets.train.Spec(), t.Tuning.Seed)
	if err != nil {
		return err
	}
	head := nn.NewLinear("classifier", e.Dim(), len(x.sets.train.Classes()), true, rng.New(t.Tuning.Seed, "classifier"))
	x.out.encoder, x.out.plan, x.out.seen = e, t.Encoder, x.sets.train.Unlabelled()
	return t.Tuning.finish(x, e, head)
}

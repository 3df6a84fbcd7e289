package contrastive

import (
	"errors"
	"fmt"
	"slices"

	"sslnotes/sslkit"
	"sslnotes/sslkit/augment"
	"sslnotes/sslkit/data"
	"sslnotes/sslkit/nn"
	"sslnotes/sslkit/rng"
	"sslnotes/sslkit/tensor"
)

// SwAV assigns every view to prototypes and predicts the assignment of one view
// from another (Caron and others 2020, equations 1 to 4). Assignments of a batch
// are balanced over the prototypes by Sinkhorn's iteration, so that they cannot
// all be the same. Two whole views are assigned; small views only predict.
//
// A loss that stays at ln(Prototypes) is the sign of collapse to a point. Codes
// are balanced whatever the features are, so watch which prototype each image is
// nearest to.
type SwAV struct {
	Prototypes  int     // If 0, 64.
	Temperature float32 // of the predictions. If 0, 0.1.
	Epsilon     float32 // of the assignments' entropy. If 0, 0.05.
	Iterations  int     // of Sinkhorn. If 0, 3.
	Hidden      int     // width of the projector's hidden layer. If 0, 256.
	Dim         int     // width of the projection. If 0, 64.
	Freeze      int     // steps in which the prototypes are held still. If 0, a twentieth of all; negative: none.
	Local       int     // small views. If 0, 4; negative: none.
	LocalSize   int     // pixels of a small view. If 0, 4/7 of the image's height, cut down to a multiple of the encoder's patch.

	// Queue is how many earlier projections of each whole view are assigned beside
	// the batch's, a multiple of the batch size, so that prototypes are balanced
	// over more than a small batch (section 3.1 of the paper, which begins with it
	// late). It is in use from when it is full. If 0, none.
	Queue int `config:"omitzero"`

	Unbalanced bool // assign by the softmax at Epsilon alone, without Sinkhorn's iteration: all images get one prototype

	// Augment draws a whole view, LocalAugment a small one. If nil, crops of at
	// least, or at most, 30 % of the area, a flip, and jitter of brightness and
	// contrast by 0.4.
	Augment, LocalAugment augment.Chain

	encoder    nn.Encoder
	projector  nn.Sequential
	prototypes *nn.Param      // [Prototypes,Dim], rows of length 1
	queue      *nn.Buffer     // [2,Queue,Dim], the oldest first, or nil
	last       *tensor.Tensor // scores
}

// Name implements sslkit.Method.
func (m *SwAV) Name() string { return "swav" }

// Schedule implements sslkit.Scheduler.
func (m *SwAV) Schedule() sslkit.Schedule {
	return sslkit.Schedule{Epochs: 20, BatchSize: 128, LearningRate: 2e-3}
}

// Build implements sslkit.Method: the projector Linear–BatchNorm–ReLU–Linear and
// the prototypes.
func (m *SwAV) Build(e nn.Encoder, in data.Spec, s sslkit.Setup) (nn.Module, error) {
	if err := m.resolve(e, in, s); err != nil {
		return nil, err
	}
	m.encoder, m.queue = e, nil
	if m.Queue > 0 {
		m.queue = &nn.Buffer{Name: "queue", Value: make([]float32, 2*m.Queue*m.Dim)}
	}
	m.projector = nn.NewMLP("projector", e.Dim(), m.Hidden, m.Dim, s.Stream("projector"))
	start, r := tensor.New(m.Prototypes, m.Dim), s.Stream("prototypes")
	for i := range start.Data() {
		start.Data()[i] = r.Norm()
	}
	m.prototypes = &nn.Param{Name: "prototypes", Value: tensor.L2Normalize(start, 1e-12).RequireGrad()}
	return nn.Modules{m.projector, lone{m.prototypes}}, nil
}

func (m *SwAV) resolve(e nn.Encoder, in data.Spec, s sslkit.Setup) error {
	for _, f := range []struct {
		field *int
		value int
	}{{&m.Prototypes, 64}, {&m.Iterations, 3}, {&m.Hidden, 256}, {&m.Dim, 64}, {&m.Freeze, max(1, s.Steps/20)}, {&m.Local, 4}} {
		if *f.field == 0 {
			*f.field = f.value
		}
	}
	if m.Temperature == 0 {
		m.Temperature = 0.1
	}
	if m.Epsilon == 0 {
		m.Epsilon = 0.05
	}
	if m.Augment == nil {
		m.Augment = standard()
	}
	if m.LocalAugment == nil {
		m.LocalAugment = local()
	}
	if m.Queue < 0 || m.Queue%s.BatchSize != 0 {
		return fmt.Errorf("contrastive: SwAV.Queue is %d, want a multiple of the batch size %d", m.Queue, s.BatchSize)
	}
	if m.Queue > 0 && m.Unbalanced {
		return errors.New("contrastive: SwAV.Queue with SwAV.Unbalanced: there is nothing to balance")
	}
	var err error
	m.LocalSize, err = localSize("SwAV.LocalSize", m.LocalSize, m.Local, in, e)
	return errors.Join(positive("SwAV.Prototypes", m.Prototypes), positive("SwAV.Iterations", m.Iterations), positive("SwAV.Hidden", m.Hidden), positive("SwAV.Dim", m.Dim),
		err, positive("SwAV.Temperature", m.Temperature), positive("SwAV.Epsilon", m.Epsilon),
		augment.Check("contrastive: SwAV.Augment", m.Augment), augment.Check("contrastive: SwAV.LocalAugment", m.LocalAugment))
}

// lone is a module of one parameter.
type lone struct{ p *nn.Param }

// Params implements nn.Module.
func (l lone) Params() []*nn.Param { return []*nn.Param{l.p} }

// Buffers implements nn.Module.
func (l lone) Buffers() []*nn.Buffer { return nil }

// Views implements sslkit.Viewer: two whole views, then the small ones.
func (m *SwAV) Views(in data.Spec) []data.Spec { return multicrop(in, max(0, m.Local), m.LocalSize) }

// View implements sslkit.Viewer.
func (m *SwAV) View(dst *data.Image, src data.Image, v int, r *rng.Stream) {
	if v < 2 {
		m.Augment.Draw(dst, src, r)
		return
	}
	m.LocalAugment.Draw(dst, src, r)
}

// Loss implements sslkit.Method.
func (m *SwAV) Loss(b data.Batch, s sslkit.Step) *tensor.Tensor {
	n := b.Views[0].Dim(0)
	// 1. Scores of every view: the cosine with each prototype.
	c := m.prototypes.Value
	if s.Index < m.Freeze {
		c = tensor.Held(c)
	}
	z := tensor.L2Normalize(m.projector.Forward(views(m.encoder, b.Views), true), 1e-12)
	scores := split(tensor.MatMulT(z, c), n)
	// 2. Codes of the two whole views, through which no gradient flows.
	var codes [2]*tensor.Tensor
	for i := range codes {
		if m.Unbalanced {
			codes[i] = tensor.Softmax(tensor.Scale(scores[i].Detach(), 1/m.Epsilon))
			continue
		}
		codes[i] = m.assigned(i, scores[i])
	}
	m.remember(z, n)
	s.Log("prototype_perplexity", perplexity(codes[0]))
	m.last = kept(m.last, scores[0])
	// 3. Every other view predicts the code.
	return swapped(scores, codes[:], m.Temperature)
}

// assigned returns the codes of the batch's whole view i of scores [B,K], beside
// which the queue's projections are assigned.
func (m *SwAV) assigned(i int, scores *tensor.Tensor) *tensor.Tensor {
	full := func() bool { // the oldest row is there
		return slices.ContainsFunc(m.queue.Value[:m.Dim], func(v float32) bool { return v != 0 })
	}
	if m.queue == nil || !full() {
		return Sinkhorn(scores, m.Epsilon, m.Iterations)
	}
	size := m.Queue * m.Dim
	earlier := tensor.FromSlice(m.queue.Value[i*size:(i+1)*size], m.Queue, m.Dim)
	all := tensor.Concat(tensor.MatMulT(earlier, m.prototypes.Value.Detach()), scores.Detach())
	return split(Sinkhorn(all, m.Epsilon, m.Iterations), scores.Dim(0))[m.Queue/scores.Dim(0)]
}

// remember lets the projections of both whole views of n samples, which z begins
// with, enter the queue at the step's end, and the oldest leave.
func (m *SwAV) remember(z *tensor.Tensor, n int) {
	if m.queue == nil {
		return
	}
	size, batch := m.Queue*m.Dim, n*m.Dim
	var next []float32
	for i := range 2 {
		next = append(next, m.queue.Value[i*size+batch:(i+1)*size]...)
		next = append(next, z.Data()[i*batch:(i+1)*batch]...)
	}
	m.queue.Set(next)
}

// State implements sslkit.Stateful: the queue, if there is one.
func (m *SwAV) State() nn.Module {
	if m.queue == nil {
		return nn.Modules{}
	}
	return buffered{m.queue}
}

// buffered is a module of one buffer.
type buffered struct{ b *nn.Buffer }

// Params implements nn.Module.
func (b buffered) Params() []*nn.Param { return nil }

// Buffers implements nn.Module.
func (b buffered) Buffers() []*nn.Buffer { return []*nn.Buffer{b.b} }

// swapped is the mean over codes i and views v ≠ i of the cross-entropy of view
// v's softmax to code i.
func swapped(scores, codes []*tensor.Tensor, temperature float32) *tensor.Tensor {
	var sum *tensor.Tensor
	terms := 0
	for i, q := range codes {
		for v, x := range scores {
			if v == i {
				continue
			}
			term := tensor.SoftCrossEntropy(tensor.Scale(x, 1/temperature), q)
			if terms++; sum == nil {
				sum = term
				continue
			}
			sum = tensor.Add(sum, term)
		}
	}
	return tensor.Scale(sum, 1/float32(terms))
}

// views returns the features of all views, stacked in their order; views of one
// size pass the encoder in one batch.
func views(e nn.Encoder, all []*tensor.Tensor) *tensor.Tensor {
	whole := e.Forward(tensor.Concat(all[:2]...), true)
	if len(all) == 2 {
		return whole
	}
	return tensor.Concat(whole, e.Forward(tensor.Concat(all[2:]...), true))
}

// split cuts stacked rows into pieces of n.
func split(x *tensor.Tensor, n int) []*tensor.Tensor {
	pieces := make([]*tensor.Tensor, x.Dim(0)/n)
	for i := range pieces {
		index := make([]int, n)
		for j := range index {
			index[j] = i*n + j
		}
		pieces[i] = tensor.Rows(x, index)
	}
	return pieces
}

// AfterStep implements sslkit.AfterStepper: prototypes have length 1 before
// every step.
func (m *SwAV) AfterStep(sslkit.Step) {
	copy(m.prototypes.Value.Data(), tensor.L2Normalize(m.prototypes.Value.Detach(), 1e-12).Data())
}

// Sinkhorn returns the codes of scores [B,K] (algorithm of Cuturi 2013 as in
// SwAV's appendix): softmax assignments at temperature epsilon, scaled in turn
// so that every prototype gets B/K of them and every sample gives 1. The last
// scaling is the samples', so their codes sum to 1; the prototypes' shares come
// nearer with the iterations. Sums run in float64, in order. No gradient flows.
func Sinkhorn(scores *tensor.Tensor, epsilon float32, iterations int) *tensor.Tensor {
	b, k := scores.Dim(0), scores.Dim(1)
	q := make([]float64, b*k)
	top := scores.Data()[0]
	for _, v := range scores.Data() {
		top = max(top, v)
	}
	for i, v := range scores.Data() {
		q[i] = tensor.Exp64((float64(v) - float64(top)) / float64(epsilon))
	}
	for range iterations {
		shares(q, k, b, 1, k, 1/float64(k))
		shares(q, b, k, k, 1, 1/float64(b))
	}
	codes := tensor.New(b, k)
	for i, v := range q {
		codes.Data()[i] = float32(v * float64(b))
	}
	return codes
}

// shares scales each of n lines of q, of length m, to the sum total; elements of
// a line stand step apart, lines apart by line. A line of zeros stays.
func shares(q []float64, n, m, line, step int, total float64) {
	for i := range n {
		var sum float64
		for j := range m {
			sum += q[i*line+j*step]
		}
		if sum == 0 {
			continue
		}
		scale := total / sum
		for j := range m {
			q[i*line+j*step] *= scale
		}
	}
}

// TrivialLoss implements sslkit.Trivial: ln(Prototypes), the loss of features
// that score the same with every prototype.
func (m *SwAV) TrivialLoss() float64 { return rng.Log(float64(m.Prototypes)) }

// Report implements sslkit.Reporter: how many prototypes are the nearest one of
// the images of the batch, as exp of the entropy of their shares.
func (m *SwAV) Report() map[string]float64 {
	if m.last == nil { // no step was taken
		return nil
	}
	return map[string]float64{"prototype_use": float64(perplexity(nearest(m.last)))}
}

// Diagnose implements sslkit.Diagnoser: one prototype is the nearest of all.
func (m *SwAV) Diagnose(values map[string]float64) string {
	if p, ok := values["prototype_use"]; ok && p < 1.5 {
		return fmt.Sprintf("prototype collapse: nearly all images have one prototype for the nearest (prototype_use %.2f of %d)", p, m.Prototypes)
	}
	return ""
}

// nearest is 1 where a row of scores [B,K] is largest, else 0.
func nearest(scores *tensor.Tensor) *tensor.Tensor {
	one := tensor.New(scores.Shape()...)
	for i, j := range tensor.Argmax(scores) {
		one.Data()[i*scores.Dim(1)+j] = 1
	}
	return one
}

// perplexity is exp of the entropy of the mean code: how many prototypes are in
// use.
func perplexity(codes *tensor.Tensor) float32 {
	b, k := codes.Dim(0), codes.Dim(1)
	var entropy float64
	for j := range k {
		var p float64
		for i := range b {
			p += float64(codes.Data()[i*k+j])
		}
		if p /= float64(b); p > 0 {
			entropy -= float64(p * rng.Log(p))
		}
	}
	return float32(tensor.Exp64(entropy))
}

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

// MoCo contrasts a query with its key, the other view of the image seen by a
// momentum network, against a queue of keys of earlier steps (He and others
// 2020, algorithm 1; the two-layer head and the augmentation are v2's, Chen and
// others 2020). The query encoder is the one that is evaluated.
//
// A batch whose statistics BatchNorm shares between query and key lets the
// network recognise its key by them. With ShuffleGroups the keys are normalised
// in groups of a shuffled batch, as on several devices; on one device without
// groups a shuffle changes nothing, since statistics do not depend on order.
type MoCo struct {
	Temperature   float32 // If 0, 0.2.
	Momentum      float32 // of the key network. If 0, 0.99; negative: 0, which fails.
	Queue         int     // keys remembered, a multiple of the batch size. If 0, 16 batches.
	Hidden        int     // width of the head's hidden layer. If 0, the encoder's.
	Dim           int     // width of the embedding. If 0, 64.
	ShuffleGroups int     // groups of separate BatchNorm statistics. If 0, 1: a shuffle would change nothing.

	// NoShuffle leaves the batch in its order: a key is normalised beside the
	// same images as its query, and may be known by that. It needs groups.
	NoShuffle bool `config:"omitzero"`

	// Symmetric has a query and a key of both views, as the authors' demonstration on
	// CIFAR-10 can: the loss is the mean of two, where theirs is the sum, for twice the
	// work, and the keys of two batches enter the queue in a step.
	Symmetric bool `config:"omitzero"`

	// Augment draws a view. If nil, a crop of at least 30 % of the area, a
	// flip, and jitter of brightness and contrast by 0.4.
	Augment augment.Chain

	query, key *branch
	queue      *nn.Buffer // [Queue,Dim], the oldest key first

	last, keyed *tensor.Tensor // queries, and their keys
	age         int            // in steps, of the oldest key they were asked about
}

// Name implements sslkit.Method.
func (m *MoCo) Name() string { return "moco" }

// Schedule implements sslkit.Scheduler.
func (m *MoCo) Schedule() sslkit.Schedule {
	return sslkit.Schedule{Epochs: 20, BatchSize: 128, LearningRate: 2e-3}
}

// Build implements sslkit.Method: the head Linear–ReLU–Linear, the key network,
// and a queue of random unit vectors.
func (m *MoCo) Build(e nn.Encoder, _ data.Spec, s sslkit.Setup) (nn.Module, error) {
	if err := m.resolve(e, s); err != nil {
		return nil, err
	}
	project := func(prefix string) nn.Sequential {
		r := s.Stream("projector")
		return nn.Sequential{nn.NewLinear(prefix+".0", e.Dim(), m.Hidden, true, r), nn.ReLU{}, nn.NewLinear(prefix+".2", m.Hidden, m.Dim, true, r)}
	}
	m.query = &branch{e, project("projector")}
	var err error
	if m.key, err = m.query.follower(project); err != nil {
		return nil, err
	}
	start, r := tensor.New(m.Queue, m.Dim), s.Stream("queue")
	for i := range start.Data() {
		start.Data()[i] = r.Norm()
	}
	m.queue = &nn.Buffer{Name: "queue", Value: tensor.L2Normalize(start, 1e-12).Data()}
	return m.query.projector, nil
}

func (m *MoCo) resolve(e nn.Encoder, s sslkit.Setup) error {
	if m.Temperature == 0 {
		m.Temperature = 0.2
	}
	if m.Momentum == 0 {
		m.Momentum = 0.99
	}
	if m.Queue == 0 {
		m.Queue = 16 * s.BatchSize
	}
	if m.Hidden == 0 {
		m.Hidden = e.Dim()
	}
	if m.Dim == 0 {
		m.Dim = 64
	}
	if m.ShuffleGroups == 0 {
		m.ShuffleGroups = 1
	}
	if m.Augment == nil {
		m.Augment = standard()
	}
	err := errors.Join(positive("MoCo.Temperature", m.Temperature), between("MoCo.Momentum", max(m.Momentum, 0), 0, 1), positive("MoCo.Queue", m.Queue),
		positive("MoCo.Hidden", m.Hidden), positive("MoCo.Dim", m.Dim), positive("MoCo.ShuffleGroups", m.ShuffleGroups),
		augment.Check("contrastive: MoCo.Augment", m.Augment))
	switch {
	case err != nil:
		return err
	case m.NoShuffle && m.ShuffleGroups == 1:
		return errors.New("contrastive: MoCo.NoShuffle without MoCo.ShuffleGroups: there is no shuffle to leave out")
	case m.Symmetric && m.Queue%(2*s.BatchSize) != 0:
		return fmt.Errorf("contrastive: MoCo.Queue is %d, want a multiple of two batches of %d with MoCo.Symmetric", m.Queue, s.BatchSize)
	case m.Queue%s.BatchSize != 0:
		return fmt.Errorf("contrastive: MoCo.Queue is %d, want a multiple of the batch size %d", m.Queue, s.BatchSize)
	case s.BatchSize%m.ShuffleGroups != 0 || s.BatchSize/m.ShuffleGroups < 2:
		return fmt.Errorf("contrastive: MoCo.ShuffleGroups is %d, want a divisor of the batch size %d that leaves 2 a group", m.ShuffleGroups, s.BatchSize)
	}
	return nil
}

// Views implements sslkit.Viewer.
func (m *MoCo) Views(in data.Spec) []data.Spec { return []data.Spec{in, in} }

// View implements sslkit.Viewer.
func (m *MoCo) View(dst *data.Image, src data.Image, _ int, r *rng.Stream) {
	m.Augment.Draw(dst, src, r)
}

// Loss implements sslkit.Method.
func (m *MoCo) Loss(b data.Batch, s sslkit.Step) *tensor.Tensor {
	loss, accuracy, keys := m.asked(b.Views[0], b.Views[1], "shuffle", s)
	if m.Symmetric {
		other, also, more := m.asked(b.Views[1], b.Views[0], "other shuffle", s)
		loss, accuracy, keys = tensor.Scale(tensor.Add(loss, other), 0.5), (accuracy+also)/2, append(slices.Clip(keys), more...)
	}
	s.Log("pair_accuracy", accuracy)
	m.age = min(s.Index, len(m.queue.Value)/len(keys))
	// 3. At the step's end the keys enter the queue and the oldest leave.
	m.queue.Set(append(append(make([]float32, 0, len(m.queue.Value)), m.queue.Value[len(keys):]...), keys...))
	return loss
}

// asked is the loss of the queries of one view among the keys of the other, the
// share of them that find theirs, and these keys.
func (m *MoCo) asked(query, key *tensor.Tensor, shuffle string, s sslkit.Step) (loss *tensor.Tensor, accuracy float32, keys []float32) {
	// 1. Queries of one view, keys of the other without gradient.
	q := tensor.L2Normalize(m.grouped(m.query, query), 1e-12)
	k := tensor.L2Normalize(m.keys(key, s.Stream(shuffle)), 1e-12)
	m.last, m.keyed = kept(m.last, q), kept(m.keyed, k)
	// 2. Is it my key, or one of the queue's?
	loss, logits := queueLoss(q, k, tensor.FromSlice(m.queue.Value, m.Queue, m.Dim), m.Temperature)
	return loss, tensor.Accuracy(logits, make([]int, q.Dim(0))), k.Data()
}

// queueLoss is InfoNCE of unit queries and keys [N,D] against a queue [K,D].
func queueLoss(q, k, queue *tensor.Tensor, temperature float32) (loss, logits *tensor.Tensor) {
	logits = tensor.Scale(tensor.ConcatColumns(tensor.RowDot(q, k), tensor.MatMulT(q, queue)), 1/temperature)
	return tensor.CrossEntropy(logits, make([]int, q.Dim(0))), logits
}

// keys embeds a batch, shuffled by the stream, in groups and restores the order.
func (m *MoCo) keys(x *tensor.Tensor, r *rng.Stream) *tensor.Tensor {
	if m.ShuffleGroups == 1 || m.NoShuffle {
		return m.grouped(m.key, x).Detach()
	}
	order := r.Perm(x.Dim(0))
	back := make([]int, len(order))
	for i, j := range order {
		back[j] = i
	}
	return tensor.Rows(m.grouped(m.key, tensor.Rows(x, order)), back).Detach()
}

// grouped embeds a batch in groups, each with BatchNorm statistics of its own.
func (m *MoCo) grouped(b *branch, x *tensor.Tensor) *tensor.Tensor {
	if m.ShuffleGroups == 1 {
		return b.project(x)
	}
	each := x.Dim(0) / m.ShuffleGroups
	parts := make([]*tensor.Tensor, m.ShuffleGroups)
	for g := range parts {
		index := make([]int, each)
		for i := range index {
			index[i] = g*each + i
		}
		parts[g] = b.project(tensor.Rows(x, index))
	}
	return tensor.Concat(parts...)
}

// keyState is the key network and the queue.
type keyState struct {
	nn.Module
	queue *nn.Buffer
}

// Buffers implements nn.Module.
func (k keyState) Buffers() []*nn.Buffer { return append(k.Module.Buffers(), k.queue) }

// State implements sslkit.Stateful.
func (m *MoCo) State() nn.Module { return keyState{m.key.module(), m.queue} }

// TrivialLoss implements sslkit.Trivial: ln(1+Queue), the loss if all queries and
// keys are equal.
func (m *MoCo) TrivialLoss() float64 { return rng.Log(float64(1 + m.Queue)) }

// Report implements sslkit.Reporter: the spread of the queries; the mean cosine of a
// query with its key, and with those that are in the queue by then; the steps since
// the oldest key that was asked about was made, while the first ones, which are
// random, are still there the steps taken; and how far the key network's weights are
// from the query network's.
func (m *MoCo) Report() map[string]float64 {
	if m.last == nil { // no step was taken
		return nil
	}
	return map[string]float64{
		projectionStd:  spreadOf(m.last),
		positiveCosine: float64(tensor.Mean(tensor.RowDot(m.last, m.keyed)).Item()), negativeCosine: meanDot(m.last, m.queue.Value),
		"queue_age":    float64(m.age),
		"key_distance": nn.Distance(m.query.module(), m.key.module()),
	}
}

// Diagnose implements sslkit.Diagnoser.
func (m *MoCo) Diagnose(values map[string]float64) string { return narrow(values) }

// Teacher implements sslkit.Teacher: the key network.
func (m *MoCo) Teacher() nn.Encoder { return m.key.encoder }

// AfterStep implements sslkit.AfterStepper: the key network follows. The paper
// does so at the start of the next step, which is the same.
func (m *MoCo) AfterStep(sslkit.Step) {
	nn.EMA(m.key.module(), m.query.module(), max(m.Momentum, 0))
}

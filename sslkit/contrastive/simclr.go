// Package contrastive holds methods that pull two views of one image together
// and push different images apart, and their kin.
package contrastive

import (
	"fmt"
	"math"

	"sslnotes/sslkit"
	"sslnotes/sslkit/augment"
	"sslnotes/sslkit/data"
	"sslnotes/sslkit/nn"
	"sslnotes/sslkit/rng"
	"sslnotes/sslkit/tensor"
)

// SimCLR contrasts two augmented views of every image of a batch with all
// other views in it (Chen, Kornblith, Norouzi and Hinton 2020, algorithm 1).
// Both views pass the encoder in one batch, so they share BatchNorm's
// statistics. Downstream tasks use the encoder's features, not the projection.
type SimCLR struct {
	Temperature float32 // of the softmax. If 0, 0.2.
	Hidden      int     // width of the projector's hidden layer. If 0, the encoder's.
	Dim         int     // width of the projection. If 0, 64.

	// Augment draws a view. If nil, a crop of at least 30 % of the area, a
	// flip, and jitter of brightness and contrast by 0.4.
	Augment augment.Chain

	encoder   nn.Encoder
	projector nn.Sequential
	trivial   float64

	last *tensor.Tensor // projections
}

// Name implements sslkit.Method.
func (m *SimCLR) Name() string { return "simclr" }

// Schedule implements sslkit.Scheduler.
func (m *SimCLR) Schedule() sslkit.Schedule {
	return sslkit.Schedule{Epochs: 20, BatchSize: 128, LearningRate: 2e-3}
}

// Build implements sslkit.Method: the projector Linear–BatchNorm–ReLU–Linear.
func (m *SimCLR) Build(e nn.Encoder, _ data.Spec, s sslkit.Setup) (nn.Module, error) {
	if m.Temperature == 0 {
		m.Temperature = 0.2
	}
	if !(m.Temperature > 0) {
		return nil, fmt.Errorf("contrastive: SimCLR.Temperature is %g, want > 0", m.Temperature)
	}
	if m.Hidden == 0 {
		m.Hidden = e.Dim()
	}
	if m.Dim == 0 {
		m.Dim = 64
	}
	if m.Hidden < 0 || m.Dim < 0 {
		return nil, fmt.Errorf("contrastive: SimCLR.Hidden is %d and Dim is %d, want > 0", m.Hidden, m.Dim)
	}
	if m.Augment == nil {
		m.Augment = standard()
	}
	if err := augment.Check("contrastive: SimCLR.Augment", m.Augment); err != nil {
		return nil, err
	}
	m.encoder, m.trivial = e, rng.Log(float64(2*s.BatchSize-1))
	m.projector = nn.NewMLP("projector", e.Dim(), m.Hidden, m.Dim, s.Stream("projector"))
	return m.projector, nil
}

// Views implements sslkit.Viewer.
func (m *SimCLR) Views(in data.Spec) []data.Spec { return []data.Spec{in, in} }

// View implements sslkit.Viewer.
func (m *SimCLR) View(dst *data.Image, src data.Image, _ int, r *rng.Stream) {
	m.Augment.Draw(dst, src, r)
}

// TrivialLoss implements sslkit.Trivial: ln(2N-1), the loss if all embeddings
// are equal.
func (m *SimCLR) TrivialLoss() float64 { return m.trivial }

// Report implements sslkit.Reporter: the spread of the projections, and the mean
// cosine of those of one image's views, and of different images'.
func (m *SimCLR) Report() map[string]float64 {
	if m.last == nil { // no step was taken
		return nil
	}
	positive, negative := pairCosines(m.last)
	return map[string]float64{projectionStd: spreadOf(m.last), positiveCosine: positive, negativeCosine: negative}
}

// Loss implements sslkit.Method.
func (m *SimCLR) Loss(b data.Batch, s sslkit.Step) *tensor.Tensor {
	// 1. Both views of every image in one batch.
	views := tensor.Concat(b.Views[0], b.Views[1])
	// 2. Represent, then project onto the unit sphere.
	z := tensor.L2Normalize(m.projector.Forward(m.encoder.Forward(views, true), true), 1e-12)
	m.last = kept(m.last, z)
	// 3. Which of the 2N-1 others is the same image?
	logits, targets := pairLogits(z, m.Temperature)
	s.Log("pair_accuracy", tensor.Accuracy(logits, targets))
	return tensor.CrossEntropy(logits, targets)
}

// pairLogits returns the similarities of unit rows z [2N,D] over temperature
// with each row's similarity to itself excluded, and the place of each row's
// positive.
func pairLogits(z *tensor.Tensor, temperature float32) (*tensor.Tensor, []int) {
	n := z.Dim(0) / 2
	targets := make([]int, 2*n)
	for i := range targets {
		targets[i] = (i + n) % (2 * n)
	}
	similar := tensor.Scale(tensor.MatMulT(z, z), 1/temperature)
	return tensor.MaskDiagonal(similar, float32(math.Inf(-1))), targets
}

// NTXent is the course's function: the normalised temperature-scaled
// cross-entropy (equation 1 of SimCLR) of two batches of embeddings [N,D],
// row i of z1 and row i of z2 being views of one image; the mean over all 2N
// anchors. Rows need not be normalised. It is differentiable in both.
//
// If all embeddings are equal it is ln(2N-1).
func NTXent(z1, z2 *tensor.Tensor, temperature float32) *tensor.Tensor {
	z := tensor.L2Normalize(tensor.Concat(z1, z2), 1e-12)
	return tensor.CrossEntropy(pairLogits(z, temperature))
}

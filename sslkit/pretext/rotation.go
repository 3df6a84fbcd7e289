// Package pretext holds tasks made up from the data itself: the labels are
// free, because the program made the puzzle.
package pretext

import (
	"fmt"

	"sslnotes/sslkit"
	"sslnotes/sslkit/augment"
	"sslnotes/sslkit/data"
	"sslnotes/sslkit/nn"
	"sslnotes/sslkit/rng"
	"sslnotes/sslkit/tensor"
)

// Rotation predicts by which multiple of 90° an image was turned (RotNet,
// Gidaris, Singh and Komodakis 2018). All four copies of an image sit in the
// same batch. Images must be square.
//
// Watch the pretext accuracy beside the probe: on pictures that always stand
// upright the task saturates long before the features are good.
type Rotation struct {
	// Augment is drawn before the rotation, so that a flip cannot swap the
	// labels of 90° and 270°. If nil, a flip and a crop of at least half the
	// area; an empty chain: none.
	Augment augment.Chain

	encoder nn.Encoder
	head    *nn.Linear
}

// Name implements sslkit.Method.
func (m *Rotation) Name() string { return "rotation" }

// Schedule implements sslkit.Scheduler.
func (m *Rotation) Schedule() sslkit.Schedule {
	return sslkit.Schedule{Epochs: 10, BatchSize: 128, LearningRate: 2e-3}
}

// Build implements sslkit.Method: one linear layer on the features.
func (m *Rotation) Build(e nn.Encoder, in data.Spec, s sslkit.Setup) (nn.Module, error) {
	if in.Height != in.Width {
		return nil, fmt.Errorf("pretext: Rotation needs square images, got %d×%d", in.Height, in.Width)
	}
	if m.Augment == nil {
		m.Augment = augment.Chain{augment.Crop{MinArea: 0.5}, augment.Flip{P: 0.5}}
	}
	if err := augment.Check("pretext: Rotation.Augment", m.Augment); err != nil {
		return nil, err
	}
	m.encoder = e
	m.head = nn.NewLinear("rotation", e.Dim(), 4, true, s.Stream("rotation head"))
	return m.head, nil
}

// Views implements sslkit.Viewer: one view, turned four ways in the loss.
func (m *Rotation) Views(in data.Spec) []data.Spec { return []data.Spec{in} }

// View implements sslkit.Viewer.
func (m *Rotation) View(dst *data.Image, src data.Image, _ int, r *rng.Stream) {
	m.Augment.Draw(dst, src, r)
}

// Loss implements sslkit.Method: the mean cross-entropy over the four turns of
// every image.
func (m *Rotation) Loss(b data.Batch, s sslkit.Step) *tensor.Tensor {
	// 1. Turn every image four ways; the number of turns is the label.
	turned, labels := RotationTask(b.Views[0])
	// 2. Features of every copy, and the four logits.
	logits := m.head.Forward(m.encoder.Forward(turned, true), true)
	s.Log("pretext_accuracy", tensor.Accuracy(logits, labels))
	// 3. Which turn was it?
	return tensor.CrossEntropy(logits, labels)
}

// TrivialLoss implements sslkit.Trivial: all turns are equally likely.
func (m *Rotation) TrivialLoss() float64 { return rng.Log(4) }

// RotationTask is the course's function: it turns every image of a batch
// [N,H,W,C] by 0°, 90°, 180° and 270° counter-clockwise (numpy.rot90) and
// returns the [4N,H,W,C] copies with the number of turns of each, 0 to 3. The
// order is image-major: the four copies of image 0, then those of image 1.
func RotationTask(images *tensor.Tensor) (turned *tensor.Tensor, labels []int) {
	n := images.Dim(0)
	var copies [4]*tensor.Tensor
	for k := range copies {
		copies[k] = tensor.Rot90(images, k)
	}
	index, labels := make([]int, 4*n), make([]int, 4*n)
	for i := range index {
		index[i], labels[i] = i%4*n+i/4, i%4
	}
	return tensor.Rows(tensor.Concat(copies[:]...), index), labels
}

package contrastive

import (
	"errors"
	"fmt"

	"sslnotes/sslkit"
	"sslnotes/sslkit/augment"
	"sslnotes/sslkit/data"
	"sslnotes/sslkit/nn"
	"sslnotes/sslkit/rng"
	"sslnotes/sslkit/tensor"
)

// SimSiam is BYOL without a momentum network: both views pass one network, and
// the gradient stops at the side that is predicted (Chen and He 2021,
// algorithm 1).
type SimSiam struct {
	Hidden     int // width of the projector's hidden layers. If 0, 256.
	Dim        int // width of the projection. If 0, 128.
	Bottleneck int // width of the predictor's hidden layer. If 0, a quarter of Dim.

	// SteadyPredictor keeps the predictor's learning rate at its peak, as the authors
	// do, so that it can follow the projections to the end. If false, it falls with the
	// others.
	SteadyPredictor bool `config:"omitzero"`

	NoStopGradient bool // let the gradient into both sides: the projections collapse towards a line, for BatchNorm keeps them from a point

	// Augment draws a view. If nil, a crop of at least 30 % of the area, a
	// flip, and jitter of brightness and contrast by 0.4.
	Augment augment.Chain

	online    *branch
	predictor nn.Sequential
	last      *tensor.Tensor // projections
}

// Name implements sslkit.Method.
func (m *SimSiam) Name() string { return "simsiam" }

// Schedule implements sslkit.Scheduler.
func (m *SimSiam) Schedule() sslkit.Schedule {
	return sslkit.Schedule{Epochs: 20, BatchSize: 128, LearningRate: 2e-3}
}

// Build implements sslkit.Method: a projector of three layers with BatchNorm
// after each, the last without scale and shift, and a predictor with a
// bottleneck.
func (m *SimSiam) Build(e nn.Encoder, _ data.Spec, s sslkit.Setup) (nn.Module, error) {
	if m.Hidden == 0 {
		m.Hidden = 256
	}
	if m.Dim == 0 {
		m.Dim = 128
	}
	if m.Bottleneck == 0 {
		m.Bottleneck = max(1, m.Dim/4)
	}
	if m.Augment == nil {
		m.Augment = standard()
	}
	if err := errors.Join(positive("SimSiam.Hidden", m.Hidden), positive("SimSiam.Dim", m.Dim), positive("SimSiam.Bottleneck", m.Bottleneck),
		augment.Check("contrastive: SimSiam.Augment", m.Augment)); err != nil {
		return nil, err
	}
	r := s.Stream("projector")
	projector := nn.Sequential{
		nn.NewLinear("projector.0", e.Dim(), m.Hidden, false, r), nn.NewBatchNorm("projector.1", m.Hidden), nn.ReLU{},
		nn.NewLinear("projector.3", m.Hidden, m.Hidden, false, r), nn.NewBatchNorm("projector.4", m.Hidden), nn.ReLU{},
		nn.NewLinear("projector.6", m.Hidden, m.Dim, false, r), nn.NewStandardize("projector.7", m.Dim),
	}
	m.online = &branch{e, projector}
	m.predictor = nn.NewMLP("predictor", m.Dim, m.Bottleneck, m.Dim, s.Stream("predictor"))
	return nn.Modules{projector, m.predictor}, nil
}

// Views implements sslkit.Viewer.
func (m *SimSiam) Views(in data.Spec) []data.Spec { return []data.Spec{in, in} }

// View implements sslkit.Viewer.
func (m *SimSiam) View(dst *data.Image, src data.Image, _ int, r *rng.Stream) {
	m.Augment.Draw(dst, src, r)
}

// Loss implements sslkit.Method: half the sum of both negative cosines, from -1
// to 1.
func (m *SimSiam) Loss(b data.Batch, s sslkit.Step) *tensor.Tensor {
	// 1. Project both views, predict from both.
	z1, z2 := m.online.project(b.Views[0]), m.online.project(b.Views[1])
	m.last = kept(m.last, z1)
	p1, p2 := m.predictor.Forward(z1, true), m.predictor.Forward(z2, true)
	// 2. Stop the gradient on the side that is predicted.
	if !m.NoStopGradient {
		z1, z2 = z1.Detach(), z2.Detach()
	}
	// 3. D(p1, z2)/2 + D(p2, z1)/2.
	return tensor.Scale(tensor.Add(cosine(p1, z2), cosine(p2, z1)), -0.5)
}

// Steady implements sslkit.Steadier.
func (m *SimSiam) Steady() nn.Module {
	if !m.SteadyPredictor {
		return nil
	}
	return m.predictor
}

// Report implements sslkit.Reporter: the spread of the projections, and in how many
// directions they spread.
func (m *SimSiam) Report() map[string]float64 {
	if m.last == nil { // no step was taken
		return nil
	}
	return map[string]float64{projectionStd: spreadOf(m.last), "projection_directions": directionsOf(m.last)}
}

// Diagnose implements sslkit.Diagnoser. Normalised over the batch, projections cannot
// be all the same, but they can lie on a line.
func (m *SimSiam) Diagnose(values map[string]float64) string {
	what := narrow(values)
	if w, ok := values["projection_directions"]; ok && what == "" && w < 1.5 {
		what = fmt.Sprintf("dimensional collapse of the projections: they nearly lie on a line (projection_directions %.2f of %d, below 1.5)", w, m.Dim)
	}
	return what
}

// cosine is the mean cosine of the rows of a and b.
func cosine(a, b *tensor.Tensor) *tensor.Tensor {
	return tensor.Mean(tensor.RowDot(tensor.L2Normalize(a, 1e-12), tensor.L2Normalize(b, 1e-12)))
}

package contrastive

import (
	"errors"

	"sslnotes/sslkit"
	"sslnotes/sslkit/augment"
	"sslnotes/sslkit/data"
	"sslnotes/sslkit/nn"
	"sslnotes/sslkit/rng"
	"sslnotes/sslkit/tensor"
)

// BYOL predicts the target network's projection of one view from the online
// network's projection of the other; the target follows the online network
// slowly and gets no gradient (Grill and others 2020, equations 1 to 3). There
// are no negatives. Each view passes the networks in a batch of its own. The
// online encoder is the one that is evaluated.
//
// A constant output would have loss 0, so what prevents it is worth switching
// off: with the gradient let through the projections collapse, and without the
// predictor they narrow.
type BYOL struct {
	Momentum float32 // of the target at first; it rises to 1 by half a cosine. If 0, 0.99; negative: 0, the target is the online network.
	Hidden   int     // width of the hidden layers of projector and predictor. If 0, 256.
	Dim      int     // width of the projection. If 0, 64.

	NoPredictor    bool // compare projections directly
	NoStopGradient bool // let the gradient into the target, which then is the online network

	// Augment draws a view. If nil, a crop of at least 30 % of the area, a
	// flip, and jitter of brightness and contrast by 0.4.
	Augment augment.Chain

	// SecondAugment draws the second view. If nil, Augment does. In the paper (appendix B)
	// the first is always blurred, the second with a probability of 0.1, and the
	// second alone solarised, with a probability of 0.2.
	SecondAugment augment.Chain `config:"omitzero"`

	online, target *branch
	predictor      nn.Sequential
	last           *tensor.Tensor // projections
}

// A branch is an encoder and its projector.
type branch struct {
	encoder   nn.Encoder
	projector nn.Sequential
}

func (b *branch) project(x *tensor.Tensor) *tensor.Tensor {
	return b.projector.Forward(b.encoder.Forward(x, true), true)
}

// module is the branch as one module.
func (b *branch) module() nn.Module { return nn.Modules{b.encoder, b.projector} }

// follower returns a frozen copy of a branch, whose projector project builds
// anew.
func (b *branch) follower(project func(prefix string) nn.Sequential) (*branch, error) {
	e, err := nn.Clone(b.encoder)
	if err != nil {
		return nil, err
	}
	t := &branch{e, project("target projector")}
	nn.Copy(t.projector, b.projector)
	nn.Freeze(t.module())
	return t, nil
}

// Name implements sslkit.Method.
func (m *BYOL) Name() string { return "byol" }

// Schedule implements sslkit.Scheduler.
func (m *BYOL) Schedule() sslkit.Schedule {
	return sslkit.Schedule{Epochs: 20, BatchSize: 128, LearningRate: 2e-3}
}

// Build implements sslkit.Method: projector and predictor, both
// Linear–BatchNorm–ReLU–Linear, and the target.
func (m *BYOL) Build(e nn.Encoder, _ data.Spec, s sslkit.Setup) (nn.Module, error) {
	if m.Momentum == 0 {
		m.Momentum = 0.99
	}
	if m.Hidden == 0 {
		m.Hidden = 256
	}
	if m.Dim == 0 {
		m.Dim = 64
	}
	if m.Augment == nil {
		m.Augment = standard()
	}
	if err := errors.Join(between("BYOL.Momentum", max(m.Momentum, 0), 0, 1), positive("BYOL.Hidden", m.Hidden), positive("BYOL.Dim", m.Dim),
		augment.Check("contrastive: BYOL.Augment", m.Augment), augment.Check("contrastive: BYOL.SecondAugment", m.SecondAugment)); err != nil {
		return nil, err
	}
	project := func(prefix string) nn.Sequential {
		return nn.NewMLP(prefix, e.Dim(), m.Hidden, m.Dim, s.Stream("projector"))
	}
	m.online = &branch{e, project("projector")}
	m.predictor = nil
	if !m.NoPredictor {
		m.predictor = nn.NewMLP("predictor", m.Dim, m.Hidden, m.Dim, s.Stream("predictor"))
	}
	var err error
	m.target, err = m.online.follower(project)
	return nn.Modules{m.online.projector, m.predictor}, err
}

// Views implements sslkit.Viewer.
func (m *BYOL) Views(in data.Spec) []data.Spec { return []data.Spec{in, in} }

// View implements sslkit.Viewer.
func (m *BYOL) View(dst *data.Image, src data.Image, v int, r *rng.Stream) {
	ofView(v, m.Augment, m.SecondAugment).Draw(dst, src, r)
}

// Loss implements sslkit.Method.
func (m *BYOL) Loss(b data.Batch, s sslkit.Step) *tensor.Tensor {
	// 1. Online projections of both views, and the predictions from them.
	z1, z2 := m.online.project(b.Views[0]), m.online.project(b.Views[1])
	m.last = kept(m.last, z1)
	p1, p2 := m.predictor.Forward(z1, true), m.predictor.Forward(z2, true)
	// 2. Target projections, through which no gradient flows.
	t1, t2 := m.target.project(b.Views[0]), m.target.project(b.Views[1])
	if m.NoStopGradient {
		t1, t2 = z1, z2
	}
	// 3. Each prediction against the other view's target: L1 + L2, from 0 to 8.
	return tensor.Add(Regression(p1, t2), Regression(p2, t1))
}

// State implements sslkit.Stateful.
func (m *BYOL) State() nn.Module { return m.target.module() }

// TrivialLoss implements sslkit.Trivial: features that are all the same have the
// least loss there is.
func (m *BYOL) TrivialLoss() float64 { return 0 }

// Report implements sslkit.Reporter: the spread of the projections, and how far the
// target's weights are from the online network's.
func (m *BYOL) Report() map[string]float64 {
	if m.last == nil { // no step was taken
		return nil
	}
	return map[string]float64{projectionStd: spreadOf(m.last), "target_distance": nn.Distance(m.online.module(), m.target.module())}
}

// Diagnose implements sslkit.Diagnoser.
func (m *BYOL) Diagnose(values map[string]float64) string { return narrow(values) }

// Teacher implements sslkit.Teacher: the target.
func (m *BYOL) Teacher() nn.Encoder { return m.target.encoder }

// AfterStep implements sslkit.AfterStepper: the target follows.
func (m *BYOL) AfterStep(s sslkit.Step) {
	momentum := rising(max(m.Momentum, 0), s)
	nn.EMA(m.target.module(), m.online.module(), momentum)
	s.Log("target_momentum", momentum)
}

// rising is 1 - (1-m)·(1+cos(πt/T))/2, from m at the first step to 1.
func rising(m float32, s sslkit.Step) float32 {
	if m == 0 {
		return 0
	}
	return 1 - nn.WarmupCosine(s.Index, s.Total, 0, 1-m, 0)
}

// Regression is BYOL's loss of one direction (equation 2): the mean over rows of
// the squared distance of p and z [N,D], both normalised, which is 2-2·cos:
// 0 if they agree, 2 if orthogonal, 4 if opposite. It is differentiable in
// both.
func Regression(p, z *tensor.Tensor) *tensor.Tensor {
	d := tensor.Sub(tensor.L2Normalize(p, 1e-12), tensor.L2Normalize(z, 1e-12))
	return tensor.Scale(tensor.Mean(tensor.Mul(d, d)), float32(p.Dim(1)))
}

package contrastive

import (
	"errors"
	"fmt"
	"math"

	"sslnotes/sslkit"
	"sslnotes/sslkit/augment"
	"sslnotes/sslkit/data"
	"sslnotes/sslkit/nn"
	"sslnotes/sslkit/rng"
	"sslnotes/sslkit/tensor"
)

// DINO teaches a student network the output distribution of its own momentum
// average (Caron and others 2021, algorithm 1). The student sees every view, the
// teacher only the two whole ones. The teacher's outputs are centred, which
// alone would make them uniform, and sharpened, which alone would make one
// dimension dominate; together they keep each other from collapse.
//
// Watch the teacher's entropy: ln(Outputs) is the uniform collapse, 0 the other.
// A run's encoder is the student; the paper evaluates the teacher, which a run
// keeps beside it.
type DINO struct {
	Outputs            int     // dimensions of the distribution. If 0, 256.
	StudentTemperature float32 // If 0, 0.1.
	TeacherTemperature float32 // If 0, 0.04.
	Momentum           float32 // of the teacher at first; it rises to 1 by half a cosine. If 0, 0.99; negative: 0.
	CentreMomentum     float32 // If 0, 0.9.
	Hidden             int     // width of the head's hidden layers. If 0, 256.
	Bottleneck         int     // width before the last layer. If 0, 64.
	Freeze             int     // steps in which the last layer is held still. If 0, a twentieth of all; negative: none.
	Local              int     // small views. If 0, 4; negative: none.
	LocalSize          int     // pixels of a small view. If 0, 4/7 of the image's height, cut down to a multiple of the encoder's patch.

	// StartTemperature is the teacher's at the first step, from which it rises evenly
	// to TeacherTemperature in Rise steps. If 0, that of the teacher. The authors' long
	// trainings rise from 0.04 to 0.07 in their first three tenths.
	StartTemperature float32 `config:"omitzero"`
	Rise             int     `config:"omitzero"` // If 0, three tenths of all.

	NoCentring   bool // the outputs collapse to one dimension
	NoSharpening bool // the teacher's temperature is the student's: the outputs become uniform

	// Augment draws a whole view, LocalAugment a small one. If nil, crops of at
	// least, or at most, 30 % of the area, a flip, and jitter of brightness and
	// contrast by 0.4.
	Augment, LocalAugment augment.Chain

	// SecondAugment draws the second whole view. If nil, Augment does. In the paper (section 3, after BYOL's appendix B)
	// the first is always blurred, the second with a probability of 0.1, and the
	// second alone solarised, with a probability of 0.2.
	SecondAugment augment.Chain `config:"omitzero"`

	student, teacher *branch
	last, teacherEnd *nn.Param // of the last layers, [Outputs,Bottleneck]
	centre           *nn.Buffer

	taught, said *tensor.Tensor // the teacher's last outputs of a view, and the student's, before their softmax, of the other
}

// Name implements sslkit.Method.
func (m *DINO) Name() string { return "dino" }

// Schedule implements sslkit.Scheduler.
func (m *DINO) Schedule() sslkit.Schedule {
	return sslkit.Schedule{Epochs: 20, BatchSize: 128, LearningRate: 2e-3, WeightDecay: 0.04}
}

// Build implements sslkit.Method: a head of three layers without BatchNorm and,
// after normalising, a last layer whose rows have length 1; and the teacher.
func (m *DINO) Build(e nn.Encoder, in data.Spec, s sslkit.Setup) (nn.Module, error) {
	if err := m.resolve(e, in, s); err != nil {
		return nil, err
	}
	head := func(prefix string) nn.Sequential {
		r := s.Stream("projector")
		return nn.Sequential{
			nn.NewLinear(prefix+".0", e.Dim(), m.Hidden, true, r), nn.GELU{},
			nn.NewLinear(prefix+".2", m.Hidden, m.Hidden, true, r), nn.GELU{},
			nn.NewLinear(prefix+".4", m.Hidden, m.Bottleneck, true, r),
		}
	}
	m.student = &branch{e, head("projector")}
	var err error
	if m.teacher, err = m.student.follower(head); err != nil {
		return nil, err
	}
	start, r := tensor.New(m.Outputs, m.Bottleneck), s.Stream("last layer")
	for i := range start.Data() {
		start.Data()[i] = r.Norm()
	}
	m.last = &nn.Param{Name: "last", Value: start.RequireGrad()}
	end := tensor.New(m.Outputs, m.Bottleneck)
	copy(end.Data(), start.Data())
	m.teacherEnd = &nn.Param{Name: "last", Value: end}
	m.centre = &nn.Buffer{Name: "centre", Value: make([]float32, m.Outputs)}
	return nn.Modules{m.student.projector, lone{m.last}}, nil
}

func (m *DINO) resolve(e nn.Encoder, in data.Spec, s sslkit.Setup) error {
	for _, f := range []struct {
		field *int
		value int
	}{{&m.Outputs, 256}, {&m.Hidden, 256}, {&m.Bottleneck, 64}, {&m.Freeze, max(1, s.Steps/20)}, {&m.Local, 4}} {
		if *f.field == 0 {
			*f.field = f.value
		}
	}
	for _, f := range []struct {
		field *float32
		value float32
	}{{&m.StudentTemperature, 0.1}, {&m.TeacherTemperature, 0.04}, {&m.Momentum, 0.99}, {&m.CentreMomentum, 0.9}} {
		if *f.field == 0 {
			*f.field = f.value
		}
	}
	if m.Augment == nil {
		m.Augment = standard()
	}
	if m.LocalAugment == nil {
		m.LocalAugment = local()
	}
	switch {
	case m.Rise < 0:
		return fmt.Errorf("contrastive: DINO.Rise is %d, want ≥ 0", m.Rise)
	case m.Rise > 0 && m.StartTemperature == 0:
		return errors.New("contrastive: DINO.Rise without DINO.StartTemperature")
	case m.StartTemperature != 0 && m.Rise == 0:
		m.Rise = max(1, s.Steps*3/10)
	}
	var err error
	m.LocalSize, err = localSize("DINO.LocalSize", m.LocalSize, m.Local, in, e)
	return errors.Join(positive("DINO.Outputs", m.Outputs), positive("DINO.Hidden", m.Hidden), positive("DINO.Bottleneck", m.Bottleneck), err,
		positive("DINO.StudentTemperature", m.StudentTemperature), positive("DINO.TeacherTemperature", m.TeacherTemperature),
		between("DINO.StartTemperature", m.StartTemperature, 0, m.TeacherTemperature),
		between("DINO.Momentum", max(0, m.Momentum), 0, 1), between("DINO.CentreMomentum", m.CentreMomentum, 0, 1),
		augment.Check("contrastive: DINO.Augment", m.Augment), augment.Check("contrastive: DINO.SecondAugment", m.SecondAugment), augment.Check("contrastive: DINO.LocalAugment", m.LocalAugment))
}

// Views implements sslkit.Viewer: two whole views, then the small ones.
func (m *DINO) Views(in data.Spec) []data.Spec { return multicrop(in, max(0, m.Local), m.LocalSize) }

// View implements sslkit.Viewer.
func (m *DINO) View(dst *data.Image, src data.Image, v int, r *rng.Stream) {
	if v < 2 {
		ofView(v, m.Augment, m.SecondAugment).Draw(dst, src, r)
		return
	}
	m.LocalAugment.Draw(dst, src, r)
}

// outputs is the last layer on normalised features, its rows normalised.
func outputs(head nn.Sequential, features, last *tensor.Tensor) *tensor.Tensor {
	z := tensor.L2Normalize(head.Forward(features, true), 1e-12)
	return tensor.MatMulT(z, tensor.L2Normalize(last, 1e-12))
}

// Loss implements sslkit.Method.
func (m *DINO) Loss(b data.Batch, s sslkit.Step) *tensor.Tensor {
	n := b.Views[0].Dim(0)
	// 1. The student on every view.
	last := m.last.Value
	if s.Index < m.Freeze {
		last = tensor.Held(last)
	}
	student := split(outputs(m.student.projector, views(m.student.encoder, b.Views), last), n)
	// 2. The teacher on the two whole ones, centred and sharpened; no gradient.
	raw := outputs(m.teacher.projector, m.teacher.encoder.Forward(tensor.Concat(b.Views[:2]...), true), m.teacherEnd.Value).Detach()
	teacher := split(m.distribution(raw, m.temperature(s.Index)), n)
	s.Log("teacher_entropy", meanEntropy(teacher[0]))
	m.taught, m.said = kept(m.taught, teacher[0]), kept(m.said, student[1])
	// 3. Every other view of the student against each view of the teacher.
	loss := swapped(student, teacher, m.StudentTemperature)
	// 4. At the step's end the centre moves towards the mean of raw outputs.
	m.centre.Set(moved(m.centre.Value, raw, m.CentreMomentum))
	return loss
}

// temperature is the teacher's at a step.
func (m *DINO) temperature(step int) float32 {
	switch {
	case m.NoSharpening:
		return m.StudentTemperature
	case m.StartTemperature == 0 || step >= m.Rise:
		return m.TeacherTemperature
	}
	return m.StartTemperature + float32((m.TeacherTemperature-m.StartTemperature)*float32(step))/float32(m.Rise)
}

// distribution is softmax((x-centre)/t).
func (m *DINO) distribution(x *tensor.Tensor, t float32) *tensor.Tensor {
	k := x.Dim(1)
	y := tensor.New(x.Shape()...)
	for i, v := range x.Data() {
		if !m.NoCentring {
			v -= m.centre.Value[i%k]
		}
		y.Data()[i] = v / t
	}
	return tensor.Softmax(y)
}

// moved is momentum·centre + (1-momentum)·mean of the rows of x.
func moved(centre []float32, x *tensor.Tensor, momentum float32) []float32 {
	k := len(centre)
	mean := make([]float64, k)
	for i, v := range x.Data() {
		mean[i%k] += float64(v)
	}
	next := make([]float32, k)
	for j, c := range centre {
		next[j] = float32(momentum*c) + float32((1-momentum)*float32(mean[j]/float64(x.Dim(0))))
	}
	return next
}

// meanRow is the mean of the rows of x [N,K], as [1,K].
func meanRow(x *tensor.Tensor) *tensor.Tensor {
	k := x.Dim(1)
	return tensor.FromSlice(moved(make([]float32, k), x, 0), 1, k)
}

// meanEntropy is the mean over rows of the entropy of distributions.
func meanEntropy(p *tensor.Tensor) float32 {
	var sum float64
	for _, v := range p.Data() {
		if v > 0 {
			sum -= float64(float64(v) * rng.Log(float64(v)))
		}
	}
	return float32(sum / float64(p.Dim(0)))
}

// TrivialLoss implements sslkit.Trivial: ln(Outputs), the loss of outputs that are
// even. Those that are all in one dimension have the loss 0.
func (m *DINO) TrivialLoss() float64 { return rng.Log(float64(m.Outputs)) }

// Report implements sslkit.Reporter: the entropy of the mean of the teacher's
// outputs; how far the student's outputs for the other view are from them
// (Kullback and Leibler); the length of the centre; and how far the teacher's
// weights are from the student's.
func (m *DINO) Report() map[string]float64 {
	if m.taught == nil { // no step was taken
		return nil
	}
	var square float64
	for _, v := range m.centre.Value {
		square += float64(float64(v) * float64(v))
	}
	divergence := tensor.SoftCrossEntropy(tensor.Scale(m.said, 1/m.StudentTemperature), m.taught).Item() - meanEntropy(m.taught)
	return map[string]float64{
		"teacher_mean_entropy": float64(meanEntropy(meanRow(m.taught))), "teacher_divergence": float64(divergence), "centre_norm": math.Sqrt(square),
		"teacher_distance": nn.Distance(m.student.module(), m.teacher.module()),
	}
}

// Diagnose implements sslkit.Diagnoser. The teacher has collapsed when its
// outputs tell nothing of the image: when their entropy is hardly below that of
// their mean. The entropy says to what.
func (m *DINO) Diagnose(values map[string]float64) string {
	entropy, most := values["teacher_entropy"], rng.Log(float64(m.Outputs))
	spread, ok := values["teacher_mean_entropy"]
	if !ok || spread-entropy > 0.02*most {
		return ""
	}
	mode := "constant collapse: the teacher's output is one for all images"
	switch {
	case entropy > 0.9*most:
		mode = "uniform collapse: the teacher's outputs are even for all images"
	case entropy < 0.1*most:
		mode = "one-dimensional collapse: the teacher's output is in one dimension for all images"
	}
	return fmt.Sprintf("%s (entropy %.3f, of their mean %.3f, at most %.3f)", mode, entropy, spread, most)
}

// teacherState is the teacher, its last layer and the centre.
type teacherState struct{ *DINO }

// Params implements nn.Module.
func (t teacherState) Params() []*nn.Param {
	return append(t.teacher.module().Params(), t.teacherEnd)
}

// Buffers implements nn.Module.
func (t teacherState) Buffers() []*nn.Buffer { return append(t.teacher.module().Buffers(), t.centre) }

// State implements sslkit.Stateful.
func (m *DINO) State() nn.Module { return teacherState{m} }

// Teacher implements sslkit.Teacher. It is the teacher that the paper evaluates.
func (m *DINO) Teacher() nn.Encoder { return m.teacher.encoder }

// AfterStep implements sslkit.AfterStepper: the teacher follows.
func (m *DINO) AfterStep(s sslkit.Step) {
	momentum := rising(max(0, m.Momentum), s)
	nn.EMA(nn.Modules{m.teacher.module(), lone{m.teacherEnd}}, nn.Modules{m.student.module(), lone{m.last}}, momentum)
}

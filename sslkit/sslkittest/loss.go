package sslkittest

import (
	"math"
	"testing"

	"sslnotes/sslkit"
	"sslnotes/sslkit/data"
	"sslnotes/sslkit/nn"
	"sslnotes/sslkit/rng"
	"sslnotes/sslkit/tensor"
)

// trivial: the loss of features that are all zero is the stated one, and the
// loss of random weights is not far from it.
func (s *suite) trivial(t *testing.T) {
	w := s.world(t)
	m, ok := w.method.(sslkit.Trivial)
	if !ok {
		t.Skip("the method does not state its trivial loss")
	}
	want := m.TrivialLoss()
	if s.Trivial != nil {
		s.Trivial(w.model)
	}
	_, follows := m.(sslkit.Teacher) // begins as the other network, and agrees with it
	if got := float64(w.loss(t, w.batch).Item()); !follows && !(got > 0.5*want-0.5 && got < 1.5*want+0.5) {
		t.Errorf("the loss of random weights is %g, far from the trivial %g", got, want)
	}
	all := w.encoder.Params()
	if k, ok := m.(sslkit.Stateful); ok {
		all = append(all, k.State().Params()...)
	}
	for _, p := range all {
		clear(p.Value.Data())
	}
	if got := float64(w.loss(t, w.batch).Item()); !(math.Abs(got-want) <= 1e-5*max(1, math.Abs(want))) {
		t.Errorf("the loss of features that are all zero is %g, the stated trivial loss %g", got, want)
	}
}

// pure: a loss and its gradient change nothing that outlives the step, and are
// the same when asked for again.
func (s *suite) pure(t *testing.T) {
	w := s.world(t)
	before := w.state()
	first := w.loss(t, w.batch)
	v := first.Item()
	tensor.Backward(first)
	if w.state() != before {
		t.Error("the loss changed parameters, buffers or state before the step's end")
	}
	if again := w.loss(t, w.batch).Item(); math.Float32bits(again) != math.Float32bits(v) {
		t.Errorf("the same batch has loss %g, then %g", v, again)
	}
}

// reaches: every trained parameter gets a gradient.
func (s *suite) reaches(t *testing.T) {
	w := s.world(t)
	tensor.Backward(w.loss(t, w.batch))
	for _, p := range w.model.Params() {
		var sum float64
		for _, g := range p.Value.Grad() {
			sum += math.Abs(float64(g))
		}
		if !(sum > 0) {
			t.Errorf("parameter %s gets no gradient (%g)", p.Name, sum)
		}
	}
}

// gradient: moving each parameter along its gradient changes the loss as the
// gradient says. The step is such that the loss changes by about a
// thousandth, far above its rounding and below its bends.
func (s *suite) gradient(t *testing.T) {
	if s.Stopped {
		t.Skip("the loss stops gradients")
	}
	w := s.world(t)
	tensor.Backward(w.loss(t, w.batch))
	for _, p := range w.model.Params() {
		g := append([]float32(nil), p.Value.Grad()...)
		var norm float64
		for _, v := range g {
			norm += float64(v) * float64(v)
		}
		if norm = math.Sqrt(norm); norm < 1e-4 {
			continue // below what float32 losses can show
		}
		if got := w.slope(t, p, g, norm); math.Abs(got-norm) > 0.05*norm {
			t.Errorf("along the gradient of %s the loss rises by %g a unit, the gradient's length is %g", p.Name, got, norm)
		}
	}
}

// slope is the central difference of the loss along g in parameter p.
func (w *world) slope(t *testing.T, p *nn.Param, g []float32, norm float64) float64 {
	t.Helper()
	x := p.Value.Data()
	was := append([]float32(nil), x...)
	defer copy(x, was)
	at := func(by float64) float64 {
		for i, v := range g {
			x[i] = was[i] + float32(by*float64(v)/norm)
		}
		return float64(w.loss(t, w.batch).Item())
	}
	step := min(0.001/norm, 0.005)
	return (at(step) - at(-step)) / (2 * step)
}

// order: the order of the batch is of no matter, if the method says so.
func (s *suite) order(t *testing.T) {
	if s.Permutation == 0 {
		t.Skip("the order of the batch may matter")
	}
	w := s.world(t)
	want := float64(w.loss(t, w.batch).Item())
	order := rng.New(3, "order").Perm(s.BatchSize)
	var b data.Batch
	if w.batch.Images != nil {
		b.Images = tensor.Rows(w.batch.Images, order)
	}
	for _, v := range w.batch.Views {
		b.Views = append(b.Views, tensor.Rows(v, order))
	}
	for _, i := range order {
		b.Index = append(b.Index, w.batch.Index[i])
		if w.batch.Texts != nil {
			b.Texts = append(b.Texts, w.batch.Texts[i])
		}
	}
	if got := float64(w.loss(t, b).Item()); math.Abs(got-want) > s.Permutation*math.Abs(want) {
		t.Errorf("in another order the loss is %.9g, was %.9g", got, want)
	}
}

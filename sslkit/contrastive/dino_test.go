package contrastive

import (
	"math"
	"slices"
	"strings"
	"testing"

	"sslnotes/sslkit"
	"sslnotes/sslkit/data"
	"sslnotes/sslkit/nn"
	"sslnotes/sslkit/rng"
	"sslnotes/sslkit/tensor"
)

// Uniform outputs cost ln K; a student that says what the teacher says costs the
// teacher's entropy.
func TestDINOClosedForms(t *testing.T) {
	const k = 10
	m := &DINO{Outputs: k, Local: -1}
	built(t, m, sslkit.Setup{Seed: 1, Steps: 4, BatchSize: 6})
	flat := m.distribution(tensor.New(6, k), m.temperature(0))
	close(t, "uniform", swapped([]*tensor.Tensor{tensor.New(6, k), tensor.New(6, k)}, []*tensor.Tensor{flat, flat}, 0.1).Item(), math.Log(k), 1e-6)
	x := random(1, 6, k)
	p := tensor.Softmax(tensor.Scale(x, 1/m.StudentTemperature))
	close(t, "identical", swapped([]*tensor.Tensor{x, x}, []*tensor.Tensor{p, p}, m.StudentTemperature).Item(), float64(meanEntropy(p)), 1e-5)
}

// The centre follows the mean of the raw outputs at the step's end and not
// before, and takes a constant out of all of them.
func TestDINOCentre(t *testing.T) {
	const k = 4
	x := random(2, 5, k)
	centreMoves(t, moved)
	m := &DINO{Outputs: k, Local: -1}
	e, heads := built(t, m, sslkit.Setup{Seed: 1, Steps: 4, BatchSize: 6})
	b := batch(m, 3, 6)
	before := slices.Clone(m.centre.Value)
	m.Loss(b, sslkit.NewStep(0, 4, 0, 1, nil))
	if !slices.Equal(before, m.centre.Value) {
		t.Error("the centre moved before the step's end")
	}
	discard(m.student)
	discard(m.teacher)
	m.centre.Set(nil)
	step(m, e, heads, b, 0, 4)
	if slices.Equal(before, m.centre.Value) {
		t.Error("the centre did not move")
	}
	centreIsTakenOut(t, m, x, func(x *tensor.Tensor) *tensor.Tensor { return m.distribution(x, m.temperature(0)) })
}

// centreMoves holds a new centre against the old one and the mean of outputs.
func centreMoves(t reporter, moved func(centre []float32, x *tensor.Tensor, momentum float32) []float32) {
	const k = 4
	x := random(2, 5, k)
	centre := []float32{1, -1, 0.5, 0}
	for j, c := range moved(centre, x, 0.9) {
		var mean float64
		for i := range 5 {
			mean += float64(x.Data()[i*k+j]) / 5
		}
		close(t, "centre", c, 0.9*float64(centre[j])+0.1*mean, 1e-6)
	}
}

// centreIsTakenOut: outputs that are higher by the centre, another for each, have
// the distribution they had, which is sharpened by the temperature.
func centreIsTakenOut(t reporter, m *DINO, x *tensor.Tensor, distribution func(x *tensor.Tensor) *tensor.Tensor) {
	rows, k := x.Dim(0), x.Dim(1)
	clear(m.centre.Value)
	plain := distribution(x)
	shifted := tensor.New(rows, k)
	for i, v := range x.Data() {
		m.centre.Value[i%k] = 0.3 * float32(i%k)
		shifted.Data()[i] = v + 0.3*float32(i%k)
	}
	got := distribution(shifted)
	clear(m.centre.Value)
	for r := range rows {
		var sum float64
		for _, v := range x.Data()[r*k : (r+1)*k] {
			sum += math.Exp(float64(v) / float64(m.TeacherTemperature))
		}
		for i := r * k; i < (r+1)*k; i++ {
			want := math.Exp(float64(x.Data()[i])/float64(m.TeacherTemperature)) / sum
			close(t, "no centre", plain.Data()[i], want, 1e-5)
			close(t, "outputs higher by the centre", got.Data()[i], want, 1e-4)
		}
	}
}

// The teacher gets no gradient and the last layer is held still at first.
func TestDINOFreeze(t *testing.T) {
	m := &DINO{Outputs: 6, Local: 1, LocalSize: 6, Freeze: 2}
	e, heads := built(t, m, sslkit.Setup{Seed: 1, Steps: 8, BatchSize: 6})
	first := slices.Clone(m.last.Value.Data())
	for i := range 4 {
		step(m, e, heads, batch(m, uint64(i), 6), i, 8)
		if held := slices.Equal(first, m.last.Value.Data()); held != (i < 2) {
			t.Errorf("after step %d the last layer has moved: %v", i, !held)
		}
	}
	for _, p := range m.State().Params() {
		if p.Value.Grad() != nil {
			t.Errorf("%s of the teacher has a gradient", p.Name)
		}
	}
}

// TestTeacherTemperature rises evenly, then stays; without a start it stays.
func TestTeacherTemperature(t *testing.T) {
	m := &DINO{TeacherTemperature: 0.07, StartTemperature: 0.04}
	e, err := nn.ConvNet{Channels: []int{4}}.Build(nn.Input{Height: 8, Width: 8, Channels: 1}, rng.New(1, "weights"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := m.Build(e, data.Spec{Height: 8, Width: 8, Channels: 1}, sslkit.Setup{Steps: 20, BatchSize: 4}); err != nil {
		t.Fatal(err)
	}
	for step, want := range map[int]float64{0: 0.04, 1: 0.045, 3: 0.055, 5: 0.065, 6: 0.07, 19: 0.07} {
		if got := float64(m.temperature(step)); math.Abs(got-want) > 1e-7 {
			t.Errorf("temperature %g at step %d, want %g", got, step, want)
		}
	}
	plain := &DINO{TeacherTemperature: 0.07}
	if got := plain.temperature(0); got != 0.07 {
		t.Errorf("temperature %g without a start", got)
	}
	for want, bad := range map[string]*DINO{"DINO.StartTemperature is 1": {StartTemperature: 1}, "DINO.Rise is -1": {StartTemperature: 0.01, Rise: -1}, "DINO.Rise without": {Rise: 3}} {
		if _, err := bad.Build(e, data.Spec{Height: 8, Width: 8, Channels: 1}, sslkit.Setup{Steps: 20, BatchSize: 4}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: error %v, want %q", bad, err, want)
		}
	}
}

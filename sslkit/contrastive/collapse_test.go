package contrastive

import (
	"maps"
	"math"
	"path/filepath"
	"strings"
	"testing"

	"sslnotes/sslkit"
	"sslnotes/sslkit/data"
	"sslnotes/sslkit/nn"
	"sslnotes/sslkit/pipeline"
	"sslnotes/sslkit/rng"
	"sslnotes/sslkit/tensor"
	"sslnotes/tracker"
)

// diagnosed builds a method, changes it, takes its loss on a batch of real
// images, and returns what it says of itself.
func diagnosed(t *testing.T, m sslkit.Viewer, change func(heads nn.Module)) string {
	t.Helper()
	return diagnosedAt(t, m, change, 5)
}

// diagnosedAt is diagnosed at a step.
func diagnosedAt(t *testing.T, m sslkit.Viewer, change func(heads nn.Module), step int) string {
	t.Helper()
	train, _, err := data.FashionMini()
	if err != nil {
		t.Fatal(err)
	}
	u := train.Unlabelled()
	e, err := nn.ConvNet{Channels: []int{4, 8}}.Build(nn.Input{Height: 28, Width: 28, Channels: 1}, rng.New(1, "weights"))
	if err != nil {
		t.Fatal(err)
	}
	heads, err := m.Build(e, u.Spec(), sslkit.Setup{Seed: 1, Steps: 10, BatchSize: 30})
	if err != nil {
		t.Fatal(err)
	}
	change(heads)
	index := make([]int, 30)
	for i := range index {
		index[i] = 60 * i
	}
	values := map[string]float64{}
	m.Loss(pipeline.Draw(m, u, index, 1, 0), sslkit.NewStep(step, 10, 0, 1, func(k string, v float32) { values[k] = float64(v) }))
	maps.Copy(values, m.(sslkit.Reporter).Report())
	return m.(sslkit.Diagnoser).Diagnose(values)
}

// TestDiagnose lets each method collapse, and not.
func TestDiagnose(t *testing.T) {
	healthy := func(nn.Module) {}
	constant := func(heads nn.Module) { // features are multiplied by nothing
		for _, p := range heads.Params() {
			if p.Decay {
				clear(p.Value.Data())
			}
			if strings.HasSuffix(p.Name, "bias") || strings.HasSuffix(p.Name, "beta") {
				for i := range p.Value.Data() {
					p.Value.Data()[i] = 1
				}
			}
		}
	}
	dino := &DINO{Local: -1}
	for _, c := range []struct {
		name   string
		m      sslkit.Viewer
		change func(nn.Module)
		want   string
	}{
		{"BYOL", &BYOL{}, healthy, ""}, {"SimSiam", &SimSiam{}, healthy, ""}, {"MoCo", &MoCo{}, healthy, ""}, {"SwAV", &SwAV{Local: -1}, healthy, ""}, {"DINO", &DINO{Local: -1}, healthy, ""},
		{"BYOL", &BYOL{}, constant, "complete collapse of the projections: "},
		{"SimSiam", &SimSiam{}, constant, "complete collapse of the projections: "},
		{"MoCo", &MoCo{}, constant, "complete collapse of the projections: "},
		{"SwAV", &SwAV{Local: -1}, constant, "prototype collapse: "},
		{"DINO", &DINO{Local: -1, TeacherTemperature: 1e4}, healthy, "uniform collapse: "},
		{"DINO", dino, func(nn.Module) { dino.centre.Value[3] = -20 }, "one-dimensional collapse: "},
	} {
		if got := diagnosed(t, c.m, c.change); c.want == "" && got != "" || !strings.HasPrefix(got, c.want) {
			t.Errorf("%s says %q, want %q", c.name, got, c.want)
		}
	}
}

// TestPairCosines compares with all pairs one by one.
func TestPairCosines(t *testing.T) {
	z := tensor.L2Normalize(random(3, 10, 4), 1e-12)
	var positive, negative float64
	for i := range 10 {
		for j := range 10 {
			var cosine float64
			for k := range 4 {
				cosine += float64(z.Data()[i*4+k]) * float64(z.Data()[j*4+k])
			}
			switch (j - i + 10) % 10 {
			case 0:
			case 5:
				positive += cosine / 10
			default:
				negative += cosine / 80
			}
		}
	}
	if p, n := pairCosines(z); math.Abs(p-positive) > 1e-6 || math.Abs(n-negative) > 1e-6 {
		t.Errorf("%g and %g, want %g and %g", p, n, positive, negative)
	}
	queue := random(4, 7, 4)
	var mean float64
	for i := range 10 {
		for j := range 7 {
			for k := range 4 {
				mean += float64(z.Data()[i*4+k]) * float64(queue.Data()[j*4+k]) / 70
			}
		}
	}
	if got := meanDot(z, queue.Data()); math.Abs(got-mean) > 1e-6 {
		t.Errorf("a mean product of %g, want %g", got, mean)
	}
}

// TestQueueAge: keys are older by a step each step, until the oldest leaves.
func TestQueueAge(t *testing.T) {
	for _, m := range []*MoCo{{Queue: 90}, {Queue: 180, Symmetric: true}} {
		for step, want := range []float64{0, 1, 2, 3, 3} {
			diagnosedAt(t, m, func(nn.Module) {}, step)
			if got := m.Report()["queue_age"]; got != want {
				t.Errorf("symmetric %t: at step %d the oldest key is %g steps old, want %g", m.Symmetric, step, got, want)
			}
		}
	}
}

// TestCollapseSwitches trains DINO and SwAV on real images for some steps, as they are
// and with what prevents collapse switched off, each of which fails in its own way.
func TestCollapseSwitches(t *testing.T) {
	train, _, err := data.FashionMini()
	if err != nil {
		t.Fatal(err)
	}
	const steps, outputs, prototypes = 60, 256, 64
	most := math.Log(outputs)
	for _, c := range []struct {
		name      string
		m         sslkit.Method
		key       string
		low, high float64
	}{
		{"DINO", &DINO{Local: -1}, "teacher_entropy", 0.5 * most, 0.9 * most},
		{"DINO without centring", &DINO{Local: -1, NoCentring: true}, "teacher_mean_entropy", 0, 0.1 * most}, // all in one dimension
		{"DINO without sharpening", &DINO{Local: -1, NoSharpening: true}, "teacher_entropy", 0.95 * most, most},
		{"SwAV", &SwAV{Local: -1}, "prototype_use", prototypes / 4, prototypes},
		{"SwAV without Sinkhorn", &SwAV{Local: -1, Unbalanced: true}, "prototype_use", 1, 1.5},
	} {
		store, err := tracker.Open(filepath.Join(t.TempDir(), "runs.db"))
		if err != nil {
			t.Fatal(err)
		}
		defer store.Close()
		s := &pipeline.Session{Store: store}
		r, err := s.Pretrain(nn.ConvNet{Channels: []int{8, 16}}, c.m, train.Unlabelled(), pipeline.Schedule{Steps: steps, BatchSize: 64, Watch: steps})
		if err != nil {
			t.Fatal(err)
		}
		if v, err := r.Value(c.key); err != nil || v < c.low || v > c.high {
			t.Errorf("%s: %s is %.3f (%v) after %d steps, want %.2f to %.2f", c.name, c.key, v, err, steps, c.low, c.high)
		}
	}
}

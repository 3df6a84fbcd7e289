package contrastive

import (
	"strings"
	"testing"

	"sslnotes/sslkit"
	"sslnotes/sslkit/data"
	"sslnotes/sslkit/nn"
	"sslnotes/sslkit/pipeline"
	"sslnotes/sslkit/rng"
)

// diagnosed builds a method, changes it, takes its loss on a batch of real
// images, and returns what it says of itself.
func diagnosed(t *testing.T, m sslkit.Viewer, change func(heads nn.Module)) string {
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
	m.Loss(pipeline.Draw(m, u, index, 1, 0), sslkit.NewStep(5, 10, 0, 1, func(k string, v float32) { values[k] = float64(v) }))
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
		{"DINO", &DINO{Local: -1, TeacherTemperature: 1e4}, healthy, "uniform collapse: "},
		{"DINO", dino, func(nn.Module) { dino.centre.Value[3] = -20 }, "one-dimensional collapse: "},
	} {
		if got := diagnosed(t, c.m, c.change); c.want == "" && got != "" || !strings.HasPrefix(got, c.want) {
			t.Errorf("%s says %q, want %q", c.name, got, c.want)
		}
	}
	if got := (&SwAV{Prototypes: 64}).Diagnose(map[string]float64{"prototype_perplexity": 1.2}); !strings.HasPrefix(got, "prototype collapse: ") {
		t.Errorf("SwAV says %q", got)
	}
}

package interp

import (
	"testing"

	"sslnotes/kernel/engine"
)

// A method written in a cell trains: compiled code drives interpreted code that
// calls compiled code.
func TestMethodInACell(t *testing.T) {
	t.Chdir(t.TempDir())
	t.Setenv("SSLNOTES_DB", "runs.db")
	e := New()
	for _, code := range []string{
		"import (\n\t\"sslnotes/sslkit\"\n\t\"sslnotes/sslkit/data\"\n\t\"sslnotes/sslkit/nn\"\n\t\"sslnotes/sslkit/pipeline\"\n\t\"sslnotes/sslkit/tensor\"\n)",
		`type Brightness struct {
	Scale float32
	head  *nn.Linear
	e     nn.Encoder
}

func (m *Brightness) Name() string { return "brightness" }

func (m *Brightness) Build(e nn.Encoder, in data.Spec, s sslkit.Setup) (nn.Module, error) {
	m.e = e
	m.head = nn.NewLinear("head", e.Dim(), 2, true, s.Stream("head"))
	return m.head, nil
}

func (m *Brightness) Loss(b data.Batch, s sslkit.Step) *tensor.Tensor {
	labels := make([]int, len(b.Index))
	for i := range labels {
		labels[i] = i % 2
	}
	s.Log("scale", m.Scale)
	return tensor.CrossEntropy(m.head.Forward(m.e.Forward(b.Images, true), true), labels)
}`,
		"train, _, err := data.FashionMini()",
		"run, err := pipeline.Pretrain(nn.ConvNet{}, &Brightness{Scale: 2}, train.Unlabelled(), pipeline.Schedule{Steps: 2, BatchSize: 32, Seed: 1})",
		"run.Name()",
	} {
		r, err := e.Eval(t.Context(), code)
		if err != nil {
			t.Fatalf("%s\n%v", code, err.(*engine.Error).Traceback)
		}
		t.Log(r.Value)
	}
}

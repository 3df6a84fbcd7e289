package sslkittest_test

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"

	"sslnotes/sslkit"
	"sslnotes/sslkit/contrastive"
	"sslnotes/sslkit/data"
	"sslnotes/sslkit/nn"
	"sslnotes/sslkit/rng"
	"sslnotes/sslkit/sslkittest"
	"sslnotes/sslkit/tensor"
)

// mutant is SimCLR with one fault.
type mutant struct {
	contrastive.SimCLR
	Fault string
	Twice float32

	used  int
	extra *nn.Linear
	draws int
}

func (m *mutant) Build(e nn.Encoder, in data.Spec, s sslkit.Setup) (nn.Module, error) {
	heads, err := m.SimCLR.Build(e, in, s)
	switch m.Fault {
	case "grows":
		m.Twice = 2*m.Twice + 1
	case "hidden":
		m.used = 0
	case "unreached":
		m.extra = nn.NewLinear("extra", 2, 2, true, rng.New(1, "extra"))
		return nn.Modules{heads, m.extra}, err
	}
	return heads, err
}

func (m *mutant) TrivialLoss() float64 {
	if m.Fault == "boast" {
		return m.SimCLR.TrivialLoss() - 0.1
	}
	return m.SimCLR.TrivialLoss()
}

func (m *mutant) View(dst *data.Image, src data.Image, v int, r *rng.Stream) {
	m.SimCLR.View(dst, src, v, r)
	if m.Fault == "view" {
		m.draws++
		dst.Pix[0] = float32(m.draws)
	}
}

func (m *mutant) AfterStep(sslkit.Step) { m.used++ }

func (m *mutant) Loss(b data.Batch, s sslkit.Step) *tensor.Tensor {
	loss := m.SimCLR.Loss(b, s)
	switch m.Fault {
	case "memory", "hidden":
		return tensor.Scale(loss, 1+float32(m.used)/10)
	case "gradient": // twice the loss, of which half is held constant
		return tensor.Add(loss, tensor.FromSlice(append([]float32(nil), loss.Data()...), 1))
	case "order":
		return tensor.Scale(loss, 1+float32(b.Index[0])/100)
	case "impure":
		m.used++
		return tensor.Scale(loss, float32(m.used))
	}
	return loss
}

// TestMutant is the suite on a faulty method, in a process of its own.
func TestMutant(t *testing.T) {
	fault := os.Getenv("SSLKITTEST_FAULT")
	if fault == "" {
		t.Skip("run by TestFaultsAreFound")
	}
	bad := map[string]sslkit.Method{"SimCLR.Temperature": &contrastive.SimCLR{Temperature: -1}}
	if fault == "accepts" {
		bad["SimCLR.Temperature"] = &contrastive.SimCLR{Temperature: 1}
	}
	sslkittest.TestMethod(t, func() sslkit.Method { return &mutant{Fault: fault, SimCLR: contrastive.SimCLR{Dim: 8}} }, sslkittest.Options{Permutation: 1e-6, Bad: bad})
}

// TestFaultsAreFound holds the suite to what it promises: each fault fails the
// test that is for it, and a method without fault fails none.
func TestFaultsAreFound(t *testing.T) {
	for fault, test := range map[string]string{
		"none": "", "grows": "Build_is_repeatable", "memory": "Build_forgets", "accepts": "Build_refuses", "boast": "trivial_loss", "impure": "loss_is_pure",
		"unreached": "gradient_reaches_all", "gradient": "gradient_is_right", "view": "views_are_pure", "order": "order_of_the_batch", "hidden": "resume",
	} {
		c := exec.Command(os.Args[0], "-test.v", fmt.Sprintf("-test.run=^TestMutant$/^%s$", test))
		if test == "" {
			c.Args[2] = "-test.run=^TestMutant$"
		}
		c.Env = append(os.Environ(), "SSLKITTEST_FAULT="+fault)
		out, err := c.CombinedOutput()
		if failed := strings.Contains(string(out), "--- FAIL: TestMutant/"+test); (err != nil) != (test != "") || failed != (test != "") {
			t.Errorf("fault %s (%v):\n%s", fault, err, out)
		}
	}
}

package contrastive

import (
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"sslnotes/sslkit"
	"sslnotes/sslkit/data"
	"sslnotes/sslkit/museum"
	"sslnotes/sslkit/nn"
	"sslnotes/sslkit/sslkittest"
	"sslnotes/sslkit/tensor"
)

// The tests of this file put tests to the test: each injects bugs that published
// code had, named by their reports, and expects that a check of the method finds
// them.

// TestMuseumNTXent: of the checks of NTXent those and no others find a faulty
// loss that are named here.
func TestMuseumNTXent(t *testing.T) {
	const value, closedForms, gradient = "equals naive", "closed forms", "gradient"
	checks := map[string]func(reporter, ntXent){value: ntXentEqualsNaive, closedForms: ntXentClosedForms, gradient: ntXentGradient}
	found := map[string][]string{
		"own similarity subtracted, not masked (Lightning-Universe/lightning-bolts#695)": {closedForms, value}, // never by the gradient: normalising takes out what flows through a row's own similarity
		"e subtracted for the own similarity (Lightning-Universe/lightning-bolts#609)":   {closedForms, value, gradient},
		"own similarity left in ()":                                                   {closedForms, value, gradient},
		"another shard's diagonal masked (vturrisi/solo-learn#206)":                   {value, gradient}, // equal rows are equal in any place
		"pairs in another order than the rows (Spijkervet/SimCLR#37)":                 {closedForms, value, gradient},
		"no gradient through the others (facebookresearch/vissl#123)":                 {gradient},
		"one view's rows as anchors (tensorflow/similarity#262)":                      {value, gradient},
		"divided by 2(N-1) (lucidrains/contrastive-learner#2)":                        {closedForms, value, gradient},
		"partner left out of the sum (Lightning-Universe/lightning-bolts#252)":        {closedForms, value, gradient},
		"partner among the negatives (zhirongw/lemniscate.pytorch#13)":                {closedForms, value, gradient},
		"temperature inside the logarithm (drboog/Lafite#25)":                         {closedForms, value},
		"multiplied by the temperature (bowang-lab/BLEEP#5)":                          {closedForms, value, gradient},
		"temperature applied twice ()":                                                {closedForms, value, gradient},
		"temperature left out (huiserwang/ContrastMask#4)":                            {closedForms, value, gradient},
		"rows not normalised (moein-shariatnia/OpenAI-CLIP#16)":                       {closedForms, value, gradient},
		"normalised over the whole batch (tensorflow/similarity#237)":                 {closedForms, value, gradient},
		"length taken as a constant ()":                                               {gradient},
		"exponentials without their maximum (Lightning-Universe/lightning-bolts#320)": {closedForms},
	}
	if shown := museum.Exhibits("NT-Xent"); len(shown) != len(found) {
		t.Errorf("%d exhibits, want %d", len(shown), len(found))
	}
	for _, e := range museum.Exhibits("NT-Xent") {
		name := e.Name + " (" + e.Source + ")"
		t.Run(name, func(t *testing.T) {
			var by []string
			for check, run := range checks {
				var f findings
				if run(&f, e.Func.(ntXent)); len(f) > 0 {
					by = append(by, check)
				}
			}
			slices.Sort(by)
			want := slices.Sorted(slices.Values(found[name]))
			if len(want) == 0 || !slices.Equal(by, want) {
				t.Errorf("found by %q, want %q", by, want)
			}
		})
	}
}

// TestMuseumRegression: the closed forms find a faulty loss of BYOL, but for one
// whose value is right.
func TestMuseumRegression(t *testing.T) {
	for _, e := range museum.Exhibits("BYOL's regression") {
		t.Run(e.Name+" ("+e.Source+")", func(t *testing.T) {
			loss := e.Func.(func(p, z *tensor.Tensor) *tensor.Tensor)
			var f findings
			regressionClosedForms(&f, loss)
			if e.Name != "gradient stopped at the prediction" {
				if len(f) == 0 {
					t.Error("not found")
				}
				return
			}
			if len(f) > 0 {
				t.Errorf("the value is wrong, too: %q", f)
			}
			foundBySuite(t, "stopped at the prediction", "gradient_reaches_all")
		})
	}
}

// TestMuseumSimSiam: the check of SimSiam's loss finds every faulty BYOL, brought
// to SimSiam's form, which only the gradients of some are.
func TestMuseumSimSiam(t *testing.T) {
	for _, e := range museum.Exhibits("BYOL") {
		t.Run(e.Name+" ("+e.Source+")", func(t *testing.T) {
			m := &SimSiam{Dim: 8, Hidden: 12, Bottleneck: 12}
			encoder, _ := built(t, m, sslkit.Setup{Seed: 1, Steps: 4, BatchSize: 6})
			var f findings
			simSiamLoss(&f, m, encoder, func(b data.Batch, _ sslkit.Step) *tensor.Tensor {
				z1, z2 := m.online.project(b.Views[0]), m.online.project(b.Views[1])
				p1, p2 := m.predictor.Forward(z1, true), m.predictor.Forward(z2, true)
				loss := e.Func.(func(p1, p2, z1, z2 *tensor.Tensor) *tensor.Tensor)(p1, p2, z1, z2)
				if strings.Contains(e.Name, "SimSiam") {
					return loss
				}
				return tensor.Add(tensor.Scale(loss, 0.25), tensor.FromSlice([]float32{-1}, 1))
			})
			if len(f) == 0 {
				t.Error("not found")
			}
			right := func(finding string) bool { return !strings.HasPrefix(finding, "loss:") }
			if stopped := strings.HasPrefix(e.Name, "gradient not stopped"); stopped && !slices.ContainsFunc(f, right) || stopped && strings.HasPrefix(f[0], "loss:") {
				t.Errorf("the value ought to be right and the gradient not: %q", f)
			}
		})
	}
}

// TestMuseumBYOL: the check of BYOL's loss finds every faulty one whose value is
// wrong. The target is frozen, so no gradient can get there to be stopped.
func TestMuseumBYOL(t *testing.T) {
	for _, e := range museum.Exhibits("BYOL") {
		if strings.HasPrefix(e.Name, "gradient") {
			continue
		}
		t.Run(e.Name+" ("+e.Source+")", func(t *testing.T) {
			m := &BYOL{Dim: 8, Hidden: 12}
			built(t, m, sslkit.Setup{Seed: 1, Steps: 4, BatchSize: 6})
			var f findings
			byolLoss(&f, m, func(b data.Batch, _ sslkit.Step) *tensor.Tensor {
				p1, p2 := m.predictor.Forward(m.online.project(b.Views[0]), true), m.predictor.Forward(m.online.project(b.Views[1]), true)
				t1, t2 := m.target.project(b.Views[0]), m.target.project(b.Views[1])
				return e.Func.(func(p1, p2, z1, z2 *tensor.Tensor) *tensor.Tensor)(p1, p2, t1, t2)
			})
			if len(f) == 0 {
				t.Error("not found")
			}
		})
	}
}

// TestMuseumMoCo: zhirongw/lemniscate.pytorch#13, the positive among the
// negatives. In a queue it gets there if keys enter before the loss is computed.
func TestMuseumMoCo(t *testing.T) {
	m := &MoCo{Queue: 12, Dim: 4}
	built(t, m, sslkit.Setup{Seed: 1, Steps: 5, BatchSize: 6})
	var f findings
	moCoLoss(&f, m, func(b data.Batch, s sslkit.Step) *tensor.Tensor {
		q := tensor.L2Normalize(m.query.project(b.Views[0]), 1e-12)
		k := tensor.L2Normalize(m.key.project(b.Views[1]).Detach(), 1e-12)
		entered := append(slices.Clone(m.queue.Value[k.Len():]), k.Data()...)
		loss, _ := queueLoss(q, k, tensor.FromSlice(entered, m.Queue, m.Dim), m.Temperature)
		return loss
	})
	if len(f) == 0 {
		t.Error("not found")
	}
	foundBySuite(t, "queue before loss", "loss_is_pure")
}

// TestMuseumDINO: facebookresearch/dinov2#546, a centre divided by another number
// than that of the rows; and a centre that is added (no report is known).
func TestMuseumDINO(t *testing.T) {
	var divided, added findings
	centreMoves(&divided, func(centre []float32, x *tensor.Tensor, momentum float32) []float32 {
		sums := tensor.FromSlice(slices.Clone(x.Data()), x.Shape()...)
		return moved(centre, tensor.Scale(sums, float32(x.Dim(0))), momentum)
	})
	m := &DINO{Outputs: 4, Local: -1}
	built(t, m, sslkit.Setup{Seed: 1, Steps: 4, BatchSize: 6})
	centreIsTakenOut(&added, m, random(2, 5, 4), func(x *tensor.Tensor) *tensor.Tensor {
		for i := range m.centre.Value {
			m.centre.Value[i] *= -1
		}
		return m.distribution(x, m.temperature(0))
	})
	if len(divided) == 0 || len(added) == 0 {
		t.Errorf("found %q and %q", divided, added)
	}
}

// TestMuseumOwnCode: microsoft/A-CLIP#4, a loss that does not compare the two
// views; here each view predicts its own code.
func TestMuseumOwnCode(t *testing.T) {
	var f findings
	swappedEqualsNaive(&f, func(scores, codes []*tensor.Tensor, temperature float32) *tensor.Tensor {
		return swapped([]*tensor.Tensor{scores[1], scores[0], scores[2]}, codes, temperature)
	})
	if len(f) == 0 {
		t.Error("not found")
	}
}

// TestMuseumMomentumEvaluated: lightly-ai/lightly#1471, the momentum network
// evaluated for the one that learns. The encoder that a method is given is what
// is evaluated; if it were the target no gradient would reach it.
func TestMuseumMomentumEvaluated(t *testing.T) {
	foundBySuite(t, "momentum evaluated", "gradient_reaches_all")
}

// TestMuseumPairOrder: Spijkervet/SimCLR#37 in training, where the loss falls: a
// batch in another order has other pairs.
func TestMuseumPairOrder(t *testing.T) { foundBySuite(t, "pair order", "order_of_the_batch") }

// An outcast is a method with a bug of the museum.
type outcast struct {
	BYOL
	Bug string
}

func (m *outcast) Build(e nn.Encoder, in data.Spec, s sslkit.Setup) (nn.Module, error) {
	if m.Bug != "momentum evaluated" {
		return m.BYOL.Build(e, in, s)
	}
	learns, err := nn.Clone(e)
	if err != nil {
		return nil, err
	}
	heads, err := m.BYOL.Build(learns, in, s)
	if err != nil {
		return nil, err
	}
	m.target.encoder = e
	return nn.Modules{learns, heads}, nil
}

func (m *outcast) Loss(b data.Batch, _ sslkit.Step) *tensor.Tensor {
	p1, p2 := m.predictor.Forward(m.online.project(b.Views[0]), true), m.predictor.Forward(m.online.project(b.Views[1]), true)
	t1, t2 := m.target.project(b.Views[0]).Detach(), m.target.project(b.Views[1]).Detach()
	if m.Bug == "stopped at the prediction" {
		p1, p2 = p1.Detach(), p2.Detach()
		t1, t2 = m.online.project(b.Views[0]), m.online.project(b.Views[1])
	}
	return tensor.Add(Regression(p1, t2), Regression(p2, t1))
}

// gathered is SimCLR with its pairs in another order than the rows.
type gathered struct{ SimCLR }

func (m *gathered) Loss(b data.Batch, _ sslkit.Step) *tensor.Tensor {
	n := b.Views[0].Dim(0)
	z := m.projector.Forward(m.encoder.Forward(tensor.Concat(b.Views[0], b.Views[1]), true), true)
	halves := func(from int) []int {
		index := make([]int, n)
		for i := range index {
			index[i] = from + i%(n/2) + i/(n/2)*n
		}
		return index
	}
	return NTXent(tensor.Rows(z, halves(0)), tensor.Rows(z, halves(n/2)), m.Temperature)
}

// eager is MoCo whose keys enter the queue before the loss.
type eager struct{ MoCo }

func (m *eager) Loss(b data.Batch, s sslkit.Step) *tensor.Tensor {
	k := tensor.L2Normalize(m.key.project(b.Views[1]).Detach(), 1e-12)
	copy(m.queue.Value, append(slices.Clone(m.queue.Value[k.Len():]), k.Data()...))
	return m.MoCo.Loss(b, s)
}

var outcasts = map[string]func() sslkit.Method{
	"":                          func() sslkit.Method { return &outcast{BYOL: BYOL{Dim: 8, Hidden: 12}} },
	"momentum evaluated":        func() sslkit.Method { return &outcast{BYOL{Dim: 8, Hidden: 12}, "momentum evaluated"} },
	"stopped at the prediction": func() sslkit.Method { return &outcast{BYOL{Dim: 8, Hidden: 12}, "stopped at the prediction"} },
	"pair order":                func() sslkit.Method { return &gathered{SimCLR{Dim: 8}} },
	"queue before loss":         func() sslkit.Method { return &eager{MoCo{Dim: 8, Queue: 16}} },
}

// TestOutcast is the suite on a method of the museum, in a process of its own.
func TestOutcast(t *testing.T) {
	bug, ok := os.LookupEnv("MUSEUM_BUG")
	if !ok {
		t.Skip("run by the tests of the museum")
	}
	sslkittest.TestMethod(t, outcasts[bug], sslkittest.Options{Permutation: 1e-5})
}

// foundBySuite expects that the suite's test fails on a method with a bug, and
// passes on one without.
func foundBySuite(t *testing.T, bug, test string) {
	t.Helper()
	for _, b := range []string{bug, ""} {
		c := exec.Command(os.Args[0], "-test.v", "-test.run=^TestOutcast$/^"+test+"$")
		c.Env = append(os.Environ(), "MUSEUM_BUG="+b)
		out, err := c.CombinedOutput()
		verdict := map[bool]string{true: "--- FAIL: TestOutcast/", false: "--- PASS: TestOutcast/"}[b == bug]
		if (err != nil) != (b == bug) || !strings.Contains(string(out), verdict+test) {
			t.Errorf("%q (%v):\n%s", b, err, out)
		}
	}
}

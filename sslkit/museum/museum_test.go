package museum

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"sslnotes/sslkit/tensor"
)

// Every form is found right and every exhibit found to be itself, and no two of
// them are near each other.
func TestWhichBugKnowsItsOwn(t *testing.T) {
	for _, s := range subjects() {
		for _, f := range s.forms {
			if d := WhichBug(f.f); d.Verdict != Right || d.Loss != s.name || d.Remark != f.note {
				t.Errorf("the right loss, form %q:\n%s", f.note, d)
			}
		}
		for _, b := range s.bugs {
			if d := WhichBug(b.Func); d.Verdict != Known || d.Bug.Name != b.Name || d.Bug.Source != b.Source {
				t.Errorf("%s is taken for\n%s", b.Name, d)
			}
		}
	}
}

// TestExhibitsAreApart: two losses that differ on warm trials at all differ by
// far more than rounding. Those that do not are told apart on cold ones.
func TestExhibitsAreApart(t *testing.T) {
	for _, s := range subjects() {
		names, all := []string{}, [][]outcome{}
		for _, f := range s.forms {
			names, all = append(names, "right "+f.note), append(all, s.run(f.f))
		}
		for _, b := range s.bugs {
			names, all = append(names, b.Name), append(all, s.run(b.Func))
		}
		for i, a := range all {
			for j := range i {
				if far := s.far(a, all[j]); far < 10 && !s.toldWhenCold(a, all[j], all[0]) {
					t.Errorf("%s: %q and %q are only %g times the rounding allowed apart", s.name, names[i], names[j], far)
				}
			}
		}
	}
}

// far is by how many times what rounding may do two losses differ when warm.
func (s subject) far(a, b []outcome) (far float64) {
	for i, t := range s.trials {
		if !t.cold {
			far = max(far, math.Abs(a[i].value-b[i].value)/(valueShare*max(1, math.Abs(b[i].value))), apart(a[i], b[i])/gradientShare)
		}
	}
	return far
}

func (s subject) toldWhenCold(a, b, right []outcome) bool {
	for i, t := range s.trials {
		if t.cold && equal(a[i], right[i]) != equal(b[i], right[i]) {
			return true
		}
	}
	return false
}

// Some bugs leave the value alone, and some the gradient; the diagnosis says so.
func TestRemarks(t *testing.T) {
	for name, want := range map[string]string{
		"no gradient through the others":          "The value is right, the gradient is not.",
		"length taken as a constant":              "The value is right, the gradient is not.",
		"no gradient to the scale":                "The value is right, the gradient is not.",
		"gradient not stopped at the targets":     "The value is right, the gradient is not.",
		"gradient stopped at the prediction":      "The value is right, the gradient is not.",
		"own similarity subtracted, not masked":   "Value and gradient are right, but not on every input.",
		"divided by 2(N-1)":                       "Value and gradient are 1.2 times the right ones.",
		"temperature inside the logarithm":        "The gradient is right, the value is not.",
		"both directions added, not averaged":     "Value and gradient are 2 times the right ones.",
		"sum over a patch, not its mean":          "Value and gradient are 5 times the right ones.",
		"sign turned":                             "Value and gradient are -1 times the right ones.",
		"hidden patches over the number of all":   "",
		"pairs in another order than the rows":    "",
		"another shard's diagonal masked":         "",
		"normalised over the whole batch":         "",
		"exponentials without their maximum":      "Value and gradient are right, but not on every input.",
		"visible patches, not hidden ones":        "",
		"each side's gradient stops at the other": "The value is right, the gradient is not.",
	} {
		found := false
		for _, e := range Exhibits("") {
			if e.Name == name {
				found = true
				if d := WhichBug(e.Func); d.Remark != want {
					t.Errorf("%s: %q, want %q", name, d.Remark, want)
				}
			}
		}
		if !found {
			t.Errorf("no exhibit is called %q", name)
		}
	}
}

// What the report of the subtracted diagonal says is so of unit rows: there is a
// gradient through a row's similarity to itself. It points along the row, so of
// rows that are normalised nothing of it is left; and the lower the temperature,
// the more e^(1/τ) swallows.
func TestSubtractedDiagonal(t *testing.T) {
	s := ntXent()
	subtracted, right := s.run(s.bugs[0].Func), s.run(s.forms[0].f)
	for i := range 2 {
		if far := apart(subtracted[i], right[i]); far > 1e-5 {
			t.Errorf("%s: the gradient is off by %g of its largest entry", s.trials[i].name, far)
		}
	}
	for i := 2; i < 4; i++ {
		if equal(subtracted[i], right[i]) {
			t.Errorf("%s: it is right", s.trials[i].name)
		}
	}
	unit := normalised(random("unit", 8, 6)).Detach().RequireGrad()
	along := func(loss func(p pairing) *tensor.Tensor) float64 {
		unit.ZeroGrad()
		tensor.Backward(loss(pairing{n: 4, heat: 0.5}.of(unit)))
		var sum float64
		for i, g := range unit.Grad()[:6] {
			sum += float64(g) * float64(unit.Data()[i])
		}
		return sum
	}
	masked := along(pairing.loss)
	minus := along(func(p pairing) *tensor.Tensor { return p.over(plus(p.all(), -float32(math.Exp(2)))) })
	if math.Abs(minus-masked) < 0.1 {
		t.Errorf("along a unit row the gradient is %g, with the diagonal masked %g", minus, masked)
	}
}

// Losses that are right in another form, and wrong in ways of their own.
func TestWhichBugOfOthers(t *testing.T) {
	type matrix = *tensor.Tensor
	right := func(a, b matrix, heat float32) matrix { return pair(a, b, heat).loss() }
	for name, c := range map[string]struct {
		loss any
		want Verdict
		says string
	}{
		"views swapped":   {func(a, b matrix, h float32) matrix { return right(b, a, h) }, Right, "NT-Xent: right\n"},
		"a named type":    {named(right), Right, "right"},
		"twelve times":    {func(a, b matrix, h float32) matrix { return tensor.Scale(right(a, b, h), 12) }, Unknown, "12 times the right ones"},
		"off by three":    {func(a, b matrix, h float32) matrix { return plus(right(a, b, h), 3) }, Unknown, "off by 3."},
		"something else":  {func(a, b matrix, _ float32) matrix { return distance(a, b) }, Unknown, "not in the museum"},
		"another mistake": {func(a, b matrix, h float32) matrix { return right(a, tensor.Rows(b, []int{1, 0, 2, 3}), h) }, Broken, "panics: tensor: "},
		"panic":           {func(a, b matrix, _ float32) matrix { panic("oh") }, Broken, "panics: oh"},
		"nil":             {func(a, b matrix, _ float32) matrix { return nil }, Broken, "returns nil"},
		"no function":     {named(nil), Broken, "the function is nil"},
		"a matrix":        {func(a, b matrix, _ float32) matrix { return tensor.MatMulT(a, b) }, Broken, "has the shape [6 6]"},
		"a constant":      {func(a, b matrix, _ float32) matrix { return full(1, 1) }, Broken, "depends on no tensor"},
		"NaN":             {func(a, b matrix, h float32) matrix { return tensor.Scale(right(a, b, h), float32(math.NaN())) }, Broken, "is NaN"},
		"infinite slope":  {func(a, b matrix, h float32) matrix { return tensor.Exp(tensor.Log(tensor.Scale(right(a, b, h), 0))) }, Broken, "has a gradient of NaN"},
		"writes":          {func(a, b matrix, h float32) matrix { a.Data()[0] = 7; return right(a, b, h) }, Broken, "changes its argument 1"},
		"remembers":       {counting(right), Broken, "when asked again"},
		"another type":    {math.Sqrt, Broken, "no func(float64) float64, but func(z1, z2"},
		"nothing":         {nil, Broken, "no <nil>"},
		"a number":        {3, Broken, "no int"},
		"SigLIP's": {func(a, b, s matrix) matrix {
			return tensor.Mean(tensor.Softplus(crossed(normalised(a), normalised(b), s)))
		}, Unknown, "InfoNCE: wrong"},
		"only pairs": {func(a, b matrix) matrix { return minusCosine(a, b) }, Unknown, "BYOL's regression: wrong"},
	} {
		d := WhichBug(c.loss)
		if text := d.String(); d.Verdict != c.want || !strings.Contains(text, c.says) {
			t.Errorf("%s: %s, want %s and %q:\n%s", name, d.Verdict, c.want, c.says, text)
		}
	}
}

type named func(a, b *tensor.Tensor, heat float32) *tensor.Tensor

// counting is a loss whose value grows with every call.
func counting(loss named) named {
	calls := float32(0)
	return func(a, b *tensor.Tensor, heat float32) *tensor.Tensor {
		calls++
		return tensor.Scale(loss(a, b, heat), calls)
	}
}

// A right loss may overflow where exponentials do; that is said, too.
func TestWarmBugsHideColdOnes(t *testing.T) {
	twice := func(a, b *tensor.Tensor, heat float32) *tensor.Tensor {
		p := pair(a, b, heat)
		p = p.compared(tensor.MatMulT(p.z, p.z), heat)
		return p.over(p.others())
	}
	if d := WhichBug(twice); d.Verdict != Known || d.Bug.Name != "multiplied by the temperature" {
		t.Errorf("a faulty loss without maximum is taken for\n%s", d)
	}
}

func TestExhibitsAreLabelled(t *testing.T) {
	seen := map[string]bool{}
	for _, e := range Exhibits("") {
		key := e.Loss + ": " + e.Name
		if seen[key] || e.Cure == "" || e.Func == nil {
			t.Errorf("%s: a second one, or without cure or function", key)
		}
		seen[key] = true
		if owner, rest, ok := strings.Cut(e.Source, "/"); e.Source != "" && (!ok || owner == "" || !strings.Contains(rest, "#")) {
			t.Errorf("%s: source %q, want owner/project#number", key, e.Source)
		}
	}
	if len(Exhibits("NT-Xent"))+len(Exhibits("InfoNCE"))+len(Exhibits("BYOL"))+len(Exhibits("BYOL's regression"))+len(Exhibits("masked error")) != len(seen) {
		t.Error("a loss has a name that Exhibits does not document")
	}
	if len(Exhibits("hinge")) != 0 {
		t.Error("there are exhibits of a loss nobody has")
	}
}

// A loss without a gradient through the views it is compared with.
func ExampleWhichBug() {
	loss := func(z1, z2 *tensor.Tensor, temperature float32) *tensor.Tensor {
		z := tensor.L2Normalize(tensor.Concat(z1, z2), 1e-12)
		similar := tensor.Scale(tensor.MatMulT(z, z.Detach()), 1/temperature)
		n := z1.Dim(0)
		partner := make([]int, 2*n)
		for i := range partner {
			partner[i] = (i + n) % (2 * n)
		}
		return tensor.CrossEntropy(tensor.MaskDiagonal(similar, float32(math.Inf(-1))), partner)
	}
	fmt.Print(WhichBug(loss))
	// Output:
	// NT-Xent: no gradient through the others, a published bug (facebookresearch/vissl#123)
	//   cure: Let the gradient flow into both factors of the similarities: the rows compared with are not constants.
	//   The value is right, the gradient is not.
	//   on                                        value     right  gradient off by
	//   temperature 0.5                          1.0239    1.0239  44.4 %
	//   temperature 0.3                          0.5641    0.5641  43.3 %
	//   temperature 0.05, all at right angles    1.9459    1.9459  50.0 %
	//   temperature 0.01, partners equal         0.0000    0.0000  0.0 %
}

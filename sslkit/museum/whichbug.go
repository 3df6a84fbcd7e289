package museum

import (
	"fmt"
	"math"
	"reflect"
	"strings"
)

// A Verdict is what WhichBug finds.
type Verdict string

// The verdicts.
const (
	Right   Verdict = "right"   // value and gradient are those of the loss
	Known   Verdict = "known"   // they are those of an exhibit
	Unknown Verdict = "unknown" // they are neither
	Broken  Verdict = "broken"  // there is no such thing as a value and a gradient
)

// A Diagnosis is what WhichBug finds of a loss. It shows itself as text.
type Diagnosis struct {
	Loss        string // the loss it was taken for, such as "NT-Xent"; "" if for none
	Verdict     Verdict
	Bug         Exhibit // the one recognised, if the verdict is Known
	Remark      string  // what else there is to say
	Comparisons []Comparison
}

// A Comparison holds a loss against the right one on one input.
type Comparison struct {
	Input       string
	Value, Want float64
	Gradient    float64 // the largest difference from the right gradient, as a share of its largest entry
	Problem     string  // why there are no such numbers, or ""
}

// WhichBug runs a loss on fixed inputs, compares its value and its gradient with
// those of the right loss and of every exhibit, and says which it is. The loss
// is a function, taken by its signature for
//
//   - NT-Xent: func(z1, z2 *tensor.Tensor, temperature float32) *tensor.Tensor of
//     two views [N,D], as contrastive.NTXent is
//   - InfoNCE: func(images, texts, scale *tensor.Tensor) *tensor.Tensor of [B,D],
//     [B,D] and [1], as clip.InfoNCE is
//   - BYOL's regression: func(p, z *tensor.Tensor) *tensor.Tensor of a prediction
//     and its target [N,D], as contrastive.Regression is
//   - BYOL, both directions: func(p1, p2, z1, z2 *tensor.Tensor) *tensor.Tensor,
//     p1 predicting z2
//   - masked error, of the masked autoencoder: func(painted, target
//     *tensor.Tensor, mask []float32) *tensor.Tensor of patches [N,T,P] and [N·T]
//     marks, 1 for a hidden one, as tensor.MaskedMSE is
//
// and returns a scalar. Rows come in all lengths. A loss that panics, or gives no
// number, is described. The same loss gets the same diagnosis, always.
func WhichBug(loss any) Diagnosis {
	var signatures []string
	for _, s := range subjects() {
		if t := reflect.TypeOf(loss); t != nil && t.ConvertibleTo(reflect.TypeOf(s.forms[0].f)) {
			return s.diagnose(loss)
		}
		signatures = append(signatures, s.takes+" for "+s.name)
	}
	return Diagnosis{Verdict: Broken, Remark: fmt.Sprintf("WhichBug takes no %T, but %s", loss, strings.Join(signatures, "; "))}
}

func (s subject) run(loss any) []outcome {
	all := make([]outcome, len(s.trials))
	for i, t := range s.trials {
		all[i] = t.run(loss)
	}
	return all
}

func (s subject) diagnose(loss any) Diagnosis {
	yours, right := s.run(loss), s.run(s.forms[0].f)
	d := Diagnosis{Loss: s.name, Verdict: Unknown, Comparisons: s.compare(yours, right)}
	for i, t := range s.trials {
		if !t.cold && !yours[i].finite() {
			d.Verdict, d.Remark = Broken, fmt.Sprintf("on %q the loss %s", t.name, yours[i].complaint())
			return d
		}
	}
	for _, f := range s.forms {
		if want := s.run(f.f); s.agree(yours, want, right) {
			d.Verdict, d.Remark, d.Comparisons = Right, f.note, s.compare(yours, want)
			return d
		}
	}
	for _, b := range s.bugs {
		if s.agree(yours, s.run(b.Func), right) {
			d.Verdict, d.Bug = Known, b
			break
		}
	}
	d.Remark = s.remark(yours, right)
	return d
}

// agree reports whether two losses are one: on warm trials by their numbers. If
// these are the right ones, then on cold trials both must be right or neither.
func (s subject) agree(yours, want, right []outcome) bool {
	healthy := true
	for i, t := range s.trials {
		if t.cold {
			continue
		}
		if !equal(yours[i], want[i]) {
			return false
		}
		healthy = healthy && equal(want[i], right[i])
	}
	for i, t := range s.trials {
		if t.cold && healthy && equal(yours[i], right[i]) != equal(want[i], right[i]) {
			return false
		}
	}
	return true
}

// finite reports whether there are a value and a gradient, all numbers.
func (o outcome) finite() bool { return o.complaint() == "" }

// complaint says what is wrong with an outcome by itself.
func (o outcome) complaint() string {
	if o.problem != "" {
		return o.problem
	}
	if math.IsNaN(o.value) || math.IsInf(o.value, 0) {
		return fmt.Sprintf("is %g", o.value)
	}
	for i, g := range o.grads {
		for _, v := range g {
			if f := float64(v); math.IsNaN(f) || math.IsInf(f, 0) {
				return fmt.Sprintf("has a gradient of %g to its argument %d", f, i+1)
			}
		}
	}
	return ""
}

func (s subject) compare(yours, want []outcome) []Comparison {
	var all []Comparison
	for i, t := range s.trials {
		c := Comparison{Input: t.name, Value: yours[i].value, Want: want[i].value, Problem: yours[i].problem}
		if c.Problem == "" {
			c.Gradient = apart(yours[i], want[i])
		}
		all = append(all, c)
	}
	return all
}

// remark says how warm trials differ from the right ones in general.
func (s subject) remark(yours, right []outcome) string {
	value, gradient, factor, constant := true, true, true, true
	by, plus := ratio(yours[0], right[0]), yours[0].value-right[0].value
	for i, t := range s.trials {
		if t.cold {
			continue
		}
		y, r := yours[i], right[i]
		value = value && math.Abs(y.value-r.value) <= valueShare*max(1, math.Abs(r.value))
		gradient = gradient && apart(y, r) <= gradientShare
		factor = factor && equal(y, r.times(by))
		constant = constant && math.Abs(y.value-r.value-plus) <= valueShare*max(1, math.Abs(r.value))
	}
	switch {
	case value && gradient:
		return "Value and gradient are right, but not on every input."
	case value:
		return "The value is right, the gradient is not."
	case gradient && constant:
		return fmt.Sprintf("The gradient is right, the value is off by %.4g.", plus)
	case gradient:
		return "The gradient is right, the value is not."
	case factor:
		return fmt.Sprintf("Value and gradient are %.4g times the right ones.", by)
	}
	return ""
}

func ratio(a, b outcome) float64 { return a.value / b.value }

// times is the outcome of the loss times a factor.
func (o outcome) times(by float64) outcome {
	scaled := outcome{value: o.value * by, problem: o.problem}
	for _, g := range o.grads {
		row := make([]float32, len(g))
		for i, v := range g {
			row[i] = float32(float64(v) * by)
		}
		scaled.grads = append(scaled.grads, row)
	}
	return scaled
}

// String is the verdict in words, and the numbers.
func (d Diagnosis) String() string {
	var b strings.Builder
	b.WriteString(d.headline() + "\n")
	if d.Verdict == Known {
		fmt.Fprintf(&b, "  cure: %s\n", d.Bug.Cure)
	}
	if d.Remark != "" && d.Verdict != Right {
		fmt.Fprintf(&b, "  %s\n", d.Remark)
	}
	if len(d.Comparisons) == 0 {
		return b.String()
	}
	wide := 0
	for _, c := range d.Comparisons {
		wide = max(wide, len(c.Input))
	}
	fmt.Fprintf(&b, "  %-*s %9s %9s  gradient off by\n", wide, "on", "value", "right")
	for _, c := range d.Comparisons {
		value, gradient := fmt.Sprintf("%.4f", c.Value), percent(c.Gradient)
		if c.Problem != "" {
			value, gradient = "none", "none"
		}
		fmt.Fprintf(&b, "  %-*s %9s %9.4f  %s\n", wide, c.Input, value, c.Want, gradient)
	}
	return b.String()
}

func (d Diagnosis) headline() string {
	switch {
	case d.Loss == "":
		return "no loss that is known"
	case d.Verdict == Right && d.Remark != "":
		return fmt.Sprintf("%s: right, %s", d.Loss, d.Remark)
	case d.Verdict == Right:
		return d.Loss + ": right"
	case d.Verdict == Known && d.Bug.Source != "":
		return fmt.Sprintf("%s: %s, a published bug (%s)", d.Loss, d.Bug.Name, d.Bug.Source)
	case d.Verdict == Known:
		return fmt.Sprintf("%s: %s, a bug of which no report is known", d.Loss, d.Bug.Name)
	case d.Verdict == Broken:
		return d.Loss + ": broken"
	}
	return d.Loss + ": wrong, in a way that is not in the museum"
}

// percent shows a share.
func percent(share float64) string {
	if math.IsNaN(share) || math.IsInf(share, 0) {
		return "not a number"
	}
	if share > 10 {
		return "more than tenfold"
	}
	return fmt.Sprintf("%.1f %%", 100*share)
}

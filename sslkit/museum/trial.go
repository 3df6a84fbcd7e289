package museum

import (
	"fmt"
	"math"
	"reflect"

	"sslnotes/sslkit/rng"
	"sslnotes/sslkit/tensor"
)

// A trial is an input on which losses are compared.
type trial struct {
	name   string
	inputs []*tensor.Tensor
	judged int // of the inputs, from the first: whose gradients must be right

	// call is loss(x...) with what the loss takes besides.
	call func(loss any, x []*tensor.Tensor) *tensor.Tensor

	// cold says that losses that are right on the other trials may be of no use
	// here, each by its own rounding: what they compute is not compared.
	cold bool
}

// An outcome is what a loss made of a trial.
type outcome struct {
	value   float64
	grads   [][]float32 // of the judged inputs; none counts as zero
	problem string      // why there is no such thing
}

// run calls a loss on copies of the trial's inputs, twice.
func (t trial) run(loss any) outcome {
	first := t.once(loss)
	if first.problem != "" {
		return first
	}
	if again := t.once(loss); again.problem != "" || !same(again.value, first.value) {
		first.problem = fmt.Sprintf("is %g, and %g when asked again", first.value, again.value)
	}
	return first
}

func same(a, b float64) bool { return a == b || a != a && b != b }

func (t trial) once(loss any) (o outcome) {
	defer func() {
		if p := recover(); p != nil {
			o.problem = fmt.Sprintf("panics: %v", p)
		}
	}()
	x := make([]*tensor.Tensor, len(t.inputs))
	for i, in := range t.inputs {
		x[i] = tensor.FromSlice(append([]float32(nil), in.Data()...), in.Shape()...).RequireGrad()
	}
	l := t.call(loss, x)
	switch {
	case l == nil:
		return outcome{problem: "returns nil"}
	case l.Len() != 1:
		return outcome{problem: fmt.Sprintf("has the shape %v, want one value", l.Shape())}
	}
	o.value = float64(l.Item())
	for i, in := range t.inputs {
		for j, v := range in.Data() {
			if math.Float32bits(x[i].Data()[j]) != math.Float32bits(v) {
				o.problem = fmt.Sprintf("changes its argument %d", i+1)
				return o
			}
		}
	}
	tensor.Backward(l)
	for i := range t.judged {
		g := x[i].Grad()
		if g == nil {
			g = make([]float32, x[i].Len())
		}
		o.grads = append(o.grads, g)
	}
	return o
}

// What a loss may differ in by its rounding.
const (
	valueShare    = 2e-4 // of the value, or of one if that is larger
	gradientShare = 1e-3 // of the largest entry of the right gradient
)

// equal reports whether two outcomes are one but for rounding.
func equal(a, b outcome) bool {
	return a.problem == "" && b.problem == "" && math.Abs(a.value-b.value) <= valueShare*max(1, math.Abs(b.value)) && apart(a, b) <= gradientShare
}

// apart is the largest difference of two gradients, as a share of the largest
// entry of the second; NaN counts as infinite.
func apart(a, b outcome) float64 {
	far, top := 0.0, 0.001
	for i, g := range b.grads {
		for j, v := range g {
			d := math.Abs(float64(a.grads[i][j]) - float64(v))
			if d != d {
				return math.Inf(1)
			}
			far, top = max(far, d), max(top, math.Abs(float64(v)))
		}
	}
	return far / top
}

// as returns the function loss as one of type T, which it must be but for its
// name; it panics if it is nil.
func as[T any](loss any) T {
	var f T
	v := reflect.ValueOf(loss)
	if v.IsNil() {
		panic("the function is nil")
	}
	return v.Convert(reflect.TypeOf(f)).Interface().(T)
}

// random returns values drawn for a purpose.
func random(purpose string, shape ...int) *tensor.Tensor {
	x, r := tensor.New(shape...), rng.New(1, purpose)
	for i := range x.Data() {
		x.Data()[i] = r.Norm()
	}
	return x
}

// near returns rows like those of x, as two views are alike, and of other
// lengths.
func near(purpose string, x *tensor.Tensor) *tensor.Tensor {
	y := random(purpose, x.Shape()...)
	for i := range y.Data() {
		length := 0.5 + float32(i/x.Dim(1)%3)/2
		y.Data()[i] = length * (x.Data()[i] + float32(0.5*y.Data()[i]))
	}
	return y
}

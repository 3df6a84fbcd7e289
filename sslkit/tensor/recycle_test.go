package tensor

import (
	"math"
	"slices"
	"testing"

	"sslnotes/sslkit/internal/f32"
)

// Buffers used before change no gradient: two passes through poisoned ones give
// the same bits.
func TestRecycledBuffersDoNotLeak(t *testing.T) {
	for _, c := range table {
		run := func() (all [][]float32) {
			var x []*Tensor
			for i, s := range c.shapes {
				x = append(x, random(uint64(i), s...).RequireGrad())
			}
			inside := make([]*Tensor, len(x)) // in the graph, not its leaves
			for i := range x {
				inside[i] = Scale(x[i], 1)
			}
			y := c.f(inside)
			Backward(Sum(Mul(y, random(99, y.shape...))))
			for _, in := range x {
				all = append(all, in.grad)
			}
			return all
		}
		want := run()
		poison()
		for i, got := range run() {
			if !slices.Equal(got, want[i]) {
				t.Errorf("%s: input %d", c.name, i)
			}
		}
	}
}

// poison fills free buffers of every small size with a value no one wants.
func poison() {
	var taken []*[]float32
	for n := 1; n < 4096; n += n/4 + 1 {
		for range 8 {
			b := f32.Scratch(n)
			for i := range *b {
				(*b)[i] = 1e30
			}
			taken = append(taken, b)
		}
	}
	for _, b := range taken {
		f32.Release(b)
	}
}

// A temporary tensor gives up its elements with Backward; any other keeps them,
// also one of which a detached tensor knows the elements.
func TestTemporary(t *testing.T) {
	x := random(1, 4, 3).RequireGrad()
	kept := AddReLU(x, x)
	shared := AddReLU(kept, x).Temporary()
	passing := AddReLU(shared, kept).Temporary()
	seen := shared.Detach()
	values, known := slices.Clone(kept.Data()), slices.Clone(seen.Data())
	Backward(Sum(ReLU(passing)))
	poison()
	if passing.Data() != nil {
		t.Error("a temporary tensor keeps its elements")
	}
	if !slices.Equal(kept.Data(), values) || !slices.Equal(seen.Data(), known) {
		t.Error("elements changed that may be read")
	}
}

// What is used up goes back at once where no gradient flows, and stays for
// Backward where one does.
func TestUsedUp(t *testing.T) {
	x, w := random(1, 4, 3), random(2, 3, 3).RequireGrad()
	first := ReLU(x)
	second := ReLU(first)
	first.UsedUpBy(second)
	if first.Data() != nil {
		t.Error("elements are kept that nobody needs")
	}
	third := ReLU(second)
	y := Linear(third, w, nil)
	third.UsedUpBy(y)
	want := make([]float32, 3)
	for i, v := range third.Data() {
		want[i%3] += v
	}
	poison()
	Backward(Sum(y))
	if third.Data() != nil {
		t.Error("elements are kept that nobody needs any more")
	}
	for i, g := range w.Grad() {
		if math.Abs(float64(g-want[i/3])) > 1e-5 {
			t.Errorf("gradient %d is %g, want %g", i, g, want[i/3])
		}
	}
}

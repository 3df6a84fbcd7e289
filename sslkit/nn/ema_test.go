package nn

import (
	"math"
	"slices"
	"testing"

	"sslnotes/sslkit/rng"
	"sslnotes/sslkit/tensor"
)

func TestCloneIsEqualAndApart(t *testing.T) {
	e, err := ResNet{Channels: []int{4, 6}}.Build(Input{8, 8, 1}, rng.New(1, "weights"))
	if err != nil {
		t.Fatal(err)
	}
	e.Forward(tensor.New(3, 8, 8, 1), true)
	Commit(e)
	c, err := Clone(e)
	if err != nil {
		t.Fatal(err)
	}
	if Digest(c) != Digest(e) {
		t.Error("the clone differs")
	}
	c.Params()[0].Value.Data()[0]++
	c.Buffers()[0].Value[0]++
	if Digest(c) == Digest(e) {
		t.Error("the clone shares memory")
	}
}

// With a constant online network the target has a closed form: after n steps it
// is mⁿ·start + (1-mⁿ)·online.
func TestEMAClosedForm(t *testing.T) {
	online, target := NewLinear("l", 3, 2, true, rng.New(1, "a")), NewLinear("l", 3, 2, true, rng.New(2, "b"))
	start := append([]float32(nil), target.weight.Value.Data()...)
	const m, n = 0.9, 20
	for range n {
		EMA(target, online, m)
	}
	for i, s := range start {
		k := math.Pow(m, n)
		want := k*float64(s) + (1-k)*float64(online.weight.Value.Data()[i])
		if got := float64(target.weight.Value.Data()[i]); math.Abs(got-want) > 1e-6 {
			t.Errorf("weight %d: %g, want %g", i, got, want)
		}
	}
}

// EMA leaves buffers alone: a target that normalises by its batches has
// statistics of its own.
func TestEMALeavesBuffers(t *testing.T) {
	if moved := movedBuffers(t, EMA); moved != "" {
		t.Errorf("%s was changed", moved)
	}
}

// TestMuseumEMABuffers: facebookresearch/moco#70 and lucidrains/byol-pytorch#73
// ask for the online network's statistics in the target. Either is a choice, but
// it must not change unnoticed.
func TestMuseumEMABuffers(t *testing.T) {
	if movedBuffers(t, func(target, online Module, m float32) { blendInto(target, online, m, true) }) == "" {
		t.Error("copied buffers are not found")
	}
}

// movedBuffers names a buffer of a target that a move towards another network
// changes, or returns "".
func movedBuffers(t *testing.T, move func(target, online Module, m float32)) string {
	t.Helper()
	var nets [2]Encoder
	for i := range nets {
		e, err := ConvNet{Channels: []int{4, 6}}.Build(Input{8, 8, 1}, rng.New(uint64(i), "weights"))
		if err != nil {
			t.Fatal(err)
		}
		x := tensor.New(3, 8, 8, 1)
		for j := range x.Data() {
			x.Data()[j] = float32(j % (5 + i))
		}
		e.Forward(x, true)
		Commit(e)
		nets[i] = e
	}
	var before [][]float32
	for _, b := range nets[0].Buffers() {
		before = append(before, slices.Clone(b.Value))
	}
	move(nets[0], nets[1], 0.9)
	for i, b := range nets[0].Buffers() {
		if !slices.Equal(before[i], b.Value) {
			return b.Name
		}
	}
	return ""
}

func TestFreezeCutsTheGraph(t *testing.T) {
	l := NewLinear("l", 3, 2, true, rng.New(1, "a"))
	Freeze(l)
	y := l.Forward(tensor.New(4, 3).RequireGrad(), true)
	tensor.Backward(tensor.Mean(y))
	for _, p := range l.Params() {
		if p.Value.Grad() != nil {
			t.Errorf("%s has a gradient", p.Name)
		}
	}
}

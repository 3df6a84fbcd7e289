package nn

import (
	"slices"
	"strings"
	"testing"

	"sslnotes/sslkit/rng"
	"sslnotes/sslkit/tensor"
)

// TestFreezeBlocks trains one step with frozen blocks: their parameters and
// buffers keep every bit, all others change.
func TestFreezeBlocks(t *testing.T) {
	for _, plan := range []Plan{ResNet{Channels: []int{4, 6, 8}}, ConvNet{Channels: []int{4, 6, 8}}} {
		for k := range 4 {
			e, err := plan.Build(Input{12, 12, 1}, rng.New(1, "weights"))
			if err != nil {
				t.Fatal(err)
			}
			blocks := e.(Staged).Blocks()
			if len(blocks) != 3 {
				t.Fatalf("%T has %d blocks, want 3", plan, len(blocks))
			}
			var before []string
			for _, b := range blocks {
				before = append(before, Digest(b))
			}
			step(t, e, k)
			for i, b := range blocks {
				if changed := Digest(b) != before[i]; changed != (i >= k) {
					t.Errorf("%T with %d frozen: block %d changed: %v", plan, k, i, changed)
				}
			}
		}
	}
}

// step trains e with its first k blocks frozen on random images.
func step(t *testing.T, e Encoder, k int) {
	t.Helper()
	left, err := FreezeBlocks(e, k)
	if err != nil {
		t.Fatal(err)
	}
	x, r := tensor.New(8, 12, 12, 1), rng.New(2, "images")
	for i := range x.Data() {
		x.Data()[i] = r.Norm()
	}
	model := Sequential{left, NewLinear("head", e.Dim(), 2, true, r)}
	o := &AdamW{}
	o.Begin(model.Params())
	tensor.Backward(tensor.CrossEntropy(model.Forward(x, true), []int{0, 1, 0, 1, 1, 0, 0, 1}))
	o.Step(0.1)
	Commit(model)
}

// TestFrozenForward compares a wholly frozen encoder with evaluation.
func TestFrozenForward(t *testing.T) {
	e, _ := ResNet{Channels: []int{4, 6}}.Build(Input{8, 8, 1}, rng.New(1, "weights"))
	step(t, e, 0)
	x := tensor.New(3, 8, 8, 1)
	x.Data()[7] = 1
	want := e.Forward(x, false).Data()
	left, err := FreezeBlocks(e, 2)
	if err != nil {
		t.Fatal(err)
	}
	if got := left.Forward(x, true).Data(); !slices.Equal(got, want) {
		t.Errorf("all blocks frozen: %v, want as in evaluation %v", got, want)
	}
	for _, k := range []int{-1, 3} {
		if _, err := FreezeBlocks(e, k); err == nil || !strings.Contains(err.Error(), "2 blocks") {
			t.Errorf("froze %d of 2 blocks: %v", k, err)
		}
	}
}

// TestForwardBlocks holds the features after block k against those of an encoder
// of k blocks with the same weights, after a step of training.
func TestForwardBlocks(t *testing.T) {
	for _, plans := range [][]Plan{
		{ConvNet{Channels: []int{4}}, ConvNet{Channels: []int{4, 6}}, ConvNet{Channels: []int{4, 6, 8}}},
		{ResNet{Channels: []int{4}}, ResNet{Channels: []int{4, 6}}, ResNet{Channels: []int{4, 6, 8}}},
		{ViT{Width: 8, Heads: 2, Depth: 1}, ViT{Width: 8, Heads: 2, Depth: 2}, ViT{Width: 8, Heads: 2, Depth: 3}},
		{ViT{Width: 8, Heads: 2, Depth: 1, ClassToken: true}, ViT{Width: 8, Heads: 2, Depth: 2, ClassToken: true}},
	} {
		var want []*tensor.Tensor
		var deepest Encoder
		x, seen := images(1, 5, 12, 8, 1), images(2, 6, 12, 8, 1)
		for _, p := range plans {
			e, err := p.Build(Input{12, 8, 1}, rng.New(1, "weights"))
			if err != nil {
				t.Fatal(err)
			}
			for _, p := range e.Params() {
				if strings.HasPrefix(p.Name, "trunk.norm.") {
					for i := range p.Value.Data() {
						p.Value.Data()[i] = float32(i%3) - 0.5
					}
				}
			}
			e.Forward(seen, true)
			Commit(e)
			want, deepest = append(want, e.Forward(x, false)), e
		}
		got := deepest.(Blocked).ForwardBlocks(x)
		if len(got) != len(want) || len(got) != len(deepest.(Staged).Blocks()) {
			t.Fatalf("%T: features after %d blocks, want %d", plans[0], len(got), len(want))
		}
		for k, w := range want {
			if !slices.Equal(got[k].Shape(), w.Shape()) || !slices.Equal(got[k].Data(), w.Data()) {
				t.Errorf("%T: features after block %d are not those of an encoder that ends there", plans[0], k+1)
			}
		}
	}
}

package nn

import (
	"fmt"

	"sslnotes/sslkit/tensor"
)

// A Staged encoder is a chain of blocks, so that training can leave the first
// ones as they are.
type Staged interface {
	Encoder

	// Blocks lists the blocks from the input on, the stem being a part of the
	// first. What follows the last block is in none.
	Blocks() []Module

	// Stem is what of the first block stands before what makes it one: the
	// embedding of patches, or a first convolution. It may be empty.
	Stem() Module

	// ForwardTail is Forward in training, but the first frozen blocks normalise
	// by their running statistics and change none.
	ForwardTail(x *tensor.Tensor, frozen int) *tensor.Tensor
}

// A Blocked encoder has features after each of its blocks, which tell how what it
// knows grows with depth.
type Blocked interface {
	Staged

	// ForwardBlocks returns the features [N,dim] after each block, of images
	// [N,H,W,C]: those of an encoder that ended there, normalised and pooled as
	// Forward does, BatchNorm using its running statistics. The last are Forward's;
	// others may be of another dim.
	ForwardBlocks(x *tensor.Tensor) []*tensor.Tensor
}

// Layers returns the parameters of e by their depth: the stem's, those of each of
// L blocks and those of what follows the last, L+2 modules, of which some may be
// empty. It returns an error if e has no blocks.
func Layers(e Encoder) ([]Module, error) {
	s, ok := e.(Staged)
	if !ok {
		return nil, fmt.Errorf("nn: a %T has no blocks", e.Plan())
	}
	taken := map[*Param]bool{}
	left := func(m Module) Module {
		var l own
		for _, p := range m.Params() {
			if !taken[p] {
				taken[p], l.params = true, append(l.params, p)
			}
		}
		return l
	}
	all := []Module{left(s.Stem())}
	for _, b := range s.Blocks() {
		all = append(all, left(b))
	}
	return append(all, left(s)), nil
}

// FreezeBlocks freezes the first k blocks of e and returns what is left: a
// layer whose forward pass is the whole encoder's and whose parameters and
// buffers are those that still change. It returns an error if e has no blocks
// or not so many.
func FreezeBlocks(e Encoder, k int) (Layer, error) {
	if k == 0 {
		return e, nil
	}
	s, ok := e.(Staged)
	if !ok {
		return nil, fmt.Errorf("nn: a %T has no blocks to freeze", e.Plan())
	}
	if n := len(s.Blocks()); k < 0 || k > n {
		return nil, fmt.Errorf("nn: cannot freeze %d of %d blocks", k, n)
	}
	frozen := Modules(s.Blocks()[:k])
	t := &tail{s, k, map[any]bool{}}
	for _, p := range frozen.Params() {
		t.frozen[p] = true
	}
	for _, b := range frozen.Buffers() {
		t.frozen[b] = true
	}
	Freeze(frozen)
	return t, nil
}

// tail is an encoder with frozen first blocks.
type tail struct {
	whole  Staged
	blocks int
	frozen map[any]bool // parameters and buffers
}

func (t *tail) Forward(x *tensor.Tensor, train bool) *tensor.Tensor {
	if !train {
		return t.whole.Forward(x, false)
	}
	return t.whole.ForwardTail(x, t.blocks)
}

func (t *tail) Params() (left []*Param) {
	for _, p := range t.whole.Params() {
		if !t.frozen[p] {
			left = append(left, p)
		}
	}
	return left
}

func (t *tail) Buffers() (left []*Buffer) {
	for _, b := range t.whole.Buffers() {
		if !t.frozen[b] {
			left = append(left, b)
		}
	}
	return left
}

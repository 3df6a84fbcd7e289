// Package tensor has float32 tensors with reverse-mode automatic
// differentiation.
//
// # Design
//
// A tensor is a row-major block of float32; images are [N,H,W,C], the sample
// always being the first dimension. An operation returns a new tensor that
// remembers how to send its gradient to its inputs, forward and backward
// standing together in one function. [Backward] walks these from the loss.
//
// What a step needs besides its results is used again by the next: the nodes of
// the graph, gradients and what operations save for the way back. For that the
// functions that go back capture nothing; what they need is saved beside them.
// Results are their caller's and the garbage collector's, unless it promises not
// to look at them again: see [Tensor.UsedUpBy] and [Consume].
//
// A tensor that needs no gradient has no memory of how it was made: [Detach]
// cuts the graph by type, not by a flag that code must respect.
//
// Operations inherit the contract of the kernels below them: the same inputs
// give the same bits whatever the processor and the number of threads.
//
// Shapes that do not fit are a programming error: the operation panics with
// its name and the shapes.
package tensor

import (
	"errors"
	"fmt"
	"slices"

	"sslnotes/sslkit/internal/f32"
)

// Numerics is the version of the arithmetic. It changes with any change that
// alters one bit of one result.
const Numerics = "5"

// ISA names the instruction set in use: generic, avx2 or avx512. It changes
// speed, never a bit.
func ISA() string { return f32.Active() }

// Tensor is a dense float32 array and its place in the graph.
type Tensor struct {
	shape []int
	data  []float32
	grad  []float32
	made  node // how, if a gradient flows here and t is no leaf

	needs     bool // a gradient flows here
	temporary bool // nobody reads data after Backward
	unread    bool // data is not read by t's own way back
	visited   bool

	dims    [4]int     // shape, if that has room
	own     *[]float32 // the buffer of data, if it may go back after use
	held    *[]float32 // that of grad, if it goes back after use
	beside  *[]float32 // that of what the operation returned beside t
	ignored *Tensor    // an input that t's way back does not read

	done <-chan struct{} // closed when nobody waits for what is made of t
}

// ErrInterrupted is what an operation panics with that nobody waits for: see
// [Tensor.Until].
var ErrInterrupted = errors.New("tensor: interrupted")

// Until makes the operations on t, and on all that is made of it, panic with
// ErrInterrupted once done is closed, and returns t. They stop before they
// begin, or between two of them in Backward.
func (t *Tensor) Until(done <-chan struct{}) *Tensor {
	t.done = done
	return t
}

// header returns a tensor of the given shape without elements.
func header(shape []int) *Tensor {
	t := f32.Take[Tensor]()
	t.shape = append(t.dims[:0], shape...)
	return t
}

// size is the number of elements of a shape.
func size(shape []int) int {
	n := 1
	for _, d := range shape {
		n *= d
	}
	return n
}

// New returns a tensor of zeros.
func New(shape ...int) *Tensor {
	for _, d := range shape {
		if d < 0 {
			panic(fmt.Sprintf("tensor: New of shape %v", slices.Clone(shape)))
		}
	}
	t := header(shape)
	t.data = f32.Make(size(shape))
	return t
}

// FromSlice returns a tensor of the given shape over data, without a copy.
func FromSlice(data []float32, shape ...int) *Tensor {
	if size(shape) != len(data) {
		panic(fmt.Sprintf("tensor: FromSlice of %d values into shape %v", len(data), slices.Clone(shape)))
	}
	t := header(shape)
	t.data = data
	return t
}

// Shape returns the size of each dimension. It must not be changed.
func (t *Tensor) Shape() []int { return t.shape }

// Dim returns the size of dimension i, the last one being -1.
func (t *Tensor) Dim(i int) int {
	if i < 0 {
		i += len(t.shape)
	}
	return t.shape[i]
}

// Len returns the number of elements.
func (t *Tensor) Len() int { return len(t.data) }

// Data returns the elements in row-major order; writes to it change the tensor.
func (t *Tensor) Data() []float32 { return t.data }

// Grad returns the gradient of the last Backward, or nil if none came here.
func (t *Tensor) Grad() []float32 { return t.grad }

// ZeroGrad forgets the gradient.
func (t *Tensor) ZeroGrad() { clear(t.grad) }

// Item returns the only element of a tensor.
func (t *Tensor) Item() float32 {
	if len(t.data) != 1 {
		panic(fmt.Sprintf("tensor: Item of shape %v", t.shape))
	}
	return t.data[0]
}

// RequireGrad makes t a leaf that collects gradients, and returns it.
func (t *Tensor) RequireGrad() *Tensor {
	t.needs = true
	return t
}

// Detach returns a tensor with t's elements through which no gradient flows.
func (t *Tensor) Detach() *Tensor {
	t.keep()
	d := header(t.shape)
	d.data, d.done = t.data, t.done
	return d
}

// Temporary promises that nobody reads t's elements after Backward, which may
// then use their memory again, and returns t.
func (t *Tensor) Temporary() *Tensor {
	t.temporary = true
	return t
}

// UsedUpBy promises that nobody reads t's elements but the operation that made
// y. Their memory may be used again after Backward, or at once if no gradient
// flows through y, or if the way back does not read them or can make them again.
func (t *Tensor) UsedUpBy(y *Tensor) {
	t.temporary = true
	if !y.needs || t.unread && y.ignored == t || t.remade() {
		t.giveBack()
	}
}

// remade reports whether the way back makes t's elements again.
func (t *Tensor) remade() bool { return t.made != nil && t.made.filler() != nil }

// giveBack lets t's memory be used again if that is known to be t's alone.
func (t *Tensor) giveBack() {
	if t.own != nil {
		f32.Release(t.own)
		t.data, t.own = nil, nil
	}
}

// keep leaves t's memory to whoever reads it.
func (t *Tensor) keep() {
	if t.own != nil {
		f32.Leave(t.own)
		t.own = nil
	}
}

// String shows the shape and the first elements.
func (t *Tensor) String() string {
	if len(t.data) <= 8 {
		return fmt.Sprintf("%v%v", t.shape, t.data)
	}
	return fmt.Sprintf("%v[%v …]", t.shape, t.data[:8])
}

// mismatch panics with the operation and the shapes that do not fit it.
func mismatch(op string, ts ...*Tensor) {
	message := "tensor: " + op + " of shapes "
	for i, t := range ts {
		if i > 0 {
			message += " and "
		}
		message += fmt.Sprint(t.shape)
	}
	panic(message)
}

const (
	chunk  = 1 << 14 // elements below which work is not shared
	nearby = 1 << 12 // elements that two passes find in the first cache
)

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
	shape    []int
	data     []float32
	grad     []float32
	held     *[]float32 // the buffer of grad, if it goes back after use
	own      *[]float32 // the buffer of data, if it may go back after use
	needs    bool       // a gradient flows here
	inputs   []*Tensor
	backward func(out *Tensor)
	visited  bool

	temporary bool // nobody reads data after Backward

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

// poll panics if nobody waits any more.
func (t *Tensor) poll() {
	if t.done == nil {
		return
	}
	select {
	case <-t.done:
		panic(ErrInterrupted)
	default:
	}
}

// New returns a tensor of zeros.
func New(shape ...int) *Tensor {
	n := 1
	for _, d := range shape {
		if d < 0 {
			panic(fmt.Sprintf("tensor: New of shape %v", shape))
		}
		n *= d
	}
	return &Tensor{shape: slices.Clone(shape), data: f32.Make(n)}
}

// FromSlice returns a tensor of the given shape over data, without a copy.
func FromSlice(data []float32, shape ...int) *Tensor {
	n := 1
	for _, d := range shape {
		n *= d
	}
	if n != len(data) {
		panic(fmt.Sprintf("tensor: FromSlice of %d values into shape %v", len(data), shape))
	}
	return &Tensor{shape: slices.Clone(shape), data: data}
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
	t.own = nil
	return &Tensor{shape: t.shape, data: t.data, done: t.done}
}

// Temporary promises that nobody reads t's elements after Backward, which may
// then use their memory again, and returns t.
func (t *Tensor) Temporary() *Tensor {
	t.temporary = true
	return t
}

// UsedUpBy promises that nobody reads t's elements but the operation that made
// y. Their memory may be used again after Backward, or at once if no gradient
// flows through y.
func (t *Tensor) UsedUpBy(y *Tensor) {
	t.temporary = true
	if !y.needs {
		t.giveBack()
	}
}

// giveBack lets t's memory be used again if that is known to be t's alone.
func (t *Tensor) giveBack() {
	if t.own != nil {
		f32.Release(t.own)
		t.data, t.own = nil, nil
	}
}

// String shows the shape and the first elements.
func (t *Tensor) String() string {
	if len(t.data) <= 8 {
		return fmt.Sprintf("%v%v", t.shape, t.data)
	}
	return fmt.Sprintf("%v[%v …]", t.shape, t.data[:8])
}

// result makes the output of an operation.
func result(shape []int, backward func(out *Tensor), inputs ...*Tensor) *Tensor {
	out := New(shape...)
	out.remember(backward, inputs)
	return out
}

// written is result for an operation that writes every element: their content is
// unknown before.
func written(shape []int, backward func(out *Tensor), inputs ...*Tensor) *Tensor {
	n := 1
	for _, d := range shape {
		n *= d
	}
	own := f32.Scratch(n)
	out := &Tensor{shape: slices.Clone(shape), data: *own, own: own}
	out.remember(backward, inputs)
	return out
}

// remember keeps backward if a gradient can flow through one of the inputs, and
// until when the result is wanted.
func (t *Tensor) remember(backward func(out *Tensor), inputs []*Tensor) {
	for _, in := range inputs {
		if in == nil {
			continue
		}
		if in.done != nil {
			t.done = in.done
			t.poll()
		}
		if in.needs {
			t.needs, t.inputs, t.backward = true, inputs, backward
		}
	}
}

// gradient returns where t's gradient is summed up.
func (t *Tensor) gradient() []float32 {
	if t.grad == nil {
		clear(t.newGradient())
	}
	return t.grad
}

// newGradient gives t a gradient of unknown content. A leaf keeps its own; that
// of a tensor inside the graph, which nobody else sees, is used again.
func (t *Tensor) newGradient() []float32 {
	if t.backward == nil {
		t.grad = f32.Make(len(t.data))
		return t.grad
	}
	t.held = f32.Scratch(len(t.data))
	t.grad = *t.held
	return t.grad
}

// Backward computes the gradient of a scalar with respect to every leaf that
// requires one, adding to what is there. The graph is consumed: its tensors
// keep their values, unless they are [Tensor.Temporary], but remember no inputs.
func Backward(loss *Tensor) {
	if len(loss.data) != 1 {
		panic(fmt.Sprintf("tensor: Backward of shape %v, want a scalar", loss.shape))
	}
	if !loss.needs {
		panic("tensor: Backward of a loss that depends on no tensor that requires a gradient")
	}
	loss.gradient()[0] = 1
	order := topological(loss)
	for _, t := range slices.Backward(order) {
		if t.backward == nil {
			continue
		}
		loss.poll()
		if t.grad != nil {
			t.backward(t)
		}
		if t.held != nil {
			f32.Release(t.held)
		}
		if t.temporary {
			t.giveBack()
		}
		t.backward, t.inputs, t.grad, t.held, t.own = nil, nil, nil, nil, nil
	}
}

// topological lists the graph under root, inputs before outputs.
func topological(root *Tensor) []*Tensor {
	type frame struct {
		t    *Tensor
		next int
	}
	var order []*Tensor
	stack := []frame{{root, 0}}
	root.visited = true
	for len(stack) > 0 {
		top := &stack[len(stack)-1]
		if top.next == len(top.t.inputs) {
			order = append(order, top.t)
			stack = stack[:len(stack)-1]
			continue
		}
		in := top.t.inputs[top.next]
		top.next++
		if in != nil && in.needs && !in.visited {
			in.visited = true
			stack = append(stack, frame{in, 0})
		}
	}
	for _, t := range order {
		t.visited = false
	}
	return order
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

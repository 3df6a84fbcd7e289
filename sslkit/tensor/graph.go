package tensor

import (
	"fmt"

	"sslnotes/sslkit/internal/f32"
)

// A node is how a tensor inside the graph was made.
type node interface {
	inputs() []*Tensor
	backward(out *Tensor) // sends the gradient of out to the inputs
	forget()              // the node, which may then be another
	filler() filler       // of out, or nil
}

// A filler can make the elements of a tensor again, which were given back.
type filler interface {
	fill(to []float32, from int) // with those from that one on
}

// made is the node of an operation: what it saved, and its way back. That is a
// function that captures nothing, and nodes are used again, so that a step
// allocates neither.
type made[S any] struct {
	from  []*Tensor
	saved S
	back  func(out *Tensor, saved S)
}

func (m *made[S]) inputs() []*Tensor { return m.from }

func (m *made[S]) backward(out *Tensor) { m.back(out, m.saved) }

func (m *made[S]) forget() {
	clear(m.from)
	*m = made[S]{from: m.from[:0]}
	f32.Give(m)
}

// filler is what was saved, if that is one.
func (m *made[S]) filler() filler {
	f, _ := any(&m.saved).(filler)
	return f
}

// result makes the output of an operation, of zeros. Backward is given what the
// operation saved for it.
func result[S any](shape []int, saved S, backward func(out *Tensor, saved S), inputs ...*Tensor) *Tensor {
	out := written(shape, saved, backward, inputs...)
	clear(out.data)
	return out
}

// written is result for an operation that writes every element: their content is
// unknown before.
func written[S any](shape []int, saved S, backward func(out *Tensor, saved S), inputs ...*Tensor) *Tensor {
	done := until(inputs)
	out := header(shape)
	out.own = f32.Scratch(size(shape))
	out.data, out.done = *out.own, done
	if flows(inputs...) {
		m := f32.Take[made[S]]()
		m.from, m.saved, m.back = append(m.from, inputs...), saved, backward
		out.needs, out.made = true, m
	}
	return out
}

// flows reports whether a gradient flows to one of the inputs; a nil one is
// none.
func flows(inputs ...*Tensor) bool {
	for _, in := range inputs {
		if in != nil && in.needs {
			return true
		}
	}
	return false
}

// until says until when what is made of the inputs is wanted. It panics if that
// is over.
func until(inputs []*Tensor) (done <-chan struct{}) {
	for _, in := range inputs {
		if in != nil && in.done != nil {
			done = in.done
			poll(done)
		}
	}
	return done
}

// poll panics if nobody waits any more.
func poll(done <-chan struct{}) {
	select {
	case <-done:
		panic(ErrInterrupted)
	default:
	}
}

// unsaved gives back what t's operation holds for a way back, if there is none.
func (t *Tensor) unsaved(held *[]float32) {
	if t.made == nil {
		f32.Release(held)
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
	if t.made == nil {
		t.grad = f32.Make(size(t.shape))
		return t.grad
	}
	t.held = f32.Scratch(size(t.shape))
	t.grad = *t.held
	return t.grad
}

// Backward computes the gradient of a scalar with respect to every leaf that
// requires one, adding to what is there. The graph is consumed: its tensors
// keep their values, unless they are [Tensor.Temporary], but remember no inputs.
func Backward(loss *Tensor) { walkBack(loss, false) }

// Consume is Backward of a loss whose graph nobody looks at again, and returns
// the loss's value. Who calls it promises to use neither the loss nor any tensor
// between it and the leaves any more, nor a mean or variance that came with one,
// nor what it called temporary: their memory is used again, so that a step that
// repeats allocates nothing. What was detached stays.
func Consume(loss *Tensor) float32 {
	value := loss.Item()
	walkBack(loss, true)
	return value
}

// walkBack is Backward, and gives up all that it passes if asked to. Nothing is
// used again that a panic leaves behind.
func walkBack(loss *Tensor, all bool) {
	if len(loss.data) != 1 {
		panic(fmt.Sprintf("tensor: Backward of shape %v, want a scalar", loss.shape))
	}
	if !loss.needs {
		panic("tensor: Backward of a loss that depends on no tensor that requires a gradient")
	}
	loss.gradient()[0] = 1
	done := loss.done
	w := f32.Take[walk]()
	w.topological(loss)
	for i := len(w.order) - 1; i >= 0; i-- {
		switch t := w.order[i]; {
		case t.made != nil:
			poll(done)
			t.temporary = t.temporary || all
			t.sendBack()
			t.pass(all)
		case t.temporary:
			t.pass(all && t.own != nil)
		}
	}
	clear(w.order)
	w.order = w.order[:0]
	f32.Give(w)
}

// sendBack sends t's gradient to its inputs and forgets both.
func (t *Tensor) sendBack() {
	if t.unread {
		t.spend()
	}
	if t.grad != nil {
		for _, in := range t.inputs() {
			if in != nil && in != t.ignored {
				in.refill()
			}
		}
		if !t.unread {
			t.refill()
		}
		t.made.backward(t)
	}
	if t.held != nil {
		f32.Release(t.held)
	}
	t.made.forget()
	t.made, t.grad, t.held = nil, nil, nil
}

// spend gives t's memory back if nobody reads it after Backward, nor t's own way
// back from here on.
func (t *Tensor) spend() {
	if t.temporary {
		t.giveBack()
	}
}

// refill makes the elements again, by parts that fit into the first cache, if
// they were given back.
func (t *Tensor) refill() {
	if t.data != nil || t.made == nil || t.made.filler() == nil {
		return
	}
	type loop struct {
		f    filler
		to   []float32
		c    int
		part int // in rows of c
	}
	c, n := t.Dim(-1), size(t.shape)
	t.own = f32.Scratch(n)
	t.data = *t.own
	f32.Chunks(n/c, max(1, chunk/c), loop{t.made.filler(), t.data, c, max(1, nearby/c)}, func(l loop, from, to int) {
		for ; from < to; from += l.part {
			l.f.fill(l.to[from*l.c:min(to, from+l.part)*l.c], from*l.c)
		}
	})
}

// elements returns those from from on, as many as room has place for. They are in
// room if they had to be made again.
func (t *Tensor) elements(from int, room []float32) []float32 {
	if t.data != nil {
		return t.data[from : from+len(room)]
	}
	t.made.filler().fill(room, from)
	return room
}

// pass leaves t to the caller without what is temporary, or not at all if t is
// given up.
func (t *Tensor) pass(up bool) {
	t.spend()
	t.keep()
	t.ignored, t.unread = nil, false
	if !up {
		t.beside = nil
		return
	}
	if t.beside != nil {
		f32.Release(t.beside)
	}
	*t = Tensor{}
	f32.Give(t)
}

// A walk is the graph under a tensor, inputs before outputs.
type walk struct {
	order []*Tensor
	stack []frame
}

// A frame is a tensor, the inputs of which before next were seen.
type frame struct {
	t    *Tensor
	next int
}

// topological lists the graph under root: what a gradient flows through, and
// what may be given back after it did.
func (w *walk) topological(root *Tensor) {
	w.stack = append(w.stack, frame{root, 0})
	root.visited = true
	for len(w.stack) > 0 {
		top := &w.stack[len(w.stack)-1]
		if inputs := top.t.inputs(); top.next < len(inputs) {
			in := inputs[top.next]
			top.next++
			if in != nil && (in.needs || in.temporary) && !in.visited {
				in.visited = true
				w.stack = append(w.stack, frame{in, 0})
			}
			continue
		}
		w.order = append(w.order, top.t)
		*top = frame{}
		w.stack = w.stack[:len(w.stack)-1]
	}
	for _, t := range w.order {
		t.visited = false
	}
}

// inputs are what t was made of, if a gradient flows there.
func (t *Tensor) inputs() []*Tensor {
	if t.made == nil {
		return nil
	}
	return t.made.inputs()
}

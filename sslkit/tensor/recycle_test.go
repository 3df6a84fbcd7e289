package tensor

import (
	"math"
	"runtime"
	"slices"
	"sync"
	"testing"

	"sslnotes/sslkit/internal/f32"
)

// pass runs the operation inside a graph and returns the gradients of its inputs.
func pass(f func(x []*Tensor) *Tensor, shapes [][]int, back func(loss *Tensor)) (all [][]float32) {
	var x []*Tensor
	for i, s := range shapes {
		x = append(x, random(uint64(i), s...).RequireGrad())
	}
	inside := make([]*Tensor, len(x)) // in the graph, not its leaves
	for i := range x {
		inside[i] = Scale(x[i], 1)
	}
	y := f(inside)
	back(Sum(Mul(y, random(99, y.shape...))))
	for _, in := range x {
		all = append(all, in.grad)
	}
	return all
}

// allPasses returns the gradients of all operations.
func allPasses() (all [][][]float32) {
	for _, c := range table {
		all = append(all, pass(c.f, c.shapes, Backward))
	}
	return all
}

func consume(loss *Tensor) { Consume(loss) }

// poisoned makes what is given back unreadable until the test's end.
func poisoned(t *testing.T) {
	f32.PoisonReleased = true
	t.Cleanup(func() { f32.PoisonReleased = false })
}

// What was used before, and what is given back, changes no gradient: passes give
// the same bits, whether their graph is given up or not.
func TestRecycledBuffersDoNotLeak(t *testing.T) {
	want := allPasses()
	poisoned(t)
	for round, back := range []func(loss *Tensor){Backward, consume, Backward} {
		for k, c := range table {
			for i, got := range pass(c.f, c.shapes, back) {
				if !slices.Equal(got, want[k][i]) {
					t.Errorf("round %d, %s: input %d", round, c.name, i)
				}
			}
		}
	}
}

// What an operation returned is its caller's after Backward, whatever is done
// next.
func TestKept(t *testing.T) {
	poisoned(t)
	type kept struct {
		name         string
		y            *Tensor
		shape        []int
		data, values []float32
	}
	var all []kept
	keep := func(name string, y *Tensor, more ...[]float32) {
		for _, data := range append(more, y.data) {
			all = append(all, kept{name, y, slices.Clone(y.shape), data, slices.Clone(data)})
		}
	}
	for _, c := range table {
		pass(func(x []*Tensor) *Tensor {
			y := c.f(x)
			keep(c.name, y)
			for _, in := range x {
				keep(c.name+" of", in)
			}
			return y
		}, c.shapes, func(loss *Tensor) { keep("loss", loss); Backward(loss) })
	}
	x, gamma, beta, w := random(1, 6, 4, 4, 3).RequireGrad(), random(2, 3).RequireGrad(), random(3, 3).RequireGrad(), random(4, 3, 3, 3, 2)
	y, mean, variance := BatchNormReLU(x, gamma, beta, 1e-5)
	keep("BatchNormReLU", y, mean, variance)
	z, mean, variance := BatchNormReLUConv2D(y, gamma, beta, w, 1, 1, false, 1e-5)
	keep("BatchNormReLUConv2D", z, mean, variance)
	Backward(Sum(z))
	for _, c := range table {
		pass(c.f, c.shapes, consume)
	}
	for _, k := range all {
		if !slices.Equal(k.data, k.values) || !slices.Equal(k.y.shape, k.shape) || k.y.Len() == 0 {
			t.Errorf("%s: what was kept changed", k.name)
		}
	}
}

// Consume returns the loss, leaves what was detached and the leaves as they were,
// and allocates nothing the second time.
func TestConsume(t *testing.T) {
	poisoned(t)
	x, w := random(1, 4, 3).RequireGrad(), random(2, 3, 3).RequireGrad()
	y := Linear(x, w, nil)
	seen := y.Detach()
	loss := Mean(ReLU(y))
	want, values := loss.Item(), slices.Clone(seen.data)
	if got := Consume(loss); got != want {
		t.Errorf("the loss is %g, want %g", got, want)
	}
	for range 3 {
		Consume(Mean(ReLU(Linear(x, w, nil))))
	}
	if !slices.Equal(seen.data, values) || !slices.Equal(seen.shape, []int{4, 3}) || x.data == nil || x.grad == nil {
		t.Error("a detached tensor or a leaf changed")
	}
	if n := testing.AllocsPerRun(5, func() { Consume(Mean(ReLU(Linear(x, w, nil)))) }); n != 0 {
		t.Errorf("a step allocates %v times", n)
	}
}

// A step that panics, forward or backward, leaves nothing that a later one could
// take while it is still in use.
func TestPanicsLeaveNothingBehind(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(2))
	shapes := [][]int{{64, 32}, {32, 600}}
	logits := func(x []*Tensor) *Tensor { return Linear(ReLU(x[0]), x[1], nil) }
	want := pass(logits, shapes, Backward)
	poisoned(t)
	panics := func(f func()) {
		defer func() {
			if recover() == nil {
				t.Error("nothing panicked")
			}
		}()
		f()
	}
	for range 20 {
		targets := make([]int, 64)
		targets[40] = 600
		panics(func() {
			pass(func(x []*Tensor) *Tensor { return CrossEntropy(logits(x), targets) }, shapes, Backward)
		})
		done := make(chan struct{})
		var between *Tensor
		panics(func() {
			pass(func(x []*Tensor) *Tensor {
				x[0].Until(done)
				between = logits(x)
				return interrupting(between, done)
			}, shapes, consume)
		})
		values := slices.Clone(between.data)
		for i, got := range pass(logits, shapes, consume) {
			if !slices.Equal(got, want[i]) {
				t.Fatalf("input %d after a panic", i)
			}
		}
		if !slices.Equal(between.data, values) || between.made == nil {
			t.Fatal("what the interrupted step left was used again")
		}
	}
}

// interrupting is x; on the way back the step ends there.
func interrupting(x *Tensor, done chan struct{}) *Tensor {
	out := written(x.shape, done, func(_ *Tensor, done chan struct{}) { close(done) }, x)
	copy(out.data, x.data)
	return out
}

// Steps on several threads at once take nothing from one another.
func TestStepsAtOnce(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(4))
	want := allPasses()
	poisoned(t)
	var all sync.WaitGroup
	for thread := range 4 {
		all.Go(func() {
			for k := range table {
				k = (k + 7*thread) % len(table)
				for i, got := range pass(table[k].f, table[k].shapes, consume) {
					if !slices.Equal(got, want[k][i]) {
						t.Errorf("%s: input %d", table[k].name, i)
					}
				}
			}
		})
	}
	all.Wait()
}

// A temporary tensor gives up its elements with Backward; any other keeps them,
// also one of which a detached tensor knows the elements.
func TestTemporary(t *testing.T) {
	poisoned(t)
	x := random(1, 4, 3).RequireGrad()
	kept := AddReLU(x, x)
	shared := AddReLU(kept, x).Temporary()
	passing := AddReLU(shared, kept).Temporary()
	seen := shared.Detach()
	values, known := slices.Clone(kept.Data()), slices.Clone(seen.Data())
	Backward(Sum(ReLU(passing)))
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
	poisoned(t)
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

// What the way back can make again goes back at once, and the gradients stay the
// same: two residual blocks, the second with a shortcut of its own, and two
// normalisations in a row.
func TestMadeAgain(t *testing.T) {
	poisoned(t)
	run := func(used bool) (all [][]float32, dropped int) {
		p := func(seed uint64, shape ...int) *Tensor { return random(seed, shape...).RequireGrad() }
		gamma, beta, w, short := p(1, 8), p(2, 8), p(3, 3, 3, 8, 8), p(4, 1, 1, 8, 8)
		norm := func(x *Tensor) *Tensor { y, _, _ := BatchNorm(x, gamma, beta, 1e-5); return y }
		block := func(x *Tensor, stride int, shortcut func(x *Tensor) *Tensor) *Tensor {
			a := Conv2D(x, w, stride, 1)
			b, _, _ := BatchNormReLUConv2D(a, gamma, beta, w, 1, 1, false, 1e-5)
			s := shortcut(x)
			y, _, _ := BatchNormAddReLU(b, gamma, beta, s, 1e-5)
			if used {
				for _, z := range []*Tensor{a, b, s, x} {
					if z.UsedUpBy(y); z.data == nil {
						dropped++
					}
				}
			}
			return y
		}
		in := p(5, 40, 7, 6, 8)
		c := Conv2D(in, w, 1, 1)
		x, _, _ := BatchNormReLU(c, gamma, beta, 1e-5)
		if used {
			c.UsedUpBy(x)
		}
		x = block(x, 1, func(x *Tensor) *Tensor { return x })
		x = block(x, 2, func(x *Tensor) *Tensor { return norm(Conv2D(x, short, 2, 0)) })
		for range 2 {
			y := norm(x)
			if used {
				if x.UsedUpBy(y); x.data == nil {
					dropped++
				}
			}
			x = y
		}
		Backward(Mean(Mul(x, random(6, x.shape...))))
		for _, leaf := range []*Tensor{in, gamma, beta, w, short} {
			all = append(all, leaf.grad)
		}
		return all, dropped
	}
	want, _ := run(false)
	got, dropped := run(true)
	if dropped != 6 { // x and, being x, s of the first block; both of the second; what the norms had
		t.Errorf("%d tensors were given back at once, want 6", dropped)
	}
	for i := range want {
		if !slices.Equal(got[i], want[i]) {
			t.Errorf("gradient %d changes where elements are made again", i)
		}
	}
}

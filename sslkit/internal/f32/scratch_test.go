package f32

import "testing"

func TestSizeClasses(t *testing.T) {
	last := -1
	for n := 1; n < 1<<16; n++ {
		class, size := sizeClass(n)
		if size < n || n > 64 && size > n+n/16+1 || class < last {
			t.Fatalf("class %d of %d values for %d", class, size, n)
		}
		if again, _ := sizeClass(size); again != class {
			t.Fatalf("%d values stand in class %d and come back to %d", size, class, again)
		}
		last = class
	}
}

// A buffer comes back as often as it is asked for; what nobody needs is given
// up, what is needed between collections stays.
func TestShelf(t *testing.T) {
	var s shelf
	for range 5 {
		b := make([]float32, 1)
		s.free = append(s.free, &b)
	}
	use := func(n int) { // n buffers at a time
		var held []*[]float32
		for range n {
			held = append(held, s.take())
		}
		s.free = append(s.free, held...)
	}
	for i, want := range []int{5, 5, 2, 2, 2} {
		use(2)
		s.tidy()
		if len(s.free) != want {
			t.Errorf("after collection %d %d buffers are kept, want %d", i, len(s.free), want)
		}
	}
	for range 3 {
		s.tidy()
	}
	if len(s.free) != 0 || s.take() != nil {
		t.Errorf("%d idle buffers are kept", len(s.free))
	}
}

// The system gets the pages of what is free when more would be in memory than was
// ever in use, and what is taken again is whole.
func TestDiscard(t *testing.T) {
	var s shelf
	for range 3 {
		b := Make(large)
		s.put(&b)
	}
	if got := s.discard(large + 1); got != 2*large {
		t.Errorf("%d values were discarded, want two buffers of %d", got, large)
	}
	if got := s.discard(2 * large); got != large {
		t.Errorf("%d values were discarded, want the last buffer of %d", got, large)
	}
	b := s.take()
	if len(*b) != 0 || cap(*b) != large {
		t.Errorf("what was discarded has %d values, and room for %d", len(*b), cap(*b))
	}
	*b = (*b)[:large]
	for i := range *b {
		(*b)[i] = 1
	}
}

func TestMemoryCount(t *testing.T) {
	var m pages
	m.take(5*large, false)
	m.take(2*large, false)
	m.give(5 * large)
	m.take(5*large, true)
	m.give(2 * large)
	m.forget(large)
	if m.used != 5*large || m.free != large || m.most != 7*large {
		t.Errorf("counted %d in use, %d at most and %d free", m.used, m.most, m.free)
	}
}

// Steps that need some large buffers and then, when these are free, a few of another
// size, keep the pages of both.
func TestStepsKeepPages(t *testing.T) {
	const many, few = 11 * little / 64, 9 * little / 64 // none of these is ever touched
	kept := func(n, size int) (all bool) {
		all = true
		var held []*[]float32
		for range n {
			class, _ := sizeClass(size)
			b := shelves[class].take()
			all = all && b != nil && len(*b) > 0
			if b != nil {
				shelves[class].put(b)
			}
			held = append(held, Scratch(size))
		}
		for _, b := range held {
			Release(b)
		}
		return all
	}
	for step := range 5 {
		if a, b := kept(10, many), kept(1, few); step > 0 && !(a && b) {
			t.Errorf("step %d finds the pages of the first kept: %v, of the second: %v", step, a, b)
		}
	}
}

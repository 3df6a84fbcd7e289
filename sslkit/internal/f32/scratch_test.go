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

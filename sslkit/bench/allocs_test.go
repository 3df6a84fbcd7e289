package bench

import (
	"runtime"
	"testing"

	"sslnotes/sslkit/internal/allocs"
	"sslnotes/sslkit/internal/f32"
)

// A training step that repeats allocates nothing, on one thread and on two.
func TestNothingIsAllocated(t *testing.T) {
	for _, name := range Models() {
		m, err := models[name](70, 1) // three leaves
		if err != nil {
			t.Fatal(err)
		}
		for _, threads := range []int{1, 2} {
			for _, place := range allocations(m, threads) {
				t.Errorf("%s: a step allocates on %d threads: %s", name, threads, place)
			}
		}
	}
}

// Nothing is read that was given back: where that is overwritten the losses are
// the same.
func TestReleasedIsNotRead(t *testing.T) {
	defer func() { f32.PoisonReleased = false }()
	for _, name := range Models() {
		var losses [2][3]float32
		for i, poison := range []bool{false, true} {
			f32.PoisonReleased = poison
			m, err := models[name](6, 1)
			if err != nil {
				t.Fatal(err)
			}
			for step := range losses[i] {
				losses[i][step] = m.step()
			}
		}
		if losses[0] != losses[1] {
			t.Errorf("%s: losses %v, and %v where released buffers are overwritten", name, losses[0], losses[1])
		}
	}
}

// allocations returns what a step allocates on so many threads, after the first ones.
func allocations(m model, threads int) []string {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(threads))
	runs := 1
	if threads > 1 {
		runs = 30
	}
	for range 3 {
		m.step()
	}
	return allocs.UntilNone(runs, func() { m.step() })
}

package bench

import (
	"runtime"
	"testing"

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
			if n := allocations(m, threads); n != 0 {
				t.Errorf("%s: a step allocates %d times on %d threads", name, n, threads)
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

// allocations are the fewest of many steps after the first ones: a buffer more is
// made whenever threads hold more at once than ever before.
func allocations(m model, threads int) uint64 {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(threads))
	if threads == 1 {
		return uint64(testing.AllocsPerRun(2, func() { m.step() }))
	}
	m.step()
	fewest := ^uint64(0)
	for range 30 {
		if fewest == 0 {
			break
		}
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		m.step()
		runtime.ReadMemStats(&after)
		fewest = min(fewest, after.Mallocs-before.Mallocs)
	}
	return fewest
}

package bench

import (
	"runtime"
	"testing"
)

// A training step that repeats allocates nothing, on one thread and on two.
func TestNothingIsAllocated(t *testing.T) {
	for _, name := range Models() {
		for _, threads := range []int{1, 2} {
			m, err := models[name](70, 1) // three leaves
			if err != nil {
				t.Fatal(err)
			}
			if n := allocations(m, threads); n != 0 {
				t.Errorf("%s: a step allocates %d times on %d threads", name, n, threads)
			}
		}
	}
}

// allocations are the fewest of some steps after the first ones: a buffer more
// is made whenever threads hold more at once than ever before.
func allocations(m model, threads int) uint64 {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(threads))
	if threads == 1 {
		return uint64(testing.AllocsPerRun(2, func() { m.step() }))
	}
	m.step()
	fewest := ^uint64(0)
	for range 5 {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		m.step()
		runtime.ReadMemStats(&after)
		fewest = min(fewest, after.Mallocs-before.Mallocs)
	}
	return fewest
}

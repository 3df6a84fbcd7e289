package f32

import (
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
)

// Every task runs once, whoever calls and however deep.
func TestParallelNested(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(4))
	var all sync.WaitGroup
	for range 3 {
		all.Go(func() {
			for n := range 40 {
				counts := make([]atomic.Int32, n*5)
				Parallel(n, counts, func(counts []atomic.Int32, i int) {
					Parallel(5, counts[i*5:], func(counts []atomic.Int32, j int) { counts[j].Add(1) })
				})
				for i := range counts {
					if c := counts[i].Load(); c != 1 {
						t.Errorf("task %d of %d ran %d times", i, len(counts), c)
					}
				}
			}
		})
	}
	all.Wait()
}

// A panic reaches the caller with its stack, from whatever thread, and the
// workers live on.
func TestParallelPanics(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(3))
	for round := range 50 {
		func() {
			defer func() {
				p, ok := recover().(*taskPanic)
				if !ok || p.Error() != "task 7" || len(p.Stack()) == 0 {
					t.Errorf("recovered %v", p)
				}
			}()
			Parallel(20, 7, func(bad, i int) {
				if i == bad {
					panic("task 7")
				}
				runtime.Gosched()
			})
			t.Errorf("round %d: no panic", round)
		}()
	}
	var sum atomic.Int64
	Parallel(100, &sum, func(sum *atomic.Int64, i int) { sum.Add(int64(i)) })
	if sum.Load() != 4950 {
		t.Errorf("the sum is %d", sum.Load())
	}
}

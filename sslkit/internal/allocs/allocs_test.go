package allocs

import (
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
)

var kept []*[40]byte

// Told is what a function allocates, on its goroutine and on others, and by whom.
func TestOf(t *testing.T) {
	var before [20]*[40]byte
	kept = before[:0]
	if got := Of(func() { kept = kept[:0] }); len(got) > 0 {
		t.Errorf("of nothing: %q", got)
	}
	got := Of(func() {
		kept = append(kept, new([40]byte), new([40]byte))
		done := sync.WaitGroup{}
		done.Go(func() { kept = append(kept, new([40]byte)) })
		done.Wait()
	})
	for _, place := range []string{"allocs.TestOf.func2 < ", "allocs.TestOf.func2.1 < "} {
		if all := strings.Join(got, "\n"); !strings.Contains(all, " by sslnotes/sslkit/internal/"+place) {
			t.Errorf("of three objects on two goroutines, nothing by %s: %q", place, got)
		}
	}
	runs := 0
	got = UntilNone(5, func() {
		if runs++; runs < 3 {
			kept = append(kept, new([40]byte))
		}
	})
	if runs != 3 || len(got) > 0 {
		t.Errorf("%d runs, the last of which allocated %q", runs, got)
	}
	if got := UntilNone(2, func() { kept = append(kept[:0], new([40]byte)) }); len(got) == 0 {
		t.Error("one object in every run is not told")
	}
}

// That goroutines go to sleep, more at once than ever before, does not count.
func TestSleepDoesNot(t *testing.T) {
	const many = 2000
	var mu sync.Mutex
	wake := sync.NewCond(&mu)
	var start atomic.Bool
	asleep := 0
	never := make(chan int)
	for i := range many {
		go func() {
			for !start.Load() {
				runtime.Gosched()
			}
			mu.Lock()
			asleep++
			if i%2 == 0 {
				mu.Unlock()
				<-never
				return
			}
			wake.Wait()
			mu.Unlock()
		}()
	}
	got := Of(func() {
		start.Store(true)
		for all := false; !all; runtime.Gosched() {
			mu.Lock()
			all = asleep == many
			mu.Unlock()
		}
	})
	wake.Broadcast()
	close(never)
	if len(got) > 0 {
		t.Errorf("%q", got)
	}
}

// Package allocs tells what a function allocates, for tests.
package allocs

import (
	"fmt"
	"runtime"
	"strings"
)

// Of runs f and returns what it allocated, on all goroutines: a line for every
// place, with the functions that led there, the last first. Not counted is what Go
// needs to put a goroutine to sleep, which it makes anew now and then, and what
// finalizers do. Garbage is collected before and after, which empties every sync.Pool;
// several objects of a few bytes may count as one.
func Of(f func()) (places []string) {
	defer func(rate int) { runtime.MemProfileRate = rate }(runtime.MemProfileRate)
	runtime.MemProfileRate = 1
	before := records()
	f()
	for stack, n := range records() {
		if n -= before[stack]; n > 0 {
			if names := ours(stack[:]); names != "" {
				places = append(places, fmt.Sprintf("%d by %s", n, names))
			}
		}
	}
	return places
}

// UntilNone runs f until it allocates nothing, at most so many times, and returns
// what the last run allocated: buffers are as many as threads ever held at once,
// which may be one more than in the runs before.
func UntilNone(runs int, f func()) (places []string) {
	for range runs {
		if places = Of(f); len(places) == 0 {
			break
		}
	}
	return places
}

type stack [32]uintptr

// records returns how many objects were made at every place so far.
func records() map[stack]int64 {
	runtime.GC()
	runtime.GC() // what is known is the state of the collection before the last
	var records []runtime.MemProfileRecord
	for n, ok := runtime.MemProfile(nil, true); !ok; {
		records = make([]runtime.MemProfileRecord, n+64)
		n, ok = runtime.MemProfile(records, true)
		records = records[:min(n, len(records))]
	}
	made := map[stack]int64{}
	for _, r := range records {
		made[r.Stack0] += r.AllocObjects // of one place there is a record a size
	}
	return made
}

// ours returns the functions on a stack, the last called first, or "" where it does not
// count.
func ours(pcs []uintptr) string {
	for at, pc := range pcs {
		if pc == 0 {
			pcs = pcs[:at]
			break
		}
	}
	var names []string
	for frames, more := runtime.CallersFrames(pcs), true; more; {
		var f runtime.Frame
		f, more = frames.Next()
		inside := strings.HasPrefix(f.Function, "runtime.") || strings.HasPrefix(f.Function, "internal/runtime/")
		switch {
		case f.Function == "runtime.acquireSudog", f.Function == "runtime.runFinalizers", f.Function == "sslnotes/sslkit/internal/allocs.records":
			return ""
		case len(names) > 0 || !inside: // else the allocation itself
			names = append(names, f.Function)
		}
	}
	return strings.Join(names, " < ")
}

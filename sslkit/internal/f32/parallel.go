package f32

import (
	"fmt"
	"runtime"
	"runtime/debug"
	"sync"
	"sync/atomic"
)

// Parallel runs f(0) … f(n-1) on up to GOMAXPROCS threads, in any order. Tasks
// must write to different places. A panic in a task surfaces on the caller once
// the others have stopped.
func Parallel(n int, f func(i int)) {
	workers := min(runtime.GOMAXPROCS(0), n)
	if workers <= 1 {
		for i := range n {
			f(i)
		}
		return
	}
	var (
		next   atomic.Int64
		failed atomic.Pointer[taskPanic]
		wait   sync.WaitGroup
	)
	work := func() {
		defer func() {
			if p := recover(); p != nil {
				failed.CompareAndSwap(nil, &taskPanic{p, debug.Stack()})
			}
		}()
		for failed.Load() == nil {
			i := int(next.Add(1)) - 1
			if i >= n {
				return
			}
			f(i)
		}
	}
	for range workers - 1 {
		wait.Go(work)
	}
	work()
	wait.Wait()
	if p := failed.Load(); p != nil {
		panic(p)
	}
}

// taskPanic carries a task's panic and its stack to the caller.
type taskPanic struct {
	value any
	stack []byte
}

func (p *taskPanic) Error() string { return fmt.Sprint(p.value) }

// Stack is the stack of the task that panicked.
func (p *taskPanic) Stack() []byte { return p.stack }

// Chunks runs f over [0,n) cut into pieces of at least size elements. The cut
// must not matter to the result.
func Chunks(n, size int, f func(from, to int)) {
	pieces := min((n+size-1)/size, 8*runtime.GOMAXPROCS(0))
	if pieces <= 1 {
		f(0, n)
		return
	}
	Parallel(pieces, func(i int) { f(i*n/pieces, (i+1)*n/pieces) })
}

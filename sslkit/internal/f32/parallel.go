package f32

import (
	"fmt"
	"runtime"
	"runtime/debug"
	"sync/atomic"
	"time"
)

// Parallel runs f(0) … f(n-1) on up to GOMAXPROCS threads, in any order. Tasks
// must write to different places; they may call Parallel themselves. A panic in
// a task surfaces on the caller once the others have stopped.
func Parallel(n int, f func(i int)) {
	threads := min(runtime.GOMAXPROCS(0), n)
	if threads <= 1 {
		for i := range n {
			f(i)
		}
		return
	}
	j := &job{f: f, n: int64(n)}
	j.call(threads - 1)
	j.work()
	j.wait()
	if p := j.failed.Load(); p != nil {
		panic(p)
	}
}

// A job is the tasks of one call of Parallel, which the caller and the workers
// that come to help take one by one.
type job struct {
	f       func(i int)
	n       int64
	next    atomic.Int64
	failed  atomic.Pointer[taskPanic]
	helpers atomic.Int64  // at work
	waiting atomic.Bool   // the caller is, for the last of them, and has made done
	done    chan struct{} // tells it so
}

// queue holds jobs that want a helper. An entry whose job is over by the time a
// worker takes it does no harm.
var queue = make(chan *job, 64)

// workers is how many there are.
var workers atomic.Int64

// call asks for up to n helpers.
func (j *job) call(n int) {
	for have := workers.Load(); have < int64(n); have = workers.Load() {
		if workers.CompareAndSwap(have, have+1) {
			go worker()
		}
	}
	for range n {
		select {
		case queue <- j:
		default: // all are busy, and have more to do
			return
		}
	}
}

// patience is how long a worker stays awake: the system takes longer to wake one
// up than many tasks last, and in a training step the next follow soon.
const patience = 100 * time.Microsecond

// worker helps with one job after the other.
func worker() {
	last := time.Now()
	for {
		select {
		case j := <-queue:
			j.help()
			last = time.Now()
			continue
		default:
		}
		if runtime.Gosched(); time.Since(last) > patience {
			(<-queue).help()
			last = time.Now()
		}
	}
}

func (j *job) help() {
	j.helpers.Add(1)
	j.work()
	if j.helpers.Add(-1) == 0 && j.waiting.Load() {
		select {
		case j.done <- struct{}{}:
		default:
		}
	}
}

// work does tasks until there are no more, or one has failed.
func (j *job) work() {
	defer func() {
		if p := recover(); p != nil {
			j.failed.CompareAndSwap(nil, &taskPanic{p, debug.Stack()})
		}
	}()
	for j.failed.Load() == nil {
		i := j.next.Add(1) - 1
		if i >= j.n {
			return
		}
		j.f(int(i))
	}
}

// wait returns when no helper is at work. One that comes later finds nothing to
// do.
func (j *job) wait() {
	for start := time.Now(); j.helpers.Load() > 0; runtime.Gosched() {
		if time.Since(start) < patience {
			continue
		}
		j.done = make(chan struct{}, 1)
		if j.waiting.Store(true); j.helpers.Load() > 0 {
			<-j.done
		}
		return
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

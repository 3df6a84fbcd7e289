package f32

import (
	"fmt"
	"runtime"
	"runtime/debug"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// Parallel runs f(with, 0) … f(with, n-1) on up to GOMAXPROCS threads, in any
// order. Tasks must write to different places; they may call Parallel
// themselves. A panic in a task surfaces on the caller once the others have
// stopped.
//
// What f needs is in with: an f that captures nothing is not allocated, and
// with is copied to a place that is used again.
func Parallel[T any](n int, with T, f func(with T, i int)) {
	c := Take[call[T]]()
	c.with, c.f = with, f
	share(n, c)
	*c = call[T]{}
	Give(c)
}

// A call is a call of Parallel.
type call[T any] struct {
	with T
	f    func(with T, i int)
}

func (c *call[T]) do(i int) { c.f(c.with, i) }

// Chunks runs f over [0,n) cut into pieces of at least size elements. The cut
// must not matter to the result.
func Chunks[T any](n, size int, with T, f func(with T, from, to int)) {
	count := min((n+size-1)/size, 8*runtime.GOMAXPROCS(0))
	if count <= 1 {
		f(with, 0, n)
		return
	}
	c := Take[cut[T]]()
	*c = cut[T]{with, f, n, count}
	share(count, c)
	*c = cut[T]{}
	Give(c)
}

// A cut is a call of Chunks.
type cut[T any] struct {
	with     T
	f        func(with T, from, to int)
	n, count int
}

func (c *cut[T]) do(i int) { c.f(c.with, i*c.n/c.count, (i+1)*c.n/c.count) }

// tasks can be done in any order.
type tasks interface{ do(i int) }

// share does n tasks on up to GOMAXPROCS threads.
func share(n int, t tasks) {
	threads := min(runtime.GOMAXPROCS(0), n)
	if threads <= 1 {
		for i := range n {
			t.do(i)
		}
		return
	}
	j := Take[job]()
	j.tasks, j.n = t, int64(n)
	j.next.Store(0)
	j.open(threads - 1)
	j.work()
	j.close()
	if p := j.failed.Load(); p != nil {
		panic(p)
	}
	j.tasks = nil
	Give(j)
}

// A job is tasks that the caller and the workers that come to help take one by
// one.
type job struct {
	tasks   tasks
	n       int64
	next    atomic.Int64
	failed  atomic.Pointer[taskPanic]
	helpers atomic.Int64 // at work
	wanted  int          // more of them
}

// crew is the workers, and the jobs that want one, the oldest first. A job that
// is over is not among them: it may be used again.
var crew struct {
	sync.Mutex
	workers, asleep int
	jobs            []*job
	open            atomic.Int64 // jobs, for those who look without the lock
}

var (
	opened = sync.NewCond(&crew.Mutex) // a job, while a worker slept
	left   = sync.NewCond(&crew.Mutex) // by its last helper: a job
)

// open asks for up to n helpers.
func (j *job) open(n int) {
	crew.Lock()
	defer crew.Unlock()
	for ; crew.workers < n; crew.workers++ {
		go worker()
	}
	j.wanted = n
	crew.jobs = append(crew.jobs, j)
	crew.open.Store(int64(len(crew.jobs)))
	for range min(n, crew.asleep) {
		opened.Signal()
	}
}

// withdraw lets nobody else come to help.
func (j *job) withdraw() {
	if at := slices.Index(crew.jobs, j); at >= 0 {
		crew.jobs = slices.Delete(crew.jobs, at, at+1)
		crew.open.Store(int64(len(crew.jobs)))
	}
}

// close returns when no helper is at work, nor will be.
func (j *job) close() {
	crew.Lock()
	j.withdraw()
	crew.Unlock()
	for start := time.Now(); j.helpers.Load() > 0; runtime.Gosched() {
		if time.Since(start) < patience {
			continue
		}
		crew.Lock()
		for j.helpers.Load() > 0 {
			left.Wait()
		}
		crew.Unlock()
	}
}

// patience is how long a worker stays awake: the system takes longer to wake one
// up than many tasks last, and in a training step the next follow soon.
const patience = 100 * time.Microsecond

// worker helps with one job after the other.
func worker() {
	for {
		j := await()
		j.work()
		j.leave()
	}
}

// await returns a job that wants help.
func await() *job {
	for start := time.Now(); time.Since(start) < patience; runtime.Gosched() {
		if crew.open.Load() == 0 {
			continue
		}
		crew.Lock()
		j := join()
		crew.Unlock()
		if j != nil {
			return j
		}
	}
	crew.Lock()
	defer crew.Unlock()
	for {
		if j := join(); j != nil {
			return j
		}
		crew.asleep++
		opened.Wait()
		crew.asleep--
	}
}

// join makes the caller a helper of the oldest job that wants one, if any.
func join() *job {
	if len(crew.jobs) == 0 {
		return nil
	}
	j := crew.jobs[0]
	j.helpers.Add(1)
	if j.wanted--; j.wanted == 0 {
		j.withdraw()
	}
	return j
}

func (j *job) leave() {
	crew.Lock()
	defer crew.Unlock()
	if j.helpers.Add(-1) == 0 { // from here on the job may be another
		left.Broadcast()
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
		j.tasks.do(int(i))
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

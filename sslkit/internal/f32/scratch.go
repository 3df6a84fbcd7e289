package f32

import (
	"math"
	"math/bits"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"
	"unsafe"
)

// shelf holds the free buffers of one size class.
type shelf struct {
	mu     sync.Mutex
	free   []*[]float32
	fewest int // free at any time since they were looked through
	before int // the same of the time before that
}

// parts is the number of size classes to a power of two: a buffer is at most a
// sixteenth larger than asked for.
const parts = 16

// shelves hold free buffers by size class. One that nobody needed for a while is
// left to the garbage collector.
var shelves [parts * 48]shelf

// class returns the smallest class whose buffers have room for n values, and
// their length.
func sizeClass(n int) (class, size int) {
	if n <= 64 {
		return 0, 64
	}
	shift := bits.Len(uint((n-1)/parts)) - 1
	units := (n-1)>>shift + 1 // parts+1 to 2·parts
	return parts*shift + units - parts, units << shift
}

// Scratch returns a buffer of n values of unknown content. Give it back with
// Release, or leave it to the garbage collector.
func Scratch(n int) *[]float32 {
	class, size := sizeClass(n)
	b := shelves[class].take()
	if size >= large {
		memory.take(size, b != nil && len(*b) > 0)
	}
	if b == nil {
		made := Make(size)
		if size >= large {
			hugePages(unsafe.Pointer(unsafe.SliceData(made)), 4*uintptr(size))
		}
		b = &made
	}
	*b = (*b)[:n]
	return b
}

// Make returns n zeros. Large ones begin anywhere in a page, at a cache line:
// the rows of matrices that all begin a page meet in the same few sets of the
// first cache, which halves the speed of some products.
func Make(n int) []float32 {
	const page, line = 1024, 16
	if n < page {
		return make([]float32, n)
	}
	at := int(made.Add(1)*27) % (page / line) * line
	return make([]float32, n+page)[at : at+n : at+n]
}

// made counts large buffers.
var made atomic.Uint32

// Release gives back what Scratch returned; nothing may use it any more.
func Release(b *[]float32) {
	class, size := sizeClass(cap(*b))
	*b = (*b)[:size]
	shelves[class].put(b)
	if size >= large {
		memory.give(size)
	}
}

// PoisonReleased makes Release fill buffers with NaN, so that who reads one that
// was given back is found out, as is who gives one back twice: for tests, to be
// set while nothing runs.
var PoisonReleased bool

func poison(b []float32) {
	b = b[:cap(b)]
	for i := range b {
		b[i] = float32(math.NaN())
	}
}

func scratch(n int) *[]float32 { return Scratch(n) }

func release(b *[]float32) { Release(b) }

// put adds a buffer.
func (s *shelf) put(b *[]float32) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if PoisonReleased {
		if slices.Contains(s.free, b) {
			panic("f32: a buffer is released twice")
		}
		poison(*b)
	}
	s.free = append(s.free, b)
}

// take returns the buffer that was given back last, or nil.
func (s *shelf) take() *[]float32 {
	s.mu.Lock()
	defer s.mu.Unlock()
	last := len(s.free) - 1
	if last < 0 {
		return nil
	}
	b := s.free[last]
	s.free[last] = nil
	s.free = s.free[:last]
	s.fewest = min(s.fewest, last)
	return b
}

// tidy drops the buffers that nobody needed since the last call but one, and
// returns how many values of large ones were in memory.
func (s *shelf) tidy() (values int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	drop := min(s.fewest, s.before)
	for _, b := range s.free[:drop] {
		if cap(*b) >= large {
			values += len(*b)
		}
	}
	kept := copy(s.free, s.free[drop:]) // those that lie longest stand first
	clear(s.free[kept:])
	s.free = s.free[:kept]
	s.before, s.fewest = s.fewest-drop, kept
	return values
}

// while is how long nobody must have needed a buffer: longer than a step takes.
const while = 10 * time.Second

// A collection is garbage that is found by every garbage collection.
type collection struct{ _ [32]byte }

func init() { awaitCollection(time.Now()) }

// awaitCollection looks through the shelves when the garbage is collected for
// the first time after a while, and so on from then.
func awaitCollection(last time.Time) {
	runtime.SetFinalizer(new(collection), func(*collection) {
		if now := time.Now(); now.Sub(last) > while {
			for i := range shelves {
				memory.forget(shelves[i].tidy())
			}
			last = now
		}
		awaitCollection(last)
	})
}

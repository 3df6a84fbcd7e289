package f32

import (
	"sync"
	"unsafe"
)

// Sizes differ between a pass forward and the pass back, so that not all buffers
// are in use when most memory is. Where a buffer would bring more into memory than
// half more than was ever in use at once, the system gets the pages of free ones
// first. Such a free buffer has the length 0.

const (
	large  = 1 << 18 // values from which a buffer takes part
	little = 1 << 26 // values that may be in memory in any case
)

// memory counts the values of large buffers.
var memory pages

type pages struct {
	sync.Mutex
	used int // in use
	most int // that ever were
	free int // in memory, but not in use
}

// take counts a buffer that is used from now on, and was in memory or not.
func (m *pages) take(size int, was bool) {
	m.Lock()
	defer m.Unlock()
	m.used += size
	m.most = max(m.most, m.used)
	if was {
		m.free -= size
		return
	}
	room := max(m.most+m.most/2, little)
	for class := len(shelves) - 1; class >= 0 && m.used+m.free > room; class-- {
		m.free -= shelves[class].discard(m.used + m.free - room)
	}
}

// give counts a buffer that is free from now on.
func (m *pages) give(size int) {
	m.Lock()
	defer m.Unlock()
	m.used -= size
	m.free += size
}

// forget counts free values that are left to the garbage collector.
func (m *pages) forget(size int) {
	m.Lock()
	defer m.Unlock()
	m.free -= size
}

// Leave says that a buffer of Scratch will not be given back. To say so is not
// needed, but keeps the count right.
func Leave(b *[]float32) {
	if _, size := sizeClass(cap(*b)); size >= large {
		memory.Lock()
		defer memory.Unlock()
		memory.used -= size
	}
}

// discard gives the pages of free large buffers to the system, those that lie
// longest first, until they are so many values, and returns how many they were.
func (s *shelf) discard(values int) (done int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, b := range s.free {
		if done >= values || cap(*b) < large {
			break
		}
		done += len(*b)
		if len(*b) > 0 {
			discardPages(unsafe.Pointer(unsafe.SliceData(*b)), 4*uintptr(len(*b)))
			*b = (*b)[:0]
		}
	}
	return done
}

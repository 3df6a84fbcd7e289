package f32

import "sync"

var buffers sync.Pool

// scratch returns a buffer of n values of unknown content; give it back with
// release.
func scratch(n int) *[]float32 {
	if b, ok := buffers.Get().(*[]float32); ok && cap(*b) >= n {
		*b = (*b)[:n]
		return b
	}
	b := make([]float32, n)
	return &b
}

func release(b *[]float32) { buffers.Put(b) }

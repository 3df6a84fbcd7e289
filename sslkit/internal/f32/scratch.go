package f32

import (
	"math/bits"
	"sync"
)

// buffers holds free buffers by size class: four to a power of two, so that a
// buffer is at most a quarter larger than asked for.
var buffers [4 * 48]sync.Pool

// class returns the smallest class whose buffers have room for n values, and
// their length.
func sizeClass(n int) (class, size int) {
	if n <= 64 {
		return 0, 64
	}
	shift := bits.Len(uint(n-1)) - 3
	quarters := (n-1)>>shift + 1 // 5 to 8
	return 4*shift + quarters - 4, quarters << shift
}

// Scratch returns a buffer of n values of unknown content. Give it back with
// Release, or leave it to the garbage collector.
func Scratch(n int) *[]float32 {
	class, size := sizeClass(n)
	if b, ok := buffers[class].Get().(*[]float32); ok {
		*b = (*b)[:n]
		return b
	}
	b := make([]float32, size)[:n]
	return &b
}

// Release gives back what Scratch returned; nothing may use it any more.
func Release(b *[]float32) {
	class, _ := sizeClass(cap(*b))
	buffers[class].Put(b)
}

func scratch(n int) *[]float32 { return Scratch(n) }

func release(b *[]float32) { Release(b) }

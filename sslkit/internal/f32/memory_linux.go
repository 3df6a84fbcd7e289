package f32

import (
	"os"
	"unsafe"

	"golang.org/x/sys/unix"
)

// discardPages leaves zeros in the whole pages of some memory, and the rest as it
// is.
func discardPages(p unsafe.Pointer, bytes uintptr) {
	advise(p, bytes, uintptr(os.Getpagesize()), unix.MADV_DONTNEED)
}

// hugePages asks for large pages: small ones that were discarded take long to
// come back, one by one.
func hugePages(p unsafe.Pointer, bytes uintptr) { advise(p, bytes, 2<<20, unix.MADV_HUGEPAGE) }

// advise gives the system advice on whole pages; it may refuse.
func advise(p unsafe.Pointer, bytes, page uintptr, advice int) {
	skip := -uintptr(p) % page
	if bytes < skip+page {
		return
	}
	n := (bytes - skip) / page * page
	_ = unix.Madvise(unsafe.Slice((*byte)(unsafe.Add(p, skip)), n), advice)
}

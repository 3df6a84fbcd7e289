//go:build !linux

package f32

import "unsafe"

// Elsewhere the system keeps the pages that it gave.

func discardPages(unsafe.Pointer, uintptr) {}

func hugePages(unsafe.Pointer, uintptr) {}

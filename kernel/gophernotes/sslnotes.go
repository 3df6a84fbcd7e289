//go:build gophernotes

// This file joins gophernotes' own, which build.sh puts beside it without
// copying them, and links the packages of this module and the standard library
// of the running Go into it. See build.sh.
package main

import (
	"go/build"

	"sslnotes/kernel/symbols"
)

func init() {
	// gophernotes' interpreter reads export data where it finds any, of a
	// format that it does not know; where it finds none, reflection suffices.
	build.Default.GOROOT = "/nonexistent"
	symbols.Library{}.LoadAll()
}

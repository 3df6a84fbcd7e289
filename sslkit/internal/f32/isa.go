package f32

import (
	"fmt"
	"os"
	"strings"
)

// An engine is one implementation of the matrix-product tile and the loops.
type engine struct {
	name       string
	rows, cols int  // of the largest tile
	lanes      int  // of a vector
	loops      bool // elementwise loops run as assembly too
}

var generic = engine{name: "generic", rows: 8, cols: 32, lanes: 16}

var active = choose(os.Getenv("SSLKIT_ISA"))

// Active names the instruction set in use: generic, avx2, avx512 or neon.
func Active() string { return active.name }

// Available lists the instruction sets this machine can run, the fastest last.
func Available() []string {
	var names []string
	for _, e := range engines() {
		names = append(names, e.name)
	}
	return names
}

// Use switches to the named instruction set. It must not be called while
// another function of this package runs.
func Use(name string) error {
	for _, e := range engines() {
		if e.name == name {
			active = e
			return nil
		}
	}
	return fmt.Errorf("f32: instruction set %q is not available here, have %s", name, strings.Join(Available(), ", "))
}

// choose returns the engine for the value of SSLKIT_ISA, the fastest if empty.
func choose(name string) *engine {
	all := engines()
	if name == "" {
		return all[len(all)-1]
	}
	for _, e := range all {
		if e.name == name {
			return e
		}
	}
	panic(fmt.Sprintf("SSLKIT_ISA is %q, want one of %s on this machine", name, strings.Join(Available(), ", ")))
}

// assembly reports whether the elementwise loops run as assembly.
func (e *engine) assembly() bool { return e.loops }

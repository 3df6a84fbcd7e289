// Package interp is the kernel's Go interpreter.
//
// # Design
//
// Cells are interpreted by gomacro, which is fast, keeps state, calls compiled
// code, and knows the Go of 2018. What it does not know, or gets wrong without
// a word, is mended before it sees a cell: every cell is checked by go/types
// against what former cells declared and against the compiled packages, and is
// then rewritten into that older Go. So errors are the compiler's own, a name
// has one meaning, and completion and inspection know types.
//
//	split    cell.go     source → items: declarations and statements
//	         segment.go  x := f() → var x = f(); names declared twice
//	check    check.go    go/types; bound.go makes packages out of reflection
//	rewrite  rewrite.go  range over int, min, loop variables, String methods
//	order    order.go    declarations before their use
//	types    knot.go     types that mention themselves; recursive.go bound ones
//	run      engine.go   compile all of a cell, then run it item by item
//
// Every statement at the top level is an item of its own, so that a failure
// names its line and what the items before it did is kept.
//
// What is still beyond a cell: type parameters; functions to range over; an
// interface of its own as a map's key; its String and Error methods inside of a
// compiled container, such as a []T that fmt prints. Stock gophernotes has, besides,
// all that the files above mend: there no struct may hold its own kind, bound or
// not, where a cell ranges over its values.
//
// A cell fails loudly. Besides panics, these fail it: an error that its last
// expression or a call statement returns; an error left in a variable that the
// cell does not read again before it ends or assigns it anew; a result dropped
// without _.
package interp

// Package display shows values in whatever is watching: a notebook, an exported
// page, a terminal.
//
// # Design
//
// A value says itself what it looks like, through the small interfaces that
// gophernotes' renderer made usual: SVG() string, PNG() []byte, HTML() string,
// Markdown() string and their like. [Render] turns a value into a [Bundle], the
// same picture in every form it offers, and the front end takes the richest
// that it can show.
//
// Where bundles go is decided once, by whoever runs the cells, with [SetSink].
// With no sink the plain text goes to standard output, so that a program using
// this package works outside notebooks. All functions may be called from any
// goroutine; a training loop may update its bar while the cell waits for it.
package display

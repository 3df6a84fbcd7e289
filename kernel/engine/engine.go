// Package engine says what the kernel needs of an interpreter.
//
// # Design
//
// The kernel knows Jupyter, processes and pipes; an [Engine] knows Go. They
// meet in this interface alone, so that the interpreter, whose upstream sleeps,
// can be replaced. Offsets are bytes into the code; the front translates the
// code points of the protocol.
package engine

import (
	"context"
	"strings"
)

// An Engine evaluates cells one after another. Only Interrupt may be called
// while another method runs.
type Engine interface {
	// Eval runs a cell. A cell that fails returns an *Error. If ctx ends, Eval
	// stops what it can and returns soon; what it cannot stop it may leave
	// running.
	Eval(ctx context.Context, code string) (Result, error)
	// Complete proposes words for the offset cursor.
	Complete(code string, cursor int) Completion
	// Inspect describes the name at the offset cursor; detail 1 asks for more.
	Inspect(code string, cursor, detail int) (text string, ok bool)
	// IsComplete reports "complete", "incomplete" or "invalid", and for
	// incomplete code what to indent the next line by.
	IsComplete(code string) (status, indent string)
	// Interrupt asks a running Eval to stop.
	Interrupt()
}

// A Result is what a cell's last expression is worth.
type Result struct {
	Value    any
	HasValue bool
}

// A Completion is a set of words that can replace code[Start:End].
type Completion struct {
	Start, End int
	Matches    []Match
}

// A Match is one completion.
type Match struct {
	Text string `json:"text"`
	Type string `json:"type"` // "function", "variable", "type", "package", "keyword", "field"
}

// An Error is a cell's failure as a front end shows it.
type Error struct {
	Name      string // the kind: "compile error", "panic", "interrupted"
	Message   string
	Traceback []string // lines, of which the first repeats Name and Message
}

func (e *Error) Error() string { return e.Name + ": " + e.Message }

// NewError returns an error with a traceback of its own message and the lines
// that follow it.
func NewError(name, message string, lines ...string) *Error {
	first := strings.Split(name+": "+message, "\n")
	return &Error{Name: name, Message: message, Traceback: append(first, lines...)}
}

// Interrupted is the Name of the error of a cell that was stopped.
const Interrupted = "interrupted"

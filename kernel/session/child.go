package session

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"time"

	"sslnotes/kernel/display"
	"sslnotes/kernel/engine"
)

// Options say how to start a child.
type Options struct {
	Command []string      // the program and its arguments; it must call Serve
	Dir     string        // If "", the parent's.
	Env     []string      // added to the parent's
	Grace   time.Duration // between an interrupt and the kill. If 0, 5 s.
}

// A Cell is a piece of code to run, and where it stands.
type Cell struct {
	Code       string `json:"code"`
	Number     int    `json:"number"`  // in order of execution, from 1; 0 for none
	Session    string `json:"session"` // of the notebook
	Silent     bool   `json:"silent"`  // show no value
	AllowStdin bool   `json:"allow_stdin"`
}

// The kinds of output.
const (
	Stdout  = "stdout"
	Stderr  = "stderr"
	Display = "display"
	Update  = "update" // replaces what was shown under ID
	Clear   = "clear"
	Result  = "result" // the value of the cell's last expression
	Input   = "input"  // a question: answer by Child.Answer
)

// An Output is one thing that a cell put out. Outputs come in their order.
type Output struct {
	Kind     string
	Text     string         // of a stream, or the prompt of a question
	ID       string         // of a display. If "", it cannot be updated.
	Bundle   display.Bundle // of a display or a result
	Wait     bool           // of Clear: not before the next output
	Password bool           // of a question: do not show the answer
}

// A Reply is how a cell ended.
type Reply struct {
	Err  *engine.Error // nil if the cell succeeded
	Lost bool          // the process died: variables are lost
}

// A Child is a process that runs cells. Execute, Complete, Inspect and
// IsComplete wait for each other; Interrupt, Answer and Close may be called at
// any time.
type Child struct {
	options Options
	turn    sync.Mutex // one request at a time
	order   sync.Mutex // one output at a time

	mu      sync.Mutex
	process *process
	closed  bool
	emit    func(Output) // of the cell that runs, or of Outside
	outside func(Output)
	calls   int
	lost    *deathError // a death that no cell has been told of yet
}

// Start starts a child.
func Start(o Options) (*Child, error) {
	if len(o.Command) == 0 {
		return nil, errors.New("session: Options.Command is empty")
	}
	if o.Grace == 0 {
		o.Grace = 5 * time.Second
	}
	c := &Child{options: o}
	var err error
	c.process, err = c.spawn()
	return c, err
}

// Outside sets where output goes that comes while no cell runs, such as that of
// a goroutine. If nil, it is dropped.
func (c *Child) Outside(f func(Output)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.outside = f
}

// put passes on one output.
func (c *Child) put(o Output) {
	c.order.Lock()
	defer c.order.Unlock()
	c.mu.Lock()
	f := c.emit
	if f == nil {
		f = c.outside
	}
	c.mu.Unlock()
	if f != nil {
		f(o)
	}
}

// Execute runs a cell, passing its output on as it comes. If ctx ends the cell
// is interrupted.
func (c *Child) Execute(ctx context.Context, cell Cell, emit func(Output)) Reply {
	c.turn.Lock()
	defer c.turn.Unlock()
	c.mu.Lock()
	c.emit = emit
	c.calls++
	call := c.calls
	c.mu.Unlock()
	defer func() {
		c.mu.Lock()
		c.emit = nil
		c.mu.Unlock()
	}()
	stop := context.AfterFunc(ctx, c.Interrupt)
	defer stop()
	if died := c.untold(); died != nil {
		return Reply{Err: died.error(), Lost: true}
	}
	e, err := c.call(request{ID: call, Op: "execute", Cell: cell})
	var died *deathError
	switch {
	case errors.As(err, &died):
		c.untold()
		return Reply{Err: died.error(), Lost: true}
	case err != nil:
		return Reply{Err: engine.NewError("error", err.Error())}
	}
	return Reply{Err: e.Error}
}

// untold returns the death that no cell has been told of, and forgets it.
func (c *Child) untold() *deathError {
	c.mu.Lock()
	defer c.mu.Unlock()
	died := c.lost
	c.lost = nil
	return died
}

// Complete proposes words for the byte offset cursor.
func (c *Child) Complete(code string, cursor int) (engine.Completion, error) {
	e, err := c.ask(request{Op: "complete", Cell: Cell{Code: code}, Cursor: cursor})
	return e.Completion, err
}

// Inspect describes the name at the byte offset cursor.
func (c *Child) Inspect(code string, cursor, detail int) (text string, ok bool, err error) {
	e, err := c.ask(request{Op: "inspect", Cell: Cell{Code: code}, Cursor: cursor, Detail: detail})
	return e.Text, e.OK, err
}

// IsComplete reports whether code is complete, and what to indent its next line
// by.
func (c *Child) IsComplete(code string) (status, indent string, err error) {
	e, err := c.ask(request{Op: "is_complete", Cell: Cell{Code: code}})
	return e.Status, e.Indent, err
}

func (c *Child) ask(r request) (event, error) {
	c.turn.Lock()
	defer c.turn.Unlock()
	return c.call(r)
}

// call sends a request and waits for its reply. If the child dies a new one is
// started.
func (c *Child) call(r request) (event, error) {
	c.mu.Lock()
	if c.closed {
		c.mu.Unlock()
		return event{}, errors.New("session: the session is closed")
	}
	if r.ID == 0 {
		c.calls++
		r.ID = c.calls
	}
	p := c.process
	c.mu.Unlock()
	if p == nil { // the last one could not be replaced
		if err := c.replace(nil); err != nil {
			return event{}, err
		}
		p = c.process
	}
	if e, err := p.call(r); err == nil {
		return e, nil
	}
	died := p.death()
	c.mu.Lock()
	c.lost = died
	c.mu.Unlock()
	if err := c.replace(p); err != nil {
		return event{}, errors.Join(died, err)
	}
	return event{}, died
}

// replace starts a new process in the place of old.
func (c *Child) replace(old *process) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed || c.process != old {
		return nil
	}
	var err error
	c.process, err = c.spawn()
	return err
}

// Interrupt stops the cell that runs, if there is one: first politely, then by
// killing the process.
func (c *Child) Interrupt() {
	c.mu.Lock()
	p, call, running := c.process, c.calls, c.emit != nil
	c.mu.Unlock()
	if p == nil || !running {
		return
	}
	_ = p.pipe.send(request{Op: "interrupt", ID: call})
	time.AfterFunc(c.options.Grace, func() {
		if p.waiting(call) {
			p.kill("it did not stop when interrupted")
		}
	})
}

// Answer answers a question that a cell asked.
func (c *Child) Answer(text string, eof bool) {
	c.mu.Lock()
	p := c.process
	c.mu.Unlock()
	if p != nil {
		_ = p.pipe.send(request{Op: "input", Text: text, NoText: eof})
	}
}

// Restart replaces the process: all variables are lost. A cell that runs fails.
func (c *Child) Restart() error {
	c.mu.Lock()
	p := c.process
	c.mu.Unlock()
	if p != nil {
		p.kill("it was restarted")
		<-p.gone
	}
	c.untold() // it was asked for
	return c.replace(p)
}

// Close ends the process.
func (c *Child) Close() {
	c.mu.Lock()
	c.closed = true
	p := c.process
	c.mu.Unlock()
	if p != nil {
		p.kill("it was closed")
		<-p.gone
	}
}

// A deathError says how a process died.
type deathError struct {
	how string
	log string // what it wrote last on standard error
}

func (d *deathError) Error() string { return "the session died: " + d.how }

func (d *deathError) error() *engine.Error {
	lines := strings.Split(strings.TrimRight(d.log, "\n"), "\n")
	const most = 60
	if len(lines) > most {
		lines = append(lines[:most:most], fmt.Sprintf("… and %d lines more", len(lines)-most))
	}
	if d.log == "" {
		lines = nil
	}
	lines = append(lines, "Variables, functions and imports of earlier cells are lost: run their cells again.")
	return engine.NewError("session died", d.how, lines...)
}

func newToken() string {
	var b [16]byte
	rand.Read(b[:]) // never fails
	return hex.EncodeToString(b[:])
}

// environment is the parent's with additions.
func (o Options) environment(token string) []string {
	return append(append(os.Environ(), o.Env...), tokenVariant+"="+token)
}

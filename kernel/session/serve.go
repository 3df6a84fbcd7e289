package session

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"sync"

	"sslnotes/kernel/display"
	"sslnotes/kernel/engine"
)

// The file descriptors of the child's pipe, and the variable that holds the
// token of its markers.
const (
	requestFile  = 3
	eventFile    = 4
	tokenVariant = "SSLNOTES_SESSION_TOKEN"
)

// Hooks are what the program around the child wants to know.
type Hooks struct {
	// Before is called before a cell runs, with a context that ends when the
	// cell is interrupted. If nil, nothing is.
	Before func(ctx context.Context, c Cell)
}

// ErrNotChild is returned by Serve in a process that Start did not make.
var ErrNotChild = errors.New("session: this process was not started as a session")

// Serve evaluates cells for the parent until its pipe closes.
func Serve(e engine.Engine, h Hooks) error {
	token := os.Getenv(tokenVariant)
	if token == "" {
		return ErrNotChild
	}
	os.Unsetenv(tokenVariant)
	in, out := os.NewFile(requestFile, "requests"), os.NewFile(eventFile, "events")
	if in == nil || out == nil {
		return ErrNotChild
	}
	s := &server{engine: e, hooks: h, token: token, pipe: pipe{r: in, w: out}, work: make(chan request, 16), input: make(chan request, 1), stdout: os.Stdout, stderr: os.Stderr}
	display.SetSink(s)
	// Where memory runs out, the system is to end this process and not its
	// parent. Only Linux has the file.
	_ = os.WriteFile("/proc/self/oom_score_adj", []byte("500"), 0)
	go s.run()
	return s.listen()
}

// A server is the child's side. Its stdout and stderr are the files it was
// started with, whatever a cell sets os.Stdout to.
type server struct {
	engine         engine.Engine
	hooks          Hooks
	token          string
	pipe           pipe
	work           chan request
	input          chan request
	stdout, stderr io.Writer

	mu      sync.Mutex // of markers and events, which must go out in one order
	markers int
	current int // the request that runs
	ctx     context.Context
	cancel  context.CancelFunc
	stopped int        // the request that is to stop, perhaps before it has begun
	asking  sync.Mutex // one question at a time
	askable bool
}

// listen takes requests; an interrupt is acted on at once, the others queue.
func (s *server) listen() error {
	for {
		var r request
		if err := s.pipe.receive(&r); err != nil {
			// The parent is gone: whatever runs has nobody to run for.
			os.Exit(0)
		}
		switch r.Op {
		case "interrupt":
			s.interrupt(r.ID)
		case "input":
			select {
			case s.input <- r:
			default: // nobody asked
			}
		default:
			s.work <- r
		}
	}
}

// interrupt stops the cell of a request, now or when it begins.
func (s *server) interrupt(id int) {
	s.mu.Lock()
	s.stopped = id
	running := s.current == id && s.cancel != nil
	if running {
		s.cancel()
	}
	s.mu.Unlock()
	if running {
		s.engine.Interrupt()
	}
}

func (s *server) run() {
	for r := range s.work {
		s.answer(r)
	}
}

func (s *server) answer(r request) {
	reply := event{ID: r.ID, Kind: "reply"}
	defer func() {
		if p := recover(); p != nil {
			reply.Error = engine.NewError("panic", fmt.Sprint(p), string(debug.Stack()))
		}
		s.tell(reply)
	}()
	switch r.Op {
	case "execute":
		s.execute(r, &reply)
	case "complete":
		reply.Completion = s.engine.Complete(r.Cell.Code, r.Cursor)
	case "inspect":
		reply.Text, reply.OK = s.engine.Inspect(r.Cell.Code, r.Cursor, r.Detail)
	case "is_complete":
		reply.Status, reply.Indent = s.engine.IsComplete(r.Cell.Code)
	}
}

func (s *server) execute(r request, reply *event) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	s.mu.Lock()
	s.current, s.ctx, s.cancel, s.askable = r.ID, ctx, cancel, r.Cell.AllowStdin
	if s.stopped == r.ID {
		cancel()
	}
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		s.current, s.ctx, s.cancel = 0, nil, nil
		s.mu.Unlock()
	}()
	if s.hooks.Before != nil {
		s.hooks.Before(ctx, r.Cell)
	}
	result, err := s.engine.Eval(ctx, r.Cell.Code)
	var failure *engine.Error
	switch {
	case errors.As(err, &failure):
		reply.Error = failure
	case err != nil:
		reply.Error = engine.NewError("error", err.Error())
	case result.HasValue && !r.Cell.Silent:
		s.tell(event{ID: r.ID, Kind: "result", Bundle: display.Render(result.Value)})
	}
}

// tell sends an event, with markers in both streams before it.
func (s *server) tell(e event) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if e.ID == 0 {
		e.ID = s.current
	}
	s.markers++
	e.Marker = s.markers
	mark := marker(s.token, e.Marker)
	_, _ = s.stdout.Write(mark) // a cell may have closed them
	_, _ = s.stderr.Write(mark)
	if err := s.pipe.send(e); err != nil {
		e.Bundle = display.Bundle{display.MimeText: "this value cannot be shown: " + err.Error()}
		_ = s.pipe.send(e)
	}
}

// Show implements display.Sink.
func (s *server) Show(id string, update bool, b display.Bundle) {
	s.tell(event{Kind: "display", Display: id, Update: update, Bundle: b})
}

// Clear implements display.Sink.
func (s *server) Clear(wait bool) { s.tell(event{Kind: "clear", Wait: wait}) }

// Input implements display.Sink.
func (s *server) Input(prompt string, password bool) (string, error) {
	s.asking.Lock()
	defer s.asking.Unlock()
	s.mu.Lock()
	ctx, askable := s.ctx, s.askable && s.current != 0
	s.mu.Unlock()
	if !askable {
		return "", errors.New("display: this front end takes no input")
	}
	select {
	case <-s.input: // an answer to a question that was given up
	default:
	}
	s.tell(event{Kind: "input", Prompt: prompt, Password: password})
	select {
	case r := <-s.input:
		if r.NoText {
			return "", io.EOF
		}
		return r.Text, nil
	case <-ctx.Done():
		return "", fmt.Errorf("display: the question was given up: %w", ctx.Err())
	}
}

package session

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"sync"
)

// A process is one life of a child.
type process struct {
	cmd    *exec.Cmd
	pipe   pipe
	put    func(Output)
	out    *stream
	err    *stream
	gone   chan struct{} // closed when all is over
	closer []io.Closer

	mu      sync.Mutex
	pending int // the request that waits, or 0
	reply   chan event
	reason  string // why it was killed
	lastErr tail
}

// tail keeps the last bytes written on standard error while a cell ran.
type tail struct{ text []byte }

const tailSize = 64 << 10

func (t *tail) add(s string) {
	t.text = append(t.text, s...)
	if over := len(t.text) - tailSize; over > 0 {
		t.text = append(t.text[:0], t.text[over:]...)
	}
}

// spawn starts a process.
func (c *Child) spawn() (*process, error) {
	token := newToken()
	var files [8]*os.File // pairs of read and write ends
	for i := 0; i < len(files); i += 2 {
		var err error
		if files[i], files[i+1], err = os.Pipe(); err != nil {
			return nil, fmt.Errorf("session: %w", err)
		}
	}
	requests, events, stdout, stderr := files[0:2], files[2:4], files[4:6], files[6:8]
	cmd := exec.Command(c.options.Command[0], c.options.Command[1:]...)
	cmd.Dir, cmd.Env = c.options.Dir, c.options.environment(token)
	cmd.ExtraFiles = []*os.File{requests[0], events[1]}
	cmd.Stdout, cmd.Stderr = stdout[1], stderr[1]
	apart(cmd)
	err := cmd.Start()
	for _, f := range []*os.File{requests[0], events[1], stdout[1], stderr[1]} {
		f.Close()
	}
	if err != nil {
		for _, f := range []*os.File{requests[1], events[0], stdout[0], stderr[0]} {
			f.Close()
		}
		return nil, fmt.Errorf("session: starting %s: %w", c.options.Command[0], err)
	}
	p := &process{cmd: cmd, pipe: pipe{r: events[0], w: requests[1]}, put: c.put, gone: make(chan struct{}),
		closer: []io.Closer{requests[1], events[0], stdout[0], stderr[0]}}
	p.out = newStream(token, func(t string) { p.put(Output{Kind: Stdout, Text: t}) })
	p.err = newStream(token, p.complain)
	var streams sync.WaitGroup
	streams.Go(func() { p.out.read(stdout[0]) })
	streams.Go(func() { p.err.read(stderr[0]) })
	go p.run(&streams)
	return p, nil
}

func (p *process) complain(text string) {
	p.mu.Lock()
	p.lastErr.add(text)
	p.mu.Unlock()
	p.put(Output{Kind: Stderr, Text: text})
}

// run passes events on until the process ends.
func (p *process) run(streams *sync.WaitGroup) {
	for {
		var e event
		if p.pipe.receive(&e) != nil {
			break
		}
		p.out.await(e.Marker)
		p.err.await(e.Marker)
		p.deliver(e)
		p.out.pass(e.Marker)
		p.err.pass(e.Marker)
	}
	killGroup(p.cmd) // what the child has started may hold its streams open
	p.out.pass(int(^uint(0) >> 1))
	p.err.pass(int(^uint(0) >> 1))
	_ = p.cmd.Wait() // how it ended is read from its state
	streams.Wait()
	close(p.gone)
	for _, c := range p.closer {
		c.Close()
	}
}

// deliver turns an event into an output, or into the reply of the request that
// waits.
func (p *process) deliver(e event) {
	switch e.Kind {
	case "display":
		kind := Display
		if e.Update {
			kind = Update
		}
		p.put(Output{Kind: kind, ID: e.Display, Bundle: e.Bundle})
	case "result":
		p.put(Output{Kind: Result, Bundle: e.Bundle})
	case "clear":
		p.put(Output{Kind: Clear, Wait: e.Wait})
	case "input":
		p.put(Output{Kind: Input, Text: e.Prompt, Password: e.Password})
	case "reply":
		p.mu.Lock()
		reply, mine := p.reply, e.ID == p.pending
		p.pending = 0
		p.mu.Unlock()
		if mine && reply != nil {
			reply <- e
		}
	}
}

// call sends a request and waits for its reply; it fails if the process ends.
func (p *process) call(r request) (event, error) {
	select {
	case <-p.gone:
		return event{}, io.EOF
	default:
	}
	reply := make(chan event, 1)
	p.mu.Lock()
	p.pending, p.reply = r.ID, reply
	if r.Op == "execute" {
		p.lastErr = tail{}
	}
	p.mu.Unlock()
	if err := p.pipe.send(r); err != nil {
		<-p.gone
		return event{}, err
	}
	select {
	case e := <-reply:
		return e, nil
	case <-p.gone:
		select {
		case e := <-reply: // it answered, then ended
			return e, nil
		default:
			return event{}, io.EOF
		}
	}
}

// waiting reports whether the request still waits for its reply.
func (p *process) waiting(call int) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.pending == call
}

// kill ends the process and all it has started.
func (p *process) kill(reason string) {
	p.mu.Lock()
	if p.reason == "" {
		p.reason = reason
	}
	p.mu.Unlock()
	killGroup(p.cmd)
}

// death says how the process ended.
func (p *process) death() *deathError {
	p.mu.Lock()
	defer p.mu.Unlock()
	how := p.reason
	if how == "" {
		how = p.cmd.ProcessState.String()
		if how == "signal: killed" {
			how += " (by the system, if memory ran out)"
		}
	}
	return &deathError{how, string(p.lastErr.text)}
}

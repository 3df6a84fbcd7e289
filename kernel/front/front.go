// Package front is the kernel as Jupyter sees it: requests in, answers and
// output out.
//
// # Design
//
// A [Front] owns the sockets (package wire) and the process that runs cells
// (package session) and translates between the two. Requests that need the
// process wait in one queue, in the order in which they came; those that do not,
// such as what kernel this is, are answered at once, so that a client can
// connect while a cell trains. Interrupts and the end come by a channel of
// their own.
//
// A cell that fails aborts the cells queued behind it, unless its request says
// otherwise. A front end that goes away changes nothing: the cell goes on.
package front

import (
	"context"
	"io"
	"os"
	"sync"
	"time"

	"sslnotes/kernel/session"
	"sslnotes/kernel/wire"
)

// Options say what a kernel is made of. All functions may be nil.
type Options struct {
	Connection wire.Connection
	Child      session.Options
	Log        io.Writer // of what is dropped. If nil, standard error.

	Version string // of the kernel
	Banner  string
	Session string // names this life of the kernel in records

	Interrupts <-chan os.Signal // each stops the cell that runs

	Ready  func(wire.Connection) // called once, with the ports, when the kernel listens
	Past   func() [][]string     // the cells of former sessions, oldest first
	Record func(Record)          // called after each cell that is kept in the history
}

// A Record is what became of a cell.
type Record struct {
	Number  int
	Source  string
	Status  string // "ok" or "error"
	Outputs string // SHA-256 in hex of what it put out
	Started time.Time
}

// A Front is a running kernel.
type Front struct {
	o       Options
	sockets *wire.Sockets
	child   *session.Child
	queue   chan *wire.Message
	done    chan struct{} // closed when the kernel is to end
	end     sync.Once

	mu      sync.Mutex
	count   int           // of cells kept in the history
	cells   []string      // of this session
	last    *wire.Message // the request of the last cell
	aborted map[*wire.Message]bool
	waiting []*wire.Message // in the queue
}

// Run serves until a shutdown request comes or ctx ends.
func Run(ctx context.Context, o Options) error {
	if o.Log == nil {
		o.Log = os.Stderr
	}
	sockets, err := wire.Listen(o.Connection, o.Log)
	if err != nil {
		return err
	}
	defer sockets.Close()
	child, err := session.Start(o.Child)
	if err != nil {
		return err
	}
	defer child.Close()
	f := &Front{o: o, sockets: sockets, child: child, queue: make(chan *wire.Message, 1<<12), done: make(chan struct{}), aborted: map[*wire.Message]bool{}}
	child.Outside(f.outside)
	f.publish(nil, "status", status{"starting"})
	if o.Ready != nil {
		o.Ready(sockets.Connection(o.Connection))
	}
	go f.listen(wire.Shell, f.shell)
	go f.listen(wire.Control, f.control)
	go f.listen(wire.Stdin, f.stdin)
	go f.work()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-f.done:
			return nil
		case <-o.Interrupts:
			child.Interrupt()
		}
	}
}

// outside passes on what comes while no cell runs, as output of the last cell:
// it is from a goroutine that a cell has left behind.
func (f *Front) outside(o session.Output) {
	f.mu.Lock()
	m, number := f.last, f.count
	f.mu.Unlock()
	if o.Kind == session.Input {
		f.child.Answer("", true)
		return
	}
	f.output(m, o, number)
}

func (f *Front) listen(c wire.Channel, handle func(*wire.Message)) {
	for m := f.sockets.Receive(c); m != nil; m = f.sockets.Receive(c) {
		handle(m)
	}
}

type status struct {
	State string `json:"execution_state"`
}

// busy does something between the states that tell a client when it is over.
func (f *Front) busy(m *wire.Message, do func()) {
	f.publish(m, "status", status{"busy"})
	defer f.publish(m, "status", status{"idle"})
	do()
}

func (f *Front) publish(m *wire.Message, kind string, content any) {
	if err := f.sockets.Publish(m, kind, content); err != nil {
		f.sockets.Dropped(err)
	}
}

func (f *Front) reply(c wire.Channel, m *wire.Message, kind string, content any) {
	if err := f.sockets.Send(c, m, kind, content); err != nil {
		f.sockets.Dropped(err)
	}
}

// shell answers what needs no process, and queues the rest.
func (f *Front) shell(m *wire.Message) {
	if quick := f.quick(m); quick != nil {
		f.busy(m, func() { quick(wire.Shell) })
		return
	}
	f.mu.Lock()
	f.waiting = append(f.waiting, m)
	f.mu.Unlock()
	select {
	case f.queue <- m:
	default: // a flood: whoever sends it is not waiting for answers
		f.take(m)
		f.sockets.Dropped(errFlood)
	}
}

// quick returns the handler of a request that needs no process, else nil.
func (f *Front) quick(m *wire.Message) func(wire.Channel) {
	switch m.Header.Type {
	case "kernel_info_request":
		return func(c wire.Channel) { f.reply(c, m, "kernel_info_reply", f.info()) }
	case "comm_info_request":
		return func(c wire.Channel) {
			f.reply(c, m, "comm_info_reply", map[string]any{"status": "ok", "comms": map[string]any{}})
		}
	case "history_request":
		return func(c wire.Channel) { f.reply(c, m, "history_reply", f.history(m)) }
	case "comm_open": // there are no targets: say so as the protocol has it
		return func(wire.Channel) { f.refuseComm(m) }
	case "comm_msg", "comm_close":
		return func(wire.Channel) {}
	case "shutdown_request":
		return func(c wire.Channel) { f.shutdown(c, m) }
	case "interrupt_request":
		return func(c wire.Channel) {
			f.child.Interrupt()
			f.reply(c, m, "interrupt_reply", ok)
		}
	}
	return nil
}

var ok = map[string]any{"status": "ok"}

func (f *Front) refuseComm(m *wire.Message) {
	var open struct {
		ID string `json:"comm_id"`
	}
	if m.Read(&open) == nil && open.ID != "" {
		f.publish(m, "comm_close", map[string]any{"comm_id": open.ID, "data": map[string]any{}})
	}
}

func (f *Front) control(m *wire.Message) {
	if quick := f.quick(m); quick != nil {
		f.busy(m, func() { quick(wire.Control) })
		return
	}
	f.sockets.Dropped(errUnknown(m))
}

// shutdown answers, tells all front ends, and ends the kernel; Jupyter starts a
// new one if it wants a restart.
func (f *Front) shutdown(c wire.Channel, m *wire.Message) {
	var r struct {
		Restart bool `json:"restart"`
	}
	_ = m.Read(&r)
	content := map[string]any{"status": "ok", "restart": r.Restart}
	f.reply(c, m, "shutdown_reply", content)
	f.publish(m, "shutdown_reply", content)
	f.end.Do(func() {
		time.AfterFunc(50*time.Millisecond, func() { close(f.done) }) // let the answers go out
	})
}

// stdin takes the answers to a cell's questions.
func (f *Front) stdin(m *wire.Message) {
	if m.Header.Type != "input_reply" {
		f.sockets.Dropped(errUnknown(m))
		return
	}
	var r struct {
		Value string `json:"value"`
	}
	if err := m.Read(&r); err != nil {
		f.sockets.Dropped(err)
		return
	}
	f.child.Answer(r.Value, r.Value == "\x04")
}

// work takes requests from the queue, one after another.
func (f *Front) work() {
	for m := range f.queue {
		f.busy(m, func() { f.handle(m, f.take(m)) })
	}
}

// take removes a request from the list of those that wait and reports whether
// it was aborted.
func (f *Front) take(m *wire.Message) (aborted bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for i, w := range f.waiting {
		if w == m {
			f.waiting = append(f.waiting[:i], f.waiting[i+1:]...)
			break
		}
	}
	aborted = f.aborted[m]
	delete(f.aborted, m)
	return aborted
}

// abort marks the cells that wait now.
func (f *Front) abort() {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, m := range f.waiting {
		if m.Header.Type == "execute_request" {
			f.aborted[m] = true
		}
	}
}

func (f *Front) handle(m *wire.Message, aborted bool) {
	switch m.Header.Type {
	case "execute_request":
		if aborted {
			f.reply(wire.Shell, m, "execute_reply", map[string]any{"status": "aborted"})
			return
		}
		f.execute(m)
	case "complete_request":
		f.reply(wire.Shell, m, "complete_reply", f.complete(m))
	case "inspect_request":
		f.reply(wire.Shell, m, "inspect_reply", f.inspect(m))
	case "is_complete_request":
		f.reply(wire.Shell, m, "is_complete_reply", f.isComplete(m))
	default:
		f.sockets.Dropped(errUnknown(m))
	}
}

// failure is the content of a reply to a request that could not be answered.
func failure(err error) map[string]any {
	return map[string]any{"status": "error", "ename": "error", "evalue": err.Error(), "traceback": []string{err.Error()}}
}

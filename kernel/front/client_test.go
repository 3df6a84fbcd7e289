package front

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-zeromq/zmq4"

	"sslnotes/kernel/display"
	"sslnotes/kernel/engine"
	"sslnotes/kernel/session"
	"sslnotes/kernel/wire"
)

const childVariable = "SSLNOTES_TEST_CHILD"

// The test binary is its own child, with an engine that knows a few words.
func TestMain(m *testing.M) {
	if os.Getenv(childVariable) != "" {
		fmt.Fprintln(os.Stderr, session.Serve(&scripted{}, session.Hooks{}))
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// scripted runs one command a line.
type scripted struct{ memory string }

func (s *scripted) Eval(ctx context.Context, code string) (r engine.Result, err error) {
	for line := range strings.SplitSeq(code, "\n") {
		word, rest, _ := strings.Cut(line, " ")
		switch word {
		case "print":
			fmt.Println(rest)
		case "picture": // of as many megabytes
			n := 0
			fmt.Sscan(rest, &n)
			display.Display(display.Bundle{display.MimePNG: strings.Repeat("A", n<<20), display.MimeText: "picture"})
		case "update":
			display.Update("bar", rest)
		case "remember":
			s.memory = rest
		case "recall":
			r = engine.Result{Value: s.memory, HasValue: true}
		case "fail":
			return r, engine.NewError("panic", rest, "line 1")
		case "exit":
			os.Exit(3)
		case "wait":
			<-ctx.Done()
			return r, engine.NewError(engine.Interrupted, "the cell was stopped")
		case "later":
			go func() { time.Sleep(200 * time.Millisecond); fmt.Println(rest) }()
		case "ask":
			text, err := display.Input(rest)
			if err != nil {
				return r, err
			}
			fmt.Println("answer:", text)
		}
	}
	return r, nil
}

func (s *scripted) Complete(code string, cursor int) engine.Completion {
	return engine.Completion{Start: cursor - 1, End: cursor, Matches: []engine.Match{{Text: code[cursor-1 : cursor], Type: "word"}}}
}

func (s *scripted) Inspect(code string, cursor, detail int) (string, bool) {
	return fmt.Sprintf("%s %d %d", code, cursor, detail), code != "unknown"
}
func (s *scripted) IsComplete(code string) (string, string) { return "incomplete", "\t" }
func (s *scripted) Interrupt()                              {}

// A kernel is a running front and where it listens.
type kernel struct {
	wire.Connection
	log   *bytes.Buffer // of dropped messages; read it only after stop
	stop  func() error
	ended chan struct{}
}

// serve runs a kernel until the test ends.
func serve(t *testing.T, o Options) *kernel {
	t.Helper()
	k := &kernel{log: &bytes.Buffer{}, ended: make(chan struct{})}
	ready := make(chan wire.Connection, 1)
	o.Connection = wire.Connection{Transport: "tcp", IP: "127.0.0.1", Key: "a key", Scheme: "hmac-sha256"}
	o.Child = session.Options{Command: []string{os.Args[0]}, Env: []string{childVariable + "=1"}}
	o.Log, o.Ready = io.Writer(k.log), func(c wire.Connection) { ready <- c }
	ctx, cancel := context.WithCancel(context.Background())
	var err error
	go func() {
		defer close(k.ended)
		err = Run(ctx, o)
	}()
	k.stop = func() error { cancel(); <-k.ended; return err }
	t.Cleanup(func() {
		if err := k.stop(); err != nil {
			t.Error(err)
		}
	})
	select {
	case k.Connection = <-ready:
	case <-k.ended:
		t.Fatal(err)
	}
	return k
}

// A client is a front end.
type client struct {
	t                     *testing.T
	signer                wire.Signer
	shell, control, stdin zmq4.Socket
	published             chan heard
}

// heard is a message and which request it is about.
type heard struct {
	*wire.Message
	about string
}

var clients atomic.Int64

// connect connects a client and waits until it hears what is published.
func (k *kernel) connect(t *testing.T) *client {
	t.Helper()
	c := &client{t: t, signer: wire.Signer{Key: []byte(k.Key)}, published: make(chan heard, 1<<16)}
	id := zmq4.WithID(zmq4.SocketIdentity(fmt.Sprintf("client-%d", clients.Add(1))))
	dial := func(z zmq4.Socket, port int) zmq4.Socket {
		if err := z.Dial(fmt.Sprintf("tcp://127.0.0.1:%d", port)); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { z.Close() })
		return z
	}
	ctx := context.Background()
	c.shell, c.control = dial(zmq4.NewDealer(ctx, id), k.ShellPort), dial(zmq4.NewDealer(ctx, id), k.ControlPort)
	c.stdin = dial(zmq4.NewDealer(ctx, id), k.StdinPort)
	sub := dial(zmq4.NewSub(ctx), k.IOPubPort)
	if err := sub.SetOption(zmq4.OptionSubscribe, ""); err != nil {
		t.Fatal(err)
	}
	go func() {
		for {
			m, err := c.receive(sub)
			if err != nil {
				return
			}
			c.published <- m
		}
	}()
	for { // a subscription takes a while to be known
		c.ask("kernel_info_request", nil)
		select {
		case <-c.published:
			return c
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// send sends a request and returns its ID.
func (c *client) send(z zmq4.Socket, kind string, content any) string {
	c.t.Helper()
	if content == nil {
		content = map[string]any{}
	}
	frames, err := c.signer.Encode("client", nil, nil, kind, content)
	if err != nil {
		c.t.Fatal(err)
	}
	if err := z.SendMulti(zmq4.NewMsgFrom(frames...)); err != nil {
		c.t.Fatal(err)
	}
	m, err := c.signer.Decode(frames)
	if err != nil {
		c.t.Fatal(err)
	}
	return m.Header.ID
}

func (c *client) receive(z zmq4.Socket) (heard, error) {
	raw, err := z.Recv()
	if err != nil {
		return heard{}, err
	}
	m, err := c.signer.Decode(raw.Frames)
	if err != nil {
		return heard{}, err
	}
	var parent wire.Header
	_ = json.Unmarshal(raw.Frames[len(m.Identities)+3], &parent) // empty if there is none
	return heard{m, parent.ID}, nil
}

// reply waits for the answer to a request.
func (c *client) reply(z zmq4.Socket, id string) map[string]any {
	c.t.Helper()
	for {
		m, err := c.receive(z)
		if err != nil {
			c.t.Fatal(err)
		}
		if m.about == id {
			return c.content(m)
		}
	}
}

func (c *client) content(m heard) map[string]any {
	c.t.Helper()
	var content map[string]any
	if err := m.Read(&content); err != nil {
		c.t.Fatal(err)
	}
	return content
}

// ask sends a request on the shell channel and waits for its answer.
func (c *client) ask(kind string, content any) map[string]any {
	c.t.Helper()
	return c.reply(c.shell, c.send(c.shell, kind, content))
}

// run executes a cell and returns its reply and what was published about it,
// from busy to idle.
func (c *client) run(code string) (reply map[string]any, published []heard) {
	c.t.Helper()
	id := c.send(c.shell, "execute_request", map[string]any{"code": code})
	reply = c.reply(c.shell, id)
	return reply, c.until(id)
}

// until collects what is published about a request until it is over.
func (c *client) until(id string) (published []heard) {
	c.t.Helper()
	for m := range c.published {
		if m.about != id {
			continue
		}
		published = append(published, m)
		if m.Header.Type == "status" && c.content(m)["execution_state"] == "idle" {
			break
		}
	}
	return published
}

// kinds lists the types of messages.
func kinds(all []heard) string {
	var names []string
	for _, m := range all {
		names = append(names, m.Header.Type)
	}
	return strings.Join(names, " ")
}

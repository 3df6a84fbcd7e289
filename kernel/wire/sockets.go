package wire

import (
	"context"
	"fmt"
	"io"
	"log"
	"net"
	"sync"
	"time"

	"github.com/go-zeromq/zmq4"
)

// A Channel is one of the sockets that requests come in by.
type Channel int

// The channels. Answers go out by the channel of the request.
const (
	Shell Channel = iota
	Control
	Stdin
	channels
)

// Sockets are the five sockets of a kernel.
type Sockets struct {
	signer  Signer
	session string
	routers [channels]*socket
	iopub   *socket
	beat    zmq4.Socket
	cancel  context.CancelFunc
	log     *log.Logger
	logged  sync.Map // the reasons for drops that were logged already
}

// A socket serialises the senders.
type socket struct {
	zmq4.Socket
	mu sync.Mutex
}

// Listen opens the sockets that c describes. A port of 0 is chosen by the
// system, and Connection tells which. What is dropped is logged to w.
func Listen(c Connection, w io.Writer) (*Sockets, error) {
	if err := c.check(); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(context.Background())
	quiet := zmq4.WithLogger(log.New(io.Discard, "", 0))
	s := &Sockets{signer: Signer{Key: []byte(c.Key)}, session: newID(), cancel: cancel, log: log.New(w, "", 0),
		iopub: &socket{Socket: zmq4.NewPub(ctx, quiet)}, beat: zmq4.NewRouter(ctx, quiet)}
	for i := range s.routers {
		s.routers[i] = &socket{Socket: zmq4.NewRouter(ctx, quiet)}
	}
	ports := map[zmq4.Socket]int{s.routers[Shell].Socket: c.ShellPort, s.routers[Control].Socket: c.ControlPort,
		s.routers[Stdin].Socket: c.StdinPort, s.iopub.Socket: c.IOPubPort, s.beat: c.HBPort}
	for z, port := range ports {
		if err := z.Listen(fmt.Sprintf("%s://%s:%d", scheme, c.IP, port)); err != nil {
			s.Close()
			return nil, err
		}
	}
	go s.heartbeat()
	return s, nil
}

// Connection is c with the ports that are listened on.
func (s *Sockets) Connection(c Connection) Connection {
	port := func(z zmq4.Socket) int { return z.Addr().(*net.TCPAddr).Port }
	c.ShellPort, c.ControlPort, c.StdinPort = port(s.routers[Shell]), port(s.routers[Control]), port(s.routers[Stdin])
	c.IOPubPort, c.HBPort = port(s.iopub), port(s.beat)
	return c
}

// heartbeat returns every message to its sender. The socket is a router, and
// no reply socket, because that one loses step when a peer goes in between.
func (s *Sockets) heartbeat() {
	for {
		m, err := s.beat.Recv()
		if err != nil {
			if s.closed(err) {
				return
			}
			continue
		}
		_ = s.beat.SendMulti(m) // a peer that has gone needs no beat
	}
}

// closed reports whether receiving failed because the sockets were closed; if
// not, it waits a little, so that a lasting fault cannot keep a core busy.
func (s *Sockets) closed(err error) bool {
	if err == context.Canceled {
		return true
	}
	time.Sleep(10 * time.Millisecond)
	return false
}

// Receive waits for the next well formed message; it returns nil once the
// sockets are closed.
func (s *Sockets) Receive(c Channel) *Message {
	for {
		raw, err := s.routers[c].Recv()
		if err != nil {
			if s.closed(err) {
				return nil
			}
			continue
		}
		m, err := s.signer.Decode(raw.Frames)
		if err == nil {
			return m
		}
		s.Dropped(err)
	}
}

// Dropped logs why a message was dropped, once for each reason.
func (s *Sockets) Dropped(reason error) {
	if _, again := s.logged.LoadOrStore(reason.Error(), true); !again {
		s.log.Printf("dropping messages: %v", reason)
	}
}

// Send answers m by the channel c.
func (s *Sockets) Send(c Channel, m *Message, kind string, content any) error {
	return s.send(s.routers[c], m.Identities, m, kind, content)
}

// Publish tells all front ends; parent, the message that caused it, may be nil.
func (s *Sockets) Publish(parent *Message, kind string, content any) error {
	return s.send(s.iopub, [][]byte{[]byte(kind)}, parent, kind, content)
}

func (s *Sockets) send(z *socket, to [][]byte, parent *Message, kind string, content any) error {
	frames, err := s.signer.Encode(s.session, to, parent, kind, content)
	if err != nil {
		return err
	}
	z.mu.Lock()
	defer z.mu.Unlock()
	return z.SendMulti(zmq4.NewMsgFrom(frames...))
}

// Close closes the sockets. It does not wait for peers.
func (s *Sockets) Close() {
	s.cancel()
	for _, z := range s.routers {
		_ = z.Close()
	}
	_ = s.iopub.Close()
	_ = s.beat.Close()
}

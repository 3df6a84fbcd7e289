package wire

import (
	"context"
	"encoding/binary"
	"errors"
	"net"
	"time"

	"github.com/go-zeromq/zmq4"
	"github.com/go-zeromq/zmq4/transport"
)

const (
	scheme       = "guarded" // of the end points that use this transport
	maxFrame     = 1 << 30
	writeTimeout = 5 * time.Second
	greetTimeout = 5 * time.Second
	greetingSize = 64
)

func init() {
	if err := zmq4.RegisterTransport(scheme, guarded{transport.New("tcp")}); err != nil {
		panic(err)
	}
}

// guarded is TCP whose connections defend themselves.
type guarded struct{ transport.Transport }

func (guarded) Listen(ctx context.Context, addr string) (net.Listener, error) {
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", addr)
	if err != nil {
		return nil, err
	}
	return guardedListener{l}, nil
}

type guardedListener struct{ net.Listener }

func (l guardedListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		// The library calls again at once, without end: do not let it spin.
		time.Sleep(10 * time.Millisecond)
		return nil, err
	}
	// The library shakes hands with one peer at a time: one that is silent
	// must not keep the others waiting for long.
	if err := c.SetReadDeadline(time.Now().Add(greetTimeout)); err != nil {
		return nil, errors.Join(err, c.Close())
	}
	return &guardedConn{Conn: c, body: greetingSize}, nil
}

// A guardedConn follows the framing of ZMTP 3: a greeting of 64 bytes, then
// frames of a flag byte, a length of one or eight bytes, and a body. Only one
// goroutine reads from it.
type guardedConn struct {
	net.Conn
	body    uint64  // bytes of the greeting or of a frame's body still to come
	header  [9]byte // of the next frame
	have    int     // bytes of header that have come
	frames  int
	refused bool
}

var errFrameTooLarge = errors.New("wire: frame larger than 1 GiB")

func (c *guardedConn) Read(p []byte) (int, error) {
	if c.refused {
		return 0, errFrameTooLarge
	}
	n, err := c.Conn.Read(p)
	for rest := p[:n]; len(rest) > 0; {
		rest = c.skim(rest)
		if c.refused {
			return 0, errors.Join(errFrameTooLarge, c.Conn.Close())
		}
	}
	return n, err
}

// skim takes one part of the stream from p and returns the others.
func (c *guardedConn) skim(p []byte) []byte {
	if c.body > 0 {
		k := min(c.body, uint64(len(p)))
		c.body -= k
		return p[k:]
	}
	c.header[c.have] = p[0]
	c.have++
	const long = 2
	switch isLong := c.header[0]&long != 0; {
	case !isLong && c.have == 2:
		c.begin(uint64(c.header[1]))
	case isLong && c.have == 9:
		c.begin(binary.BigEndian.Uint64(c.header[1:]))
	}
	return p[1:]
}

// begin starts a frame's body. The first frame ends the handshake.
func (c *guardedConn) begin(size uint64) {
	c.have, c.body = 0, size
	c.refused = size > maxFrame
	if c.frames++; c.frames == 1 {
		c.refused = c.refused || c.Conn.SetReadDeadline(time.Time{}) != nil
	}
}

// Write cuts off a peer that takes nothing for five seconds.
func (c *guardedConn) Write(p []byte) (int, error) {
	if err := c.Conn.SetWriteDeadline(time.Now().Add(writeTimeout)); err != nil {
		return 0, err
	}
	n, err := c.Conn.Write(p)
	if err != nil {
		err = errors.Join(err, c.Conn.Close())
	}
	return n, err
}

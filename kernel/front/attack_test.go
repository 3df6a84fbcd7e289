package front

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/go-zeromq/zmq4"
)

// alive fails the test if the kernel does not run cells.
func alive(t *testing.T, k *kernel, after string) {
	t.Helper()
	select {
	case <-k.ended:
		t.Fatalf("the kernel ended: %s", after)
	default:
	}
	reply, _ := k.connect(t).run("recall")
	if reply["status"] != "ok" {
		t.Fatalf("after %s: %v", after, reply)
	}
}

func (k *kernel) ports() []int {
	return []int{k.ShellPort, k.ControlPort, k.StdinPort, k.IOPubPort, k.HBPort}
}

func TestMalformedMessagesAreDropped(t *testing.T) {
	k := serve(t, Options{})
	c := k.connect(t)
	good, err := c.signer.Encode("s", nil, nil, "execute_request", map[string]any{"code": "exit"})
	if err != nil {
		t.Fatal(err)
	}
	forged := func(signature string) [][]byte {
		return append([][]byte{good[0], []byte(signature)}, good[2:]...)
	}
	attacks := map[string][][]byte{
		"no delimiter":   {[]byte("hello")},
		"wrong HMAC":     forged(strings.Repeat("ab", 32)),
		"empty HMAC":     forged(""),
		"HMAC not hex":   forged("zz"),
		"short message":  good[:4],
		"only delimiter": good[:1],
		"many frames":    append(forged("00"), make([][]byte, 100)...),
	}
	for name, frames := range attacks {
		for _, z := range []zmq4.Socket{c.shell, c.control, c.stdin} {
			if err := z.SendMulti(zmq4.NewMsgFrom(frames...)); err != nil {
				t.Fatal(err)
			}
		}
		alive(t, k, name)
	}
	if err := k.stop(); err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(k.log.String(), "wrong signature"); n != 1 {
		t.Errorf("logged %d times:\n%s", n, k.log)
	}
}

// Signed requests whose content is not what it should be.
func TestWrongContentIsAnswered(t *testing.T) {
	k := serve(t, Options{})
	c := k.connect(t)
	for kind, contents := range map[string][]any{
		"execute_request":     {map[string]any{"code": 1}, map[string]any{"silent": "yes"}},
		"complete_request":    {map[string]any{"code": "x", "cursor_pos": "1"}, map[string]any{"code": []int{}}},
		"inspect_request":     {map[string]any{"code": "x", "cursor_pos": 1e300}},
		"is_complete_request": {map[string]any{"code": nil, "x": 1}, map[string]any{"code": false}},
		"history_request":     {map[string]any{"n": "many"}},
	} {
		for _, content := range contents {
			if reply := c.ask(kind, content); reply["status"] == nil {
				t.Errorf("%s of %v: %v", kind, content, reply)
			}
		}
	}
	for _, cursor := range []int{-5, 1 << 40} {
		if reply := c.ask("inspect_request", map[string]any{"code": "né", "cursor_pos": cursor}); reply["status"] != "ok" {
			t.Errorf("cursor %d: %v", cursor, reply)
		}
	}
	for _, kind := range []string{"comm_open", "comm_msg", "input_reply", "no_such_request"} {
		for _, z := range []zmq4.Socket{c.shell, c.control, c.stdin} {
			c.send(z, kind, map[string]any{"comm_id": 7, "value": []int{1}})
		}
	}
	alive(t, k, "wrong content")
}

// handshake opens a connection of a ZeroMQ peer by hand.
func handshake(t *testing.T, port int, kind string) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", port))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	greeting := make([]byte, 64)
	greeting[0], greeting[9], greeting[10] = 0xff, 0x7f, 3
	copy(greeting[12:], "NULL")
	body := "\x05READY\x0bSocket-Type" + string(binary.BigEndian.AppendUint32(nil, uint32(len(kind)))) + kind + "\x08Identity\x00\x00\x00\x00"
	if _, err := conn.Write(append(greeting, append([]byte{4, byte(len(body))}, body...)...)); err != nil {
		t.Fatal(err)
	}
	return conn
}

// TestHugeFrames sends the header of a frame of 2⁶⁰ bytes: the connection is
// closed.
func TestHugeFrames(t *testing.T) {
	k := serve(t, Options{})
	huge := binary.BigEndian.AppendUint64([]byte{2}, 1<<60)
	for _, port := range k.ports() {
		kind := "DEALER"
		if port == k.IOPubPort {
			kind = "SUB"
		}
		conn := handshake(t, port, kind)
		if _, err := conn.Write(huge); err != nil {
			t.Fatal(err)
		}
		if err := conn.SetReadDeadline(time.Now().Add(time.Minute)); err != nil {
			t.Fatal(err)
		}
		in := bufio.NewReader(conn)
		for {
			if _, err := in.ReadByte(); errors.Is(err, os.ErrDeadlineExceeded) {
				t.Errorf("port %d: the connection stays open", port)
				break
			} else if err != nil {
				break
			}
		}
	}
	alive(t, k, "frames of 2⁶⁰ bytes")
}

func TestOtherProtocols(t *testing.T) {
	k := serve(t, Options{})
	for _, hello := range []string{"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n" + strings.Repeat("x", 500), "\x16\x03\x01", strings.Repeat("\xff", 1000)} {
		for _, port := range k.ports() {
			conn, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", port))
			if err != nil {
				t.Fatal(err)
			}
			if _, err := conn.Write([]byte(hello)); err != nil {
				t.Fatal(err)
			}
			conn.Close()
		}
	}
	alive(t, k, "other protocols")
}

// TestSilentSubscriber has one that never reads: the others hear everything.
func TestSilentSubscriber(t *testing.T) {
	k := serve(t, Options{})
	conn := handshake(t, k.IOPubPort, "SUB")
	if _, err := conn.Write([]byte{0, 1, 1}); err != nil { // subscribe to all
		t.Fatal(err)
	}
	c := k.connect(t)
	const pictures = 20
	_, published := c.run(strings.Repeat("picture 1\n", pictures))
	if n := strings.Count(kinds(published), "display_data"); n != pictures {
		t.Errorf("%d of %d pictures arrived", n, pictures)
	}
	alive(t, k, "a subscriber that does not read")
}

func TestClientsThatDrop(t *testing.T) {
	k := serve(t, Options{})
	signer := k.connect(t).signer
	for i := range 30 {
		z := zmq4.NewDealer(context.Background())
		if err := z.Dial(fmt.Sprintf("tcp://127.0.0.1:%d", k.ShellPort)); err != nil {
			t.Fatal(err)
		}
		frames, err := signer.Encode("s", nil, nil, "execute_request", map[string]any{"code": fmt.Sprint("print ", i)})
		if err != nil {
			t.Fatal(err)
		}
		if err := z.SendMulti(zmq4.NewMsgFrom(frames...)); err != nil {
			t.Fatal(err)
		}
		z.Close()
	}
	alive(t, k, "30 clients that sent and dropped")
}

func TestManyRequests(t *testing.T) {
	k := serve(t, Options{})
	c := k.connect(t)
	var last string
	for i := range 1000 {
		kind := []string{"kernel_info_request", "is_complete_request", "history_request", "comm_info_request"}[i%4]
		last = c.send(c.shell, kind, map[string]any{"code": "x"})
	}
	c.reply(c.shell, last)
	alive(t, k, "1,000 requests")
}

func TestLargeContent(t *testing.T) {
	k := serve(t, Options{})
	c := k.connect(t)
	reply, _ := c.run("remember me\n// " + strings.Repeat("x", 20<<20) + "\nrecall")
	if reply["status"] != "ok" {
		t.Errorf("a cell of 20 MB: %v", reply)
	}
	reply, published := c.run("picture 50")
	if reply["status"] != "ok" || kinds(published) != "status execute_input display_data status" {
		t.Errorf("a picture of 50 MB: %v, %s", reply, kinds(published))
	}
	alive(t, k, "large content")
}

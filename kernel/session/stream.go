package session

import (
	"bytes"
	"fmt"
	"io"
	"strconv"
	"sync"
	"time"
	"unicode/utf8"
)

const (
	coalesce = 50 * time.Millisecond
	chunk    = 64 << 10
)

// marker is the bytes that stand for event n in a stream; token is drawn anew
// for each child, so that no cell prints one by chance.
func marker(token string, n int) []byte { return fmt.Appendf(nil, "\x00%s:%d\x00", token, n) }

// A stream is the parent's end of the child's standard output or error. Text is
// passed on in pieces, at markers and when nothing comes for a while; at a
// marker it waits until the event of that number has been passed on too.
type stream struct {
	token []byte
	emit  func(text string)

	mu      sync.Mutex
	cond    *sync.Cond
	reached int // the last marker seen
	passed  int // the last event passed on
	ended   bool
	pending []byte
	timer   *time.Timer
}

func newStream(token string, emit func(string)) *stream {
	s := &stream{token: []byte("\x00" + token + ":"), emit: emit}
	s.cond = sync.NewCond(&s.mu)
	return s
}

// read passes on r until it ends.
func (s *stream) read(r io.Reader) {
	defer s.end()
	buffer := make([]byte, chunk)
	for {
		n, err := r.Read(buffer)
		if n > 0 {
			s.take(buffer[:n])
		}
		if err != nil {
			return
		}
	}
}

func (s *stream) end() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.flush(len(s.pending))
	s.ended = true
	s.cond.Broadcast()
}

// take adds text and acts on the markers in it.
func (s *stream) take(text []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.pending = append(s.pending, text...)
	for s.nextMarker() {
	}
	switch n := s.settled(); {
	case n >= chunk:
		s.flush(n)
	case n > 0 && s.timer == nil:
		s.timer = time.AfterFunc(coalesce, func() {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.timer = nil
			s.flush(s.settled())
		})
	}
}

// settled is how much of what is pending can be neither the beginning of a
// marker nor of a character.
func (s *stream) settled() int {
	n := len(s.pending) - partial(s.pending, s.token)
	for back := 1; back < utf8.UTFMax && back <= n; back++ {
		if c := s.pending[n-back]; utf8.RuneStart(c) {
			if !utf8.FullRune(s.pending[n-back : n]) {
				return n - back
			}
			break
		}
	}
	return n
}

// nextMarker passes on what stands before the first marker and waits at it.
func (s *stream) nextMarker() bool {
	i := bytes.Index(s.pending, s.token)
	if i < 0 {
		return false
	}
	rest := s.pending[i+len(s.token):]
	j := bytes.IndexByte(rest, 0)
	if j < 0 {
		return false
	}
	n, err := strconv.Atoi(string(rest[:j]))
	s.flush(i)
	s.pending = s.pending[len(s.token)+j+1:]
	if err != nil {
		return true
	}
	s.reached = n
	s.cond.Broadcast()
	for s.passed < n && !s.ended {
		s.cond.Wait()
	}
	return true
}

// partial is the length of the longest end of text that may be the beginning of
// a marker.
func partial(text, token []byte) int {
	if i := bytes.LastIndexByte(text, 0); i >= 0 {
		tail := text[i:]
		if len(tail) <= len(token) && bytes.HasPrefix(token, tail) || bytes.HasPrefix(tail, token) {
			return len(tail)
		}
	}
	return 0
}

func (s *stream) flush(n int) {
	if n > 0 {
		s.emit(string(bytes.ToValidUTF8(s.pending[:n], []byte("\uFFFD"))))
		s.pending = s.pending[n:]
	}
}

// await waits until marker n has come, but not for long: a cell may have closed
// the stream.
func (s *stream) await(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	late := false
	t := time.AfterFunc(2*time.Second, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		late = true
		s.cond.Broadcast()
	})
	defer t.Stop()
	for s.reached < n && !s.ended && !late {
		s.cond.Wait()
	}
}

// pass says that event n has been passed on.
func (s *stream) pass(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.passed = n
	s.cond.Broadcast()
}

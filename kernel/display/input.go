package display

import (
	"errors"
	"strings"
	"sync"
	"unicode/utf8"
)

// An InputReader reads lines that are asked for one by one: it is what fmt.Scan
// reads from in a cell. It holds the part of a line not read yet.
type InputReader struct {
	mu   sync.Mutex
	rest string
	last string // the rune read last, if that was the last thing read
}

// Read returns what is left of the last line, else asks for another.
func (r *InputReader) Read(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := r.fill(); err != nil {
		return 0, err
	}
	n := copy(p, r.rest)
	r.rest, r.last = r.rest[n:], ""
	return n, nil
}

// ReadRune lets fmt.Scan read no further than it needs.
func (r *InputReader) ReadRune() (rune, int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := r.fill(); err != nil {
		return 0, 0, err
	}
	c, size := utf8.DecodeRuneInString(r.rest)
	r.last, r.rest = r.rest[:size], r.rest[size:]
	return c, size, nil
}

// UnreadRune gives the last rune back, so that one Scan takes nothing from the
// next.
func (r *InputReader) UnreadRune() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.last == "" {
		return errors.New("display: UnreadRune: no rune was read last")
	}
	r.rest, r.last = r.last+r.rest, ""
	return nil
}

// fill makes rest hold something.
func (r *InputReader) fill() error {
	if r.rest != "" {
		return nil
	}
	line, err := Input("")
	if err != nil {
		return err
	}
	r.rest = strings.TrimSuffix(line, "\n") + "\n"
	return nil
}

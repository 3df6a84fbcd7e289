package session

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sync"

	"sslnotes/kernel/display"
	"sslnotes/kernel/engine"
)

// maxMessage bounds a message between the processes.
const maxMessage = 1 << 30

// A request is what the parent asks of the child.
type request struct {
	ID     int    `json:"id"`
	Op     string `json:"op"` // execute, complete, inspect, is_complete, interrupt, input
	Cell   Cell   `json:"cell"`
	Cursor int    `json:"cursor,omitempty"` // in bytes
	Detail int    `json:"detail,omitempty"`
	Text   string `json:"text,omitempty"` // of an input
	NoText bool   `json:"no_text,omitempty"`
}

// An event is what the child tells. Marker is its number in the streams.
type event struct {
	ID         int               `json:"id"` // of the request; 0 for output outside one
	Kind       string            `json:"kind"`
	Marker     int               `json:"marker,omitempty"`
	Display    string            `json:"display,omitempty"`
	Update     bool              `json:"update,omitempty"`
	Bundle     display.Bundle    `json:"bundle,omitempty"`
	Wait       bool              `json:"wait,omitempty"`
	Prompt     string            `json:"prompt,omitempty"`
	Password   bool              `json:"password,omitempty"`
	Error      *engine.Error     `json:"error,omitempty"`
	Completion engine.Completion `json:"completion"`
	Text       string            `json:"text,omitempty"`
	OK         bool              `json:"ok,omitempty"`
	Status     string            `json:"status,omitempty"`
	Indent     string            `json:"indent,omitempty"`
}

// A pipe frames JSON values by a length of four bytes.
type pipe struct {
	r io.Reader
	w io.Writer

	mu sync.Mutex // of w
}

func (p *pipe) send(v any) error {
	body, err := json.Marshal(v)
	if err != nil {
		return err
	}
	if len(body) > maxMessage {
		return fmt.Errorf("session: a message of %d bytes, want at most %d", len(body), maxMessage)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	_, err = p.w.Write(append(binary.BigEndian.AppendUint32(nil, uint32(len(body))), body...))
	return err
}

func (p *pipe) receive(v any) error {
	var head [4]byte
	if _, err := io.ReadFull(p.r, head[:]); err != nil {
		return err
	}
	n := binary.BigEndian.Uint32(head[:])
	if n > maxMessage {
		return errors.New("session: a message that is too long")
	}
	var body bytes.Buffer // grows with what comes, not with what was announced
	if _, err := io.CopyN(&body, p.r, int64(n)); err != nil {
		return err
	}
	return json.Unmarshal(body.Bytes(), v)
}

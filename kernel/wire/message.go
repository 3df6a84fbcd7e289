package wire

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// Version is the version of the messaging protocol that is spoken.
const Version = "5.4"

// A Header identifies a message.
type Header struct {
	ID       string `json:"msg_id"`
	Session  string `json:"session"`
	Username string `json:"username"`
	Date     string `json:"date"`
	Type     string `json:"msg_type"`
	Version  string `json:"version"`
}

// A Message is one that came in and was found well formed.
type Message struct {
	Identities [][]byte // the route back to the peer
	Header     Header
	RawHeader  json.RawMessage // as received: what answers name as their parent
	Metadata   json.RawMessage
	Content    json.RawMessage // a JSON object
	Buffers    [][]byte
}

// Read decodes the content into v. Fields that v does not have are ignored.
func (m *Message) Read(v any) error {
	if err := json.Unmarshal(m.Content, v); err != nil {
		return fmt.Errorf("content of %s: %w", m.Header.Type, err)
	}
	return nil
}

var delimiter = []byte("<IDS|MSG>")

// The frames behind the delimiter.
const (
	frameSignature = iota
	frameHeader
	frameParent
	frameMetadata
	frameContent
	frameCount
)

// Decode checks the signature and the form of a message.
func (s Signer) Decode(frames [][]byte) (*Message, error) {
	at := 0
	for at < len(frames) && !bytes.Equal(frames[at], delimiter) {
		at++
	}
	if at == len(frames) {
		return nil, errors.New("no delimiter")
	}
	body := frames[at+1:]
	if len(body) < frameCount {
		return nil, errors.New("too few frames")
	}
	if err := s.verify(body[frameSignature], body[frameHeader:frameCount]); err != nil {
		return nil, err
	}
	m := &Message{Identities: frames[:at], RawHeader: body[frameHeader], Metadata: body[frameMetadata],
		Content: body[frameContent], Buffers: body[frameCount:]}
	return m, m.check(body[frameParent])
}

// check reports what is wrong with the four JSON objects. Its messages are few,
// because each is logged once.
func (m *Message) check(parent []byte) error {
	if json.Unmarshal(m.RawHeader, &m.Header) != nil || !isObject(m.RawHeader) {
		return errors.New("malformed header")
	}
	if m.Header.Type == "" || m.Header.ID == "" {
		return errors.New("header without msg_type or msg_id")
	}
	for _, part := range [][]byte{parent, m.Metadata, m.Content} {
		if !isObject(part) {
			return errors.New("a part is no JSON object")
		}
	}
	return nil
}

func isObject(text []byte) bool {
	text = bytes.TrimLeft(text, " \t\r\n")
	return len(text) > 0 && text[0] == '{' && json.Valid(text)
}

// Encode makes the frames of a message that answers parent, which may be nil.
func (s Signer) Encode(session string, to [][]byte, parent *Message, kind string, content any) ([][]byte, error) {
	header, err := json.Marshal(Header{ID: newID(), Session: session, Username: "kernel",
		Date: time.Now().UTC().Format(time.RFC3339Nano), Type: kind, Version: Version})
	if err != nil {
		return nil, err
	}
	body, err := json.Marshal(content)
	if err != nil {
		return nil, fmt.Errorf("content of %s: %w", kind, err)
	}
	above := []byte("{}")
	if parent != nil {
		above = parent.RawHeader
	}
	parts := [][]byte{header, above, []byte("{}"), body}
	frames := append([][]byte{}, to...)
	return append(append(frames, delimiter, s.sign(parts)), parts...), nil
}

package front

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"maps"
	"strings"
	"time"
	"unicode"

	"sslnotes/kernel/display"
	"sslnotes/kernel/session"
	"sslnotes/kernel/wire"
)

var errFlood = errors.New("more requests than the queue holds")

func errUnknown(m *wire.Message) error { return fmt.Errorf("unknown request %.40q", m.Header.Type) }

type executeRequest struct {
	Code        string            `json:"code"`
	Silent      bool              `json:"silent"`
	Store       *bool             `json:"store_history"`
	Expressions map[string]string `json:"user_expressions"`
	AllowStdin  bool              `json:"allow_stdin"`
	StopOnError *bool             `json:"stop_on_error"`
}

func (f *Front) execute(m *wire.Message) {
	var r executeRequest
	if err := m.Read(&r); err != nil {
		f.reply(wire.Shell, m, "execute_reply", failure(err))
		return
	}
	keep := !r.Silent && (r.Store == nil || *r.Store)
	number := f.next(m, keep, r.Code)
	if !r.Silent {
		f.publish(m, "execute_input", map[string]any{"code": r.Code, "execution_count": number})
	}
	if name, detail, asked := question(r.Code); asked {
		f.page(m, name, detail, number)
		return
	}
	cell := session.Cell{Code: r.Code, Silent: r.Silent, AllowStdin: r.AllowStdin, Session: f.o.Session}
	if keep {
		cell.Number = number
	}
	outputs, started := NewDigest(), time.Now()
	reply := f.child.Execute(context.Background(), cell, func(o session.Output) {
		outputs.Note(o)
		f.output(m, o, number)
	})
	content := f.outcome(m, r, reply, number)
	if keep && f.o.Record != nil {
		f.o.Record(Record{number, r.Code, content["status"].(string), hex.EncodeToString(outputs.Sum(nil)), started})
	}
	f.reply(wire.Shell, m, "execute_reply", content)
}

// outcome is the content of the reply to a cell that has run; of a failure it
// tells the front ends, and the cells that wait.
func (f *Front) outcome(m *wire.Message, r executeRequest, reply session.Reply, number int) map[string]any {
	e := reply.Err
	if e == nil {
		return map[string]any{"status": "ok", "execution_count": number, "payload": []any{}, "user_expressions": f.expressions(r.Expressions)}
	}
	content := map[string]any{"ename": e.Name, "evalue": e.Message, "traceback": e.Traceback}
	if !r.Silent {
		f.publish(m, "error", maps.Clone(content))
	}
	if r.StopOnError == nil || *r.StopOnError {
		f.abort()
	}
	content["status"], content["execution_count"] = "error", number
	return content
}

// question reports whether a cell is only a name with ? or ?? behind it, which
// asks for the documentation, as in IPython.
func question(code string) (name string, detail int, asked bool) {
	code = strings.TrimSpace(code)
	name = strings.TrimRight(code, "?")
	marks := len(code) - len(name)
	word := func(r rune) bool { return r == '.' || r == '_' || unicode.IsLetter(r) || unicode.IsDigit(r) }
	asked = name != "" && (marks == 1 || marks == 2) && strings.IndexFunc(name, func(r rune) bool { return !word(r) }) < 0
	return name, marks - 1, asked
}

// page answers a question by a page that front ends show beside the notebook.
func (f *Front) page(m *wire.Message, name string, detail, number int) {
	text, found, err := f.child.Inspect(name, len(name), detail)
	if err != nil || !found {
		text = "There is no documentation of " + name + "."
	}
	page := map[string]any{"source": "page", "start": 0, "data": map[string]any{display.MimeText: text}}
	f.reply(wire.Shell, m, "execute_reply", map[string]any{"status": "ok", "execution_count": number,
		"payload": []any{page}, "user_expressions": map[string]any{}})
}

// next returns the number of a cell, counting it if it is kept.
func (f *Front) next(m *wire.Message, keep bool, code string) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.last = m
	if !keep {
		return f.count
	}
	f.count++
	f.cells = append(f.cells, code)
	return f.count
}

// A Digest is that of a cell's outputs, as far as they can be equal when the
// cell runs again: a stream counts as one text, however it was cut into pieces,
// and what has an ID does not count, since it changes while the cell runs, as a
// progress bar does.
type Digest struct {
	hash.Hash
	kind string // of the last output
}

// NewDigest returns the digest of no outputs.
func NewDigest() *Digest { return &Digest{Hash: sha256.New()} }

// Note adds an output.
func (d *Digest) Note(o session.Output) {
	switch {
	case o.ID != "" || o.Kind == session.Input:
		return
	case o.Kind == session.Stdout || o.Kind == session.Stderr:
		if o.Kind != d.kind {
			fmt.Fprintf(d, "\x00%s\x00", o.Kind)
		}
		io.WriteString(d, o.Text)
	default:
		raw, err := json.Marshal(o.Bundle)
		if err == nil {
			fmt.Fprintf(d, "\x00%s\x00%s", o.Kind, raw)
		}
	}
	d.kind = o.Kind
}

// expressions evaluates what a front end wants to know after a cell.
func (f *Front) expressions(wanted map[string]string) map[string]any {
	found := map[string]any{}
	for name, code := range wanted {
		value := display.Bundle{}
		r := f.child.Execute(context.Background(), session.Cell{Code: code}, func(o session.Output) {
			if o.Kind == session.Result {
				value = o.Bundle
			}
		})
		if r.Err != nil {
			found[name] = map[string]any{"status": "error", "ename": r.Err.Name, "evalue": r.Err.Message, "traceback": r.Err.Traceback}
			continue
		}
		found[name] = map[string]any{"status": "ok", "data": value, "metadata": map[string]any{}}
	}
	return found
}

// output passes one output of a cell on; m may be nil.
func (f *Front) output(m *wire.Message, o session.Output, number int) {
	none := map[string]any{}
	switch o.Kind {
	case session.Stdout, session.Stderr:
		f.publish(m, "stream", map[string]any{"name": o.Kind, "text": o.Text})
	case session.Display, session.Update:
		transient := map[string]any{}
		if o.ID != "" {
			transient["display_id"] = o.ID
		}
		kind := map[string]string{session.Display: "display_data", session.Update: "update_display_data"}[o.Kind]
		f.publish(m, kind, map[string]any{"data": o.Bundle, "metadata": none, "transient": transient})
	case session.Clear:
		f.publish(m, "clear_output", map[string]any{"wait": o.Wait})
	case session.Result:
		f.publish(m, "execute_result", map[string]any{"execution_count": number, "data": o.Bundle, "metadata": none})
	case session.Input:
		f.reply(wire.Stdin, m, "input_request", map[string]any{"prompt": o.Text, "password": o.Password})
	}
}

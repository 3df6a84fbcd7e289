package front

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"time"

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
	number := f.next(keep, r.Code)
	if !r.Silent {
		f.publish(m, "execute_input", map[string]any{"code": r.Code, "execution_count": number})
	}
	digest, started := sha256.New(), time.Now()
	cell := session.Cell{Code: r.Code, Silent: r.Silent, AllowStdin: r.AllowStdin, Session: f.o.Session}
	if keep {
		cell.Number = number
	}
	reply := f.child.Execute(context.Background(), cell, func(o session.Output) {
		note(digest, o)
		f.output(m, o, number)
	})
	content := map[string]any{"status": "ok", "execution_count": number, "payload": []any{}}
	if e := reply.Err; e != nil {
		content = map[string]any{"status": "error", "execution_count": number, "ename": e.Name, "evalue": e.Message, "traceback": e.Traceback}
		if !r.Silent {
			f.publish(m, "error", map[string]any{"ename": e.Name, "evalue": e.Message, "traceback": e.Traceback})
		}
		if r.StopOnError == nil || *r.StopOnError {
			f.abort()
		}
	} else {
		content["user_expressions"] = f.expressions(r.Expressions)
	}
	if keep && f.o.Record != nil {
		f.o.Record(Record{number, r.Code, content["status"].(string), hex.EncodeToString(digest.Sum(nil)), started})
	}
	f.reply(wire.Shell, m, "execute_reply", content)
}

// next returns the number of a cell, counting it if it is kept.
func (f *Front) next(keep bool, code string) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !keep {
		return f.count
	}
	f.count++
	f.cells = append(f.cells, code)
	return f.count
}

// note adds an output to a cell's digest.
func note(h hash.Hash, o session.Output) {
	raw, err := json.Marshal([]any{o.Kind, o.Text, o.ID, o.Bundle})
	if err == nil {
		h.Write(raw)
	}
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
		if m == nil {
			f.child.Answer("", true)
			return
		}
		f.reply(wire.Stdin, m, "input_request", map[string]any{"prompt": o.Text, "password": o.Password})
	}
}

package cli

import (
	"context"
	"encoding/hex"
	"maps"
	"strings"
	"time"

	"sslnotes/internal/notebook"
	"sslnotes/kernel/display"
	"sslnotes/kernel/engine"
	"sslnotes/kernel/front"
	"sslnotes/kernel/session"
)

// walkKernel runs a notebook's code in a child process.
type walkKernel struct {
	*session.Child
	store  *cellStore
	number int
	watch  func(string) // is told what a display that can be updated says
}

// startCells starts a session whose runs go to the store db.
func (a *app) startCells(id, dir, db string) (*walkKernel, error) {
	command, err := a.sessionCommand()
	if err != nil {
		return nil, err
	}
	child, err := session.Start(session.Options{Command: command, Dir: dir, Env: []string{"SSLNOTES_DB=" + db}})
	return &walkKernel{Child: child, store: &cellStore{session: id, open: a.cells().open}}, err
}

// Run implements notebook.Kernel.
func (k *walkKernel) Run(ctx context.Context, code string, show func(notebook.Event)) error {
	k.number++
	record := front.Record{Number: k.number, Source: code, Status: "ok", Started: time.Now()}
	digest := front.NewDigest()
	reply := k.Execute(ctx, session.Cell{Code: code, Number: k.number, Session: k.store.session}, func(o session.Output) {
		digest.Note(o)
		if o.Kind == session.Update && k.watch != nil {
			text, _ := o.Bundle[display.MimeText].(string)
			k.watch(text)
		}
		show(eventOf(o))
	})
	if reply.Err != nil {
		record.Status = "error"
		show(notebook.Event{Output: failed(reply.Err)})
	}
	record.Outputs = hex.EncodeToString(digest.Sum(nil))
	k.store.record(record)
	return nil
}

func failed(e *engine.Error) notebook.Output {
	return notebook.Output{Type: "error", Error: e.Name, Message: e.Message, Traceback: e.Traceback}
}

func eventOf(o session.Output) notebook.Event {
	switch o.Kind {
	case session.Stdout, session.Stderr:
		return notebook.Event{Output: notebook.Output{Type: "stream", Name: o.Kind, Text: o.Text}}
	case session.Clear:
		return notebook.Event{Clear: true, Wait: o.Wait}
	case session.Result:
		return notebook.Event{Output: notebook.Output{Type: "execute_result", Data: maps.Clone(o.Bundle)}}
	}
	return notebook.Event{Update: o.Kind == session.Update,
		Output: notebook.Output{Type: "display_data", Data: maps.Clone(o.Bundle), DisplayID: o.ID}}
}

// firstLine is what a cell is called by.
func firstLine(source string) string {
	for line := range strings.SplitSeq(source, "\n") {
		line = strings.TrimSpace(line)
		if line != "" && !strings.HasPrefix(line, "import") && line != ")" {
			return line
		}
	}
	return ""
}

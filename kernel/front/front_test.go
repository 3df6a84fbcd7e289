package front

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"sslnotes/kernel/display"
)

func TestCells(t *testing.T) {
	c := serve(t, Options{}).connect(t)
	reply, published := c.run("print a\nupdate 1\nupdate 2\nprint b\nremember c\nrecall")
	if reply["status"] != "ok" || reply["execution_count"] != 1.0 {
		t.Errorf("%v", reply)
	}
	const want = "status execute_input stream display_data update_display_data stream execute_result status"
	if got := kinds(published); got != want {
		t.Errorf("%s, want %s", got, want)
	}
	reply, published = c.run("fail badly")
	if reply["status"] != "error" || reply["ename"] != "panic" || len(reply["traceback"].([]any)) != 2 || reply["execution_count"] != 2.0 {
		t.Errorf("%v", reply)
	}
	if got := kinds(published); got != "status execute_input error status" {
		t.Errorf("a failure: %s", got)
	}
	id := c.send(c.shell, "execute_request", map[string]any{"code": "recall", "silent": true})
	if reply = c.reply(c.shell, id); reply["execution_count"] != 2.0 {
		t.Errorf("a silent cell: %v", reply)
	}
	if got := kinds(c.until(id)); got != "status status" {
		t.Errorf("a silent cell: %s", got)
	}
}

func TestExpressions(t *testing.T) {
	c := serve(t, Options{}).connect(t)
	reply := c.ask("execute_request", map[string]any{"code": "remember x", "user_expressions": map[string]string{"a": "recall", "b": "fail"}})
	found := reply["user_expressions"].(map[string]any)
	if a := found["a"].(map[string]any); a["status"] != "ok" || a["data"].(map[string]any)[display.MimeText] != "x" {
		t.Errorf("%v", a)
	}
	if b := found["b"].(map[string]any); b["status"] != "error" {
		t.Errorf("%v", b)
	}
}

// A cell that fails aborts those that wait, unless it says otherwise.
func TestAbort(t *testing.T) {
	c := serve(t, Options{}).connect(t)
	for _, stop := range []bool{true, false} {
		first := c.send(c.shell, "execute_request", map[string]any{"code": "wait", "stop_on_error": stop})
		second := c.send(c.shell, "execute_request", map[string]any{"code": "print x"})
		for m := range c.published { // until the first runs
			if m.about == first && m.Header.Type == "execute_input" {
				break
			}
		}
		c.ask("kernel_info_request", nil) // by now the second waits
		c.reply(c.control, c.send(c.control, "interrupt_request", nil))
		if r := c.reply(c.shell, first); r["ename"] != "interrupted" {
			t.Errorf("%v", r)
		}
		want := map[bool]string{true: "aborted", false: "ok"}[stop]
		if r := c.reply(c.shell, second); r["status"] != want {
			t.Errorf("%v, want %s", r, want)
		}
	}
}

func TestDeathOfTheSession(t *testing.T) {
	c := serve(t, Options{}).connect(t)
	c.run("remember x")
	reply, _ := c.run("exit")
	if trace := fmt.Sprint(reply["traceback"]); reply["status"] != "error" || !strings.Contains(trace, "exit status 3") || !strings.Contains(trace, "lost") {
		t.Errorf("%v", reply)
	}
	if reply, _ := c.run("recall"); reply["status"] != "ok" {
		t.Errorf("%v", reply)
	}
}

func TestQuestions(t *testing.T) {
	c := serve(t, Options{}).connect(t)
	// Cursors count code points, the engine's offsets bytes.
	if r := c.ask("inspect_request", map[string]any{"code": "né.x", "cursor_pos": 3, "detail_level": 1}); r["found"] != true || r["data"].(map[string]any)[display.MimeText] != "né.x 4 1" {
		t.Errorf("%v", r)
	}
	if r := c.ask("inspect_request", map[string]any{"code": "unknown", "cursor_pos": 0}); r["found"] != false {
		t.Errorf("%v", r)
	}
	if r := c.ask("complete_request", map[string]any{"code": "né.x", "cursor_pos": 4}); r["cursor_start"] != 3.0 || r["cursor_end"] != 4.0 || fmt.Sprint(r["matches"]) != "[x]" {
		t.Errorf("%v", r)
	}
	if r := c.ask("is_complete_request", map[string]any{"code": "x"}); r["status"] != "incomplete" || r["indent"] != "\t" {
		t.Errorf("%v", r)
	}
	reply, _ := c.run("fmt.Println??")
	page := reply["payload"].([]any)[0].(map[string]any)
	if page["source"] != "page" || page["data"].(map[string]any)[display.MimeText] != "fmt.Println 11 1" {
		t.Errorf("%v", reply)
	}
}

func TestInput(t *testing.T) {
	c := serve(t, Options{}).connect(t)
	id := c.send(c.shell, "execute_request", map[string]any{"code": "ask how?", "allow_stdin": true})
	asked := c.reply(c.stdin, id)
	if asked["prompt"] != "how?" || asked["password"] != false {
		t.Errorf("%v", asked)
	}
	c.send(c.stdin, "input_reply", map[string]any{"value": "so"})
	if r := c.reply(c.shell, id); r["status"] != "ok" {
		t.Errorf("%v", r)
	}
	for _, m := range c.until(id) {
		if m.Header.Type == "stream" && c.content(m)["text"] != "answer: so\n" {
			t.Errorf("%s", m.Content)
		}
	}
}

// A question that is interrupted gives way to the next.
func TestInterruptedInput(t *testing.T) {
	c := serve(t, Options{}).connect(t)
	id := c.send(c.shell, "execute_request", map[string]any{"code": "ask first", "allow_stdin": true})
	c.reply(c.stdin, id)
	c.reply(c.control, c.send(c.control, "interrupt_request", nil))
	if r := c.reply(c.shell, id); r["status"] != "error" {
		t.Errorf("%v", r)
	}
	id = c.send(c.shell, "execute_request", map[string]any{"code": "ask second", "allow_stdin": true})
	c.reply(c.stdin, id)
	c.send(c.stdin, "input_reply", map[string]any{"value": "so"})
	if r := c.reply(c.shell, id); r["status"] != "ok" {
		t.Errorf("%v", r)
	}
}

// What a goroutine prints after its cell has ended is output of that cell.
func TestLateOutput(t *testing.T) {
	c := serve(t, Options{}).connect(t)
	id := c.send(c.shell, "execute_request", map[string]any{"code": "later afterwards"})
	c.reply(c.shell, id)
	for m := range c.published {
		if m.Header.Type == "stream" {
			if m.about != id || c.content(m)["text"] != "afterwards\n" {
				t.Errorf("%s about %s", m.Content, m.about)
			}
			break
		}
	}
}

func TestHistory(t *testing.T) {
	past := [][]string{{"a", "b"}, {"c", "a/b"}}
	c := serve(t, Options{Past: func() [][]string { return past }}).connect(t)
	c.run("print 1")
	c.run("print 2")
	for _, test := range []struct {
		request map[string]any
		want    string
	}{
		{map[string]any{"hist_access_type": "tail", "n": 3}, "[[2 2 a/b] [3 1 print 1] [3 2 print 2]]"},
		{map[string]any{"hist_access_type": "range", "session": 0, "start": 1, "stop": 2}, "[[3 1 print 1]]"},
		{map[string]any{"hist_access_type": "range", "session": -2}, "[[1 1 a] [1 2 b]]"},
		{map[string]any{"hist_access_type": "search", "pattern": "a*"}, "[[1 1 a] [2 2 a/b]]"},
		{map[string]any{"hist_access_type": "search", "pattern": "print?[12]", "n": 1, "output": true}, "[[3 2 [print 2 <nil>]]]"},
	} {
		if got := fmt.Sprint(c.ask("history_request", test.request)["history"]); got != test.want {
			t.Errorf("%v: %s, want %s", test.request, got, test.want)
		}
	}
}

// The digest of a cell's outputs tells outputs apart, but not the pieces in
// which they came, nor what a bar showed.
func TestRecords(t *testing.T) {
	var mu sync.Mutex
	var records []Record
	c := serve(t, Options{Record: func(r Record) {
		mu.Lock()
		defer mu.Unlock()
		records = append(records, r)
	}}).connect(t)
	for _, code := range []string{"print a\nprint b", "print a\nupdate 10 %\nupdate 99 %\nprint b", "print a\nprint c", "fail"} {
		c.run(code)
	}
	mu.Lock()
	defer mu.Unlock()
	if len(records) != 4 || records[0].Number != 1 || records[0].Status != "ok" || records[3].Status != "error" || records[3].Source != "fail" {
		t.Fatalf("%+v", records)
	}
	if records[0].Outputs != records[1].Outputs || records[0].Outputs == records[2].Outputs {
		t.Errorf("digests %s, %s, %s", records[0].Outputs, records[1].Outputs, records[2].Outputs)
	}
}

func TestShutdown(t *testing.T) {
	k := serve(t, Options{})
	c := k.connect(t)
	c.send(c.shell, "execute_request", map[string]any{"code": "wait"}) // it ends with the kernel
	if r := c.reply(c.control, c.send(c.control, "shutdown_request", map[string]any{"restart": true})); r["restart"] != true {
		t.Errorf("%v", r)
	}
	select {
	case <-k.ended:
	case <-time.After(time.Minute):
		t.Error("the kernel did not end")
	}
}

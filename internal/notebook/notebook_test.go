package notebook

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

const sample = `{
 "cells": [
  {"cell_type": "markdown", "id": "title", "metadata": {"tags": ["a"]}, "source": ["# Title\n", "text"], "attachments": {"p.png": {"image/png": "QQ=="}}},
  {"cell_type": "code", "id": "one", "metadata": {}, "source": "a := 1\na", "execution_count": 3, "outputs": [
   {"output_type": "stream", "name": "stdout", "text": ["x\n", "y\n"]},
   {"output_type": "execute_result", "execution_count": 3, "metadata": {"k": 1}, "data": {"text/plain": ["1"], "application/json": {"n": 12345678901234567890}}},
   {"output_type": "error", "ename": "panic", "evalue": "boo", "traceback": ["panic: boo"]}], "future": {"b": 2, "a": 1}},
  {"cell_type": "raw", "metadata": {}, "source": ""}
 ],
 "metadata": {"kernelspec": {"name": "sslnotes"}}, "nbformat": 4, "nbformat_minor": 2, "unknown": [1.50, null]
}`

// TestRoundTrip wants what is not understood to survive, down to the digits.
func TestRoundTrip(t *testing.T) {
	n, err := Parse([]byte(sample))
	if err != nil {
		t.Fatal(err)
	}
	b, err := n.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"12345678901234567890", "1.50", `"future"`, `"attachments"`, `"nbformat_minor": 5`, `"x\n",`, `"tags"`} {
		if !bytes.Contains(b, []byte(want)) {
			t.Errorf("%s is lost in\n%s", want, b)
		}
	}
	again, err := Parse(b)
	if err != nil {
		t.Fatal(err)
	}
	if c, err := again.Bytes(); err != nil || !bytes.Equal(b, c) {
		t.Errorf("written, read and written again (%v):\n%s\nwas\n%s", err, c, b)
	}
	if id := n.Cells[2].ID; !validID.MatchString(id) || id != again.Cells[2].ID {
		t.Errorf("the cell without an id is called %q, then %q", id, again.Cells[2].ID)
	}
}

func TestRefusals(t *testing.T) {
	for _, c := range []struct{ file, want string }{
		{`[`, "not a notebook"},
		{`{"nbformat": 3}`, "nbformat is 3, want 4"},
		{`{"nbformat": 4, "cells": {}}`, "cells:"},
		{`{"nbformat": 4, "cells": [{"cell_type": "code"}, {"cell_type": "heading"}]}`, `cell 2: cell_type is "heading"`},
		{`{"nbformat": 4, "cells": [{"cell_type": "code", "source": 7}]}`, "cell 1: source: want text"},
		{`{"nbformat": 4, "cells": [{"cell_type": "code", "outputs": [{"output_type": "noise"}]}]}`, `cell 1: output 1: output_type is "noise"`},
		{`{"nbformat": 4, "cells": [{"cell_type": "code", "outputs": [{"output_type": "stream", "text": {}}]}]}`, "cell 1: output 1: text: want text"},
		{`{"nbformat": 4, "cells": [{"cell_type": "code", "outputs": [{"output_type": "display_data", "data": {"image/png": 1}}]}]}`, "output 1: data of image/png"},
	} {
		if _, err := Parse([]byte(c.file)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", c.file, err, c.want)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(sample))
	f.Add([]byte(`{"nbformat":4,"cells":[null,{"cell_type":"code","source":null,"outputs":[{"output_type":"stream"}]}]}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		n, err := Parse(b)
		if err != nil {
			return
		}
		if _, err := n.Page(); err != nil {
			t.Errorf("page: %v", err)
		}
		first, err := n.Bytes()
		if err != nil {
			t.Fatal(err)
		}
		again, err := Parse(first)
		if err != nil {
			t.Fatalf("what was written is refused: %v\n%s", err, first)
		}
		if second, err := again.Bytes(); err != nil || !bytes.Equal(first, second) {
			t.Errorf("%v: written twice:\n%s\n%s", err, first, second)
		}
	})
}

// scripted shows events by the cell's source.
type scripted map[string][]Event

func (s scripted) Run(_ context.Context, code string, show func(Event)) error {
	for _, e := range s[code] {
		show(e)
	}
	return nil
}

func say(text string) Event {
	return Event{Output: Output{Type: "stream", Name: "stdout", Text: text}}
}

func shown(id, text string) Output {
	return Output{Type: "display_data", DisplayID: id, Data: map[string]any{"text/plain": text}}
}

func TestExecute(t *testing.T) {
	n := &Notebook{Cells: []*Cell{{Type: "markdown"}, {Type: "code", Source: "a"}, {Type: "code", Source: "b"}, {Type: "code", Source: "c", Outputs: []Output{{Type: "error"}}}}}
	k := scripted{
		"a": {say("one"), say(" two"), {Output: shown("bar", "0 %")}, {Output: shown("", "other")}},
		"b": {say("gone"), {Clear: true, Wait: true}, {Output: Output{Type: "execute_result", Data: map[string]any{"text/plain": "5"}}},
			{Output: shown("bar", "100 %"), Update: true}, {Output: Output{Type: "error", Error: "panic", Message: "boo"}}},
	}
	var calls []int
	err := n.Execute(context.Background(), k, func(number, of int, _ *Cell, took time.Duration) {
		if of != 3 {
			t.Errorf("%d code cells", of)
		}
		if took > 0 {
			number = -number
		}
		calls = append(calls, number)
	})
	var f *Failure
	if !errors.As(err, &f) || f.Number != 2 || f.Cell != n.Cells[2] || !strings.Contains(err.Error(), "panic: boo") {
		t.Errorf("the error is %v", err)
	}
	if len(calls) != 4 || calls[0] != 1 || calls[3] != -2 {
		t.Errorf("progress was %v", calls)
	}
	a, b := n.Cells[1].Outputs, n.Cells[2].Outputs
	if len(a) != 3 || a[0].Text != "one two" || a[1].text("text/plain") != "100 %" || a[2].text("text/plain") != "other" {
		t.Errorf("the first cell shows %+v", a)
	}
	if len(b) != 2 || b[0].Count != 2 || b[1].Type != "error" {
		t.Errorf("the second cell shows %+v", b)
	}
	if len(n.Cells[3].Outputs) != 0 || n.Cells[3].Count != 0 {
		t.Errorf("the cell after the failure shows %+v", n.Cells[3])
	}
}

func TestPlain(t *testing.T) {
	for in, want := range map[string]string{
		"\x1b[31mred\x1b[0m":       "red",
		"10 %\r20 %\rdone\nnext":   "done\nnext",
		"long line\rshort":         "shortline",
		"dos\r\nlines\r\n":         "dos\nlines\n",
		"a\x1b[2K\rb":              "b",
		"no newline at all":        "no newline at all",
		"\x1b]0;title\x07 is kept": "\x1b]0;title\x07 is kept",
	} {
		if have := Plain(in); have != want {
			t.Errorf("%q became %q, want %q", in, have, want)
		}
	}
}

// TestPageIsHarmless shows what attacks a reader, and wants none of it to be
// able to.
func TestPageIsHarmless(t *testing.T) {
	data := func(media, content string) Output {
		return Output{Type: "display_data", Data: map[string]any{media: content}}
	}
	n := &Notebook{Cells: []*Cell{
		{Type: "markdown", Source: "# T<script>alert(1)</script>\n\n<img src=x onerror=alert(2)>\n\n[go](javascript:alert(3))"},
		{Type: "raw", Source: "<script>alert(4)</script>"},
		{Type: "code", Source: "</pre><script>alert(5)</script>", Outputs: []Output{
			data("text/html", `<b>bold</b><script>alert(6)</script><img src=x onerror="alert(7)"><iframe src="//x"></iframe><form action="//x"></form><progress value="3" max="9" style="width:12em;position:fixed"></progress>`),
			data("image/svg+xml", `<svg xmlns="http://www.w3.org/2000/svg"><script>alert(8)</script></svg>`),
			data("image/png", `"><script>alert(9)</script>`),
			data("application/javascript", `alert(10)`),
			data("text/markdown", "<script>alert(11)</script>\n\n**strong**"),
			{Type: "stream", Name: "stdout\"><script>", Text: "<script>alert(12)</script>"},
			{Type: "error", Traceback: []string{"<script>alert(13)</script>"}},
		}},
	}}
	b, err := n.Page()
	if err != nil {
		t.Fatal(err)
	}
	low := strings.ToLower(string(b))
	for _, bad := range []string{"<script", "onerror=", "<iframe", "<form", "<svg", "href=\"javascript", "position"} {
		if i := strings.Index(strings.ReplaceAll(low, "position: ", ""), bad); i >= 0 {
			t.Errorf("the page holds %s: …%s", bad, low[max(0, i-60):min(len(low), i+80)])
		}
	}
	for _, good := range []string{"<b>bold</b>", `<progress value="3" max="9"`, "<strong>strong</strong>", "data:image/svg&#43;xml;base64,", "default-src &#39;none&#39;", "&lt;script&gt;alert(12)"} {
		if !strings.Contains(low, good) && !strings.Contains(low, strings.ReplaceAll(good, "&#39;", "'")) {
			t.Errorf("the page lacks %s", good)
		}
	}
}

// TestCourse holds the chapters to their form.
func TestCourse(t *testing.T) {
	paths, err := filepath.Glob("../../notebooks/*.ipynb")
	if err != nil || len(paths) == 0 {
		t.Fatal("no notebooks", err)
	}
	for _, path := range paths {
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		n, err := Parse(b)
		if err != nil {
			t.Fatal(path, err)
		}
		if c, err := n.Bytes(); err != nil || !bytes.Equal(b, c) {
			t.Errorf("%s is not in the form in which notebooks are written (%v)", path, err)
		}
		text := ""
		for _, c := range n.Cells {
			if lines := strings.Count(c.Source, "\n") + 1; c.Type == "code" && lines > 15 {
				t.Errorf("%s: cell %s has %d lines, want at most 15", path, c.ID, lines)
			}
			if len(c.Outputs) > 0 || c.Count != 0 {
				t.Errorf("%s: cell %s has saved outputs", path, c.ID)
			}
			if c.Type == "markdown" {
				text += c.Source + "\n"
			}
		}
		for _, heading := range []string{"## Summary", "## Exercises"} {
			if !strings.Contains(text, heading) {
				t.Errorf("%s has no %s", path, heading)
			}
		}
		var spec struct{ Name string }
		if json.Unmarshal(n.Metadata["kernelspec"], &spec) != nil || spec.Name != "sslnotes" {
			t.Errorf("%s: its kernel is %q", path, spec.Name)
		}
	}
}

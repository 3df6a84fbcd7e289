package front

import (
	"path"
	"runtime"
	"strings"
	"unicode/utf8"

	"sslnotes/kernel/engine"
	"sslnotes/kernel/wire"
)

// info is the content of kernel_info_reply.
func (f *Front) info() map[string]any {
	return map[string]any{
		"status": "ok", "protocol_version": wire.Version,
		"implementation": "sslnotes", "implementation_version": f.o.Version, "banner": f.o.Banner,
		"language_info": map[string]any{
			"name": "go", "version": strings.TrimPrefix(runtime.Version(), "go"), "mimetype": "text/x-go",
			"file_extension": ".go", "pygments_lexer": "go", "codemirror_mode": "go",
		},
		"debugger": false, "supported_features": []string{},
		"help_links": []any{map[string]any{"text": "The Go language", "url": "https://go.dev/doc/"}},
	}
}

type codeRequest struct {
	Code   string `json:"code"`
	Cursor int    `json:"cursor_pos"` // in code points
	Detail int    `json:"detail_level"`
}

// offset turns code points into bytes, within the code.
func offset(code string, points int) int {
	at := 0
	for i := 0; i < points && at < len(code); i++ {
		_, size := utf8.DecodeRuneInString(code[at:])
		at += size
	}
	return at
}

// points is the inverse of offset.
func points(code string, at int) int {
	return utf8.RuneCountInString(code[:max(0, min(at, len(code)))])
}

func (f *Front) complete(m *wire.Message) map[string]any {
	var r codeRequest
	if err := m.Read(&r); err != nil {
		return failure(err)
	}
	at := offset(r.Code, r.Cursor)
	c, err := f.child.Complete(r.Code, at)
	if err != nil {
		c = engine.Completion{Start: at, End: at}
	}
	start, end := points(r.Code, c.Start), points(r.Code, c.End)
	matches, types := []string{}, []any{}
	for _, w := range c.Matches {
		matches = append(matches, w.Text)
		types = append(types, map[string]any{"text": w.Text, "type": w.Type, "start": start, "end": end})
	}
	return map[string]any{"status": "ok", "matches": matches, "cursor_start": start, "cursor_end": end,
		"metadata": map[string]any{"_jupyter_types_experimental": types}}
}

func (f *Front) inspect(m *wire.Message) map[string]any {
	var r codeRequest
	if err := m.Read(&r); err != nil {
		return failure(err)
	}
	text, found, err := f.child.Inspect(r.Code, offset(r.Code, r.Cursor), r.Detail)
	data := map[string]any{}
	if found = found && err == nil; found {
		data["text/plain"] = text
	}
	return map[string]any{"status": "ok", "found": found, "data": data, "metadata": map[string]any{}}
}

func (f *Front) isComplete(m *wire.Message) map[string]any {
	var r codeRequest
	if err := m.Read(&r); err != nil {
		return failure(err)
	}
	status, indent, err := f.child.IsComplete(r.Code)
	if err != nil {
		status = "unknown"
	}
	reply := map[string]any{"status": status}
	if status == "incomplete" {
		reply["indent"] = indent
	}
	return reply
}

type historyRequest struct {
	Access  string `json:"hist_access_type"` // range, tail or search
	Output  bool   `json:"output"`
	Session int    `json:"session"` // if ≤ 0, counted back from this one
	Start   int    `json:"start"`
	Stop    int    `json:"stop"`
	N       int    `json:"n"`
	Pattern string `json:"pattern"`
	Unique  bool   `json:"unique"`
}

// A line of the history: the session and the cell count from 1.
type line struct {
	session, number int
	source          string
}

func (f *Front) history(m *wire.Message) map[string]any {
	var r historyRequest
	if err := m.Read(&r); err != nil {
		return failure(err)
	}
	var found []line
	all, current := f.lines()
	for _, l := range all {
		if r.wants(l, current) {
			found = append(found, l)
		}
	}
	if r.Unique {
		found = unique(found)
	}
	if r.N > 0 && r.Access != "range" && len(found) > r.N {
		found = found[len(found)-r.N:]
	}
	rows := make([]any, len(found))
	for i, l := range found {
		var source any = l.source
		if r.Output {
			source = []any{l.source, nil}
		}
		rows[i] = []any{l.session, l.number, source}
	}
	return map[string]any{"status": "ok", "history": rows}
}

// lines lists the cells of all sessions, and the number of this session.
func (f *Front) lines() (all []line, current int) {
	var past [][]string
	if f.o.Past != nil {
		past = f.o.Past()
	}
	f.mu.Lock()
	past = append(past, f.cells)
	f.mu.Unlock()
	for s, cells := range past {
		for i, source := range cells {
			all = append(all, line{s + 1, i + 1, source})
		}
	}
	return all, len(past)
}

func (r historyRequest) wants(l line, current int) bool {
	switch r.Access {
	case "search":
		matched, err := path.Match(strings.ReplaceAll(r.Pattern, "/", "\x01"), strings.ReplaceAll(l.source, "/", "\x01"))
		return err == nil && matched
	case "range":
		s := r.Session
		if s <= 0 {
			s += current
		}
		return l.session == s && l.number >= r.Start && (r.Stop <= 0 || l.number < r.Stop)
	}
	return true // tail
}

// unique keeps the last of equal cells.
func unique(all []line) []line {
	last := map[string]int{}
	for i, l := range all {
		last[l.source] = i
	}
	kept := all[:0]
	for i, l := range all {
		if last[l.source] == i {
			kept = append(kept, l)
		}
	}
	return kept
}

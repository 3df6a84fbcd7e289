package notebook

import (
	"encoding/json"
	"fmt"
	"maps"
	"strings"
)

// An Output is one thing that a cell has shown.
type Output struct {
	Type      string         // "stream", "display_data", "execute_result" or "error"
	Name      string         // of a stream: "stdout" or "stderr"
	Text      string         // of a stream
	Data      map[string]any // by media type: text, or for JSON the value
	Metadata  map[string]json.RawMessage
	Count     int      // of an execute_result
	Error     string   // kind of an error
	Message   string   // of an error
	Traceback []string // of an error
	DisplayID string   // by which a display can be replaced; not in files

	extra fields
}

func parseOutput(f fields) (Output, error) {
	o := Output{extra: f}
	var stream text
	var data fields
	for _, m := range []struct {
		name string
		v    any
	}{{"output_type", &o.Type}, {"name", &o.Name}, {"text", &stream}, {"data", &data}, {"metadata", &o.Metadata},
		{"execution_count", &o.Count}, {"ename", &o.Error}, {"evalue", &o.Message}, {"traceback", &o.Traceback}} {
		if err := f.take(m.name, m.v); err != nil {
			return o, err
		}
	}
	o.Text = string(stream)
	switch o.Type {
	case "stream", "display_data", "execute_result", "error":
	default:
		return o, fmt.Errorf("output_type is %q, want stream, display_data, execute_result or error", o.Type)
	}
	for media, raw := range data {
		if o.Data == nil {
			o.Data = map[string]any{}
		}
		if isJSON(media) {
			o.Data[media] = raw
			continue
		}
		var t text
		if err := json.Unmarshal(raw, &t); err != nil {
			return o, fmt.Errorf("data of %s: %w", media, err)
		}
		o.Data[media] = string(t)
	}
	return o, nil
}

func isJSON(media string) bool {
	return media == "application/json" || strings.HasSuffix(media, "+json")
}

// isBinary reports whether text of that type is base64, which stays in one line.
func isBinary(media string) bool {
	return strings.HasPrefix(media, "image/") && !strings.HasSuffix(media, "+xml") || media == "application/pdf"
}

func (o Output) members() map[string]any {
	m := map[string]any{"output_type": o.Type}
	switch o.Type {
	case "stream":
		m["name"], m["text"] = o.Name, lines(o.Text)
	case "error":
		traceback := o.Traceback
		if traceback == nil {
			traceback = []string{}
		}
		m["ename"], m["evalue"], m["traceback"] = o.Error, o.Message, traceback
	default:
		m["data"], m["metadata"] = o.bundle(), object(o.Metadata)
		if o.Type == "execute_result" {
			m["execution_count"] = count(o.Count)
		}
	}
	return merge(o.extra, m)
}

// bundle is the data in the form that files hold.
func (o Output) bundle() map[string]any {
	b := map[string]any{}
	for media, v := range o.Data {
		if s, ok := v.(string); ok && !isJSON(media) && !isBinary(media) {
			v = lines(s)
		}
		b[media] = v
	}
	return b
}

// Text returns the data of a media type as text, "" if there is none.
func (o Output) text(media string) string {
	s, _ := o.Data[media].(string)
	return s
}

// show applies an output to the notebook as its cell runs. Update replaces what
// was shown under the same id, in whichever cell.
func (n *Notebook) show(c *Cell, o Output, update bool) {
	if update {
		n.update(o)
		return
	}
	if last := len(c.Outputs) - 1; o.Type == "stream" && last >= 0 && c.Outputs[last].Type == "stream" && c.Outputs[last].Name == o.Name {
		c.Outputs[last].Text += o.Text
		return
	}
	c.Outputs = append(c.Outputs, o)
}

func (n *Notebook) update(o Output) {
	for _, c := range n.Cells {
		for i := range c.Outputs {
			if old := &c.Outputs[i]; o.DisplayID != "" && old.DisplayID == o.DisplayID {
				old.Data, old.Metadata = maps.Clone(o.Data), maps.Clone(o.Metadata)
			}
		}
	}
}

package interp

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// The sessions that need nothing of what we mend run in stock gophernotes too.
// It takes Jupyter and a minute, hence the variable.
func TestStockGophernotes(t *testing.T) {
	if os.Getenv("SSLNOTES_JUPYTER") == "" {
		t.Skip("set SSLNOTES_JUPYTER=1 to run in stock gophernotes, by Jupyter")
	}
	dir := t.TempDir()
	if out, err := exec.Command("../gophernotes/build.sh", dir).CombinedOutput(); err != nil {
		t.Fatalf("building gophernotes: %v\n%s", err, out)
	}
	for _, s := range sessions {
		if s.stock {
			t.Run(s.name, func(t *testing.T) { runStock(t, dir, s) })
		}
	}
}

type notebook struct {
	Cells    []notebookCell `json:"cells"`
	Metadata map[string]any `json:"metadata"`
	Major    int            `json:"nbformat"`
	Minor    int            `json:"nbformat_minor"`
}

type notebookCell struct {
	Type     string         `json:"cell_type"`
	Source   any            `json:"source"`
	Metadata map[string]any `json:"metadata"`
	Count    any            `json:"execution_count"`
	Outputs  []struct {
		Type  string         `json:"output_type"`
		Value string         `json:"evalue"`
		Text  any            `json:"text"`
		Data  map[string]any `json:"data"`
	} `json:"outputs"`
}

func runStock(t *testing.T, dir string, s session) {
	n := notebook{Major: 4, Minor: 4, Metadata: map[string]any{"kernelspec": map[string]string{"name": "gophernotes", "display_name": "Go", "language": "go"}}}
	for _, c := range s.cells {
		n.Cells = append(n.Cells, notebookCell{Type: "code", Source: c.code, Metadata: map[string]any{}})
	}
	text, err := json.Marshal(n)
	if err != nil {
		t.Fatal(err)
	}
	text = []byte(strings.ReplaceAll(string(text), `"outputs":null`, `"outputs":[]`))
	in, out := filepath.Join(dir, "in.ipynb"), filepath.Join(dir, "out.ipynb")
	if err := os.WriteFile(in, text, 0o644); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("jupyter", "nbconvert", "--to", "notebook", "--execute", "--allow-errors", "--output", out, in)
	cmd.Env = append(os.Environ(), "JUPYTER_PATH="+filepath.Join(dir, "share/jupyter"))
	if log, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, log)
	}
	if text, err = os.ReadFile(out); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &n); err != nil {
		t.Fatal(err)
	}
	for k, c := range s.cells {
		value, failed := "", ""
		for _, o := range n.Cells[k].Outputs {
			switch o.Type {
			case "execute_result":
				value = lines(o.Data["text/plain"])
			case "error":
				failed = o.Value
			}
		}
		if failed != "" || value != c.value {
			t.Errorf("%s\nis %q, failing with %q; want %q", c.code, value, failed, c.value)
		}
	}
}

// lines joins what a notebook keeps as text or as lines of it.
func lines(v any) string {
	list, ok := v.([]any)
	if !ok {
		s, _ := v.(string)
		return s
	}
	var b strings.Builder
	for _, l := range list {
		b.WriteString(l.(string))
	}
	return b.String()
}

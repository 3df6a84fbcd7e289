package notebook

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
)

// A Notebook is a list of cells.
type Notebook struct {
	Cells    []*Cell
	Metadata map[string]json.RawMessage

	minor int
	extra fields // what else the file holds
}

// A Cell is text or code.
type Cell struct {
	ID       string // unique, of letters, digits, - and _
	Type     string // "code", "markdown" or "raw"
	Source   string
	Metadata map[string]json.RawMessage
	Outputs  []Output // of code
	Count    int      // of executions when this was run; 0 if it was not

	extra fields // such as attachments
}

// fields are the members of a JSON object.
type fields map[string]json.RawMessage

// take removes a member and decodes it into v; one that is absent or null
// leaves v as it is.
func (f fields) take(name string, v any) error {
	raw, ok := f[name]
	delete(f, name)
	if !ok || string(raw) == "null" {
		return nil
	}
	if err := json.Unmarshal(raw, v); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}

// Read reads the notebook at path.
func Read(path string) (*Notebook, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	n, err := Parse(b)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return n, nil
}

// Parse reads a notebook of nbformat 4. It returns an error that names the cell
// and the field if one is not as the format wants it.
func Parse(b []byte) (*Notebook, error) {
	var f fields
	if err := json.Unmarshal(b, &f); err != nil {
		return nil, fmt.Errorf("not a notebook: %w", err)
	}
	major := 0
	n := &Notebook{extra: f}
	var cells []fields
	for name, v := range map[string]any{"nbformat": &major, "nbformat_minor": &n.minor, "metadata": &n.Metadata} {
		if err := f.take(name, v); err != nil {
			return nil, err
		}
	}
	if major != 4 {
		return nil, fmt.Errorf("nbformat is %d, want 4 (jupyter nbconvert --to notebook converts older ones)", major)
	}
	if err := f.take("cells", &cells); err != nil {
		return nil, err
	}
	for i, c := range cells {
		cell, err := parseCell(c)
		if err != nil {
			return nil, fmt.Errorf("cell %d: %w", i+1, err)
		}
		n.Cells = append(n.Cells, cell)
	}
	n.name()
	return n, nil
}

func parseCell(f fields) (*Cell, error) {
	c := &Cell{extra: f}
	var source text
	for _, m := range []struct {
		name string
		v    any
	}{{"id", &c.ID}, {"cell_type", &c.Type}, {"source", &source}, {"metadata", &c.Metadata}} {
		if err := f.take(m.name, m.v); err != nil {
			return nil, err
		}
	}
	c.Source = string(source)
	switch c.Type {
	case "markdown", "raw":
		return c, nil
	case "code":
	default:
		return nil, fmt.Errorf("cell_type is %q, want code, markdown or raw", c.Type)
	}
	var outputs []fields
	if err := f.take("execution_count", &c.Count); err != nil {
		return nil, err
	}
	if err := f.take("outputs", &outputs); err != nil {
		return nil, err
	}
	for i, o := range outputs {
		out, err := parseOutput(o)
		if err != nil {
			return nil, fmt.Errorf("output %d: %w", i+1, err)
		}
		c.Outputs = append(c.Outputs, out)
	}
	return c, nil
}

var validID = regexp.MustCompile(`^[a-zA-Z0-9_-]{1,64}$`)

// name gives an id to cells that have none, or one that is taken or malformed.
func (n *Notebook) name() {
	used := map[string]bool{}
	for _, c := range n.Cells {
		for i := 0; !validID.MatchString(c.ID) || used[c.ID]; i++ {
			sum := sha256.Sum256(fmt.Appendf(nil, "%s\n%d\n%s", c.Type, i, c.Source))
			c.ID = hex.EncodeToString(sum[:4])
		}
		used[c.ID] = true
	}
}

// Bytes returns the notebook as a file.
func (n *Notebook) Bytes() ([]byte, error) {
	n.name()
	cells := make([]any, len(n.Cells))
	for i, c := range n.Cells {
		cells[i] = c.members()
	}
	all := merge(n.extra, map[string]any{"cells": cells, "metadata": object(n.Metadata), "nbformat": 4, "nbformat_minor": max(5, n.minor)})
	b, err := marshal(all)
	if err != nil {
		return nil, fmt.Errorf("notebook: %w", err)
	}
	return b, nil
}

func (c *Cell) members() map[string]any {
	m := map[string]any{"id": c.ID, "cell_type": c.Type, "source": lines(c.Source), "metadata": object(c.Metadata)}
	if c.Type == "code" {
		outputs := make([]any, len(c.Outputs))
		for i, o := range c.Outputs {
			outputs[i] = o.members()
		}
		m["outputs"], m["execution_count"] = outputs, count(c.Count)
	}
	return merge(c.extra, m)
}

// count is null for 0.
func count(n int) any {
	if n == 0 {
		return nil
	}
	return n
}

func object(m map[string]json.RawMessage) map[string]json.RawMessage {
	if m == nil {
		return map[string]json.RawMessage{}
	}
	return m
}

// merge adds what was not understood to what is written.
func merge(extra fields, m map[string]any) map[string]any {
	for k, v := range extra {
		if _, ok := m[k]; !ok {
			m[k] = v
		}
	}
	return m
}

// marshal writes JSON as Jupyter's tools do.
func marshal(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", " ")
	err := e.Encode(v)
	return b.Bytes(), err
}

// Write writes the notebook to path, whole or not at all.
func (n *Notebook) Write(path string) error {
	b, err := n.Bytes()
	if err != nil {
		return err
	}
	return WriteFile(path, b)
}

// WriteFile writes a file by renaming a temporary one beside it.
func WriteFile(path string, b []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".part-*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	_, err = f.Write(b)
	if e := f.Chmod(0o644); err == nil {
		err = e
	}
	if e := f.Close(); err == nil {
		err = e
	}
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	return err
}

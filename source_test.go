package main

import (
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"sslnotes/internal/source"
)

// TestSourceIsWhole expects every file of this module that go build reads in
// the embedded source.
func TestSourceIsWhole(t *testing.T) {
	here, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	const list = `{{if .Module}}{{if eq .Module.Path "sslnotes"}}{{$d := .Dir}}{{range .GoFiles}}{{$d}}/{{.}}
{{end}}{{range .CgoFiles}}{{$d}}/{{.}}
{{end}}{{range .SFiles}}{{$d}}/{{.}}
{{end}}{{range .EmbedFiles}}{{$d}}/{{.}}
{{end}}{{end}}{{end}}`
	out, err := exec.Command("go", "list", "-deps", "-f", list, ".").Output()
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for name := range strings.FieldsSeq(string(out)) {
		name, err := filepath.Rel(here, name)
		if err != nil {
			t.Fatal(err)
		}
		if !source.Includes(filepath.ToSlash(name)) {
			continue
		}
		if _, err := fs.Stat(files, filepath.ToSlash(name)); err != nil {
			t.Errorf("source.go embeds no %s", name)
		}
		n++
	}
	if n < 50 {
		t.Errorf("go list names only %d files", n)
	}
}

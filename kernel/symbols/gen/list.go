package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"go/importer"
	"go/token"
	"go/types"
	"io"
	"log"
	"os"
	"os/exec"
	"slices"
	"strings"
)

// A listed package is what "go list" says of it.
type listed struct {
	ImportPath, Name, Export, Dir string
	GoFiles                       []string
	DepOnly, Standard             bool
	Incomplete                    bool
	Error                         *struct{ Err string }
}

// A listing holds the packages to bind and an importer for their types.
type listing struct {
	roots    []listed
	importer types.Importer
}

// avoided names standard packages that must not be bound: some differ between
// platforms, and importing some changes the program.
var avoided = strings.Fields(`C unsafe plugin syscall log/syslog net/http/pprof expvar
	runtime/race runtime/cgo time/tzdata embed arena`)

func list(patterns []string) (*listing, error) {
	args := []string{"list", "-e", "-export", "-deps",
		"-json=ImportPath,Name,Export,Dir,GoFiles,DepOnly,Standard,Incomplete,Error"}
	cmd := exec.Command("go", append(args, patterns...)...)
	// Without this, packages that offer less with cgo off would differ by machine.
	cmd.Env = append(os.Environ(), "CGO_ENABLED=1")
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil && len(out) == 0 {
		return nil, fmt.Errorf("go list: %w", err)
	}
	exports := map[string]string{}
	l := &listing{}
	for d := json.NewDecoder(bytes.NewReader(out)); ; {
		var p listed
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return nil, err
		}
		exports[p.ImportPath] = p.Export
		if p.wanted() {
			l.roots = append(l.roots, p)
		}
	}
	l.importer = importer.ForCompiler(token.NewFileSet(), "gc", func(path string) (io.ReadCloser, error) {
		if exports[path] == "" {
			return nil, fmt.Errorf("no export data for %s", path)
		}
		return os.Open(exports[path])
	})
	return l, nil
}

// wanted reports whether cells may import p, and says why not where that is
// news to whoever runs the command.
func (p listed) wanted() bool {
	path := "/" + p.ImportPath + "/"
	switch {
	case p.DepOnly, p.Name == "main", slices.Contains(avoided, p.ImportPath):
		return false
	case p.Standard && (strings.Contains(path, "/internal/") || strings.Contains(path, "/vendor/")):
		return false
	case p.Export == "" || p.Error != nil || p.Incomplete:
		reason := "it does not compile"
		if p.Error != nil {
			reason, _, _ = strings.Cut(p.Error.Err, "\n")
		}
		log.Printf("skipping %s: %s", p.ImportPath, reason)
		return false
	}
	return true
}

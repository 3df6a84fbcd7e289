// Package symbols binds compiled packages for interpreted cells: the standard
// library, sslkit, the tracker, the plots, gonum.
//
// # Design
//
// Bindings are linked in, so a cell needs no toolchain, no plugin and no
// network. They are generated (run "go generate ./kernel/symbols" after adding
// an exported name) and lazy: a package's table is filled when it is first
// asked for, so that commands that interpret nothing pay nothing.
//
// The documentation index is two compressed files, read when somebody first
// inspects a name.
package symbols

//go:generate go run ./gen std sslnotes/sslkit sslnotes/sslkit/pretext sslnotes/sslkit/contrastive sslnotes/sslkit/clip sslnotes/sslkit/mae sslnotes/sslkit/museum sslnotes/sslkit/nn sslnotes/sslkit/tensor sslnotes/sslkit/data sslnotes/sslkit/augment sslnotes/sslkit/rng sslnotes/sslkit/pipeline sslnotes/tracker sslnotes/plots sslnotes/kernel/display gonum.org/v1/gonum/mat gonum.org/v1/gonum/stat gonum.org/v1/gonum/floats gonum.org/v1/plot gonum.org/v1/plot/plotter gonum.org/v1/plot/vg gonum.org/v1/plot/plotutil

import (
	"maps"
	"slices"
	"sync"

	"github.com/cosmos72/gomacro/imports"
)

// A Library is every bound package. Its methods may be called from any
// goroutine.
type Library struct{}

type entry struct {
	load  func() imports.Package
	needs []string
	once  sync.Once
}

var entries = map[string]*entry{}

// register is called by the generated files: needs lists the packages whose
// interfaces the package mentions.
func register(path string, load func() imports.Package, needs ...string) {
	entries[path] = &entry{load: load, needs: needs}
}

// Paths lists the import paths of the bound packages, sorted.
func (Library) Paths() []string { return slices.Sorted(maps.Keys(entries)) }

// Has reports whether cells can import path.
func (Library) Has(path string) bool { return entries[path] != nil }

// Needs lists the bound packages whose interfaces path mentions: values of
// interpreted types can be passed to path only once these are loaded as well.
func (l Library) Needs(path string) []string {
	e := entries[path]
	if e == nil {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(e.needs), func(p string) bool { return !l.Has(p) })
}

// Load makes path known to the interpreter and reports whether it is bound.
func (Library) Load(path string) bool {
	e := entries[path]
	if e == nil {
		return false
	}
	e.once.Do(func() { imports.Packages[path] = e.load() })
	return true
}

// LoadAll makes every package known to the interpreter: stock gophernotes,
// which does not ask, needs that.
func (l Library) LoadAll() {
	for path := range entries {
		l.Load(path)
	}
}

// Command gen writes the bindings through which interpreted cells reach
// compiled packages, and the index of their documentation.
//
// # Design
//
// The types come from export data, the documentation from source: one call of
// "go list -export" finds both. A package that is missing or does not compile
// is named on standard error and left out; running the command again adds it,
// and removes the files of packages that have gone.
//
// What the interpreter cannot hold is left out: generic functions and types,
// and constraint interfaces. An interface whose methods can all be written
// down outside its package gets a proxy, a struct of functions through which an
// interpreted type satisfies it.
package main

import (
	"flag"
	"fmt"
	"go/format"
	"log"
	"os"
	"path/filepath"
	"strings"
)

func main() {
	log.SetFlags(0)
	log.SetPrefix("gen: ")
	dir := flag.String("dir", ".", "write the files into this `folder`")
	flag.Parse()
	if err := run(*dir, flag.Args()); err != nil {
		log.Fatal(err)
	}
}

// run binds the packages that the patterns name, into dir.
func run(dir string, patterns []string) error {
	l, err := list(patterns)
	if err != nil {
		return err
	}
	written := map[string]bool{}
	own, others := index{}, index{}
	for _, p := range l.roots {
		pkg, err := l.importer.Import(p.ImportPath)
		if err != nil {
			log.Printf("skipping %s: %v", p.ImportPath, err)
			continue
		}
		src := bind(pkg)
		if src == nil {
			continue
		}
		name := "x_" + identifier(p.ImportPath) + ".go"
		if err := writeSource(filepath.Join(dir, name), src); err != nil {
			return fmt.Errorf("%s: %w", p.ImportPath, err)
		}
		written[name] = true
		if strings.HasPrefix(p.ImportPath, "sslnotes/") {
			own.add(pkg, p)
		} else {
			others.add(pkg, p)
		}
	}
	// Two files: what changes here daily is the smaller one.
	if err := others.write(filepath.Join(dir, "docs_others.json.gz")); err != nil {
		return err
	}
	if err := own.write(filepath.Join(dir, "docs_own.json.gz")); err != nil {
		return err
	}
	return removeStale(dir, written)
}

func writeSource(name string, src []byte) error {
	out, err := format.Source(src)
	if err != nil {
		return err
	}
	return os.WriteFile(name, out, 0o644)
}

// removeStale deletes the generated files that this run did not write.
func removeStale(dir string, written map[string]bool) error {
	old, err := filepath.Glob(filepath.Join(dir, "x_*.go"))
	if err != nil {
		return err
	}
	for _, name := range old {
		if !written[filepath.Base(name)] {
			if err := os.Remove(name); err != nil {
				return err
			}
		}
	}
	return nil
}

// identifier turns an import path into a part of a Go identifier.
func identifier(path string) string {
	return strings.NewReplacer("/", "_", ".", "_", "-", "_").Replace(path)
}

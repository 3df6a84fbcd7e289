// Package notebooks is the course: one notebook a chapter, from the idea to an
// experiment that can be changed.
//
// # Design
//
// A chapter tells an idea, shows its picture, has the course's own function with
// numbers that can be checked by hand, trains the method for real, judges it
// beside random weights and raw pixels, and ends with a summary and exercises.
// Cells are short, the results of all are made by running them, and none is
// saved. They run unchanged in this program's kernel and in gophernotes.
package notebooks

import (
	"embed"
	"io/fs"
	"strings"
)

//go:embed *.ipynb
var files embed.FS

// Names lists the chapters in order, such as "03_contrastive".
func Names() []string {
	all, err := fs.Glob(files, "*.ipynb") // sorted; the pattern is in order
	if err != nil {
		panic(err)
	}
	for i, name := range all {
		all[i] = strings.TrimSuffix(name, ".ipynb")
	}
	return all
}

// Read returns a chapter's file.
func Read(name string) ([]byte, error) { return files.ReadFile(name + ".ipynb") }

package cli

import (
	"bytes"
	_ "embed"
	"html/template"
	"path/filepath"
	"time"

	"sslnotes/tracker"
)

//go:embed walkindex.html
var indexHTML string

var indexPage = template.Must(template.New("index").Funcs(template.FuncMap{"last": lastValue}).Parse(indexHTML))

// indexed is a line of the index.
type indexed struct {
	Name, Title, Failure string
	Took                 time.Duration
}

// writeIndex writes the page that leads to the others.
func writeIndex(out string, all []*lesson, runs []tracker.Run) error {
	var books []indexed
	for _, l := range all {
		if l.took == 0 {
			continue // the walk ended before it
		}
		b := indexed{Name: l.name, Title: l.book.Title(), Took: l.took.Round(100 * time.Millisecond)}
		if l.failure != nil {
			b.Failure = l.failure.Error()
		}
		books = append(books, b)
	}
	var b bytes.Buffer
	if err := indexPage.Execute(&b, map[string]any{"Notebooks": books, "Runs": runs}); err != nil {
		return err
	}
	return writeFile(filepath.Join(out, "index.html"), b.Bytes())
}

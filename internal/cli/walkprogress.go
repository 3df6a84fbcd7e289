package cli

import (
	"fmt"
	"os"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"

	"sslnotes/internal/notebook"
)

// walkProgress shows how far a notebook is: a bar on a terminal, else a line a
// cell.
type walkProgress struct {
	name string
	bar  *progressbar.ProgressBar // nil if there is no terminal
	say  func(format string, args ...any)
	what string // the cell that runs
}

func (a *app) walkProgress(name string) *walkProgress {
	p := &walkProgress{name: name, say: func(format string, args ...any) { fmt.Fprintf(a.err, format+"\n", args...) }}
	if f, ok := a.err.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		p.bar = progressbar.NewOptions(1, progressbar.OptionSetWriter(f), progressbar.OptionShowCount(), progressbar.OptionSetItsString("cells"),
			progressbar.OptionShowIts(), progressbar.OptionThrottle(100*time.Millisecond), progressbar.OptionSetPredictTime(true),
			progressbar.OptionSetWidth(24), progressbar.OptionClearOnFinish(), progressbar.OptionSetElapsedTime(true))
	}
	return p
}

// cell implements notebook.Progress.
func (p *walkProgress) cell(number, of int, c *notebook.Cell, took time.Duration) {
	p.what = shorten(firstLine(c.Source), 60)
	if p.bar == nil {
		if took > 0 {
			p.say("%s %d/%d %6.1fs  %s", p.name, number, of, took.Seconds(), p.what)
		}
		return
	}
	if took == 0 {
		p.bar.ChangeMax(of)
		p.bar.Describe(p.name + "  " + shorten(p.what, 32))
		return
	}
	_ = p.bar.Set(number) // a terminal that cannot be written to stops no walk
}

// text shows what a cell says of its progress.
func (p *walkProgress) text(s string) {
	if p.bar != nil {
		p.bar.Describe(p.name + "  " + shorten(notebook.Plain(s), 60))
	}
}

func (p *walkProgress) end() {
	if p.bar != nil {
		_ = p.bar.Clear()
	}
}

// shorten cuts text to n characters.
func shorten(s string, n int) string {
	if r := []rune(s); len(r) > n {
		return string(r[:n-1]) + "…"
	}
	return s
}

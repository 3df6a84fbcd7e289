package cli

import (
	"os"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"

	"sslnotes/sslkit/pipeline"
)

// progress returns the maker of progress bars, nil if standard error is no
// terminal.
func (a *app) progress() func(title string, total int) pipeline.Bar {
	f, ok := a.err.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return nil
	}
	return func(title string, total int) pipeline.Bar {
		return &bar{title, progressbar.NewOptions(total,
			progressbar.OptionSetWriter(f), progressbar.OptionSetDescription(title), progressbar.OptionShowCount(), progressbar.OptionShowIts(),
			progressbar.OptionSetItsString("steps"), progressbar.OptionThrottle(100*time.Millisecond), progressbar.OptionFullWidth(),
			progressbar.OptionSetPredictTime(true), progressbar.OptionClearOnFinish())}
	}
}

// A bar shows title, text, steps done, rate and time left.
type bar struct {
	title string
	*progressbar.ProgressBar
}

// Update implements pipeline.Bar. A terminal that cannot be written to stops no
// training.
func (b *bar) Update(done int, text string) {
	if text != "" {
		b.Describe(b.title + " " + text)
	}
	_ = b.Set(done)
}

// Close implements pipeline.Bar.
func (b *bar) Close() { _ = b.Clear() }

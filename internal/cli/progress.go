package cli

import (
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"

	"sslnotes/sslkit/pipeline"
)

// progress returns the maker of progress bars. Where standard error is no
// terminal they show alarms alone.
func (a *app) progress() func(title string, total int) pipeline.Bar {
	f, ok := a.err.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return func(title string, _ int) pipeline.Bar { return &alarms{title: title, out: a.err} }
	}
	return func(title string, total int) pipeline.Bar {
		return &bar{alarms: alarms{title: title, out: f}, ProgressBar: progressbar.NewOptions(total,
			progressbar.OptionSetWriter(f), progressbar.OptionSetDescription(title), progressbar.OptionShowCount(), progressbar.OptionShowIts(),
			progressbar.OptionSetItsString("steps"), progressbar.OptionThrottle(100*time.Millisecond), progressbar.OptionFullWidth(),
			progressbar.OptionSetPredictTime(true), progressbar.OptionClearOnFinish())}
	}
}

// alarms shows nothing but alarms, a line each.
type alarms struct {
	title string
	out   io.Writer
}

// Update implements pipeline.Bar.
func (alarms) Update(int, string) {}

// Close implements pipeline.Bar.
func (alarms) Close() {}

// Draw implements pipeline.Panel.
func (alarms) Draw(string, int, float64) {}

// Alarm implements pipeline.Panel.
func (a alarms) Alarm(step int, message string) {
	fmt.Fprintf(a.out, "warning: %s, step %d: %s\n", a.title, step+1, message)
}

// A bar shows title, text, how the neighbours' accuracy went, steps done, rate
// and time left.
type bar struct {
	alarms
	*progressbar.ProgressBar
	knn []float64
}

// Update implements pipeline.Bar. A terminal that cannot be written to stops no
// training.
func (b *bar) Update(done int, text string) {
	if text != "" {
		b.Describe(strings.TrimRight(b.title+" "+text+" "+spark(b.knn, 12), " "))
	}
	_ = b.Set(done)
}

// Close implements pipeline.Bar.
func (b *bar) Close() { _ = b.Clear() }

// Draw implements pipeline.Panel.
func (b *bar) Draw(key string, _ int, v float64) {
	if key == pipeline.MonitorKNN {
		b.knn = append(b.knn, v)
	}
}

// Alarm implements pipeline.Panel: above the bar, where it stays.
func (b *bar) Alarm(step int, message string) {
	_ = b.Clear()
	b.alarms.Alarm(step, message)
}

// spark draws the last values as blocks, the lowest as the lowest. One value
// says nothing.
func spark(values []float64, most int) string {
	values = values[max(0, len(values)-most):]
	if len(values) < 2 {
		return ""
	}
	low, high := values[0], values[0]
	for _, v := range values {
		low, high = min(low, v), max(high, v)
	}
	blocks := []rune("▁▂▃▄▅▆▇█")
	var line []rune
	for _, v := range values {
		at := 0
		if high > low {
			at = min(int((v-low)/(high-low)*float64(len(blocks))), len(blocks)-1)
		}
		line = append(line, blocks[at])
	}
	return string(line)
}

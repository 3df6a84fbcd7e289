package cli

import (
	"fmt"
	"html"
	"sync"
	"sync/atomic"
	"time"

	"sslnotes/kernel/display"
	"sslnotes/sslkit/pipeline"
)

// A cellBar shows progress in a cell's output, updated in place.
type cellBar struct {
	id, title string
	total     int
	started   time.Time

	mu     sync.Mutex
	done   int
	text   string
	shown  time.Time
	loss   trace
	knn    trace
	alarms []string
}

var cellBars atomic.Int64

// displayBar shows a bar in the cell that runs, unless there are no steps.
func displayBar(title string, total int) pipeline.Bar {
	if total == 0 {
		return noBar{}
	}
	b := &cellBar{id: fmt.Sprintf("progress-%d", cellBars.Add(1)), title: title, total: total, started: time.Now()}
	b.show()
	return b
}

// barInterval is how often a bar is drawn at most.
const barInterval = 200 * time.Millisecond

// Update implements pipeline.Bar.
func (b *cellBar) Update(done int, text string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.done = done
	if text != "" {
		b.text = text
	}
	if time.Since(b.shown) >= barInterval {
		b.show()
	}
}

// Close implements pipeline.Bar: the last state stays.
func (b *cellBar) Close() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.show()
}

func (b *cellBar) show() {
	b.shown = time.Now()
	line := b.line(b.shown.Sub(b.started))
	text, page := b.views(line)
	display.Update(b.id, display.Bundle{display.MimeText: text, display.MimeHTML: page})
}

// views are what is shown, as text and as HTML.
func (b *cellBar) views(line string) (text, page string) {
	text = b.title + " " + line
	page = fmt.Sprintf(`<div>%s <progress value="%d" max="%d" style="width:12em;vertical-align:middle"></progress> %s</div>`,
		html.EscapeString(b.title), b.done, b.total, html.EscapeString(line))
	if len(b.loss.values)+len(b.knn.values) > 1 {
		page += "<div>" + b.loss.svg("loss", "#4477aa", b.total) + " " + b.knn.svg("kNN accuracy", "#cc6677", b.total) + "</div>"
	}
	for _, a := range b.alarms {
		text += "\nwarning: " + a
		page += `<div style="color:#b00020"><b>warning:</b> ` + html.EscapeString(a) + "</div>"
	}
	return text, page
}

// Draw implements pipeline.Panel.
func (b *cellBar) Draw(key string, step int, v float64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if key == pipeline.MonitorKNN {
		b.knn.add(step, v)
		return
	}
	b.loss.add(step, v)
}

// Alarm implements pipeline.Panel: it stays under the bar.
func (b *cellBar) Alarm(step int, message string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.alarms = append(b.alarms, fmt.Sprintf("step %d: %s", step+1, message))
	b.show()
}

// line says how far it is, how fast, and how long it will take.
func (b *cellBar) line(spent time.Duration) string {
	line := fmt.Sprintf("%d/%d", b.done, b.total)
	if b.text != "" {
		line += " · " + b.text
	}
	rate := float64(b.done) / spent.Seconds()
	switch {
	case b.done >= b.total:
		line += fmt.Sprintf(" · %s", spent.Round(100*time.Millisecond))
	case b.done > 0 && spent > time.Second:
		left := time.Duration(float64(b.total-b.done) / rate * float64(time.Second))
		line += fmt.Sprintf(" · %.1f steps/s · %s left", rate, left.Round(time.Second))
	}
	return line
}

// noBar shows nothing.
type noBar struct{}

// Update implements pipeline.Bar.
func (noBar) Update(int, string) {}

// Close implements pipeline.Bar.
func (noBar) Close() {}

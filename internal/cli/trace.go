package cli

import (
	"fmt"
	"html"
	"strings"
)

// A trace is a series that is drawn while it grows: at most traceMost points,
// each the mean of as many values.
type trace struct {
	steps  []int     // of the last value of each point
	values []float64 // means
	each   int       // values of a point
	sum    float64   // of those of the point that is not full
	n      int       // their number
}

const traceMost = 120

// add appends a value.
func (t *trace) add(step int, v float64) {
	if t.each == 0 {
		t.each = 1
	}
	t.sum += v
	if t.n++; t.n < t.each {
		return
	}
	t.steps, t.values = append(t.steps, step), append(t.values, t.sum/float64(t.n))
	t.sum, t.n = 0, 0
	if len(t.values) == traceMost {
		t.halve()
	}
}

// halve joins every two points.
func (t *trace) halve() {
	half := len(t.values) / 2
	for i := range half {
		t.steps[i], t.values[i] = t.steps[2*i+1], (t.values[2*i]+t.values[2*i+1])/2
	}
	t.steps, t.values, t.each = t.steps[:half], t.values[:half], 2*t.each
}

// svg draws the series over all steps of a run, from its lowest value to its
// highest, with its last; "" if there is none.
func (t *trace) svg(name, colour string, total int) string {
	if len(t.values) == 0 {
		return ""
	}
	const width, height, edge = 220.0, 44.0, 3.0
	low, high := t.values[0], t.values[0]
	for _, v := range t.values {
		low, high = min(low, v), max(high, v)
	}
	var points []string
	var x, y float64
	for i, v := range t.values {
		x, y = edge+(width-2*edge)*float64(t.steps[i]+1)/float64(total), height/2
		if high > low {
			y = height - edge - (height-2*edge)*(v-low)/(high-low)
		}
		points = append(points, fmt.Sprintf("%.1f,%.1f", x, y))
	}
	last := t.values[len(t.values)-1]
	return fmt.Sprintf(`<span style="white-space:nowrap"><svg role="img" aria-label="%s" width="%g" height="%g" style="vertical-align:middle"><polyline points="%s" fill="none" stroke="%s" stroke-width="1.5"/><circle cx="%.1f" cy="%.1f" r="2.2" fill="%s"/></svg> %s %.4g (%.4g to %.4g)</span>`,
		html.EscapeString(name), width, height, strings.Join(points, " "), colour, x, y, colour, html.EscapeString(name), last, low, high)
}

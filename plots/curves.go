package plots

import (
	"fmt"
	"math"
	"reflect"
	"slices"
	"sort"
	"strconv"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// A Run has curves, such as a training run or its record.
type Run interface {
	Name() string
	// Curve returns the steps and values of a metric, empty if there are none.
	Curve(key string) (steps, values []float64)
}

// A Line is one curve.
type Line struct {
	Name string
	X, Y []float64 // of one length. Values that are not finite are gaps.

	// Spread is the half-width of a band around Y, of its length. If nil, none.
	Spread []float64

	err error // of whoever was to give the values
}

// Curves draws values against steps, or anything against anything: thousands
// of points, gaps where a value is not finite, bands of spread.
type Curves struct {
	Lines []Line
	Title string // If "", none.

	XLabel string // If "", "step".
	YLabel string // If "", none.

	LogX, LogY bool // Values up to 0 become gaps.

	// Percent shows fractions as percentages.
	Percent bool

	// Smooth is over how many points a moving average, centred, is drawn, with
	// the values themselves pale below. If 0, a twenty-fifth of the points of a
	// curve that goes up and down for more than ten times its range; negative:
	// none.
	Smooth int

	// Marks puts a dot on each point. Lone points have one in any case.
	Marks bool

	References []Reference // drawn across

	Width, Height float64 // in points. If 0, 460 × 270.
}

// A Reference is a value to compare with, such as chance, drawn as a broken
// line across the figure.
type Reference struct {
	Name  string
	Value float64
}

// Loss draws the loss of runs, step by step.
func Loss(runs ...Run) Curves { return Metric("loss", runs...) }

// Metric draws a metric of runs, step by step. Accuracies are shown in percent.
func Metric(key string, runs ...Run) Curves {
	c := Curves{}
	c.YLabel, c.Percent = describe(key)
	for i, r := range runs {
		c.Lines = append(c.Lines, lineOf(r, i, key))
	}
	return c
}

// lineOf asks a run for a curve. A panic, as of a nil run, makes a line with an
// error.
func lineOf(r Run, i int, key string) (l Line) {
	defer func() {
		if p := recover(); p != nil {
			l.err = fmt.Errorf("plots: run %d of %s cannot be read: %v", i+1, key, p)
		}
	}()
	if v := reflect.ValueOf(r); r == nil || v.Kind() == reflect.Pointer && v.IsNil() {
		panic("it is nil")
	}
	l.Name = r.Name()
	l.X, l.Y = r.Curve(key)
	return l
}

// describe says what a metric's key means, with its unit if the name tells it,
// and whether its values are fractions that read better as percentages.
func describe(key string) (label string, percent bool) {
	label = strings.ReplaceAll(key, "_", " ")
	switch {
	case strings.HasSuffix(key, "accuracy"):
		return label, true
	case strings.HasSuffix(key, "_per_second"):
		return strings.TrimSuffix(label, " per second") + "/s", false
	case strings.HasSuffix(key, "seconds"):
		return strings.TrimSpace(strings.TrimSuffix(label, "seconds")+" time") + " (s)", false
	case strings.HasSuffix(key, "bytes"):
		return strings.TrimSpace(strings.TrimSuffix(label, "bytes")+" size") + " (bytes)", false
	}
	return label, false
}

// SVG implements Figure.
func (f Curves) SVG() string { return svgOf(f) }

// PNG implements Figure.
func (f Curves) PNG() []byte { return pngOf(f) }

// Save implements Figure.
func (f Curves) Save(path string) error { return saveOf(f, path) }

// String implements Figure.
func (f Curves) String() string { return stringOf(f) }

func (f Curves) drawing() (drawing, error) {
	a := &axes{title: f.Title, xLabel: orElse(f.XLabel, "step"), yLabel: f.YLabel}
	if f.Percent {
		a.yLabel = strings.TrimSpace(a.yLabel + " (%)")
	}
	x, y := emptySpan(f.LogX), emptySpan(f.LogY)
	var lines []curve
	for i, l := range f.Lines {
		c, err := f.prepare(i, l)
		if err != nil {
			return drawing{}, err
		}
		c.extend(&x, &y)
		lines = append(lines, c)
	}
	if y.empty() {
		return drawing{}, f.nothing()
	}
	for _, r := range f.References {
		y.add(f.scaled(r.Value))
	}
	a.x, a.y = x.padded(0), y.padded(0.04)
	if f.Marks {
		a.x = a.x.padded(0.025)
	} else {
		a.x = a.x.closed()
	}
	a.note = f.notes(lines)
	a.xMarks = f.settings(lines)
	for i := range lines {
		a.legend = append(a.legend, lines[i].entry())
		a.layers = append(a.layers, lines[i].layer(f.Marks))
	}
	f.addReferences(a)
	return drawing{length(f.Width, 460), length(f.Height, 270), f.text(), a.draw}, nil
}

// nothing says what has no values.
func (f Curves) nothing() error {
	if len(f.Lines) == 0 {
		return fmt.Errorf("%w: no curves to draw", errNoValues)
	}
	what := orElse(f.YLabel, "the curve")
	return fmt.Errorf("%w of %s to draw: %s", errNoValues, what, strings.Join(names(f.Lines), ", "))
}

func names(lines []Line) []string {
	var all []string
	for _, l := range lines {
		all = append(all, l.Name)
	}
	return all
}

func (f Curves) text() string {
	return fmt.Sprintf("%s against %s: %s", orElse(f.YLabel, "values"), orElse(f.XLabel, "step"), strings.Join(names(f.Lines), ", "))
}

func (f Curves) scaled(v float64) float64 {
	if f.Percent {
		return 100 * v
	}
	return v
}

func (f Curves) addReferences(a *axes) {
	for i, r := range f.References {
		v := f.scaled(r.Value)
		if !a.y.shows(v) {
			continue
		}
		style := referenceStyle(i)
		a.legend = append(a.legend, entry{name: r.Name, style: style})
		a.layers = append(a.layers, func(c draw.Canvas, x, y func(float64) vg.Length) {
			c.StrokeLine2(style, c.Min.X, y(v), c.Max.X, y(v))
		})
	}
}

func referenceStyle(i int) draw.LineStyle {
	return draw.LineStyle{Color: faded, Width: 1, Dashes: dashes[1+i%(len(dashes)-1)]}
}

// A curve is a line made ready: in order of x, scaled, what cannot be shown
// made NaN.
type curve struct {
	name                string
	i                   int // its place among the lines
	x, y, smooth, sides []float64
	window, hidden      int // points in the average, values that are gaps
	log                 bool
}

func (f Curves) prepare(i int, l Line) (curve, error) {
	switch {
	case l.err != nil:
		return curve{}, l.err
	case len(l.X) != len(l.Y):
		return curve{}, fmt.Errorf("plots: %s has %d places and %d values", l.Name, len(l.X), len(l.Y))
	case l.Spread != nil && len(l.Spread) != len(l.Y):
		return curve{}, fmt.Errorf("plots: %s has %d values and %d spreads", l.Name, len(l.Y), len(l.Spread))
	}
	c := curve{name: l.Name, i: i, log: f.LogY}
	for _, j := range ascending(l.X) {
		y := f.scaled(l.Y[j])
		if !(span{log: f.LogX}).shows(l.X[j]) || !(span{log: f.LogY}).shows(y) {
			y = math.NaN()
			c.hidden++
		}
		if finite(l.X[j]) && (!f.LogX || l.X[j] > 0) {
			c.x, c.y = append(c.x, l.X[j]), append(c.y, y)
			if l.Spread != nil {
				c.sides = append(c.sides, f.scaled(l.Spread[j]))
			}
		}
	}
	if c.window = f.window(c.y); c.window > 1 {
		c.smooth = smoothed(c.y, c.window)
	}
	return c, nil
}

// ascending returns the order of x; equal ones stay as they are.
func ascending(x []float64) []int {
	order := make([]int, len(x))
	for i := range order {
		order[i] = i
	}
	sort.SliceStable(order, func(i, j int) bool { return x[order[i]] < x[order[j]] })
	return order
}

// window returns over how many points to average.
func (f Curves) window(y []float64) int {
	if f.Smooth != 0 {
		return max(1, f.Smooth)
	}
	var way, last float64
	s := emptySpan(false)
	n := 0
	for _, v := range y {
		if !finite(v) {
			continue
		}
		if f.LogY {
			v = math.Log(v) // as it is seen
		}
		if n > 0 {
			way += math.Abs(v - last)
		}
		s.add(v)
		last = v
		n++
	}
	if n < 100 || way < 10*(s.high-s.low) {
		return 1
	}
	return n / 25
}

// smoothed returns moving averages over the values that are there; a gap stays
// a gap.
func smoothed(y []float64, window int) []float64 {
	sums, counts := make([]float64, len(y)+1), make([]int, len(y)+1)
	for i, v := range y {
		sums[i+1], counts[i+1] = sums[i], counts[i]
		if finite(v) {
			sums[i+1] += v
			counts[i+1]++
		}
	}
	to := make([]float64, len(y))
	for i, v := range y {
		low, high := max(0, i-window/2), min(len(y), i+(window+1)/2)
		to[i] = (sums[high] - sums[low]) / float64(counts[high]-counts[low])
		if !finite(v) {
			to[i] = math.NaN()
		}
	}
	return to
}

func (c curve) extend(x, y *span) {
	for i, v := range c.y {
		if !finite(v) {
			continue
		}
		x.add(c.x[i])
		y.add(v)
		if c.sides != nil && finite(c.sides[i]) {
			y.add(v-c.sides[i], v+c.sides[i])
		}
	}
}

func (f Curves) notes(lines []curve) string {
	var parts []string
	gaps := "values are not finite"
	if f.LogX || f.LogY {
		gaps = "values are not finite and above 0"
	}
	widest, hidden := 0, 0
	for _, l := range lines {
		hidden += l.hidden
		if l.smooth != nil {
			widest = max(widest, l.window)
		}
	}
	if widest > 1 {
		parts = append(parts, fmt.Sprintf("averaged over %d points", widest))
	}
	if hidden > 0 {
		parts = append(parts, fmt.Sprintf("%d %s", hidden, gaps))
	}
	return strings.Join(parts, " · ")
}

func orElse(s, other string) string {
	if s == "" {
		return other
	}
	return s
}

// length returns a size in points, given or by default, within what can be
// drawn.
func length(given, other float64) vg.Length {
	if !(given > 0) {
		given = other
	}
	return vg.Length(math.Round(min(max(given, 60), 4000)))
}

// settings returns the places of points that are marked, as the numbers below
// the axis, if they are few.
func (f Curves) settings(lines []curve) []plot.Tick {
	var at []float64
	for _, l := range lines {
		at = append(at, l.x...)
	}
	slices.Sort(at)
	at = slices.Compact(at)
	if !f.Marks || len(at) > 12 {
		return nil
	}
	var ticks []plot.Tick
	for _, v := range at {
		ticks = append(ticks, plot.Tick{Value: v, Label: thousands(strconv.FormatFloat(v, 'f', -1, 64))})
	}
	return ticks
}

package plots

import (
	"fmt"
	"math"
	"strings"

	"gonum.org/v1/plot/vg"
)

// A Bar is one thing measured, once or several times.
type Bar struct {
	Name   string
	Values []float64 // such as one a seed. Those that are not finite count for nothing.
	Group  string    // Bars of one group share a colour. If "" for all, one colour.
}

// BarChart compares means: bars with a whisker of one standard deviation, the
// values themselves as dots, and the numbers beside them. Names that do not fit
// below their bars turn the chart on its side.
type BarChart struct {
	Bars       []Bar
	References []Reference // such as raw pixels, or chance
	Title      string      // If "", none.
	Label      string      // what the values are. If "", none.

	// Percent shows fractions as percentages.
	Percent bool

	// From is where the axis starts. If 0, it starts at 0 and lengths can be
	// compared; otherwise means are drawn as dots, since the lengths of bars
	// would mislead.
	From float64

	Width, Height float64 // in points. If 0, 460 wide and as high as needed.
}

// Bars compares the means of values.
func Bars(bars ...Bar) BarChart { return BarChart{Bars: bars} }

// Finals compares the last values of a metric of runs.
func Finals(key string, runs ...Run) BarChart {
	c := BarChart{}
	c.Label, c.Percent = describe(key)
	for i, r := range runs {
		l := lineOf(r, i, key)
		b := Bar{Name: l.Name}
		if n := len(l.Y); n > 0 {
			b.Values = l.Y[n-1:]
		}
		c.Bars = append(c.Bars, b)
	}
	return c
}

// SVG implements Figure.
func (f BarChart) SVG() string { return svgOf(f) }

// PNG implements Figure.
func (f BarChart) PNG() []byte { return pngOf(f) }

// Save implements Figure.
func (f BarChart) Save(path string) error { return saveOf(f, path) }

// String implements Figure.
func (f BarChart) String() string { return stringOf(f) }

func (f BarChart) drawing() (drawing, error) {
	bars := f.measure()
	values := emptySpan(false)
	for _, b := range bars {
		values.add(b.mean, b.mean-b.sd, b.mean+b.sd)
		values.add(b.values...)
	}
	if values.empty() {
		return drawing{}, fmt.Errorf("%w of %s to compare", errNoValues, orElse(f.Label, "the bars"))
	}
	for _, r := range f.References {
		values.add(f.scaled(r.Value))
	}
	a := &axes{title: f.Title, yLabel: f.Label, y: f.span(values), note: f.note(bars)}
	if f.Percent {
		a.yLabel = strings.TrimSpace(a.yLabel + " (%)")
	}
	width := length(f.Width, 460)
	s := &barScene{bars: bars, chart: f, decimals: decimals(values)}
	s.addLegend(a)
	slot := (width - 60) / vg.Length(len(bars))
	if s.onSide = !s.fits(slot); s.onSide {
		s.turn(a)
	} else {
		s.stand(a, slot)
	}
	a.layers = append(a.layers, s.layer)
	height := 270.0
	if s.onSide {
		height = 60 + 24*float64(len(bars)) + float64(legendRow)*float64(len(a.rows(width))) + float64(len(f.Title)/70+1)*15
	}
	return drawing{width, length(f.Height, height), s.text(), a.draw}, nil
}

func (f BarChart) scaled(v float64) float64 {
	if f.Percent {
		return 100 * v
	}
	return v
}

// span returns the extent of the axis of values, with room for the numbers.
func (f BarChart) span(values span) span {
	s := values
	if from := f.scaled(f.From); f.From != 0 {
		s.add(from)
		s.low = from
	} else {
		s.add(0)
	}
	if s.low == s.high {
		s.high++
	}
	room := (s.high - s.low) * 0.12
	if values.high > 0 || f.From != 0 {
		s.high += room
	}
	if s.low < 0 && f.From == 0 {
		s.low -= room
	}
	return s
}

func (f BarChart) note(bars []measured) string {
	n := 0
	for _, b := range bars {
		n = max(n, len(b.values))
	}
	if n < 2 {
		return ""
	}
	return fmt.Sprintf("mean ± standard deviation of up to %d", n)
}

// measured is a bar with its statistics.
type measured struct {
	Bar
	values   []float64 // the finite ones, scaled
	mean, sd float64   // NaN if there are no values, and for one value no sd
	hue      int
}

func (f BarChart) measure() []measured {
	var all []measured
	groups := map[string]int{}
	for _, b := range f.Bars {
		if _, ok := groups[b.Group]; !ok {
			groups[b.Group] = len(groups)
		}
		m := measured{Bar: b, hue: groups[b.Group]}
		for _, v := range b.Values {
			if finite(v) {
				m.values = append(m.values, f.scaled(v))
			}
		}
		m.mean, m.sd = moments(m.values)
		all = append(all, m)
	}
	return all
}

// moments returns the mean and the sample standard deviation of what is
// finite: both NaN without values, the latter NaN for one.
func moments(values []float64) (mean, sd float64) {
	var n, sum, square float64
	for _, v := range values {
		if finite(v) {
			n, sum = n+1, sum+v
		}
	}
	if n == 0 {
		return math.NaN(), math.NaN()
	}
	mean = sum / n
	for _, v := range values {
		if finite(v) {
			square += (v - mean) * (v - mean)
		}
	}
	if n < 2 {
		return mean, math.NaN()
	}
	return mean, math.Sqrt(square / (n - 1))
}

// decimals returns how many decimals tell values of this size apart.
func decimals(s span) int {
	size := max(math.Abs(s.low), math.Abs(s.high))
	if size == 0 {
		return 0
	}
	return min(max(2-int(math.Floor(math.Log10(size))), 0), 6)
}

package plots

import (
	"fmt"
	"math"
	"strings"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// A Sample is a set of values whose distribution matters, such as the
// similarities of positive pairs.
type Sample struct {
	Name   string
	Values []float64 // Those that are not finite are left out, and counted.
}

// Histogram shows how samples are distributed, each as the share of its own
// values in equal bins.
type Histogram struct {
	Samples []Sample
	Label   string // what the values are. If "", none.
	Title   string // If "", none.
	Bins    int    // If 0, about the cube root of twice the values, 8 to 60.

	// Low and High are the ends of the bins. If both are 0, those of the values.
	Low, High float64

	Width, Height float64 // in points. If 0, 460 × 240.
}

// Histograms shows how samples are distributed.
func Histograms(label string, samples ...Sample) Histogram {
	return Histogram{Label: label, Samples: samples}
}

// SVG implements Figure.
func (f Histogram) SVG() string { return svgOf(f) }

// PNG implements Figure.
func (f Histogram) PNG() []byte { return pngOf(f) }

// Save implements Figure.
func (f Histogram) Save(path string) error { return saveOf(f, path) }

// String implements Figure.
func (f Histogram) String() string { return stringOf(f) }

func (f Histogram) drawing() (drawing, error) {
	ends, most, hidden := emptySpan(false), 0, 0
	for _, s := range f.Samples {
		n := 0
		for _, v := range s.Values {
			if finite(v) {
				n++
			}
		}
		ends.add(s.Values...)
		most, hidden = max(most, n), hidden+len(s.Values)-n
	}
	if ends.empty() {
		return drawing{}, fmt.Errorf("%w of %s to count", errNoValues, orElse(f.Label, "the samples"))
	}
	if f.Low != 0 || f.High != 0 {
		ends = span{f.Low, f.High, false}
	}
	if !(ends.low < ends.high) {
		ends = ends.padded(0)
	}
	bins := min(f.Bins, 1000)
	if bins <= 0 {
		bins = min(max(int(math.Cbrt(2*float64(most))*1.5), 8), 60)
	}
	a := &axes{title: f.Title, xLabel: f.Label, yLabel: "share of values (%)", x: ends}
	if hidden > 0 {
		a.note = fmt.Sprintf("%d values are not finite", hidden)
	}
	shares := emptySpan(false)
	shares.add(0)
	for i, s := range f.Samples {
		p := counts(s.Values, ends, bins)
		shares.add(p...)
		a.legend = append(a.legend, entry{name: s.Name, block: true, style: draw.LineStyle{Color: hue(i)}})
		a.layers = append(a.layers, steps(i, p, ends))
	}
	if len(f.Samples) == 1 && f.Samples[0].Name == "" {
		a.legend = nil
	}
	a.y = span{0, max(shares.high, 1e-9) * 1.05, false}
	return drawing{length(f.Width, 460), length(f.Height, 240), f.text(), a.draw}, nil
}

func (f Histogram) text() string {
	var all []string
	for _, s := range f.Samples {
		mean, sd := moments(s.Values)
		all = append(all, strings.TrimSpace(fmt.Sprintf("%s %.3g ± %.2g", s.Name, mean, sd)))
	}
	return orElse(f.Label, "values") + " distributed: " + strings.Join(all, ", ")
}

// counts returns the percentage of the finite values in each bin. What lies
// outside the bins is in none.
func counts(values []float64, ends span, bins int) []float64 {
	p, n := make([]float64, bins), 0
	for _, v := range values {
		if !finite(v) {
			continue
		}
		n++
		if v >= ends.low && v <= ends.high {
			p[min(int((v-ends.low)/(ends.high-ends.low)*float64(bins)), bins-1)]++
		}
	}
	for i := range p {
		p[i] *= 100 / float64(max(n, 1))
	}
	return p
}

// steps draws a distribution as an outline, filled.
func steps(i int, p []float64, ends span) layer {
	return func(c draw.Canvas, x, y func(float64) vg.Length) {
		var line []vg.Point
		width := (ends.high - ends.low) / float64(len(p))
		for j, v := range p {
			l, r := x(ends.low+float64(j)*width), x(ends.low+float64(j+1)*width)
			line = append(line, vg.Point{X: l, Y: y(v)}, vg.Point{X: r, Y: y(v)})
		}
		area := append([]vg.Point{{X: c.Min.X, Y: y(0)}}, line...)
		c.FillPolygon(faint(hue(i), 0.3), append(area, vg.Point{X: c.Max.X, Y: y(0)}))
		c.StrokeLines(lineStyle(i, 1), line)
	}
}

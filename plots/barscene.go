package plots

import (
	"fmt"
	"math"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// barScene draws the bars, upright or on their side.
type barScene struct {
	bars     []measured
	chart    BarChart
	decimals int
	onSide   bool
}

// format writes a bar's number.
func (s *barScene) format(b measured) string {
	if math.IsNaN(b.mean) {
		return "no values"
	}
	text := thousands(fmt.Sprintf("%.*f", s.decimals, b.mean))
	if finite(b.sd) {
		text += fmt.Sprintf(" ± %.*f", s.decimals, b.sd)
	}
	return text
}

func (s *barScene) text() string {
	var parts []string
	for _, b := range s.bars {
		parts = append(parts, b.Name+" "+s.format(b))
	}
	return strings.TrimSpace(s.chart.Label + " compared: " + strings.Join(parts, ", "))
}

// fits reports whether names, in up to two lines, and numbers fit into slots of
// this width.
func (s *barScene) fits(slot vg.Length) bool {
	for _, b := range s.bars {
		lines := wrap(b.Name, small, slot-6)
		if len(lines) > 2 || small.widest(lines) > slot-6 || small.width(s.format(b)) > slot-4 {
			return false
		}
		for _, word := range strings.Fields(b.Name) {
			if small.width(word) > slot-6 {
				return false
			}
		}
	}
	return true
}

func (s *barScene) addLegend(a *axes) {
	seen := map[string]bool{}
	for _, b := range s.bars {
		if b.Group != "" && !seen[b.Group] {
			seen[b.Group] = true
			a.legend = append(a.legend, entry{name: b.Group, block: true, style: draw.LineStyle{Color: hue(b.hue)}})
		}
	}
	for i, r := range s.chart.References {
		name := fmt.Sprintf("%s %.*f", r.Name, s.decimals, s.chart.scaled(r.Value))
		a.legend = append(a.legend, entry{name: name, style: referenceStyle(i)})
	}
}

// stand sets the axes for upright bars.
func (s *barScene) stand(a *axes, slot vg.Length) {
	a.x = span{-0.5, float64(len(s.bars)) - 0.5, false}
	for i, b := range s.bars {
		a.xTicks = append(a.xTicks, plot.Tick{Value: float64(i), Label: strings.Join(wrap(b.Name, small, slot-6), "\n")})
	}
}

// turn sets the axes for bars on their side, the first on top.
func (s *barScene) turn(a *axes) {
	a.x, a.y = a.y, span{-0.5, float64(len(s.bars)) - 0.5, false}
	a.x.high += 0.18 * (a.x.high - a.x.low) // the numbers stand beside the bars
	a.xLabel, a.yLabel = a.yLabel, ""
	a.rulesX = true
	for i, b := range s.bars {
		a.yTicks = append(a.yTicks, plot.Tick{Value: float64(len(s.bars) - 1 - i), Label: shorten(b.Name, small, 160)})
	}
}

// layer draws everything: for bars on their side, values run along x.
func (s *barScene) layer(c draw.Canvas, x, y func(float64) vg.Length) {
	at, along := x, y
	if s.onSide {
		n := float64(len(s.bars) - 1)
		at, along = func(v float64) vg.Length { return y(n - v) }, x
	}
	thick := min(0.32*absLength(at(1)-at(0)), 26)
	base := along(s.chart.scaled(s.chart.From))
	for i, b := range s.bars {
		if !math.IsNaN(b.mean) {
			s.bar(c, b, at(float64(i)), thick, base, along)
		}
	}
	p, q := s.point(at(-0.5), base), s.point(at(float64(len(s.bars))-0.5), base)
	c.StrokeLine2(draw.LineStyle{Color: faded, Width: 0.75}, p.X, p.Y, q.X, q.Y)
	for i, r := range s.chart.References {
		if v := s.chart.scaled(r.Value); finite(v) {
			p, q := s.point(at(-0.5), along(v)), s.point(at(float64(len(s.bars))-0.5), along(v))
			c.StrokeLine2(referenceStyle(i), p.X, p.Y, q.X, q.Y)
		}
	}
	for i, b := range s.bars {
		s.number(c, b, at(float64(i)), along(b.end()), base)
	}
}

// point returns where a place across and a value along are on the canvas.
func (s *barScene) point(across, along vg.Length) vg.Point {
	if s.onSide {
		return vg.Point{X: along, Y: across}
	}
	return vg.Point{X: across, Y: along}
}

func (s *barScene) bar(c draw.Canvas, b measured, at, thick, base vg.Length, along func(float64) vg.Length) {
	head := along(b.mean)
	if s.chart.From == 0 {
		p, q := s.point(at-thick, base), s.point(at+thick, head)
		fillRect(c, faint(hue(b.hue), 0.75), p.X, p.Y, q.X, q.Y)
	} else {
		dot(c, hue(b.hue), s.point(at, head), 3.5)
	}
	if finite(b.sd) {
		s.whisker(c, at, along(b.mean-b.sd), along(b.mean+b.sd))
	}
	if len(b.values) < 2 {
		return
	}
	for i, v := range b.values {
		shift := thick * vg.Length(float64(i)/float64(len(b.values)-1)-0.5)
		ring(c, s.point(at+shift, along(v)))
	}
}

// end returns how far the bar, its whisker and its dots reach.
func (b measured) end() float64 {
	s := emptySpan(false)
	s.add(b.mean, b.mean-b.sd, b.mean+b.sd)
	s.add(b.values...)
	switch {
	case s.empty():
		return math.NaN()
	case b.mean < 0:
		return s.low
	}
	return s.high
}

// ring marks one value: white inside, so that it is seen on the bar.
func ring(c draw.Canvas, p vg.Point) {
	dot(c, ink, p, 1.9)
	dot(c, white, p, 1.2)
}

func (s *barScene) whisker(c draw.Canvas, at, low, high vg.Length) {
	style := draw.LineStyle{Color: ink, Width: 1}
	for _, l := range [][2]vg.Point{
		{s.point(at, low), s.point(at, high)},
		{s.point(at-3, low), s.point(at+3, low)},
		{s.point(at-3, high), s.point(at+3, high)},
	} {
		c.StrokeLine2(style, l[0].X, l[0].Y, l[1].X, l[1].Y)
	}
}

// number writes the mean and deviation beyond the bar's end, on white, so that
// no line crosses it.
func (s *barScene) number(c draw.Canvas, b measured, at, end, base vg.Length) {
	if math.IsNaN(b.mean) {
		end = base
	}
	text, f := s.format(b), small.middle().coloured(ink)
	w := f.width(text)
	p := vg.Point{X: at - w/2, Y: end + 8}
	switch down := end < base; {
	case s.onSide && down:
		p = vg.Point{X: end - 5 - w, Y: at}
	case s.onSide:
		p = vg.Point{X: end + 5, Y: at}
	case down:
		p.Y = end - 8
	}
	fillRect(c, faint(white, 0.8), p.X-1, p.Y-4.5, p.X+w+1, p.Y+4.5)
	write(c, f, p.X, p.Y, text)
}

func absLength(l vg.Length) vg.Length { return vg.Length(math.Abs(float64(l))) }

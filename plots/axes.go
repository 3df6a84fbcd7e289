package plots

import (
	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// An axes is a figure with scales: a title, a legend above the data where it
// can hide nothing, what the vertical axis means set level at its head, and
// layers of marks.
type axes struct {
	title, note    string
	xLabel, yLabel string
	legend         []entry
	x, y           span
	xTicks, yTicks []plot.Tick // names instead of numbers. If nil, numbers.
	xMarks         []plot.Tick // which numbers. If nil, round ones.
	bare           bool        // no rules and no numbers on either axis
	rulesX         bool        // rules up from the horizontal axis, not across
	layers         []layer
}

// An entry explains a mark in the legend.
type entry struct {
	name  string
	style draw.LineStyle
	glyph draw.GlyphStyle // drawn instead of a block if it has a shape
	block bool            // a filled square in the style's colour
}

// A layer draws marks onto the area of the data.
type layer func(c draw.Canvas, x, y func(float64) vg.Length)

// Plot implements plot.Plotter.
func (l layer) Plot(c draw.Canvas, p *plot.Plot) {
	x, y := p.Transforms(&c)
	l(c, x, y)
}

// draw paints everything.
func (a *axes) draw(c draw.Canvas) {
	c = drawTitle(c, a.title)
	c = a.drawLegend(c)
	if a.yLabel != "" || a.note != "" {
		write(c, small.top(), c.Min.X, c.Max.Y, a.yLabel)
		write(c, small.right().top(), c.Max.X, c.Max.Y, a.note)
		c = draw.Crop(c, 0, 0, 0, -15)
	}
	a.plot().Draw(c)
}

// drawTitle sets the title and returns what is left of the canvas.
func drawTitle(c draw.Canvas, title string) draw.Canvas {
	if title == "" {
		return c
	}
	for _, line := range wrap(title, heading, c.Max.X-c.Min.X) {
		write(c, heading.top(), c.Min.X, c.Max.Y, line)
		c = draw.Crop(c, 0, 0, 0, -15)
	}
	return draw.Crop(c, 0, 0, 0, -4)
}

const (
	swatch    = vg.Length(16) // width of a mark in the legend
	legendRow = vg.Length(14)
)

// rows arranges the legend into lines no wider than width.
func (a *axes) rows(width vg.Length) [][]entry {
	var rows [][]entry
	used := width + 1
	for _, e := range a.legend {
		e.name = shorten(e.name, body, width-swatch-18)
		w := e.mark() + 18 + body.width(e.name)
		if used+w > width {
			rows, used = append(rows, nil), 0
		}
		rows[len(rows)-1] = append(rows[len(rows)-1], e)
		used += w
	}
	return rows
}

func (a *axes) drawLegend(c draw.Canvas) draw.Canvas {
	for _, row := range a.rows(c.Max.X - c.Min.X + 14) {
		x, y := c.Min.X, c.Max.Y-legendRow/2
		for _, e := range row {
			e.draw(c, x, y)
			write(c, body.middle(), x+e.mark()+4, y, e.name)
			x += e.mark() + 18 + body.width(e.name)
		}
		c = draw.Crop(c, 0, 0, 0, -legendRow)
	}
	if len(a.legend) > 0 {
		c = draw.Crop(c, 0, 0, 0, -5)
	}
	return c
}

// mark returns the width of the mark before the name.
func (e entry) mark() vg.Length {
	if e.block {
		return 9
	}
	return swatch
}

func (e entry) draw(c draw.Canvas, x, y vg.Length) {
	switch {
	case e.glyph.Shape != nil:
		c.DrawGlyphNoClip(e.glyph, vg.Point{X: x + e.mark()/2, Y: y})
	case e.block:
		fillRect(c, e.style.Color, x, y-4.5, x+e.mark(), y+4.5)
	case e.style.Width > 0:
		c.StrokeLine2(e.style, x, y, x+swatch, y)
	}
}

// plot makes the axes of gonum's.
func (a *axes) plot() *plot.Plot {
	p := plot.New()
	p.BackgroundColor = nil
	a.x.set(&p.X, 6)
	a.y.set(&p.Y, 5)
	if a.xMarks != nil {
		p.X.Tick.Marker = plot.ConstantTicks(a.xMarks)
	}
	if a.xTicks != nil {
		p.X.Tick.Marker = plot.ConstantTicks(a.xTicks)
	}
	if a.yTicks != nil {
		p.Y.Tick.Marker = plot.ConstantTicks(a.yTicks)
	}
	for _, axis := range []*plot.Axis{&p.X, &p.Y} {
		axis.Padding = 0
		axis.LineStyle.Width = 0
		axis.Tick.Length = 3
		axis.Tick.LineStyle.Width = 0
		axis.Tick.Label.Color, axis.Tick.Label.Font = faded, small.Font
		axis.Label.TextStyle.Color, axis.Label.TextStyle.Font = faded, small.Font
		if a.bare {
			axis.Tick.Marker = plot.ConstantTicks{}
		}
	}
	if a.xTicks == nil && !a.rulesX {
		p.X.Tick.LineStyle = draw.LineStyle{Color: faded, Width: 0.75}
	}
	p.X.Label.Text, p.X.Label.Padding = a.xLabel, 3
	if !a.bare {
		p.Add(a.rules(p))
	}
	for _, l := range a.layers {
		p.Add(l)
	}
	return p
}

// rules draws light lines at the marks of one axis, and the base line.
func (a *axes) rules(p *plot.Plot) layer {
	return func(c draw.Canvas, x, y func(float64) vg.Length) {
		light := draw.LineStyle{Color: rule, Width: 0.5}
		base := draw.LineStyle{Color: faded, Width: 0.75}
		if a.rulesX {
			for _, t := range p.X.Tick.Marker.Ticks(p.X.Min, p.X.Max) {
				c.StrokeLine2(light, x(t.Value), c.Min.Y, x(t.Value), c.Max.Y)
			}
			return
		}
		for _, t := range p.Y.Tick.Marker.Ticks(p.Y.Min, p.Y.Max) {
			c.StrokeLine2(light, c.Min.X, y(t.Value), c.Max.X, y(t.Value))
		}
		if a.xTicks == nil {
			c.StrokeLine2(base, c.Min.X, c.Min.Y, c.Max.X, c.Min.Y)
		}
	}
}

func fillRect(c draw.Canvas, clr interface{ RGBA() (r, g, b, a uint32) }, x0, y0, x1, y1 vg.Length) {
	c.FillPolygon(clr, []vg.Point{{X: x0, Y: y0}, {X: x1, Y: y0}, {X: x1, Y: y1}, {X: x0, Y: y1}})
}

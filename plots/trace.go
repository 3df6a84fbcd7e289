package plots

import (
	"math"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// entry explains the curve in the legend.
func (c curve) entry() entry { return entry{name: c.name, style: lineStyle(c.i, 1.5)} }

// layer draws the curve: band, pale values below, line, dots.
func (c curve) layer(marks bool) layer {
	return func(canvas draw.Canvas, x, y func(float64) vg.Length) {
		if c.sides != nil {
			c.band(canvas, x, y)
		}
		line, style := c.y, lineStyle(c.i, 1.5)
		if c.smooth != nil {
			pale := draw.LineStyle{Color: faint(hue(c.i), 0.3), Width: 0.5}
			for _, part := range pieces(c.x, c.y, x, y) {
				canvas.StrokeLines(pale, thin(part))
			}
			line = c.smooth
		}
		for _, part := range pieces(c.x, line, x, y) {
			if len(part) > 1 {
				canvas.StrokeLines(style, thin(part))
			}
			if len(part) == 1 || marks {
				for _, p := range thin(part) {
					dot(canvas, hue(c.i), p, 2.5)
				}
			}
		}
	}
}

// band fills between the values less and plus their spreads. On a logarithmic
// axis what would fall to 0 ends at the axis.
func (c curve) band(canvas draw.Canvas, x, y func(float64) vg.Length) {
	low, high := make([]float64, len(c.y)), make([]float64, len(c.y))
	for i, v := range c.y {
		low[i], high[i] = v-c.sides[i], v+c.sides[i]
		if !finite(low[i]) {
			low[i], high[i] = v, v
		}
		if c.log && low[i] <= 0 {
			low[i] = v * 1e-3
		}
	}
	below, above := pieces(c.x, low, x, y), pieces(c.x, high, x, y)
	for i := range below {
		edge := thin(above[i])
		under := thin(below[i])
		for j := len(under) - 1; j >= 0; j-- {
			edge = append(edge, under[j])
		}
		canvas.FillPolygon(faint(hue(c.i), 0.18), canvas.ClipPolygonY(edge))
	}
}

// pieces returns the stretches of a curve between its gaps, on the canvas and
// rounded already, so that equal data are thinned alike everywhere.
func pieces(xs, ys []float64, x, y func(float64) vg.Length) [][]vg.Point {
	var all [][]vg.Point
	open := false
	for i, v := range ys {
		if !finite(v) {
			open = false
			continue
		}
		if !open {
			all, open = append(all, nil), true
		}
		n := len(all) - 1
		all[n] = append(all[n], snapPoint(vg.Point{X: x(xs[i]), Y: y(v)}))
	}
	return all
}

// thin keeps, of the points in each column a point wide, the lowest and the
// highest in their order, and both ends: what is drawn looks the same, peaks
// and all, whatever the number of values.
func thin(p []vg.Point) []vg.Point {
	if len(p) < 600 {
		return p
	}
	to := []vg.Point{p[0]}
	for i := 0; i < len(p); {
		column := math.Floor(float64(p[i].X))
		low, high, j := i, i, i
		for ; j < len(p) && math.Floor(float64(p[j].X)) == column; j++ {
			if p[j].Y < p[low].Y {
				low = j
			}
			if p[j].Y > p[high].Y {
				high = j
			}
		}
		if to = append(to, p[min(low, high)]); low != high {
			to = append(to, p[max(low, high)])
		}
		i = j
	}
	return append(to, p[len(p)-1])
}

func dot(c draw.Canvas, clr interface{ RGBA() (r, g, b, a uint32) }, p vg.Point, radius vg.Length) {
	c.DrawGlyphNoClip(draw.GlyphStyle{Color: clr, Radius: radius, Shape: draw.CircleGlyph{}}, p)
}

package pack

import (
	"image"
	"image/color"
	"math"

	"github.com/fyne-io/oksvg"
	"github.com/srwiley/rasterx"
)

// A gradient is an image without bounds, linear or radial.
type gradient struct {
	radial bool
	from   rasterx.Matrix2D // from pixels to the gradient's coordinates
	// Linear: from (x1,y1) to (x2,y2). Radial: about (x1,y1), of radius x2.
	x1, y1, x2, y2 float64
	stops          []stop
}

// A stop is a colour in [0,1], not multiplied by alpha, and its place.
type stop struct {
	at     float64
	colour [4]float64
}

// gradient reads a gradient in the coordinates of who uses it, to.
func (d *drawing) gradient(n *node, to rasterx.Matrix2D) image.Image {
	g := &gradient{radial: n.XMLName.Local == "radialGradient"}
	if n.attr("href") != "" || n.attr("gradientUnits") != "userSpaceOnUse" || n.attr("spreadMethod") != "" || n.attr("fx") != "" {
		d.fail("a gradient with href, fx, spreadMethod or of the bounding box")
	}
	if g.radial {
		g.x1, g.y1, g.x2 = n.number("cx"), n.number("cy"), n.number("r")
	} else {
		g.x1, g.y1, g.x2, g.y2 = n.number("x1"), n.number("y1"), n.number("x2"), n.number("y2")
	}
	if t := n.attr("gradientTransform"); t != "" {
		m, err := transform(t)
		if err != nil {
			d.fail("gradientTransform %q: %w", t, err)
		}
		to = to.Mult(m)
	}
	g.from = to.Invert()
	for _, s := range n.Nodes {
		g.stops = append(g.stops, d.stop(s))
	}
	if len(g.stops) == 0 {
		d.fail("a gradient without stops")
		g.stops = []stop{{}}
	}
	return g
}

func (d *drawing) stop(n *node) stop {
	what := n.attr("stop-color")
	if what == "" {
		what = "#000"
	}
	c, err := oksvg.ParseSVGColor(what)
	if err != nil || c == nil {
		d.fail("stop-color %q", what)
		return stop{}
	}
	rgb, alpha := color.NRGBAModel.Convert(c).(color.NRGBA), 1.0
	if n.attr("stop-opacity") != "" {
		alpha = n.number("stop-opacity")
	}
	return stop{n.number("offset"), [4]float64{float64(rgb.R) / 255, float64(rgb.G) / 255, float64(rgb.B) / 255, alpha}}
}

// ColorModel implements image.Image.
func (g *gradient) ColorModel() color.Model { return color.NRGBAModel }

// Bounds implements image.Image.
func (g *gradient) Bounds() image.Rectangle { return image.Rect(0, 0, fine, fine) }

// At implements image.Image: the colour at the middle of a pixel.
func (g *gradient) At(x, y int) color.Color {
	u, v := g.from.Transform(float64(x)+0.5, float64(y)+0.5)
	u, v = u-g.x1, v-g.y1
	var t float64
	if g.radial {
		t = math.Hypot(u, v) / g.x2
	} else {
		dx, dy := g.x2-g.x1, g.y2-g.y1
		t = (u*dx + v*dy) / (dx*dx + dy*dy)
	}
	c := g.colour(t)
	b := func(i int) uint8 { return uint8(255*c[i] + 0.5) }
	return color.NRGBA{b(0), b(1), b(2), b(3)}
}

// colour mixes the stops on either side of t.
func (g *gradient) colour(t float64) [4]float64 {
	last := g.stops[0]
	for _, s := range g.stops {
		if t < s.at {
			if s.at == last.at {
				return s.colour
			}
			share := max(0, t-last.at) / (s.at - last.at)
			for i, v := range s.colour {
				last.colour[i] += share * (v - last.colour[i])
			}
			return last.colour
		}
		last = s
	}
	return last.colour
}

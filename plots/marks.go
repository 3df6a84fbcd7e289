package plots

import (
	"math"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// mark adds the mark of a class to a path: discs first, then, when colours come
// again, squares, triangles and diamonds.
func mark(p *vg.Path, class int, at vg.Point, r vg.Length) {
	switch class / len(palette) % 4 {
	case 0:
		p.Move(vg.Point{X: at.X + r, Y: at.Y})
		p.Arc(at, r, 0, 2*math.Pi)
		p.Close()
	case 1:
		r *= 0.9
		polygon(p, at, [][2]vg.Length{{-r, -r}, {r, -r}, {r, r}, {-r, r}})
	case 2:
		r *= 1.25
		polygon(p, at, [][2]vg.Length{{-0.87 * r, -0.5 * r}, {0.87 * r, -0.5 * r}, {0, r}})
	default:
		r *= 1.25
		polygon(p, at, [][2]vg.Length{{-r, 0}, {0, -r}, {r, 0}, {0, r}})
	}
}

func polygon(p *vg.Path, at vg.Point, corners [][2]vg.Length) {
	for i, c := range corners {
		q := vg.Point{X: at.X + c[0], Y: at.Y + c[1]}
		if i == 0 {
			p.Move(q)
		} else {
			p.Line(q)
		}
	}
	p.Close()
}

// glyph is a class's mark in the legend.
func glyph(class int, r vg.Length) draw.GlyphStyle {
	return draw.GlyphStyle{Color: hue(class), Radius: r, Shape: classGlyph(class)}
}

type classGlyph int

// DrawGlyph implements draw.GlyphDrawer.
func (g classGlyph) DrawGlyph(c *draw.Canvas, style draw.GlyphStyle, at vg.Point) {
	var p vg.Path
	mark(&p, int(g), at, style.Radius)
	c.Fill(p)
}

package pack

import (
	"cmp"
	"encoding/xml"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"maps"
	"math"
	"strconv"
	"strings"

	"github.com/fyne-io/oksvg"
	"github.com/golang/freetype/raster"
	"github.com/srwiley/rasterx"
	"golang.org/x/image/math/fixed"
)

// fine is the side of the square on which drawings are made before they are
// scaled down.
const fine = 256

// A node is an element of a drawing.
type node struct {
	XMLName xml.Name
	Attrs   []xml.Attr `xml:",any,attr"`
	Nodes   []*node    `xml:",any"`
}

func (n *node) attr(name string) string {
	for _, a := range n.Attrs {
		if a.Name.Local == name {
			return a.Value
		}
	}
	return ""
}

// number is an attribute as a number, 0 if it is none.
func (n *node) number(name string) float64 { return number(n.attr(name)) }

func number(s string) float64 {
	v, _ := strconv.ParseFloat(strings.TrimSuffix(s, "%"), 64)
	if strings.HasSuffix(s, "%") {
		v /= 100
	}
	return v
}

// A drawing is the inside of an SVG, and its elements by their ids.
type drawing struct {
	root *node
	ids  map[string]*node
	err  error // the first
}

// A look is what an element has from those around it.
type look struct {
	to    rasterx.Matrix2D // from its coordinates to pixels
	style map[string]string
	cut   bool // it is a part of a clip path: only its area counts
}

// render draws the elements in body, of width×height units, and returns the
// picture at 32×32. It knows what the three sets of drawings use: paths,
// ellipses, groups, uses, clip paths, gradients, strokes and opacity. It returns
// an error that names what it does not know.
func render(body string, width, height float64) (*image.RGBA, error) {
	d := &drawing{root: new(node), ids: map[string]*node{}}
	if err := xml.Unmarshal([]byte("<svg>"+body+"</svg>"), d.root); err != nil {
		return nil, err
	}
	d.index(d.root)
	side := max(width, height)
	to := rasterx.Identity.Scale(fine/side, fine/side).Translate((side-width)/2, (side-height)/2)
	out := canvas()
	d.paint(out, d.root, look{to: to, style: map[string]string{"fill": "#000"}})
	if d.err != nil {
		return nil, d.err
	}
	return fit(out), nil
}

func canvas() *image.RGBA { return image.NewRGBA(image.Rect(0, 0, fine, fine)) }

func (d *drawing) index(n *node) {
	if id := n.attr("id"); id != "" {
		d.ids[id] = n
	}
	for _, c := range n.Nodes {
		d.index(c)
	}
}

// named returns the element that "#id" or "url(#id)" names.
func (d *drawing) named(ref string) *node {
	ref = strings.TrimSuffix(strings.TrimPrefix(ref, "url("), ")")
	n, ok := d.ids[strings.TrimPrefix(ref, "#")]
	if !ok {
		d.fail("no element %q", ref)
		return new(node)
	}
	return n
}

func (d *drawing) fail(format string, args ...any) {
	if d.err == nil {
		d.err = fmt.Errorf(format, args...)
	}
}

// inherited are the attributes that pass to the elements inside.
var inherited = []string{"fill", "fill-rule", "clip-rule", "fill-opacity", "stroke", "stroke-width", "stroke-linecap", "stroke-linejoin", "stroke-opacity"}

// inside is the look of what stands in n.
func (d *drawing) inside(n *node, l look) look {
	if t := n.attr("transform"); t != "" {
		m, err := transform(t)
		if err != nil {
			d.fail("transform %q: %w", t, err)
		}
		l.to = l.to.Mult(m)
	}
	l.style = maps.Clone(l.style)
	for _, name := range inherited {
		if v := n.attr(name); v != "" {
			l.style[name] = v
		}
	}
	return l
}

// paint draws n over dst: what has an opacity or a clip path of its own on a
// sheet first.
func (d *drawing) paint(dst *image.RGBA, n *node, l look) {
	l = d.inside(n, l)
	opacity, clip := n.attr("opacity"), cmp.Or(n.attr("clip-path"), n.attr("mask")) // the masks of these sets are white
	if l.cut || opacity == "" && clip == "" {
		d.content(dst, n, l)
		return
	}
	sheet, mask := canvas(), image.NewAlpha(dst.Bounds())
	d.content(sheet, n, l)
	through := uint8(255)
	if opacity != "" {
		through = uint8(255*number(opacity) + 0.5)
	}
	draw.Draw(mask, mask.Bounds(), image.NewUniform(color.Alpha{A: through}), image.Point{}, draw.Src)
	if clip != "" {
		area := canvas()
		by := d.named(clip)
		for _, c := range by.Nodes {
			d.paint(area, c, look{to: l.to, style: map[string]string{}, cut: true})
		}
		for i := range mask.Pix {
			mask.Pix[i] = uint8((int(mask.Pix[i])*int(area.Pix[4*i+3]) + 127) / 255)
		}
	}
	draw.DrawMask(dst, dst.Bounds(), sheet, image.Point{}, mask, image.Point{}, draw.Over)
}

func (d *drawing) content(dst *image.RGBA, n *node, l look) {
	switch name := n.XMLName.Local; name {
	case "svg", "g":
		for _, c := range n.Nodes {
			d.paint(dst, c, l)
		}
	case "use":
		d.paint(dst, d.named(n.attr("href")), l)
	case "path", "circle", "ellipse", "rect":
		d.shape(dst, n, l)
	case "defs", "clipPath", "linearGradient", "radialGradient", "filter", "mask":
	default:
		d.fail("an element %q", name)
	}
}

// shape fills and strokes an outline.
func (d *drawing) shape(dst *image.RGBA, n *node, l look) {
	path, err := outline(n)
	if err != nil {
		d.fail("%w", err)
		return
	}
	if fill := l.style["fill"]; l.cut || fill != "none" {
		r := raster.NewRasterizer(fine, fine)
		rule := l.style["fill-rule"]
		if l.cut {
			rule, fill = l.style["clip-rule"], "#000"
		}
		r.UseNonZeroWinding = rule != "evenodd"
		p := &pen{r: r}
		path.AddTo(&rasterx.MatrixAdder{Adder: p, M: l.to})
		p.Stop(true)
		d.ink(dst, r, fill, l.style["fill-opacity"], l)
	}
	if stroke := l.style["stroke"]; !l.cut && stroke != "" && stroke != "none" {
		r := raster.NewRasterizer(fine, fine)
		r.UseNonZeroWinding = true
		d.stroke(r, path, l)
		d.ink(dst, r, stroke, l.style["stroke-opacity"], l)
	}
}

// ink lays a colour or a gradient on what r covers.
func (d *drawing) ink(dst *image.RGBA, r *raster.Rasterizer, what, opacity string, l look) {
	cover := image.NewAlpha(dst.Bounds())
	r.Rasterize(raster.NewAlphaOverPainter(cover))
	if opacity != "" {
		for i, v := range cover.Pix {
			cover.Pix[i] = uint8(float64(v)*number(opacity) + 0.5)
		}
	}
	var src image.Image
	if strings.HasPrefix(what, "url(") {
		src = d.gradient(d.named(what), l.to)
	} else if c, err := oksvg.ParseSVGColor(what); err != nil || c == nil {
		d.fail("colour %q: %w", what, err)
		return
	} else {
		src = image.NewUniform(c)
	}
	draw.DrawMask(dst, dst.Bounds(), src, image.Point{}, cover, image.Point{}, draw.Over)
}

// outline returns the path of a shape.
func outline(n *node) (path rasterx.Path, err error) {
	switch n.XMLName.Local {
	case "path":
		var c oksvg.PathCursor
		err = c.CompilePath(n.attr("d"))
		return c.Path, err
	case "rect":
		x, y := n.number("x"), n.number("y")
		rx, ry := n.number("rx"), n.number("ry")
		rasterx.AddRoundRect(x, y, x+n.number("width"), y+n.number("height"), max(rx, ry), max(rx, ry), 0, rasterx.RoundGap, &path)
	case "circle":
		rasterx.AddEllipse(n.number("cx"), n.number("cy"), n.number("r"), n.number("r"), 0, &path)
	case "ellipse":
		rasterx.AddEllipse(n.number("cx"), n.number("cy"), n.number("rx"), n.number("ry"), 0, &path)
	}
	return path, nil
}

// A pen writes a path to a rasterizer, and closes all of its lines.
type pen struct {
	r         *raster.Rasterizer
	first, at fixed.Point26_6
}

// Start implements rasterx.Adder.
func (p *pen) Start(a fixed.Point26_6) {
	p.Stop(true)
	p.r.Start(a)
	p.first, p.at = a, a
}

// Line implements rasterx.Adder.
func (p *pen) Line(b fixed.Point26_6) {
	p.r.Add1(b)
	p.at = b
}

// QuadBezier implements rasterx.Adder.
func (p *pen) QuadBezier(b, c fixed.Point26_6) {
	p.r.Add2(b, c)
	p.at = c
}

// CubeBezier implements rasterx.Adder.
func (p *pen) CubeBezier(b, c, d fixed.Point26_6) {
	p.r.Add3(b, c, d)
	p.at = d
}

// Stop implements rasterx.Adder.
func (p *pen) Stop(bool) {
	if p.at != p.first {
		p.Line(p.first)
	}
}

// strokes writes the lines of a path, each on its own and its curves as short
// straight ones. A closed line goes over its first piece again, so that it is
// joined where it began.
type strokes struct {
	paths     []raster.Path
	closed    []bool
	first, at fixed.Point26_6
	second    *fixed.Point26_6 // nil before it is there
}

// Start implements rasterx.Adder.
func (s *strokes) Start(a fixed.Point26_6) {
	s.paths, s.closed, s.first, s.at, s.second = append(s.paths, raster.Path{}), append(s.closed, false), a, a, nil
	s.paths[len(s.paths)-1].Start(a)
}

// Line implements rasterx.Adder.
func (s *strokes) Line(b fixed.Point26_6) {
	s.paths[len(s.paths)-1].Add1(b)
	if s.at = b; s.second == nil {
		s.second = &b
	}
}

// QuadBezier implements rasterx.Adder.
func (s *strokes) QuadBezier(b, c fixed.Point26_6) {
	third := func(p, q fixed.Point26_6) fixed.Point26_6 {
		return fixed.Point26_6{X: p.X + (q.X-p.X)*2/3, Y: p.Y + (q.Y-p.Y)*2/3}
	}
	s.CubeBezier(third(s.at, b), third(c, b), c)
}

// CubeBezier implements rasterx.Adder.
func (s *strokes) CubeBezier(b, c, d fixed.Point26_6) {
	const pieces = 16
	a := s.at
	for i := 1; i <= pieces; i++ {
		t := float64(i) / pieces
		mix := func(a, b, c, d fixed.Int26_6) fixed.Int26_6 {
			u := 1 - t
			return fixed.Int26_6(u*u*u*float64(a) + 3*u*u*t*float64(b) + 3*u*t*t*float64(c) + t*t*t*float64(d))
		}
		s.Line(fixed.Point26_6{X: mix(a.X, b.X, c.X, d.X), Y: mix(a.Y, b.Y, c.Y, d.Y)})
	}
}

// Stop implements rasterx.Adder.
func (s *strokes) Stop(closed bool) {
	if !closed || s.second == nil {
		return
	}
	if s.at != s.first {
		s.Line(s.first)
	}
	s.Line(*s.second)
	s.closed[len(s.closed)-1] = true
}

func (d *drawing) stroke(r *raster.Rasterizer, path rasterx.Path, l look) {
	var s strokes
	path.AddTo(&rasterx.MatrixAdder{Adder: &s, M: l.to})
	width := 1.0
	if w := l.style["stroke-width"]; w != "" {
		width = number(w)
	}
	wide := fixed.Int26_6(64*width*math.Hypot(l.to.A, l.to.B) + 0.5)
	for i, p := range s.paths {
		cap, join := raster.ButtCapper, raster.Joiner(raster.JoinerFunc(mitre))
		switch {
		case s.closed[i]:
		case l.style["stroke-linecap"] == "round":
			cap = raster.RoundCapper
		case l.style["stroke-linecap"] == "square":
			cap = raster.SquareCapper
		}
		if l.style["stroke-linejoin"] == "round" {
			join = raster.RoundJoiner
		}
		raster.Stroke(r, p, wide, cap, join)
	}
}

// mitre joins lines in a point, unless it is far away.
func mitre(lhs, rhs raster.Adder, half fixed.Int26_6, pivot, n0, n1 fixed.Point26_6) {
	dot := float64(n0.X)*float64(n1.X) + float64(n0.Y)*float64(n1.Y)
	square := float64(half) * float64(half)
	if by := square / (square + dot); dot > -0.9*square {
		tip := fixed.Point26_6{X: fixed.Int26_6(by * float64(n0.X+n1.X)), Y: fixed.Int26_6(by * float64(n0.Y+n1.Y))}
		if float64(n0.X)*float64(n1.Y)-float64(n0.Y)*float64(n1.X) > 0 {
			lhs.Add1(pivot.Add(tip))
		} else {
			rhs.Add1(pivot.Sub(tip))
		}
	}
	lhs.Add1(pivot.Add(n1))
	rhs.Add1(pivot.Sub(n1))
}

// transform reads matrix, translate, rotate and scale.
func transform(s string) (rasterx.Matrix2D, error) {
	m := rasterx.Identity
	for _, step := range strings.SplitAfter(s, ")") {
		name, list, ok := strings.Cut(strings.TrimSpace(strings.TrimSuffix(step, ")")), "(")
		if !ok {
			continue
		}
		var v []float64
		for _, f := range strings.FieldsFunc(list, func(r rune) bool { return r == ' ' || r == ',' }) {
			v = append(v, number(f))
		}
		switch fmt.Sprint(name, len(v)) {
		case "matrix6":
			m = m.Mult(rasterx.Matrix2D{A: v[0], B: v[1], C: v[2], D: v[3], E: v[4], F: v[5]})
		case "translate2":
			m = m.Translate(v[0], v[1])
		case "translate1":
			m = m.Translate(v[0], 0)
		case "rotate1":
			m = m.Rotate(v[0] * math.Pi / 180)
		case "rotate3":
			m = m.Translate(v[1], v[2]).Rotate(v[0]*math.Pi/180).Translate(-v[1], -v[2])
		case "scale1":
			m = m.Scale(v[0], v[0])
		case "scale2":
			m = m.Scale(v[0], v[1])
		default:
			return m, errors.New("an unknown step " + name)
		}
	}
	return m, nil
}

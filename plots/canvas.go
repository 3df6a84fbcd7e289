package plots

import (
	"bytes"
	"fmt"
	"html"
	"image"
	"image/color"
	"image/png"
	"math"
	"strings"

	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/vgimg"
)

// dpi is the resolution of PNG: two pixels a point.
const dpi = 144

// snapped rounds all positions to a fine grid, so that a last bit of
// arithmetic, which processors that fuse multiplication and addition round
// differently, cannot move an edge.
type snapped struct {
	vg.Canvas
	widths []vg.Length // of the texts, in their order
}

// snap rounds to 1/64 of a point. The offset keeps the values that are common,
// whole points and their simple fractions, far from where rounding changes.
func snap(x vg.Length) vg.Length {
	return vg.Length(math.Floor(float64(x*64)+0.3719375) / 64)
}

func snapPoint(p vg.Point) vg.Point { return vg.Point{X: snap(p.X), Y: snap(p.Y)} }

func snapPath(p vg.Path) vg.Path {
	to := make(vg.Path, len(p))
	for i, c := range p {
		c.Pos, c.Radius = snapPoint(c.Pos), snap(c.Radius)
		control := c.Control
		c.Control = nil
		for _, p := range control {
			c.Control = append(c.Control, snapPoint(p))
		}
		to[i] = c
	}
	return to
}

func (s *snapped) Stroke(p vg.Path) { s.Canvas.Stroke(snapPath(p)) }
func (s *snapped) Fill(p vg.Path)   { s.Canvas.Fill(snapPath(p)) }

func (s *snapped) FillString(f font.Face, p vg.Point, text string) {
	s.widths = append(s.widths, snap(f.Width(text)))
	s.Canvas.FillString(f, snapPoint(p), text)
}

func (s *snapped) DrawImage(r vg.Rectangle, img image.Image) {
	s.Canvas.DrawImage(vg.Rectangle{Min: snapPoint(r.Min), Max: snapPoint(r.Max)}, img)
}

// pixelCanvas draws images with hard pixels: a picture of 28×28 shows its own
// pixels and not a blur.
type pixelCanvas struct{ *vgimg.Canvas }

// DrawImage implements vg.Canvas. Images are never drawn on a turned canvas.
func (c pixelCanvas) DrawImage(r vg.Rectangle, img image.Image) {
	_, h := c.Size()
	dst := c.Image()
	dot := func(l vg.Length) int { return int(math.Round(float64(l) * dpi / 72)) }
	x0, x1, y0, y1 := dot(r.Min.X), dot(r.Max.X), dot(h-r.Max.Y), dot(h-r.Min.Y)
	from := img.Bounds()
	for y := max(y0, 0); y < min(y1, dst.Bounds().Max.Y); y++ {
		for x := max(x0, 0); x < min(x1, dst.Bounds().Max.X); x++ {
			at := img.At(from.Min.X+(x-x0)*from.Dx()/(x1-x0), from.Min.Y+(y-y0)*from.Dy()/(y1-y0))
			dst.Set(x, y, over(at, dst.At(x, y)))
		}
	}
}

// over composes a colour with what is below it.
func over(top, below color.Color) color.Color {
	r, g, b, a := top.RGBA()
	if a == 0xffff {
		return top
	}
	r0, g0, b0, _ := below.RGBA()
	mix := func(t, u uint32) uint16 { return uint16(t + u*(0xffff-a)/0xffff) }
	return color.RGBA64{mix(r, r0), mix(g, g0), mix(b, b0), 0xffff}
}

func encodePNG(img image.Image) []byte {
	var b bytes.Buffer
	if err := png.Encode(&b, img); err != nil {
		panic(err) // a buffer takes everything
	}
	return b.Bytes()
}

// tidySVG gives the document a head that suits HTML, a description for those
// who cannot see it, fonts that stand in for the one it was measured with, and
// images with hard pixels. Texts are told their widths: where none of the fonts
// is there, another is fitted into its place.
func tidySVG(s string, d drawing, widths []vg.Length) string {
	_, s, _ = strings.Cut(s, "<svg")
	_, s, _ = strings.Cut(s, ">")
	s = svgWords.Replace(s)
	parts := strings.Split(s, "<text ")
	for i := range parts[1:] {
		parts[i+1] = fmt.Sprintf(`<text textLength="%.5g" lengthAdjust="spacingAndGlyphs" `, widths[i]) + parts[i+1]
	}
	s = strings.Join(parts, "")
	text := html.EscapeString(d.text)
	return fmt.Sprintf(`<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" `+
		`width="%gpt" height="%gpt" viewBox="0 0 %g %g" style="max-width:100%%;height:auto" role="img" aria-label="%s">`+
		"\n<title>%s</title>", d.width, d.height, d.width, d.height, text, text) + s
}

var svgWords = strings.NewReplacer(
	"font-family:Liberation Sans;font-variant:normal;font-weight:normal;font-style:normal", sansSVG,
	"font-family:Liberation Sans;font-variant:normal;font-weight:bold;font-style:normal", sansSVG+";font-weight:bold",
	"data:image/jpg;", "data:image/png;",
	"<image ", `<image style="image-rendering:pixelated" `,
)

// The stand-ins have the same widths.
const sansSVG = "font-family:'Liberation Sans',Arimo,Arial,Helvetica,sans-serif"

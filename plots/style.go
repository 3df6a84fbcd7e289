package plots

import (
	"image/color"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// margin is the white around a figure.
const margin = vg.Length(10)

var (
	white = color.NRGBA{255, 255, 255, 255}
	ink   = color.NRGBA{0x22, 0x22, 0x22, 255}
	faded = color.NRGBA{0x66, 0x66, 0x66, 255}
	rule  = color.NRGBA{0xdd, 0xdd, 0xdd, 255}
)

// palette is Okabe and Ito's (2008), told apart with any colour vision, without
// the yellow that white paper swallows, in the order of contrast.
var palette = []color.NRGBA{
	{0x00, 0x72, 0xb2, 255}, // blue
	{0xd5, 0x5e, 0x00, 255}, // vermilion
	{0x00, 0x9e, 0x73, 255}, // bluish green
	{0xcc, 0x79, 0xa7, 255}, // reddish purple
	{0xe6, 0x9f, 0x00, 255}, // orange
	{0x56, 0xb4, 0xe9, 255}, // sky blue
	{0x22, 0x22, 0x22, 255}, // black
}

// dashes tell apart what shares a colour.
var dashes = [][]vg.Length{nil, {4, 2}, {1.5, 1.5}, {6, 2, 1.5, 2}}

// hue returns the colour of series i.
func hue(i int) color.NRGBA { return palette[i%len(palette)] }

// line returns the style of series i.
func lineStyle(i int, width vg.Length) draw.LineStyle {
	return draw.LineStyle{Color: hue(i), Width: width, Dashes: dashes[i/len(palette)%len(dashes)]}
}

// faint returns c with the given opacity.
func faint(c color.NRGBA, opacity float64) color.NRGBA {
	c.A = uint8(255 * opacity)
	return c
}

// A face is how text is set: size, colour and which point of it is given.
type face struct{ text.Style }

func newFace(size vg.Length, bold bool, c color.Color) face {
	f := font.Font{Typeface: "Liberation", Variant: "Sans", Size: size}
	if bold {
		f.Weight = 3 // as the font package counts
	}
	return face{text.Style{Color: c, Font: f, XAlign: draw.XLeft, YAlign: draw.YBottom, Handler: plot.DefaultTextHandler}}
}

var (
	heading = newFace(11, true, ink)
	body    = newFace(9, false, ink)
	small   = newFace(8, false, faded)
)

func (f face) centred() face               { f.XAlign = draw.XCenter; return f }
func (f face) right() face                 { f.XAlign = draw.XRight; return f }
func (f face) middle() face                { f.YAlign = draw.YCenter; return f }
func (f face) top() face                   { f.YAlign = draw.YTop; return f }
func (f face) coloured(c color.Color) face { f.Color = c; return f }
func (f face) turned(radians float64) face { f.Rotation = radians; return f }
func (f face) width(s string) vg.Length    { return f.Style.Width(s) }
func (f face) widest(all []string) vg.Length {
	var w vg.Length
	for _, s := range all {
		w = max(w, f.width(s))
	}
	return w
}

// write sets text at a point. Its middle is that of the letters, which is above
// the middle of the line.
func write(c draw.Canvas, f face, x, y vg.Length, s string) {
	if s == "" {
		return
	}
	switch lift := f.Font.Size * 0.12; {
	case f.YAlign == draw.YCenter && f.Rotation != 0: // a quarter to the left
		x -= lift
	case f.YAlign == draw.YCenter:
		y += lift
	}
	c.FillText(f.Style, vg.Point{X: x, Y: y}, s)
}

// wrap breaks text into lines no wider than width, between words, and within
// a word that is itself wider.
func wrap(s string, f face, width vg.Length) []string {
	var lines []string
	line := ""
	for _, word := range strings.Fields(s) {
		for f.width(word) > width {
			n := fitting(word, f, width)
			if line != "" {
				lines, line = append(lines, line), ""
			}
			lines, word = append(lines, word[:n]), word[n:]
		}
		if longer := strings.TrimSpace(line + " " + word); line == "" || f.width(longer) <= width {
			line = longer
			continue
		}
		lines, line = append(lines, line), word
	}
	if line != "" || lines == nil {
		lines = append(lines, line)
	}
	return lines
}

// fitting returns how many bytes of s, whole characters and at least one, fit
// into width.
func fitting(s string, f face, width vg.Length) int {
	n := len(s)
	for i := range s {
		if i > 0 && f.width(s[:i]) > width {
			break
		}
		n = i
	}
	if n == 0 || n == len(s) {
		for i := range s {
			if i > 0 {
				return i
			}
		}
		return len(s)
	}
	return n
}

// shorten cuts s to width, ending in an ellipsis.
func shorten(s string, f face, width vg.Length) string {
	if f.width(s) <= width {
		return s
	}
	return s[:fitting(s, f, width-f.width("…"))] + "…"
}

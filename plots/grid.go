package plots

import (
	"fmt"
	"image"
	"math"
	"strings"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// Grid shows images in rows, enlarged with hard pixels, so that what a network
// sees is what a reader sees.
type Grid struct {
	Images   []image.Image // nil leaves a place empty
	Captions []string      // below each image. If nil, none.
	Heads    []string      // above the columns. If nil, none.
	Sides    []string      // before the rows. If nil, none.
	Title    string        // If "", none.

	// Columns is how many images stand in a row. If 0, as many as there are
	// Heads, and without heads a number that makes the grid wider than high.
	Columns int

	// Size is the side of the place for an image, in points. If 0, at least 40
	// and so that the grid is about 460 wide. The images are enlarged by a whole
	// number where that is possible.
	Size float64

	// Frames puts a coloured edge around images, by number: 0 none, 1 blue, 2
	// vermilion, 3 green, as of the palette. If nil, none.
	Frames []int
}

// Images shows images in a grid.
func Images(images ...image.Image) Grid { return Grid{Images: images} }

// Rotations shows each image as it is and turned by 90°, 180° and 270°
// counter-clockwise, a row an image.
func Rotations(images ...image.Image) Grid {
	g := Grid{Columns: 4, Heads: []string{"0°", "90°", "180°", "270°"}}
	for _, img := range images {
		if _, bad := img.(failed); img == nil || bad {
			g.Images = append(g.Images, img, nil, nil, nil)
			continue
		}
		for quarter := range 4 {
			g.Images = append(g.Images, turned{img, quarter})
		}
	}
	return g
}

// SVG implements Figure.
func (f Grid) SVG() string { return svgOf(f) }

// PNG implements Figure.
func (f Grid) PNG() []byte { return pngOf(f) }

// Save implements Figure.
func (f Grid) Save(path string) error { return saveOf(f, path) }

// String implements Figure.
func (f Grid) String() string { return stringOf(f) }

func (f Grid) drawing() (drawing, error) {
	if err := f.check(); err != nil {
		return drawing{}, err
	}
	g := f.layout()
	width := g.left + vg.Length(g.columns)*(g.cell+g.gap) - g.gap + 2*margin
	if f.Title != "" {
		width = max(width, min(heading.width(f.Title)+2*margin, 460))
	}
	top := vg.Length(0)
	if f.Title != "" {
		top = 4 + 15*vg.Length(len(wrap(f.Title, heading, width-2*margin)))
	}
	height := top + g.head + vg.Length(g.rows)*g.pitch - g.gap + 2*margin
	return drawing{width, height, f.text(), func(c draw.Canvas) { f.paint(drawTitle(c, f.Title), g) }}, nil
}

func (f Grid) check() error {
	n := 0
	for i, img := range f.Images {
		if bad, ok := img.(failed); ok {
			return bad.err
		}
		if img == nil {
			continue
		}
		b := img.Bounds()
		if b.Empty() || b.Dx() > 1<<14 || b.Dy() > 1<<14 {
			return fmt.Errorf("plots: image %d is %d×%d, cannot be drawn", i+1, b.Dx(), b.Dy())
		}
		n++
	}
	if n == 0 {
		return fmt.Errorf("%w: no images to show", errNoValues)
	}
	if f.Captions != nil && len(f.Captions) != len(f.Images) {
		return fmt.Errorf("plots: %d captions for %d images", len(f.Captions), len(f.Images))
	}
	if f.Frames != nil && len(f.Frames) != len(f.Images) {
		return fmt.Errorf("plots: %d frames for %d images", len(f.Frames), len(f.Images))
	}
	return nil
}

func (f Grid) text() string {
	s := fmt.Sprintf("%d images", len(f.Images))
	if len(f.Images) == 1 {
		s = "1 image"
	}
	if f.Title != "" {
		s = f.Title + ": " + s
	}
	if f.Captions != nil {
		s += ": " + strings.Join(f.Captions, ", ")
	}
	return strings.Join(strings.Fields(s), " ")
}

// gridLayout has the measures of a grid: columns and rows, the side of a
// place, the gap between, the height of a row with its captions, what is above
// and on the left.
type gridLayout struct {
	columns, rows                int
	cell, gap, pitch, head, left vg.Length
	captions                     [][]string // in lines
}

const captionRow = vg.Length(10)

func (f Grid) layout() gridLayout {
	n := len(f.Images)
	g := gridLayout{gap: 6, columns: f.Columns}
	if g.columns <= 0 {
		g.columns = len(f.Heads)
	}
	if g.columns <= 0 {
		g.columns = min(n, max(int(math.Ceil(math.Sqrt(float64(n)*2))), 4))
	}
	g.columns = min(g.columns, max(n, 1))
	g.rows = (n + g.columns - 1) / g.columns
	if len(f.Sides) > 0 {
		g.left = min(small.widest(f.Sides), 110) + 8
	}
	g.cell = f.cell(g)
	tallest := 0
	for _, s := range f.Captions {
		lines := wrap(s, small, g.cell+g.gap-2)
		tallest = max(tallest, len(lines))
		g.captions = append(g.captions, lines)
	}
	g.pitch = g.cell + g.gap + captionRow*vg.Length(tallest)
	if tallest > 0 {
		g.pitch += 2
	}
	if len(f.Heads) > 0 {
		g.head = captionRow*vg.Length(f.headLines(g)) + 5
	}
	return g
}

func (f Grid) headLines(g gridLayout) int {
	n := 0
	for _, s := range f.Heads {
		n = max(n, len(wrap(s, small, g.cell+g.gap-2)))
	}
	return n
}

// cell returns the side of a place: half a point a pixel, or a multiple.
func (f Grid) cell(g gridLayout) vg.Length {
	side := f.largest()
	want := f.Size
	if !(want > 0) {
		want = min(max((440-float64(g.left))/float64(g.columns)-float64(g.gap), 40), 84)
	}
	k := math.Floor(want * 2 / side) // device pixels a pixel
	if k < 1 {
		return vg.Length(math.Round(want))
	}
	return vg.Length(k * side / 2)
}

// largest returns the longest side of the images, in pixels.
func (f Grid) largest() float64 {
	side := 1
	for _, img := range f.Images {
		if img != nil {
			side = max(side, img.Bounds().Dx(), img.Bounds().Dy())
		}
	}
	return float64(side)
}

func (f Grid) paint(c draw.Canvas, g gridLayout) {
	top := c.Max.Y - g.head
	for i, img := range f.Images {
		x := c.Min.X + g.left + vg.Length(i%g.columns)*(g.cell+g.gap)
		y := top - vg.Length(i/g.columns)*g.pitch
		if img != nil {
			f.place(c, img, i, x, y, g)
		}
		if f.Captions != nil {
			for j, line := range g.captions[i] {
				write(c, small.centred().top(), x+g.cell/2, y-g.cell-2-captionRow*vg.Length(j), line)
			}
		}
	}
	for i, s := range f.Heads {
		x := c.Min.X + g.left + vg.Length(i)*(g.cell+g.gap) + g.cell/2
		lines := wrap(s, small, g.cell+g.gap-2)
		for j, line := range lines {
			write(c, small.centred().coloured(ink), x, top+4+captionRow*vg.Length(len(lines)-1-j), line)
		}
	}
	for i, s := range f.Sides {
		y := top - vg.Length(i)*g.pitch - g.cell/2
		lines := wrap(s, small, g.left-8)
		for j, line := range lines {
			write(c, small.middle().coloured(ink), c.Min.X, y+captionRow*(vg.Length(len(lines)-1)/2-vg.Length(j)), line)
		}
	}
}

// place draws one image into the middle of its place, whose upper left corner
// is given.
func (f Grid) place(c draw.Canvas, img image.Image, i int, x, y vg.Length, g gridLayout) {
	b := img.Bounds()
	scale := g.cell / vg.Length(f.largest())
	w, h := vg.Length(b.Dx())*scale, vg.Length(b.Dy())*scale
	x0, y0 := halfPoint(x+(g.cell-w)/2), halfPoint(y-(g.cell+h)/2)
	r := vg.Rectangle{Min: vg.Point{X: x0, Y: y0}, Max: vg.Point{X: x0 + w, Y: y0 + h}}
	c.DrawImage(r, compact(img))
	edge := draw.LineStyle{Color: rule, Width: 0.5}
	out := vg.Length(0.25)
	if f.Frames != nil && f.Frames[i] > 0 {
		edge = draw.LineStyle{Color: hue(f.Frames[i] - 1), Width: 2}
		out = 1
	}
	c.StrokeLines(edge, []vg.Point{
		{X: x0 - out, Y: y0 - out}, {X: x0 + w + out, Y: y0 - out}, {X: x0 + w + out, Y: y0 + h + out},
		{X: x0 - out, Y: y0 + h + out}, {X: x0 - out, Y: y0 - out - edge.Width/2},
	})
}

// halfPoint rounds to what is a whole pixel in PNG.
func halfPoint(l vg.Length) vg.Length { return vg.Length(math.Round(float64(l)*2) / 2) }

// compact returns an image that has at most a few hundred pixels a side, as
// much as a page shows, and at least about a hundred, for programs that blur
// small images when they enlarge them.
func compact(img image.Image) image.Image {
	b := img.Bounds()
	side := max(b.Dx(), b.Dy())
	if side > 512 {
		return sampled{img, (side + 511) / 512}
	}
	return enlarge(img, max(1, 128/side))
}

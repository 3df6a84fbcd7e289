package plots

import (
	"errors"
	"fmt"
	"strings"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// Sheet is a figure of figures, in rows.
type Sheet struct {
	Figures []Figure
	Columns int    // If 0, all stand beside each other.
	Title   string // If "", none.
}

// Beside shows figures beside each other.
func Beside(figures ...Figure) Sheet { return Sheet{Figures: figures} }

// SVG implements Figure.
func (f Sheet) SVG() string { return svgOf(f) }

// PNG implements Figure.
func (f Sheet) PNG() []byte { return pngOf(f) }

// Save implements Figure.
func (f Sheet) Save(path string) error {
	for _, g := range f.Figures {
		if g == nil {
			continue // as drawing reports
		}
		if _, err := compose(g); err != nil && !errors.Is(err, errNoValues) {
			return err
		}
	}
	return saveOf(f, path)
}

// String implements Figure.
func (f Sheet) String() string { return stringOf(f) }

func (f Sheet) drawing() (drawing, error) {
	n := len(f.Figures)
	if n == 0 {
		return drawing{}, fmt.Errorf("%w: no figures to show", errNoValues)
	}
	columns := f.Columns
	if columns <= 0 || columns > n {
		columns = n
	}
	parts := make([]drawing, n)
	widths, heights := make([]vg.Length, columns), make([]vg.Length, (n+columns-1)/columns)
	var texts []string
	for i, g := range f.Figures {
		if g == nil {
			return drawing{}, fmt.Errorf("plots: figure %d is nil", i+1)
		}
		parts[i] = show(g)
		widths[i%columns] = max(widths[i%columns], parts[i].width)
		heights[i/columns] = max(heights[i/columns], parts[i].height)
		texts = append(texts, parts[i].text)
	}
	width, height := total(widths), total(heights)
	if f.Title != "" {
		height += 19
	}
	return drawing{width, height, strings.Join(texts, "; "), func(c draw.Canvas) {
		c = drawTitle(c, f.Title)
		y := c.Max.Y + margin
		for row, h := range heights {
			x := c.Min.X - margin
			for col := 0; col < columns && row*columns+col < n; col++ {
				p := parts[row*columns+col]
				at := vg.Rectangle{Min: vg.Point{X: x, Y: y - p.height}, Max: vg.Point{X: x + p.width, Y: y}}
				p.paint(draw.Crop(draw.Canvas{Canvas: c, Rectangle: at}, margin, -margin, margin, -margin))
				x += widths[col]
			}
			y -= h
		}
	}}, nil
}

func total(all []vg.Length) vg.Length {
	var sum vg.Length
	for _, l := range all {
		sum += l
	}
	return sum
}

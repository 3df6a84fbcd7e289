package plots

import (
	"fmt"
	"image"
	"image/color"
	"math"
	"strings"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// HeatMap shows a matrix by colour, with its numbers where they fit.
type HeatMap struct {
	Values        [][]float64 // by row. What is not finite is a gray cell.
	Rows, Columns []string    // If nil, none.

	RowLabel, ColumnLabel string // what rows and columns are. If "", none.
	Label                 string // what the values are. If "", none.
	Title                 string // If "", none.

	// Low and High are the ends of the colours. If both are 0, those of the
	// values; around zero, for values of both signs, at equal distance.
	Low, High float64

	Percent bool // shows fractions as percentages

	err error
}

// Confusion shows which classes are taken for which: of the samples of a row's
// class, the share that was predicted to be the column's. Classes are numbers
// from 0, as names has them.
func Confusion(names []string, truth, predicted []int) HeatMap {
	f := HeatMap{Rows: names, Columns: names, RowLabel: "class", ColumnLabel: "predicted", Percent: true, High: 1}
	n := len(names)
	if len(truth) != len(predicted) {
		f.err = fmt.Errorf("plots: %d true classes and %d predicted", len(truth), len(predicted))
		return f
	}
	counts := make([]int, n)
	f.Values = square(n)
	for i, t := range truth {
		p := predicted[i]
		if t < 0 || t >= n || p < 0 || p >= n {
			f.err = fmt.Errorf("plots: sample %d is of class %d and predicted %d, want 0 to %d", i, t, p, n-1)
			return f
		}
		counts[t]++
		f.Values[t][p]++
	}
	right := 0.0
	for t, row := range f.Values {
		right += row[t]
		for p := range row {
			row[p] /= float64(counts[t]) // NaN for a class without samples
		}
	}
	if len(truth) > 0 {
		f.Label = fmt.Sprintf("%.1f %% of %s samples right; shares of each class", 100*right/float64(len(truth)), thousands(fmt.Sprint(len(truth))))
	}
	return f
}

func square(n int) [][]float64 {
	rows := make([][]float64, n)
	for i := range rows {
		rows[i] = make([]float64, n)
	}
	return rows
}

// Transfer shows the accuracy, a fraction, of what was pre-trained on a row's
// data and judged on a column's.
func Transfer(from, to []string, accuracy [][]float64) HeatMap {
	return HeatMap{Values: accuracy, Rows: from, Columns: to, RowLabel: "pre-trained on", ColumnLabel: "judged on", Label: "accuracy", Percent: true}
}

// Similarity shows the cosine of the angle between each row of a, [N,D], and
// each row of b, [M,D], such as images and captions.
func Similarity(rows, columns []string, a, b Array) HeatMap {
	f := HeatMap{Rows: rows, Columns: columns, Label: "cosine similarity"}
	s, t := a.Shape(), b.Shape()
	if len(s) != 2 || len(t) != 2 || s[1] != t[1] {
		f.err = fmt.Errorf("plots: similarity of arrays %v and %v, want [N,D] and [M,D]", s, t)
		return f
	}
	for i := range s[0] {
		f.Values = append(f.Values, nil)
		u := a.Data()[i*s[1] : (i+1)*s[1]]
		for j := range t[0] {
			f.Values[i] = append(f.Values[i], cosine(u, b.Data()[j*s[1]:(j+1)*s[1]]))
		}
	}
	return f
}

func cosine(u, v []float32) float64 {
	var uv, uu, vv float64
	for i := range u {
		uv += float64(u[i]) * float64(v[i])
		uu += float64(u[i]) * float64(u[i])
		vv += float64(v[i]) * float64(v[i])
	}
	return uv / math.Sqrt(uu*vv)
}

// SVG implements Figure.
func (f HeatMap) SVG() string { return svgOf(f) }

// PNG implements Figure.
func (f HeatMap) PNG() []byte { return pngOf(f) }

// Save implements Figure.
func (f HeatMap) Save(path string) error { return saveOf(f, path) }

// String implements Figure.
func (f HeatMap) String() string { return stringOf(f) }

func (f HeatMap) drawing() (drawing, error) {
	if err := f.check(); err != nil {
		return drawing{}, err
	}
	h := f.measure()
	if h.values.empty() {
		return drawing{}, fmt.Errorf("%w in a matrix of %d×%d", errNoValues, h.rows, h.columns)
	}
	width := h.left + vg.Length(h.columns)*h.cell + 52 + 2*margin
	title := vg.Length(0)
	if f.Title != "" {
		title = 4 + 15*vg.Length(len(wrap(f.Title, heading, width-2*margin)))
	}
	if h.note = wrap(h.label(), small, width-2*margin); h.label() == "" {
		h.note = nil
	}
	height := title + h.top + vg.Length(h.rows)*h.cell + captionRow*vg.Length(len(h.note)) + 4 + 2*margin
	return drawing{width, height, h.text(), func(c draw.Canvas) { h.paint(drawTitle(c, f.Title)) }}, nil
}

func (f HeatMap) check() error {
	if f.err != nil {
		return f.err
	}
	if len(f.Values) == 0 || len(f.Values[0]) == 0 {
		return fmt.Errorf("%w: an empty matrix", errNoValues)
	}
	for i, row := range f.Values {
		if len(row) != len(f.Values[0]) {
			return fmt.Errorf("plots: row %d of a matrix has %d values, the first %d", i+1, len(row), len(f.Values[0]))
		}
	}
	if f.Rows != nil && len(f.Rows) != len(f.Values) || f.Columns != nil && len(f.Columns) != len(f.Values[0]) {
		return fmt.Errorf("plots: %d row and %d column names for a matrix of %d×%d", len(f.Rows), len(f.Columns), len(f.Values), len(f.Values[0]))
	}
	return nil
}

// heat is a heat map measured.
type heat struct {
	HeatMap
	rows, columns   int
	values, colours span // as shown; the ends of the colours
	cell, left, top vg.Length
	upright         bool // column names that do not fit across
	numbers         int  // decimals of the numbers; negative: none
	note            []string
}

func (f HeatMap) measure() *heat {
	h := &heat{HeatMap: f, rows: len(f.Values), columns: len(f.Values[0]), values: emptySpan(false)}
	for _, row := range f.Values {
		for _, v := range row {
			h.values.add(h.scaled(v))
		}
	}
	h.colours = h.ends()
	names := small.widest(f.Columns)
	h.cell = halfPoint(min(max(340/vg.Length(max(h.rows, h.columns)), 1), 44))
	if w := names + 6; w > h.cell && w*vg.Length(h.columns) <= 440 && w*vg.Length(h.rows) <= 440 {
		h.cell = halfPoint(w)
	}
	if h.cell < 14 && (f.Rows != nil || f.Columns != nil) {
		h.cell = 10 // a line of text
	}
	h.left = min(small.widest(f.Rows), 120) + 5
	if f.RowLabel != "" {
		h.left = max(h.left, small.width(f.RowLabel)+5)
	}
	h.upright = names > h.cell-3
	h.top = captionRow + 3
	if h.upright {
		h.top = min(names, 110) + 6
	}
	if f.ColumnLabel != "" {
		h.top += captionRow + 2
	}
	h.numbers = h.fitting()
	return h
}

func (h *heat) scaled(v float64) float64 {
	if h.Percent {
		return 100 * v
	}
	return v
}

// ends returns which values have the first and the last colour.
func (h *heat) ends() span {
	switch {
	case h.Low != 0 || h.High != 0:
		return span{h.scaled(h.Low), h.scaled(h.High), false}
	case h.values.low < 0 && h.values.high > 0:
		m := max(-h.values.low, h.values.high)
		return span{-m, m, false}
	}
	return h.values
}

// fitting returns the decimals with which all numbers fit into their cells, or
// -1 if even whole ones do not.
func (h *heat) fitting() int {
	most := min(decimals(h.values), 2)
	for n := most; n >= 0; n-- {
		fits := n > 0 || h.values.high-h.values.low >= 5
		for _, row := range h.Values {
			for _, v := range row {
				fits = fits && small.width(fmt.Sprintf("%.*f", n, h.scaled(v))) <= h.cell-3
			}
		}
		if fits && h.cell >= 12 {
			return n
		}
	}
	return -1
}

func (h *heat) label() string {
	if h.Percent {
		return strings.TrimSpace(h.Label + " (%)")
	}
	return h.Label
}

func (h *heat) text() string {
	s := fmt.Sprintf("%s, %d×%d, from %.*f to %.*f", orElse(h.label(), "matrix"), h.rows, h.columns,
		decimals(h.values), h.values.low, decimals(h.values), h.values.high)
	if h.Title != "" {
		s = h.Title + ": " + s
	}
	return s
}

func (h *heat) paint(c draw.Canvas) {
	x0, y0 := halfPoint(c.Min.X+h.left), halfPoint(c.Max.Y-h.top)
	h.cells(c, x0, y0)
	h.names(c, x0, y0)
	bottom := y0 - vg.Length(h.rows)*h.cell
	h.bar(c, x0+vg.Length(h.columns)*h.cell+10, max(bottom, y0-160), y0)
	for i, line := range h.note {
		write(c, small.top(), c.Min.X, bottom-4-captionRow*vg.Length(i), line)
	}
}

// cells paints the colours, many of them as an image, and the numbers.
func (h *heat) cells(c draw.Canvas, x0, y0 vg.Length) {
	if h.rows*h.columns > 900 {
		img := image.NewNRGBA(image.Rect(0, 0, h.columns, h.rows))
		for i, row := range h.Values {
			for j, v := range row {
				img.SetNRGBA(j, i, h.colour(v))
			}
		}
		c.DrawImage(vg.Rectangle{
			Min: vg.Point{X: x0, Y: y0 - vg.Length(h.rows)*h.cell},
			Max: vg.Point{X: x0 + vg.Length(h.columns)*h.cell, Y: y0},
		}, img)
		return
	}
	for i, row := range h.Values {
		for j, v := range row {
			x, y := x0+vg.Length(j)*h.cell, y0-vg.Length(i)*h.cell
			back := h.colour(v)
			right, below := x+h.cell, y-h.cell
			if j < h.columns-1 {
				right += 0.5 // below the next, so that no seam shows
			}
			if i < h.rows-1 {
				below -= 0.5
			}
			fillRect(c, back, x, below, right, y)
			if h.numbers >= 0 && finite(v) {
				h.number(c, v, back, x+h.cell/2, y-h.cell/2)
			}
		}
	}
}

// number writes a cell's value; a plain zero stands back.
func (h *heat) number(c draw.Canvas, v float64, back color.NRGBA, x, y vg.Length) {
	f := small.centred().middle()
	if v == 0 {
		write(c, f.coloured(mix(back, faded, 0.6)), x, y, "0")
		return
	}
	write(c, f.coloured(inkOn(back)), x, y, thousands(fmt.Sprintf("%.*f", h.numbers, h.scaled(v))))
}

func (h *heat) names(c draw.Canvas, x0, y0 vg.Length) {
	f := small.coloured(ink)
	for i, s := range h.Rows {
		write(c, f.right().middle(), x0-4, y0-(vg.Length(i)+0.5)*h.cell, shorten(s, small, 120))
	}
	for i, s := range h.Columns {
		x := x0 + (vg.Length(i)+0.5)*h.cell
		if h.upright {
			write(c, f.middle().turned(math.Pi/2), x, y0+4, shorten(s, small, 110))
		} else {
			write(c, f.centred(), x, y0+3, s)
		}
	}
	if h.ColumnLabel != "" {
		write(c, small.centred().top(), x0+vg.Length(h.columns)*h.cell/2, c.Max.Y, h.ColumnLabel)
	}
	if h.RowLabel != "" {
		write(c, small.right(), x0-4, y0+3, h.RowLabel)
	}
}

// bar shows which colour is which value.
func (h *heat) bar(c draw.Canvas, x, bottom, top vg.Length) {
	const steps = 40
	for i := range steps {
		at := func(i int) vg.Length { return bottom + (top-bottom)*vg.Length(i)/steps }
		fillRect(c, h.shade((float64(i)+0.5)/steps), x, at(i), x+8, top) // over what is above, so that no seam shows
	}
	if h.colours.low == h.colours.high {
		write(c, small.middle(), x+11, (bottom+top)/2, number(h.colours.low, 0.01))
		return
	}
	for _, t := range linearTicks(h.colours.low, h.colours.high, 5) {
		y := bottom + (top-bottom)*vg.Length((t.Value-h.colours.low)/(h.colours.high-h.colours.low))
		c.StrokeLine2(draw.LineStyle{Color: faded, Width: 0.5}, x+8, y, x+10, y)
		write(c, small.middle(), x+12, y, t.Label)
	}
}

package plots

import (
	"fmt"
	"math"

	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// Scatter shows points in the plane, by class.
type Scatter struct {
	X, Y    []float64 // of one length. Points that are not finite are left out.
	Labels  []int     // the class of each point, from 0. If nil, one class.
	Classes []string  // If nil, numbers.
	Title   string    // If "", none.

	// XLabel and YLabel name the axes. If both are "", there are no axes: only
	// what is near to what matters.
	XLabel, YLabel string

	Width, Height float64 // in points. If 0, 460 × 360.

	note string
	err  error
}

// PCA shows vectors [N,D] in the plane in which they vary most: their first
// two principal components, with the share of variance of each.
func PCA(vectors Array, labels []int, classes []string) Scatter {
	f := Scatter{Labels: labels, Classes: classes}
	rows, err := matrix(vectors)
	if err != nil {
		f.err = err
		return f
	}
	p, shares := principal(rows, 2)
	for i := range p {
		f.X, f.Y = append(f.X, p[i][0]), append(f.Y, p[i][1])
	}
	f.XLabel = fmt.Sprintf("first component, %.0f %% of the variance", 100*shares[0])
	f.YLabel = fmt.Sprintf("second component, %.0f %%", 100*shares[1])
	return f
}

// matrix returns the rows of an array [N,D], centred. It returns an error if
// the array has another shape, too few rows, or values that are no numbers.
func matrix(a Array) ([][]float64, error) {
	s := a.Shape()
	if len(s) != 2 || s[1] < 1 {
		return nil, fmt.Errorf("plots: vectors in an array %v, want [N,D]", s)
	}
	if s[0] < 3 {
		return nil, fmt.Errorf("%w: %d vectors are too few for a map", errNoValues, s[0])
	}
	rows, mean := make([][]float64, s[0]), make([]float64, s[1])
	for i := range rows {
		for j, v := range a.Data()[i*s[1] : (i+1)*s[1]] {
			if !finite(float64(v)) {
				return nil, fmt.Errorf("plots: vector %d holds %v", i, v)
			}
			rows[i] = append(rows[i], float64(v))
			mean[j] += float64(v) / float64(s[0])
		}
	}
	for _, r := range rows {
		for j := range r {
			r[j] -= mean[j]
		}
	}
	return rows, nil
}

// principal returns the coordinates of centred rows along the k directions of
// most variance, and the shares of it. A direction's sign is such that its
// largest part is positive. If the rows have fewer columns, the rest is 0.
func principal(rows [][]float64, k int) (points [][]float64, shares []float64) {
	d := len(rows[0])
	x := mat.NewDense(len(rows), d, nil)
	for i, r := range rows {
		x.SetRow(i, r)
	}
	var cov mat.SymDense
	cov.SymOuterK(1, x.T())
	var e mat.EigenSym
	if !e.Factorize(&cov, true) {
		panic("plots: the eigenvalues do not converge")
	}
	values := e.Values(nil) // ascending
	var v mat.Dense
	e.VectorsTo(&v)
	points, shares = make([][]float64, len(rows)), make([]float64, k)
	for c := range k {
		col := d - 1 - c
		direction := make([]float64, d)
		if col >= 0 {
			mat.Col(direction, col, &v)
			if t := mat.Trace(&cov); t > 0 {
				shares[c] = max(values[col], 0) / t
			}
		}
		orient(direction)
		for i, r := range rows {
			points[i] = append(points[i], along(r, direction))
		}
	}
	return points, shares
}

func orient(v []float64) {
	largest := 0.0
	for _, x := range v {
		if math.Abs(x) > math.Abs(largest)+1e-9 {
			largest = x
		}
	}
	for i := range v {
		v[i] = math.Copysign(1, largest) * v[i]
	}
}

// along returns a product in single precision, so that a last bit of
// arithmetic does not show.
func along(u, v []float64) float64 {
	var sum float64
	for i := range u {
		sum += u[i] * v[i]
	}
	return float64(float32(sum))
}

// SVG implements Figure.
func (f Scatter) SVG() string { return svgOf(f) }

// PNG implements Figure.
func (f Scatter) PNG() []byte { return pngOf(f) }

// Save implements Figure.
func (f Scatter) Save(path string) error { return saveOf(f, path) }

// String implements Figure.
func (f Scatter) String() string { return stringOf(f) }

func (f Scatter) drawing() (drawing, error) {
	if err := f.check(); err != nil {
		return drawing{}, err
	}
	a := &axes{title: f.Title, xLabel: f.XLabel, yLabel: f.YLabel, note: f.note, bare: f.XLabel == "" && f.YLabel == ""}
	x, y := emptySpan(false), emptySpan(false)
	groups := make([][]int, f.classes())
	for i := range f.X {
		if !finite(f.X[i]) || !finite(f.Y[i]) {
			continue
		}
		x.add(f.X[i])
		y.add(f.Y[i])
		groups[f.label(i)] = append(groups[f.label(i)], i)
	}
	if x.empty() {
		return drawing{}, fmt.Errorf("%w: no points to draw", errNoValues)
	}
	a.x, a.y = x.padded(0.03), y.padded(0.03)
	shown := 0
	for g, points := range groups {
		if len(points) == 0 {
			continue
		}
		shown += len(points)
		if len(groups) > 1 {
			a.legend = append(a.legend, entry{name: f.name(g), block: true, style: draw.LineStyle{Color: hue(g)}, glyph: glyph(g, 3.5)})
		}
		a.layers = append(a.layers, f.cloud(g, points, radius(len(f.X))))
	}
	text := fmt.Sprintf("%d points of %d classes", shown, len(a.layers))
	return drawing{length(f.Width, 460), length(f.Height, 360), text, a.draw}, nil
}

func (f Scatter) check() error {
	switch {
	case f.err != nil:
		return f.err
	case len(f.X) != len(f.Y):
		return fmt.Errorf("plots: %d points across and %d up", len(f.X), len(f.Y))
	case f.Labels != nil && len(f.Labels) != len(f.X):
		return fmt.Errorf("plots: %d labels for %d points", len(f.Labels), len(f.X))
	}
	for i, l := range f.Labels {
		if l < 0 || l >= 1000 || f.Classes != nil && l >= len(f.Classes) {
			return fmt.Errorf("plots: point %d is of class %d, of %d", i, l, len(f.Classes))
		}
	}
	return nil
}

func (f Scatter) label(i int) int {
	if f.Labels == nil {
		return 0
	}
	return f.Labels[i]
}

func (f Scatter) classes() int {
	n := 1
	for _, l := range f.Labels {
		n = max(n, l+1)
	}
	return n
}

func (f Scatter) name(class int) string {
	if f.Classes == nil {
		return fmt.Sprint(class)
	}
	return f.Classes[class]
}

// radius returns the size of a mark among n.
func radius(n int) vg.Length { return vg.Length(min(max(45/math.Sqrt(float64(n)), 1.3), 3)) }

// cloud draws the points of a class as one shape, which keeps the file small.
func (f Scatter) cloud(class int, points []int, r vg.Length) layer {
	return func(c draw.Canvas, x, y func(float64) vg.Length) {
		var p vg.Path
		for _, i := range points {
			mark(&p, class, vg.Point{X: x(f.X[i]), Y: y(f.Y[i])}, r)
		}
		c.SetColor(faint(hue(class), 0.75))
		c.Fill(p)
	}
}

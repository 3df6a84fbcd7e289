package plots_test

import (
	"bytes"
	"image"
	"image/color"
	"image/png"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"testing"

	"sslnotes/plots"
)

var nan = math.NaN()

// odd are figures of empty, short, broken and extreme input.
var odd = map[string]plots.Figure{
	"no runs":          plots.Loss(),
	"nil run":          plots.Loss(nil),
	"empty run":        plots.Loss(run{name: "empty"}),
	"all NaN":          plots.Curves{Lines: []plots.Line{{Name: "a", X: []float64{1, 2}, Y: []float64{nan, nan}}}},
	"one point":        plots.Curves{Lines: []plots.Line{{Name: "a", X: []float64{1}, Y: []float64{2}}}},
	"one on a log":     plots.Curves{LogX: true, LogY: true, Lines: []plots.Line{{Name: "a", X: []float64{1}, Y: []float64{2}}}},
	"nothing on a log": plots.Curves{LogY: true, Lines: []plots.Line{{Name: "a", X: []float64{1}, Y: []float64{-2}}}},
	"infinite":         plots.Curves{Lines: []plots.Line{{Name: "a", X: []float64{1, math.Inf(1), 3}, Y: []float64{math.Inf(1), 2, 3}}}},
	"huge":             plots.Curves{Lines: []plots.Line{{Name: "a", X: []float64{1, 2}, Y: []float64{-math.MaxFloat64, math.MaxFloat64}}}},
	"tiny":             plots.Curves{Lines: []plots.Line{{Name: "a", X: []float64{1, 2}, Y: []float64{5e-324, 1e-323}}}},
	"huge on a log":    plots.Curves{LogY: true, Lines: []plots.Line{{Name: "a", X: []float64{1, 2}, Y: []float64{5e-324, math.MaxFloat64}}}},
	"flat":             plots.Curves{Lines: []plots.Line{{Name: "a", X: []float64{1, 2}, Y: []float64{7, 7}}}},
	"flat and huge":    plots.Curves{Lines: []plots.Line{{Name: "a", X: []float64{1, 2}, Y: []float64{1e300, 1e300}}}},
	"mismatch":         plots.Curves{Lines: []plots.Line{{Name: "a", X: []float64{1}, Y: []float64{1, 2}}}},
	"spread":           plots.Curves{Lines: []plots.Line{{Name: "a", X: []float64{1}, Y: []float64{1}, Spread: []float64{1, 2}}}},
	"no size":          plots.Curves{Width: nan, Height: -3, Lines: []plots.Line{{Name: "a", X: []float64{1, 2}, Y: []float64{1, 2}}}},
	"long names":       plots.Curves{Lines: []plots.Line{{Name: strings.Repeat("é", 500), X: []float64{1, 2}, Y: []float64{1, 2}}}},
	"no bars":          plots.Bars(),
	"bar of nothing":   plots.Bars(plots.Bar{Name: "a"}),
	"zero bar":         plots.Bars(plots.Bar{Name: "a", Values: []float64{0}}),
	"negative bar":     plots.Bars(plots.Bar{Name: "a", Values: []float64{-1, -2}}, plots.Bar{Name: "b", Values: []float64{1}}),
	"bar of infinity":  plots.Bars(plots.Bar{Name: "a", Values: []float64{math.Inf(1), 1}}),
	"many bars":        plots.Bars(make([]plots.Bar, 300)...),
	"from above":       plots.BarChart{From: 5, Bars: []plots.Bar{{Name: "a", Values: []float64{1}}}},
	"no images":        plots.Images(),
	"nil image":        plots.Images(nil),
	"empty image":      plots.Images(image.NewGray(image.Rect(0, 0, 0, 0))),
	"large image":      plots.Images(image.NewGray(image.Rect(0, 0, 3000, 10))),
	"wrong pixels":     plots.Images(plots.Pixels(2, 2, 1, make([]float32, 3))),
	"wrong batch":      plots.Images(plots.Batch(array{[]int{1, 2}, make([]float32, 2)}, nil, nil)...),
	"captions":         plots.Grid{Images: []image.Image{image.NewGray(image.Rect(0, 0, 4, 4))}, Captions: []string{"a", "b"}},
	"whole plane":      plots.Images(image.White),
	"turned nil":       plots.Rotations(nil, plots.Pixels(0, 0, 0, nil)),
	"unequal pairs":    plots.Pairs(make([]image.Image, 2), nil),
	"no mask":          plots.Images(plots.Masked(image.NewGray(image.Rect(0, 0, 4, 4)), 3, nil)),
	"overlay of nil":   plots.Images(plots.Overlay(nil, 1, 1, []float32{1})),
	"overlay of NaN":   plots.Images(plots.Overlay(image.NewGray(image.Rect(0, 0, 4, 4)), 1, 1, []float32{float32(nan)})),
	"no attention":     plots.Attention(nil, array{[]int{1}, nil}),
	"no neighbours":    plots.Neighbours(nil, nil, nil),
	"empty matrix":     plots.HeatMap{},
	"ragged":           plots.HeatMap{Values: [][]float64{{1, 2}, {3}}},
	"one cell":         plots.HeatMap{Values: [][]float64{{1}}},
	"cells of NaN":     plots.HeatMap{Values: [][]float64{{nan}}},
	"large matrix":     plots.HeatMap{Values: make2(100, 70)},
	"no classes":       plots.Confusion(nil, nil, nil),
	"no samples":       plots.Confusion([]string{"a", "b"}, nil, nil),
	"wrong class":      plots.Confusion([]string{"a"}, []int{0}, []int{1}),
	"no vectors":       plots.PCA(array{[]int{0, 3}, nil}, nil, nil),
	"equal vectors":    plots.PCA(array{[]int{4, 2}, make([]float32, 8)}, nil, nil),
	"one dimension":    plots.PCA(array{[]int{4, 1}, []float32{1, 2, 3, 4}}, nil, nil),
	"NaN vectors":      plots.PCA(array{[]int{3, 1}, []float32{1, 2, float32(nan)}}, nil, nil),
	"wrong label":      plots.PCA(array{[]int{3, 1}, []float32{1, 2, 3}}, []int{0, 1, -1}, nil),
	"few labels":       plots.TSNE(array{[]int{3, 1}, []float32{1, 2, 3}}, 0, []int{0}, nil),
	"equal to embed":   plots.TSNE(array{[]int{9, 2}, make([]float32, 18)}, 0, nil, nil),
	"far to embed":     plots.TSNE(array{[]int{4, 1}, []float32{0, 1e-30, 1e30, 3e30}}, 50, nil, nil),
	"no sample":        plots.Histograms("x"),
	"one value":        plots.Histograms("x", plots.Sample{Values: []float64{3, nan}}),
	"huge values":      plots.Histograms("x", plots.Sample{Values: []float64{-math.MaxFloat64, math.MaxFloat64}}),
	"no sweep":         plots.LabelEfficiency(),
	"short sweep":      plots.BlockSweep(plots.Sweep{X: []float64{1, 2}, Values: [][]float64{{1}}}),
	"empty sweep":      plots.BlockSweep(plots.Sweep{X: []float64{1, 2}, Values: [][]float64{{}, {1}}}),
	"no figures":       plots.Beside(),
	"nil figure":       plots.Beside(nil),
	"sheet of errors":  plots.Beside(plots.Loss(), plots.Loss(nil)),
}

func make2(rows, columns int) [][]float64 {
	m := make([][]float64, rows)
	for i := range m {
		for j := range columns {
			m[i] = append(m[i], float64(i*j))
		}
	}
	return m
}

// refused are those of odd that are errors, by what the error says.
var refused = map[string]string{
	"nil run":         "run 1 of loss cannot be read: it is nil",
	"mismatch":        "a has 1 places and 2 values",
	"spread":          "a has 1 values and 2 spreads",
	"empty image":     "image 1 is 0×0",
	"wrong pixels":    "3 values for an image of 2×2×1",
	"wrong batch":     "an array [1 2]",
	"captions":        "2 captions for 1 images",
	"whole plane":     "cannot be drawn",
	"turned nil":      "0×0×0",
	"unequal pairs":   "0 images view 2 and 2 view 1",
	"no mask":         "side 3 for an image of 4×4",
	"no attention":    "attention [1] on 0 images",
	"ragged":          "row 2 of a matrix has 1 values, the first 2",
	"wrong class":     "sample 0 is of class 0 and predicted 1",
	"NaN vectors":     "vector 2 holds NaN",
	"wrong label":     "point 2 is of class -1",
	"few labels":      "1 labels for 3 vectors",
	"short sweep":     "2 settings and values at 1",
	"nil figure":      "figure 1 is nil",
	"sheet of errors": "run 1 of loss",
}

func TestOddInput(t *testing.T) {
	for name, f := range odd {
		t.Run(name, func(t *testing.T) {
			if err := wellFormed(f.SVG()); err != nil {
				t.Error(err)
			}
			for _, bad := range []string{"NaN", "Inf", "%!"} {
				if svg := f.SVG(); strings.Contains(svg, bad) && !strings.Contains(f.String(), bad) {
					t.Errorf("the SVG holds %s", bad)
				}
			}
			if _, err := png.Decode(bytes.NewReader(f.PNG())); err != nil {
				t.Error(err)
			}
			err := f.Save(filepath.Join(t.TempDir(), "a.png"))
			switch want := refused[name]; {
			case want == "" && err != nil:
				t.Errorf("Save: %v", err)
			case want != "" && (err == nil || !strings.Contains(err.Error(), want)):
				t.Errorf("Save: %v, want %s", err, want)
			case want != "" && !strings.Contains(f.String(), want):
				t.Errorf("it shows %q, want %s", f, want)
			}
		})
	}
}

func TestEmptyFiguresSayNoValues(t *testing.T) {
	for _, name := range []string{"no runs", "empty run", "all NaN", "nothing on a log", "no bars", "bar of nothing", "no images", "nil image", "empty matrix", "no samples", "no vectors", "no sample", "no figures"} {
		if f := odd[name]; !strings.Contains(f.String(), "no values") {
			t.Errorf("%s says %q", name, f)
		}
	}
}

func TestSave(t *testing.T) {
	dir := t.TempDir()
	f := plots.Bars(plots.Bar{Name: "a", Values: []float64{1}})
	for _, name := range []string{"a.svg", "a.SVG", "a.png"} {
		if err := f.Save(filepath.Join(dir, name)); err != nil {
			t.Error(err)
		}
	}
	if b, _ := os.ReadFile(filepath.Join(dir, "a.svg")); string(b) != f.SVG() {
		t.Error("the file is not the SVG")
	}
	for name, want := range map[string]string{"a.gif": `".gif", want .svg or .png`, "a": `""`, "no/folder.png": "no such file"} {
		if err := f.Save(filepath.Join(dir, name)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", name, err, want)
		}
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "*.part")); left != nil {
		t.Errorf("left behind: %v", left)
	}
	before, _ := os.ReadFile(filepath.Join(dir, "a.png"))
	if err := odd["mismatch"].Save(filepath.Join(dir, "a.png")); err == nil {
		t.Error("no error")
	}
	if after, _ := os.ReadFile(filepath.Join(dir, "a.png")); !bytes.Equal(before, after) {
		t.Error("a refused figure changed the file")
	}
}

func TestLongCurvesAreSmallAndKeepPeaks(t *testing.T) {
	x, y := make([]float64, 10_000), make([]float64, 10_000)
	state := uint64(1)
	for i := range x {
		x[i], y[i] = float64(i), noise(&state)
	}
	f := plots.Curves{Smooth: -1, Lines: []plots.Line{{Name: "a", X: x, Y: y}}}
	plain := f.SVG()
	y[5003] = 40
	peak := f.SVG()
	if len(plain) > 100_000 || len(peak) > 100_000 {
		t.Errorf("%d and %d bytes", len(plain), len(peak))
	}
	if !strings.Contains(peak, ">40<") {
		t.Error("the peak is not on the axis")
	}
	top := math.Inf(1)
	img, _ := png.Decode(bytes.NewReader(f.PNG()))
	for i := 100; i < img.Bounds().Dx()-100; i++ {
		for j := 110; j < img.Bounds().Dy(); j++ {
			if r, _, b, _ := img.At(i, j).RGBA(); b > r+0x4000 {
				top = min(top, float64(j))
				break
			}
		}
	}
	if top > 160 {
		t.Errorf("the peak is drawn no higher than row %v", top)
	}
}

func TestImagesKeepTheirPixels(t *testing.T) {
	values := make([]float32, 28*28)
	state := uint64(9)
	for i := range values {
		values[i] = float32(math.Abs(noise(&state)))
	}
	want := plots.Pixels(28, 28, 1, values)
	got, err := png.Decode(bytes.NewReader(plots.Images(want).PNG()))
	if err != nil {
		t.Fatal(err)
	}
	k := (got.Bounds().Dx() - 40) / 28 // with margins of 20
	for i := range 28 * k * 28 * k {
		x, y := i%(28*k), i/(28*k)
		if a, b := got.At(20+x, 20+y), want.At(x/k, y/k); color.GrayModel.Convert(a) != color.GrayModel.Convert(b) {
			t.Fatalf("pixel %d,%d of %d× is %v, want %v", x, y, k, a, b)
		}
	}
}

func TestBatchTakesNormalisationBack(t *testing.T) {
	a := array{[]int{2, 1, 1, 3}, []float32{0, 1, -1, 2, 0, 0}}
	got := plots.Batch(a, []float32{0.5, 0.5, 0.5}, []float32{0.25, 0.5, 0.5})
	for i, want := range []color.NRGBA{{128, 255, 0, 255}, {255, 128, 128, 255}} {
		if got[i].At(0, 0) != want {
			t.Errorf("image %d is %v, want %v", i, got[i].At(0, 0), want)
		}
	}
}

func TestComponents(t *testing.T) {
	// A long axis along (3,4), a short one across.
	a := array{shape: []int{40, 2}}
	for i := range 40 {
		u, v := float64(i-20), 0.5
		if i%4 == 1 || i%4 == 2 { // uncorrelated with u
			v = -0.5
		}
		a.data = append(a.data, float32(0.6*u-0.8*v), float32(0.8*u+0.6*v))
	}
	f := plots.PCA(a, nil, nil)
	for i := range 40 {
		if got, want := math.Abs(f.X[i]-f.X[0]), float64(i); math.Abs(got-want) > 1e-5 {
			t.Fatalf("point %d lies %v along the first component, want %v", i, got, want)
		}
		if math.Abs(math.Abs(f.Y[i])-0.5) > 1e-5 {
			t.Fatalf("point %d lies %v along the second", i, f.Y[i])
		}
	}
}

func TestNeighboursStayNeighbours(t *testing.T) {
	a := array{shape: []int{90, 5}}
	labels := make([]int, 90)
	state := uint64(4)
	for i := range 90 {
		labels[i] = i % 3
		for j := range 5 {
			v := noise(&state)
			if j == i%3 {
				v += 6
			}
			a.data = append(a.data, float32(v))
		}
	}
	f := plots.TSNE(a, 10, labels, nil)
	for i := range 90 {
		nearest, at := math.Inf(1), 0
		for j := range 90 {
			if d := math.Hypot(f.X[i]-f.X[j], f.Y[i]-f.Y[j]); j != i && d < nearest {
				nearest, at = d, j
			}
		}
		if labels[at] != labels[i] {
			t.Errorf("the neighbour of %d is of group %d, want %d", i, labels[at], labels[i])
		}
	}
}

func TestBarsAreMeansAndDeviations(t *testing.T) {
	f := plots.Bars(plots.Bar{Name: "a", Values: []float64{2, 4, 4, 4, 5, 5, 7, 9, nan}})
	if want := "compared: a 5.00 ± 2.14"; f.String() != want { // √(32/7)
		t.Errorf("%q, want %q", f, want)
	}
}

// TestCellsSeeFigures guards that interpreted cells, which see exported methods
// only, can pass figures as Figure.
func TestCellsSeeFigures(t *testing.T) {
	for m := range reflect.TypeFor[plots.Figure]().Methods() {
		if !m.IsExported() {
			t.Errorf("Figure has the method %s", m.Name)
		}
	}
}

// stranger is a Figure that is not of the package.
type stranger struct{ plots.Figure }

func TestStrangersAreRefused(t *testing.T) {
	if err := plots.Beside(stranger{}).Save(filepath.Join(t.TempDir(), "a.png")); err == nil || !strings.Contains(err.Error(), "stranger is not of this package") {
		t.Error(err)
	}
}

// TestManyAtOnce draws from several goroutines, as a page of a server does.
func TestManyAtOnce(t *testing.T) {
	f := plots.Loss(training("a", 300, 2, 1))
	want := f.SVG()
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			if f.SVG() != want {
				t.Error("it differs")
			}
			f.PNG()
		})
	}
	wg.Wait()
}

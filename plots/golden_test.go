package plots_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/xml"
	"errors"
	"flag"
	"fmt"
	"image"
	"io"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"gonum.org/v1/plot/cmpimg"

	"sslnotes/plots"
	"sslnotes/sslkit/data"
)

var update = flag.Bool("update", false, "write the golden images anew")

// show stands for a notebook: it prints what a figure says of itself, and why
// its picture is not the golden one, if so.
func show(name string, f plots.Figure) {
	fmt.Println(f)
	if err := compare(name, f); err != nil {
		fmt.Println(err)
	}
}

func compare(name string, f plots.Figure) error {
	svg, png := f.SVG(), f.PNG()
	if svg != f.SVG() || !bytes.Equal(png, f.PNG()) {
		return errors.New("drawn twice, it differs")
	}
	if err := wellFormed(svg); err != nil {
		return err
	}
	golden := filepath.Join("testdata", name+".png")
	if *update {
		return errors.Join(f.Save(golden), setDigest(name, svg))
	}
	if want := digests()[name]; want != digest(svg) {
		got := filepath.Join(os.TempDir(), "plots-"+name+".svg")
		return errors.Join(fmt.Errorf("the SVG differs, see %s", got), os.WriteFile(got, []byte(svg), 0o666))
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		return err
	}
	if same, err := cmpimg.EqualApprox("png", png, want, tolerance()); err != nil || same {
		return err
	}
	got := filepath.Join(os.TempDir(), "plots-"+name+".png")
	return errors.Join(fmt.Errorf("differs from %s, see %s", golden, got), os.WriteFile(got, png, 0o666))
}

func wellFormed(svg string) error {
	for d := xml.NewDecoder(bytes.NewReader([]byte(svg))); ; {
		if _, err := d.Token(); err == io.EOF {
			return nil
		} else if err != nil {
			return fmt.Errorf("the SVG is not well-formed: %w", err)
		}
	}
}

// noise returns the next value, in [-1,1], of a sequence that is always the same.
func noise(state *uint64) float64 {
	*state = *state*6364136223846793005 + 1442695040888963407
	return float64(int32(*state>>32)) / (1 << 31)
}

// run is a Run whose curves are made up.
type run struct {
	name   string
	curves map[string][2][]float64
}

func (r run) Name() string { return r.name }

func (r run) Curve(key string) (steps, values []float64) {
	c := r.curves[key]
	return c[0], c[1]
}

// training makes up a run: a loss that falls from one value to another, with
// noise, and an accuracy now and then.
func training(name string, n int, from, to float64) run {
	state := uint64(n)
	var steps, loss, seldom, accuracy []float64
	for i := range n {
		t := float64(i) / float64(n)
		steps = append(steps, float64(i))
		loss = append(loss, to+(from-to)*math.Exp(-5*t)+0.15*noise(&state))
		if i%(n/12) == 0 {
			seldom = append(seldom, float64(i))
			accuracy = append(accuracy, 0.86-0.5*math.Exp(-4*t)+0.01*noise(&state))
		}
	}
	return run{name, map[string][2][]float64{"loss": {steps, loss}, "knn_accuracy": {seldom, accuracy}}}
}

// photographs returns the first images of Fashion-MNIST's sample and their classes.
func photographs(n int) (images []image.Image, classes []string) {
	set, _, err := data.FashionMini()
	if err != nil {
		panic(err)
	}
	for i := range n {
		images = append(images, set.Image(i))
		classes = append(classes, set.Classes()[set.Labels()[i]])
	}
	return images, classes
}

// tolerance is 0, pixels must be equal, except where the compiler fuses
// multiplication and addition: there the rasteriser, which is not ours, rounds
// the corners of some lines to another 64th of a pixel. The SVG must be equal
// everywhere.
func tolerance() float64 {
	x := 1 + 1.0/(1<<30)
	if multiplyAdd(x, x, -1-1.0/(1<<29)) != 0 {
		return 0.1
	}
	return 0
}

//go:noinline
func multiplyAdd(x, y, z float64) float64 { return x*y + z }

const digestFile = "testdata/svg.txt"

func digest(s string) string { return fmt.Sprintf("%x", sha256.Sum256([]byte(s))) }

// digests returns the SHA-256 of the golden SVGs by name.
func digests() map[string]string {
	b, _ := os.ReadFile(digestFile)
	all := map[string]string{}
	for line := range strings.Lines(string(b)) {
		if f := strings.Fields(line); len(f) == 2 {
			all[f[0]] = f[1]
		}
	}
	return all
}

func setDigest(name, svg string) error {
	all := digests()
	all[name] = digest(svg)
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(all)) {
		fmt.Fprintln(&b, name, all[name])
	}
	return os.WriteFile(digestFile, []byte(b.String()), 0o666)
}

// array is an Array.
type array struct {
	shape []int
	data  []float32
}

func (a array) Shape() []int    { return a.shape }
func (a array) Data() []float32 { return a.data }

// embeddings returns n photographs of 7×7 pixels as vectors, and their classes.
func embeddings(n int) (vectors array, labels []int, classes []string) {
	set, _, err := data.FashionMini()
	if err != nil {
		panic(err)
	}
	for i := range n {
		img := set.Image(i)
		for j := range 49 {
			sum := float32(0)
			for k := range 16 {
				sum += img.Pix[(4*(j/7)+k/4)*28+4*(j%7)+k%4]
			}
			vectors.data = append(vectors.data, sum/16)
		}
	}
	vectors.shape = []int{n, len(vectors.data) / n}
	return vectors, set.Labels()[:n], set.Classes()
}

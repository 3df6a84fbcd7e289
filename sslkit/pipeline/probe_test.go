package pipeline

import (
	"context"
	"fmt"
	"math"
	"slices"
	"testing"

	"sslnotes/sslkit/data"
	"sslnotes/sslkit/rng"
	"sslnotes/sslkit/tensor"
)

// TestMinimise finds the minimum of a badly conditioned quadratic.
func TestMinimise(t *testing.T) {
	x, want := make([]float64, 30), make([]float64, 30)
	for i := range want {
		want[i] = float64(i%7) - 3
	}
	n := minimise(x, func(x, g []float64) (value float64) {
		for i, v := range x {
			c := math.Pow(1.2, float64(i))
			value += c / 2 * (v - want[i]) * (v - want[i])
			g[i] = c * (v - want[i])
		}
		return value
	}, nil, 1000, 1e-6, func() bool { return false })
	for i, v := range x {
		if math.Abs(v-want[i]) > 1e-5 {
			t.Fatalf("after %d iterations x[%d] is %g, want %g", n, i, v, want[i])
		}
	}
	if n > 300 {
		t.Errorf("%d iterations", n)
	}
}

// clouds are n points of d features about the centre of their class.
func clouds(n, d, classes int, spread float32) (*tensor.Tensor, []int) {
	r := rng.New(5, "clouds")
	f, labels := tensor.New(n, d), make([]int, n)
	for i := range labels {
		labels[i] = i % classes
		for j := range d {
			f.Data()[i*d+j] = spread * r.Norm()
		}
		f.Data()[i*d+labels[i]] += 1
	}
	return f, labels
}

// TestFitIsAtTheMinimum recomputes value and gradient of a fit in float64.
func TestFitIsAtTheMinimum(t *testing.T) {
	const n, d, classes, penalty = 300, 6, 3, 0.01
	f, labels := clouds(n, d, classes, 1)
	p, err := Probe{}.resolve()
	must(t, err)
	c, err := p.fit(context.Background(), f, labels, classes, penalty, nil)
	must(t, err)
	gradient := make([]float64, len(c.w))
	for i := range d * classes {
		gradient[i] = penalty * c.w[i]
	}
	for i, label := range labels {
		row := f.Data()[i*d : (i+1)*d]
		logits, sum := make([]float64, classes), 0.0
		for k := range logits {
			logits[k] = c.w[d*classes+k]
			for j, v := range row {
				logits[k] += float64(v) * c.w[j*classes+k]
			}
			sum += math.Exp(logits[k])
		}
		for k := range logits {
			e := math.Exp(logits[k]) / sum / n
			if k == label {
				e -= 1.0 / n
			}
			gradient[d*classes+k] += e
			for j, v := range row {
				gradient[j*classes+k] += e * float64(v)
			}
		}
	}
	if g := largest(gradient); g > 1.01*steepest {
		t.Errorf("the gradient's largest element is %g, want at most %g", g, steepest)
	}
}

// TestFolds checks that held-out parts are stratified and do not overlap.
func TestFolds(t *testing.T) {
	train, _ := mini(t)
	for _, c := range []struct{ perClass, parts, held int }{{1, 0, 0}, {2, 2, 10}, {4, 4, 10}, {5, 5, 10}, {60, 5, 120}} {
		few, err := train.PerClass(c.perClass, 0)
		must(t, err)
		parts := folds(few)
		if len(parts) != c.parts {
			t.Errorf("%d a class: %d folds, want %d", c.perClass, len(parts), c.parts)
		}
		seen := map[int]bool{}
		for _, held := range parts {
			counts := make([]int, 10)
			for _, i := range held {
				if seen[i] {
					t.Fatalf("sample %d is held out twice", i)
				}
				seen[i] = true
				counts[few.Labels()[i]]++
			}
			if len(held) != c.held || slices.Min(counts) != slices.Max(counts) {
				t.Errorf("%d a class: held out %v", c.perClass, counts)
			}
			if rest := without(few.Len(), held); len(rest)+len(held) != few.Len() || slices.ContainsFunc(rest, func(i int) bool { return slices.Contains(held, i) }) {
				t.Errorf("%d a class: the rest overlaps", c.perClass)
			}
		}
	}
}

// TestPartition: what a fold is validated on is not in what it is fitted to, and
// both together are all.
func TestPartition(t *testing.T) {
	few := fewImages(t)
	if w := wrongPartition(few, partition(numbered(few), few, folds(few))); w != "" {
		t.Error(w)
	}
}

func fewImages(t *testing.T) *data.Set {
	t.Helper()
	train, _ := mini(t)
	few, err := train.PerClass(5, 0)
	must(t, err)
	return few
}

// numbered is one feature of every sample, its place.
func numbered(s *data.Set) *tensor.Tensor {
	f := tensor.New(s.Len(), 1)
	for i := range f.Data() {
		f.Data()[i] = float32(i)
	}
	return f
}

// wrongPartition says what is wrong with folds of numbered samples.
func wrongPartition(s *data.Set, parts []*fold) string {
	if len(parts) == 0 {
		return "no folds"
	}
	for k, p := range parts {
		seen := make([]int, s.Len())
		for _, part := range []struct {
			f      *tensor.Tensor
			labels []int
		}{{p.train, p.trainLabels}, {p.held, p.heldLabels}} {
			for i, v := range part.f.Data() {
				seen[int(v)]++
				if part.labels[i] != s.Labels()[int(v)] {
					return fmt.Sprintf("fold %d: sample %g has another label", k, v)
				}
			}
		}
		if i := slices.IndexFunc(seen, func(n int) bool { return n != 1 }); i >= 0 {
			return fmt.Sprintf("fold %d: sample %d is there %d times", k, i, seen[i])
		}
	}
	return ""
}

// TestMuseumLeakedValidation: LAION-AI/CLIP_benchmark#125, validation samples in
// what a few-shot probe is fitted to. Here they would be among the fold's own, or
// further labels than the record says.
func TestMuseumLeakedValidation(t *testing.T) {
	few := fewImages(t)
	parts := partition(numbered(few), few, folds(few))
	for _, p := range parts {
		p.train, p.trainLabels = numbered(few), few.Labels()
	}
	if wrongPartition(few, parts) == "" {
		t.Error("held-out samples in the fitted ones are not found")
	}

	s := session(t)
	train, test := mini(t)
	r := pretrained(t, s, train)
	l := Labels{PerClass: []int{2}, Subsets: 1}
	honest, err := l.Each(train, func(few *data.Set) (*Run, error) { return LinearProbe(r, few, test) })
	must(t, err)
	leaking, err := l.Each(train, func(*data.Set) (*Run, error) {
		more, err := train.PerClass(3, 0) // two to fit to, and one to validate on
		must(t, err)
		return LinearProbe(r, more, test)
	})
	must(t, err)
	for _, c := range []struct {
		e     *Efficiency
		wrong int
	}{{honest, 0}, {leaking, 1}} {
		if w := wrongLabels(t, c.e, len(train.Classes())); len(w) != c.wrong {
			t.Errorf("found %q", w)
		}
	}
}

// TestNeighbours classifies the memory by itself, and clouds by their kind.
func TestNeighbours(t *testing.T) {
	f, labels := clouds(400, 8, 4, 0.3)
	got, err := Neighbours{K: 1}.classify(context.Background(), f, f, labels, 4)
	must(t, err)
	if !slices.Equal(got, labels) {
		t.Error("with one neighbour a sample of the memory is not of its own class")
	}
	random := make([]int, len(labels))
	r := rng.New(1, "labels")
	for i := range random {
		random[i] = r.IntN(4)
	}
	for _, c := range []struct {
		labels    []int
		low, high float64
	}{{labels, 0.9, 1}, {random, 0.15, 0.35}} {
		got, err := Neighbours{K: 20}.classify(context.Background(), tensor.Rows(f, span(0, 300)), tensor.Rows(f, span(300, 400)), c.labels[:300], 4)
		must(t, err)
		if a := share(got, c.labels[300:]); a < c.low || a > c.high {
			t.Errorf("accuracy %g, want %g to %g", a, c.low, c.high)
		}
	}
	tie := (&Neighbours{K: 2}).vote([]float32{0.5, 0.5, 0.5}, []int{2, 1, 0}, 3)
	if tie != 1 {
		t.Errorf("of equal votes for 2 and 1 the winner is %d", tie)
	}
}

// TestImagesEqualNormalise holds the table of pixel values against the formula.
func TestImagesEqualNormalise(t *testing.T) {
	spec := data.Spec{Height: 2, Width: 3, Channels: 3, Mean: []float32{0.1, 0.5, 0.7}, Std: []float32{0.3, 0.2, 0.9}}
	pixels, r := make([]uint8, 20*18), rng.New(1, "pixels")
	for i := range pixels {
		pixels[i] = uint8(r.Uint32())
	}
	set, err := data.FromPixels("x", "train", spec, []string{"a"}, pixels, make([]int, 20))
	must(t, err)
	got, want := Images(set, []int{3, 19}).Data(), make([]float32, 36)
	spec.Normalise(want[:18], set.Image(3))
	spec.Normalise(want[18:], set.Image(19))
	if !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}

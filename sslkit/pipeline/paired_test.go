package pipeline

import (
	"fmt"
	"slices"
	"testing"

	"sslnotes/sslkit/data"
	"sslnotes/sslkit/rng"
)

// manyClasses are images of noise, one a class, and the same under more noise:
// some, and less.
func manyClasses(t *testing.T, classes int) (clean, noisy, less *data.Set) {
	t.Helper()
	const size = 16
	spec := data.Spec{Height: 4, Width: 4, Channels: 1, Mean: []float32{0.5}, Std: []float32{0.3}}
	var names []string
	labels, pixels := make([]int, classes), make([]uint8, classes*size)
	for i := range labels {
		names, labels[i] = append(names, fmt.Sprint("class ", i)), i
	}
	r := rng.New(9, "pixels")
	for i := range pixels {
		pixels[i] = uint8(r.Uint32())
	}
	under := func(split string, noise int) *data.Set {
		changed := slices.Clone(pixels)
		for i, v := range pixels {
			changed[i] = uint8(min(255, max(0, int(v)+r.IntN(2*noise+1)-noise)))
		}
		set, err := data.FromPixels("many", split, spec, names, changed, labels)
		must(t, err)
		return set
	}
	return under("train", 0), under("test", 90), under("less", 40)
}

// TestPairedOfManyClasses compares two runs on up to and beyond as many classes
// as a byte tells apart, as made and as loaded, against their own predictions.
func TestPairedOfManyClasses(t *testing.T) {
	for _, c := range []struct {
		classes int
		file    string
		bytes   int // a prediction
	}{{256, "predictions.bin", 1}, {257, "predictions16.bin", 2}, {300, "predictions16.bin", 2}} {
		clean, test, less := manyClasses(t, c.classes)
		s := session(t)
		s.Data = func(_, split string) (*data.Set, error) {
			return map[string]*data.Set{"train": clean, "test": test, "less": less}[split], nil
		}
		pixels, err := s.Pixels(clean.Unlabelled())
		must(t, err)
		var runs [2]*Run
		var right [2][]bool
		var want Pair
		for i, train := range []*data.Set{clean, less} {
			k := Neighbours{K: 1}
			runs[i], err = k.Judge(pixels, train, test)
			must(t, err)
			predicted, err := k.classify(t.Context(), Features(nil, train), Features(nil, test), train.Labels(), c.classes)
			must(t, err)
			for sample, class := range predicted {
				right[i] = append(right[i], class == test.Labels()[sample])
			}
			b, err := lastCheckpoint(s.Store, runs[i].ID(), c.file)
			must(t, err)
			if got, err := decodePredictions(b, c.classes); err != nil || !slices.Equal(got, predicted) || len(b) != c.bytes*test.Len() {
				t.Errorf("%d classes: %d bytes of other predictions, %v", c.classes, len(b), err)
			}
			if c.bytes == 1 && b[7] != byte(predicted[7]) {
				t.Errorf("the byte of sample 7 is %d, its class %d", b[7], predicted[7])
			}
			if v, err := s.Reproduce(runs[i].ID()); err != nil || v.Verdict != BitExact {
				t.Errorf("%d classes: %+v %v", c.classes, v, err)
			}
		}
		for sample, first := range right[0] {
			switch second := right[1][sample]; {
			case first && second:
				want.Both++
			case first:
				want.First++
			case second:
				want.Second++
			default:
				want.Neither++
			}
		}
		if want.First == 0 || want.Both < c.classes/4 || want.Both == c.classes {
			t.Fatalf("nothing to tell apart: %#v", want)
		}
		loaded, err := s.Load(runs[1].ID())
		must(t, err)
		for _, second := range []*Run{runs[1], loaded} {
			if got, err := Paired(runs[0], second); err != nil || got != want {
				t.Errorf("%d classes: %+v %v, want %+v", c.classes, got, err, want)
			}
		}
	}
	if _, err := decodePredictions(make([]byte, 3), 300); err == nil {
		t.Error("half a prediction passes")
	}
	if got, err := decodePredictions([]byte{43, 1}, 300); err != nil || !slices.Equal(got, []int{299}) {
		t.Errorf("the low byte is not the first: %v %v", got, err)
	}
}

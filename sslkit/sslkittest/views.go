package sslkittest

import (
	"slices"
	"sync"
	"testing"

	"sslnotes/sslkit"
	"sslnotes/sslkit/data"
	"sslnotes/sslkit/rng"
)

// views: a view is a function of image and stream alone. It fills all of its
// picture, leaves the source alone, and may be drawn by many threads at once.
func (s *suite) views(t *testing.T) {
	m, ok := s.world(t).method.(sslkit.Viewer)
	if !ok {
		t.Skip("the method draws no views")
	}
	specs := m.Views(s.Set.Spec())
	if len(specs) == 0 {
		t.Fatal("a Viewer without views")
	}
	for v, spec := range specs {
		if spec.Height <= 0 || spec.Width <= 0 || spec.Channels <= 0 || len(spec.Mean) != spec.Channels || len(spec.Std) != spec.Channels {
			t.Fatalf("view %d is %+v", v, spec)
		}
		want := draw(m, s.Set.Image(1), spec, v, 0)
		source := s.Set.Image(1)
		before := slices.Clone(source.Pix)
		if got := draw(m, source, spec, v, 9); !slices.Equal(got, want) {
			t.Errorf("view %d depends on what its picture held before, or on an earlier draw", v)
		}
		if !slices.Equal(source.Pix, before) {
			t.Errorf("view %d changes its source", v)
		}
		var wait sync.WaitGroup
		for range 8 {
			wait.Go(func() {
				if got := draw(m, s.Set.Image(1), spec, v, 0); !slices.Equal(got, want) {
					t.Errorf("view %d, drawn by many threads, differs", v)
				}
			})
		}
		wait.Wait()
	}
}

// draw draws a view over pixels of the given value.
func draw(m sslkit.Viewer, src data.Image, spec data.Spec, v int, fill float32) []float32 {
	img := data.Image{H: spec.Height, W: spec.Width, C: spec.Channels, Pix: make([]float32, spec.Height*spec.Width*spec.Channels)}
	for i := range img.Pix {
		img.Pix[i] = fill
	}
	m.View(&img, src, v, rng.New(seed, "view", 0, 1, uint64(v)))
	return img.Pix
}

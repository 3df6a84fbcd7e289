package augment

import (
	"sslnotes/sslkit/data"
	"sslnotes/sslkit/rng"
)

// Erase fills a random rectangle of the view with noise, uniform in [0,1] (after Zhong
// and others 2020, algorithm 1): the area is a uniform share of the view, the aspect
// ratio log-uniform, where theirs is uniform.
type Erase struct {
	MinArea, MaxArea float32 // If 0, 0.02 and 0.4.
	MaxRatio         float32 // width to height up to this or its inverse. If 0, 3.3.
	P                float32 // probability. If 0, 0.25.
}

// Geometry implements Op.
func (e Erase) Geometry(m Map, _ *rng.Stream) Map { return m }

// Values implements Op. In ten draws of a rectangle one fits, or nothing is erased.
func (e Erase) Values(img *data.Image, r *rng.Stream) {
	if !r.Bool(or(e.P, 0.25)) {
		return
	}
	pixels, ratio := float32(img.H*img.W), or(e.MaxRatio, 3.3)
	for range 10 {
		area, aspect := float32(pixels*r.Uniform(or(e.MinArea, 0.02), or(e.MaxArea, 0.4))), power(ratio, r.Uniform(-1, 1))
		h, w := int(root(area/aspect)+0.5), int(root(area*aspect)+0.5)
		if h > img.H || w > img.W {
			continue
		}
		y0, x0 := r.IntN(img.H-h+1), r.IntN(img.W-w+1)
		for y := y0; y < y0+h; y++ {
			row := img.Pix[(y*img.W+x0)*img.C:][:w*img.C]
			for i := range row {
				row[i] = r.Float32()
			}
		}
		return
	}
}

// Check implements Checker.
func (e Erase) Check() error {
	high := or(e.MaxArea, 0.4)
	return first(within("Erase.MaxArea", high, 0, 1), within("Erase.MinArea", or(e.MinArea, 0.02), 0, high), within("Erase.MaxRatio", or(e.MaxRatio, 1), 0.1, 10), within("Erase.P", e.P, 0, 1))
}

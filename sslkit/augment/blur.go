package augment

import (
	"sslnotes/sslkit/data"
	"sslnotes/sslkit/rng"
)

// Blur takes each pixel's mean with its neighbours, weighted by a Gaussian, of a
// kernel of a tenth of the view's height, 3 pixels at least (SimCLR's appendix A:
// Chen and others 2020). Edges repeat. Published recipes for images of 32 pixels
// do without it.
type Blur struct {
	MinSigma, MaxSigma float32 // the Gaussian's deviation in pixels, uniform between. If 0, 0.1 and 2.
	P                  float32 // probability. If 0, 0.5.
}

// Geometry implements Op.
func (b Blur) Geometry(m Map, _ *rng.Stream) Map { return m }

// Values implements Op.
func (b Blur) Values(img *data.Image, r *rng.Stream) {
	if !r.Bool(or(b.P, 0.5)) {
		return
	}
	weights := gaussian(max(1, img.H/20), r.Uniform(or(b.MinSigma, 0.1), or(b.MaxSigma, 2)))
	was := make([]float32, max(img.H, img.W))
	for y := range img.H {
		for c := range img.C {
			smooth(img.Pix[y*img.W*img.C+c:], was[:img.W], img.C, weights)
		}
	}
	for i := range img.W * img.C {
		smooth(img.Pix[i:], was[:img.H], img.W*img.C, weights)
	}
}

// Check implements Checker.
func (b Blur) Check() error {
	high := or(b.MaxSigma, 2)
	return first(within("Blur.MaxSigma", high, 0, 100), within("Blur.MinSigma", or(b.MinSigma, 0.1), 0, high), within("Blur.P", b.P, 0, 1))
}

// gaussian returns the 2·reach+1 weights of a Gaussian about the middle one, whose
// sum is 1.
func gaussian(reach int, sigma float32) []float32 {
	exact, sum := make([]float64, 2*reach+1), 0.0
	for i := range exact {
		d := float64(i-reach) / float64(sigma)
		exact[i] = exp(-float64(d*d) / 2)
		sum += exact[i]
	}
	weights := make([]float32, len(exact))
	for i, v := range exact {
		weights[i] = float32(v / sum)
	}
	return weights
}

// smooth replaces values of x, step apart, by the weighted mean of those around
// them. It uses was, as long as they are many, for what they were.
func smooth(x, was []float32, step int, weights []float32) {
	for i := range was {
		was[i] = x[i*step]
	}
	for i := range was {
		var sum float32
		for k, w := range weights {
			sum += float32(w * was[min(max(i+k-len(weights)/2, 0), len(was)-1)])
		}
		x[i*step] = min(max(sum, 0), 1)
	}
}

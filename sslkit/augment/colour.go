package augment

import (
	"sslnotes/sslkit/data"
	"sslnotes/sslkit/rng"
)

// Jitter changes, in this order, brightness, by a factor; contrast, about the
// mean of all values; saturation, about each pixel's luminance; and hue, on the
// circle of HSV. Values are clipped to [0,1] after each. The last two leave
// images of one channel as they are.
type Jitter struct {
	Brightness float32 // factor in 1 ± this, at most 1. If 0, none.
	Contrast   float32 // factor in 1 ± this, at most 1. If 0, none.
	Saturation float32 `config:"omitzero"` // factor in 1 ± this, at most 1. If 0, none.
	Hue        float32 `config:"omitzero"` // turns in ± this, at most 0.5. If 0, none.
	P          float32 // probability. If 0, 0.8.
}

// Geometry implements Op.
func (j Jitter) Geometry(m Map, _ *rng.Stream) Map { return m }

// Values implements Op.
func (j Jitter) Values(img *data.Image, r *rng.Stream) {
	if !r.Bool(or(j.P, 0.8)) {
		return
	}
	scale(img.Pix, 0, r.Uniform(1-j.Brightness, 1+j.Brightness))
	var sum float64
	for _, v := range img.Pix {
		sum += float64(v)
	}
	scale(img.Pix, float32(sum/float64(len(img.Pix))), r.Uniform(1-j.Contrast, 1+j.Contrast))
	if j.Saturation != 0 {
		by := r.Uniform(1-j.Saturation, 1+j.Saturation)
		eachPixel(img, func(p []float32) { scale(p, luminance(p), by) })
	}
	if j.Hue != 0 {
		by := r.Uniform(-j.Hue, j.Hue)
		eachPixel(img, func(p []float32) { turn(p, by) })
	}
}

// Check implements Checker.
func (j Jitter) Check() error {
	return first(within("Jitter.Brightness", j.Brightness, 0, 1), within("Jitter.Contrast", j.Contrast, 0, 1),
		within("Jitter.Saturation", j.Saturation, 0, 1), within("Jitter.Hue", j.Hue, 0, 0.5), within("Jitter.P", j.P, 0, 1))
}

// Grayscale replaces colours by their luminance.
type Grayscale struct {
	P float32 // probability. If 0, 0.2.
}

// Geometry implements Op.
func (g Grayscale) Geometry(m Map, _ *rng.Stream) Map { return m }

// Values implements Op.
func (g Grayscale) Values(img *data.Image, r *rng.Stream) {
	if r.Bool(or(g.P, 0.2)) {
		eachPixel(img, func(p []float32) {
			y := luminance(p)
			p[0], p[1], p[2] = y, y, y
		})
	}
}

// Check implements Checker.
func (g Grayscale) Check() error { return within("Grayscale.P", g.P, 0, 1) }

// eachPixel calls f with the red, green and blue of every pixel, if it has them.
func eachPixel(img *data.Image, f func(p []float32)) {
	for i := 0; img.C == 3 && i < len(img.Pix); i += 3 {
		f(img.Pix[i : i+3])
	}
}

// luminance is that of ITU-R BT.601.
func luminance(p []float32) float32 {
	return float32(0.299*p[0]) + float32(0.587*p[1]) + float32(0.114*p[2])
}

// turn moves the hue of a pixel by a part of the circle, and keeps the largest
// and the smallest of its values.
func turn(p []float32, by float32) {
	low, high := min(p[0], p[1], p[2]), max(p[0], p[1], p[2])
	span := high - low
	if span == 0 {
		return
	}
	var sixths float32 // the hue, red at 0, green at 2, blue at 4
	switch high {
	case p[0]:
		sixths = (p[1] - p[2]) / span
	case p[1]:
		sixths = (p[2]-p[0])/span + 2
	default:
		sixths = (p[0]-p[1])/span + 4
	}
	sixths += float32(6 * by)
	for i, centre := range [3]float32{0, 2, 4} {
		away := sixths - centre // in (-9,9)
		for away > 3 {
			away -= 6
		}
		for away < -3 {
			away += 6
		}
		// A primary is full within a sixth of its place, gone from two on.
		share := min(max(2-max(away, -away), 0), 1)
		p[i] = low + float32(span*share)
	}
}

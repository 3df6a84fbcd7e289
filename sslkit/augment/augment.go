// Package augment draws views of images: pure functions of the image and a
// random stream.
//
// # Design
//
// Operations on geometry (crop, flip, rotation) only say where a pixel of the view comes
// from; a [Chain] composes them into one affine map and samples the image
// once, so that an image is not blurred twice. Operations on values (jitter, blur)
// follow in their order.
package augment

import (
	"math"

	"sslnotes/sslkit/data"
	"sslnotes/sslkit/rng"
)

// An Op is one step of an augmentation. It changes where pixels come from, what
// values they have, or both.
type Op interface {
	// Geometry composes the step with the map from view to image.
	Geometry(m Map, r *rng.Stream) Map
	// Values changes the pixels of the sampled view.
	Values(img *data.Image, r *rng.Stream)
}

// A Map takes a point of the view to a point of the image, both in [-1,1]²:
// image x = XX·x + XY·y + X0 and y = YX·x + YY·y + Y0.
type Map struct {
	XX, X0, YY, Y0 float32
	XY, YX         float32

	wide float32 // the view's width over its height
}

// Chain applies its operations in order.
type Chain []Op

// Draw draws a view of src into dst, whose size may differ.
func (c Chain) Draw(dst *data.Image, src data.Image, r *rng.Stream) {
	m := Map{XX: 1, YY: 1, wide: float32(dst.W) / float32(dst.H)}
	for _, op := range c {
		m = op.Geometry(m, r)
	}
	sample(dst, src, m)
	for _, op := range c {
		op.Values(dst, r)
	}
}

// sample fills dst by bilinear interpolation; the edge repeats outside.
func sample(dst *data.Image, src data.Image, m Map) {
	turned := m.XY != 0 || m.YX != 0
	columns := make([]lerp, dst.W)
	for x := range columns {
		columns[x] = newLerp(m.XX, m.X0, x, dst.W, src.W)
	}
	for y := range dst.H {
		v := newLerp(m.YY, m.Y0, y, dst.H, src.H)
		for x, h := range columns {
			if turned {
				h = newLerp(m.XX, float32(m.XY*place(y, dst.H))+m.X0, x, dst.W, src.W)
				v = newLerp(m.YY, float32(m.YX*place(x, dst.W))+m.Y0, y, dst.H, src.H)
			}
			top, bottom := src.Pix[v.low*src.W*src.C:], src.Pix[v.high*src.W*src.C:]
			for ch := range src.C {
				l, r := h.low*src.C+ch, h.high*src.C+ch
				a := top[l] + float32(h.share*(top[r]-top[l]))
				b := bottom[l] + float32(h.share*(bottom[r]-bottom[l]))
				dst.Pix[(y*dst.W+x)*src.C+ch] = a + float32(v.share*(b-a))
			}
		}
	}
}

// place is where in [-1,1] the middle of pixel i of n lies.
func place(i, n int) float32 { return float32((float32(2*i+1) / float32(n)) - 1) }

// lerp is a place between two pixels.
type lerp struct {
	low, high int
	share     float32 // of high
}

func newLerp(scale, shift float32, i, to, from int) lerp {
	p := (float32(scale*place(i, to))+shift+1)*float32(from)/2 - 0.5
	p = min(max(p, 0), float32(from-1))
	low := int(p)
	return lerp{low, min(low+1, from-1), p - float32(low)}
}

// Crop cuts out a random part and scales it to the view: the area a uniform
// share of the image, the aspect ratio log-uniform (Szegedy and others 2015). A
// part may be larger than the image, whose edges then repeat around it.
type Crop struct {
	MinArea, MaxArea float32 // If 0, 0.3 and 1.
	MaxRatio         float32 // width to height up to this or its inverse. If 0, 4/3.
}

// Geometry implements Op.
func (c Crop) Geometry(m Map, r *rng.Stream) Map {
	low, high, ratio := or(c.MinArea, 0.3), or(c.MaxArea, 1), or(c.MaxRatio, 4.0/3)
	w, h := float32(1), float32(1)
	side := max(1, root(high)) // the longest
	for range 10 {
		area, aspect := r.Uniform(low, high), power(ratio, r.Uniform(-1, 1))
		tw, th := root(area*aspect), root(area/aspect)
		if tw <= side && th <= side {
			w, h = tw, th
			break
		}
	}
	x, y := r.Uniform(w-1, 1-w), r.Uniform(h-1, 1-h)
	m.X0, m.Y0 = float32(m.XX*x)+float32(m.XY*y)+m.X0, float32(m.YX*x)+float32(m.YY*y)+m.Y0
	m.XX, m.XY, m.YX, m.YY = m.XX*w, m.XY*h, m.YX*w, m.YY*h
	return m
}

// Check implements Checker.
func (c Crop) Check() error {
	low, high := or(c.MinArea, 0.3), or(c.MaxArea, 1)
	return first(within("Crop.MaxArea", high, 0, 16), within("Crop.MinArea", low, 0, high), within("Crop.MaxRatio", or(c.MaxRatio, 1), 0.1, 10))
}

// Values implements Op.
func (c Crop) Values(*data.Image, *rng.Stream) {}

// Flip mirrors left and right.
type Flip struct {
	P float32 // probability. If 0, 0.5.
}

// Geometry implements Op.
func (f Flip) Geometry(m Map, r *rng.Stream) Map {
	if r.Bool(or(f.P, 0.5)) {
		m.XX, m.YX = -m.XX, -m.YX
	}
	return m
}

// Check implements Checker.
func (f Flip) Check() error { return within("Flip.P", f.P, 0, 1) }

// Values implements Op.
func (f Flip) Values(*data.Image, *rng.Stream) {}

// scale stretches values about a centre and clips them to [0,1].
func scale(x []float32, centre, by float32) {
	for i, v := range x {
		x[i] = min(max(float32((v-centre)*by)+centre, 0), 1)
	}
}

func or(v, d float32) float32 {
	if v == 0 {
		return d
	}
	return v
}

func root(x float32) float32 { return float32(math.Sqrt(float64(x))) }

// power returns base^x for |x| ≤ 1 and base from 0.1 to 10.
func power(base, x float32) float32 {
	return float32(exp(float64(float64(x) * rng.Log(float64(base)))))
}

// exp returns e^y by its series, with the same bits on every processor; of what
// is far from 0, by that of a part of it, squared.
func exp(y float64) float64 {
	squares := 0
	for ; y < -2.5 || y > 2.5; squares++ {
		y /= 2
	}
	p := 1.0
	for k := 20.0; k >= 1; k-- {
		p = 1 + float64(float64(y*p)/k)
	}
	for range squares {
		p = float64(p * p)
	}
	return p
}

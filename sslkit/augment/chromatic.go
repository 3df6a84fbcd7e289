package augment

import (
	"math"

	"sslnotes/sslkit/data"
	"sslnotes/sslkit/rng"
)

// DropColour keeps one of red, green and blue, drawn at random, and puts noise about
// its mean, a hundredth as strong as its deviation, in the place of the others. A lens
// shifts colours against each other by more the farther from its axis: what sees one
// colour alone cannot tell from that where in a photograph a patch lies (color dropping:
// Doersch, Gupta and Efros 2015, section 3.1). Images of one channel stay as they are.
type DropColour struct {
	P float32 // probability. If 0, 1.
}

// Geometry implements Op.
func (d DropColour) Geometry(m Map, _ *rng.Stream) Map { return m }

// Values implements Op.
func (d DropColour) Values(img *data.Image, r *rng.Stream) {
	if img.C != 3 || !r.Bool(or(d.P, 1)) {
		return
	}
	kept, n := r.IntN(3), float64(len(img.Pix)/3)
	var sum, square float64
	for i := kept; i < len(img.Pix); i += 3 {
		sum += float64(img.Pix[i])
	}
	mean := sum / n
	for i := kept; i < len(img.Pix); i += 3 {
		v := float64(img.Pix[i]) - mean
		square += float64(v * v)
	}
	noise := float32(math.Sqrt(square/n) / 100)
	for i := range img.Pix {
		if i%3 != kept {
			img.Pix[i] = float32(mean) + float32(noise*r.Norm())
		}
	}
}

// Check implements Checker.
func (d DropColour) Check() error { return within("DropColour.P", d.P, 0, 1) }

// ProjectColour takes from every pixel what tells green from magenta, the direction in
// which lenses split colours most visibly: the pixel p, a row of red, green and blue,
// becomes p·(I - aᵀa/(aaᵀ)) of a = (-1, 2, -1) (projection: Doersch, Gupta and Efros
// 2015, section 3.1). Values may leave [0,1] by a sixth. Images of one channel stay as
// they are.
type ProjectColour struct {
	P float32 // probability. If 0, 1.
}

// Geometry implements Op.
func (p ProjectColour) Geometry(m Map, _ *rng.Stream) Map { return m }

// Values implements Op.
func (p ProjectColour) Values(img *data.Image, r *rng.Stream) {
	if img.C != 3 || !r.Bool(or(p.P, 1)) {
		return
	}
	eachPixel(img, func(p []float32) {
		part := (float32(2*p[1]) - p[0] - p[2]) / 6
		p[0], p[1], p[2] = p[0]+part, p[1]-float32(2*part), p[2]+part
	})
}

// Check implements Checker.
func (p ProjectColour) Check() error { return within("ProjectColour.P", p.P, 0, 1) }

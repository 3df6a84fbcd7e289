package augment

import (
	"math"

	"sslnotes/sslkit/data"
	"sslnotes/sslkit/rng"
)

// Rotate turns the view about its middle by a random angle. Edges repeat outside
// the image.
type Rotate struct {
	Degrees float32 // either way up to this, 45 at most. If 0, 10.
}

// Geometry implements Op.
func (t Rotate) Geometry(m Map, r *rng.Stream) Map {
	most := or(t.Degrees, 10)
	angle := float64(float64(r.Uniform(-most, most)) * (math.Pi / 180))
	s, c, wide := float32(series(angle, 1)), float32(series(angle, 0)), or(m.wide, 1)
	right, down := float32(s/wide), float32(s*wide) // both axes are 2 long, whatever the form
	m.XX, m.XY = float32(m.XX*c)+float32(m.XY*down), float32(m.XY*c)-float32(m.XX*right)
	m.YX, m.YY = float32(m.YX*c)+float32(m.YY*down), float32(m.YY*c)-float32(m.YX*right)
	return m
}

// Values implements Op.
func (t Rotate) Values(*data.Image, *rng.Stream) {}

// Check implements Checker.
func (t Rotate) Check() error { return within("Rotate.Degrees", t.Degrees, 0, 45) }

// series is the Taylor series of the cosine of x, which begins with x⁰, or that
// of the sine, from x¹; the same bits on every processor.
func series(x float64, first int) float64 {
	z, p := float64(x*x), 1.0
	for k := float64(first + 20); k > 1; k -= 2 {
		p = 1 - float64(float64(z*p)/float64(k*(k-1)))
	}
	if first == 1 {
		p = float64(p * x)
	}
	return p
}

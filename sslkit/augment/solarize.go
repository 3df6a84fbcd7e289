package augment

import (
	"sslnotes/sslkit/data"
	"sslnotes/sslkit/rng"
)

// Solarize inverts the values that are not below a threshold (BYOL's appendix B:
// Grill and others 2020).
type Solarize struct {
	Threshold float32 // of values in [0,1]. If 0, 0.5.
	P         float32 // probability. If 0, 0.2.
}

// Geometry implements Op.
func (s Solarize) Geometry(m Map, _ *rng.Stream) Map { return m }

// Values implements Op.
func (s Solarize) Values(img *data.Image, r *rng.Stream) {
	if !r.Bool(or(s.P, 0.2)) {
		return
	}
	from := or(s.Threshold, 0.5)
	for i, v := range img.Pix {
		if v >= from {
			img.Pix[i] = 1 - v
		}
	}
}

// Check implements Checker.
func (s Solarize) Check() error {
	return first(within("Solarize.Threshold", s.Threshold, 0, 1), within("Solarize.P", s.P, 0, 1))
}

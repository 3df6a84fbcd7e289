package pipeline

import (
	"math"

	"sslnotes/sslkit/nn"
)

// clip shortens the gradient as the schedule says, and adds to a step's values
// the share of the parameters' gradients that were too long: of all together 0
// or 1.
func (t *trainer) clip(values map[string]float64) {
	params, s := t.model.Params(), t.schedule
	switch {
	case s.ClipNorm > 0:
		values["gradient_clipped"] = shorten(params, values["gradient_norm"], s.ClipNorm)
	case s.ClipEach > 0:
		var n float64
		for i := range params {
			one := params[i : i+1]
			n += shorten(one, gradientNorm(one), s.ClipEach)
		}
		values["gradient_clipped"] = n / float64(len(params))
	}
}

// shorten scales gradients of the given length down to the longest one allowed,
// and returns 1 if they were longer, else 0. A length that is not a number is
// left to the next loss to tell.
func shorten(params []*nn.Param, length float64, longest float32) float64 {
	if !(length > float64(longest)) {
		return 0
	}
	scale := float32(float64(longest) / length)
	for _, p := range params {
		for i, g := range p.Value.Grad() {
			p.Value.Grad()[i] = float32(g * scale)
		}
	}
	return 1
}

// gradientNorm is the length of the gradient of all the parameters: squares are
// added in float64, one after the other.
func gradientNorm(params []*nn.Param) float64 {
	var sum float64
	for _, p := range params {
		for _, g := range p.Value.Grad() {
			sum += float64(float64(g) * float64(g))
		}
	}
	return math.Sqrt(sum)
}

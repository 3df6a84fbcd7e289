package plots

import (
	"image/color"
	"math"
)

// A ramp is a range of colours, given at equal distances.
type ramp []color.NRGBA

var (
	// blues run from white to the dark, evenly in lightness, so that they
	// survive a black and white printer.
	blues = ramp{{0xf7, 0xfb, 0xff, 255}, {0xc6, 0xdb, 0xef, 255}, {0x6b, 0xae, 0xd6, 255}, {0x21, 0x71, 0xb5, 255}, {0x08, 0x30, 0x6b, 255}}

	// signs run from vermilion, below zero, over white to blue.
	signs = ramp{{0xb3, 0x45, 0x00, 255}, {0xf0, 0xa8, 0x78, 255}, {0xff, 0xff, 0xff, 255}, {0x7f, 0xb8, 0xd9, 255}, {0x00, 0x5a, 0x8c, 255}}

	// embers glow on dark images.
	embers = ramp{{0x00, 0x00, 0x10, 255}, {0x4a, 0x0c, 0x6b, 255}, {0xa5, 0x2c, 0x60, 255}, {0xe6, 0x5d, 0x2f, 255}, {0xfb, 0xb0, 0x2d, 255}, {0xfc, 0xfd, 0xbf, 255}}
)

// at returns the colour at a share of the way.
func (r ramp) at(t float64) color.NRGBA {
	t = min(max(t, 0), 1) * float64(len(r)-1)
	i := min(int(t), len(r)-2)
	return mix(r[i], r[i+1], t-float64(i))
}

// mix returns a colour between two.
func mix(a, b color.NRGBA, t float64) color.NRGBA {
	m := func(x, y uint8) uint8 { return uint8(math.Floor(float64(x) + t*(float64(y)-float64(x)) + 0.4871)) }
	return color.NRGBA{m(a.R, b.R), m(a.G, b.G), m(a.B, b.B), 255}
}

// shade returns the colour at a share of the way from the lowest to the highest.
func (h *heat) shade(t float64) color.NRGBA {
	if h.colours.low < 0 && h.colours.high > 0 {
		return signs.at(t)
	}
	return blues.at(t)
}

// colour returns the colour of a cell.
func (h *heat) colour(v float64) color.NRGBA {
	switch {
	case !finite(v):
		return rule
	case h.colours.low == h.colours.high:
		return h.shade(0.5)
	}
	return h.shade((h.scaled(v) - h.colours.low) / (h.colours.high - h.colours.low))
}

// inkOn returns the colour of text that can be read on another.
func inkOn(c color.NRGBA) color.Color {
	if 299*int(c.R)+587*int(c.G)+114*int(c.B) < 140_000 {
		return white
	}
	return ink
}

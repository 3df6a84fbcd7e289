package data

import (
	"sslnotes/sslkit/rng"
	"sslnotes/sslkit/tensor"
)

// The primaries of sRGB in CIE XYZ and their sum, the white D65
// (IEC 61966-2-1): summed here, so that grays have no colour.
var (
	primaries = [3][3]float64{
		{0.4124564, 0.3575761, 0.1804375},
		{0.2126729, 0.7151522, 0.0721750},
		{0.0193339, 0.1191920, 0.9503041},
	}
	white = [3]float64{xyz(0, 1, 1, 1), xyz(1, 1, 1, 1), xyz(2, 1, 1, 1)}
	// inverse takes XYZ back to the linear levels of the primaries.
	inverse = invert(primaries)
)

// Lab returns the place of an sRGB colour, its levels in [0,1], in CIE L*a*b*
// of 1976 under D65: the lightness L is 0 for black and 100 for white, a runs
// from green to red and b from blue to yellow, both 0 for grays. Equal steps
// look about equally large. The bits are the same on every processor.
func Lab(red, green, blue float32) (l, a, b float32) {
	f := curves(linear(red), linear(green), linear(blue))
	return float32(float64(116*f[1]) - 16), float32(500 * (f[0] - f[1])), float32(200 * (f[1] - f[2]))
}

// xyz returns coordinate i of light of the primaries.
func xyz(i int, red, green, blue float64) float64 {
	p := primaries[i]
	return float64(p[0]*red) + float64(p[1]*green) + float64(p[2]*blue)
}

// curves returns L*a*b*'s cube roots of X, Y and Z over white.
func curves(red, green, blue float64) (f [3]float64) {
	for i := range f {
		v := xyz(i, red, green, blue) / white[i]
		if f[i] = float64(v*841/108) + 4.0/29; v > 216.0/24389 {
			f[i] = power(v, 1.0/3)
		}
	}
	return f
}

// FromLab returns the sRGB levels of a place in L*a*b*. They are below 0 or
// above 1 where a screen has no such colour.
func FromLab(l, a, b float32) (red, green, blue float32) {
	y := (float64(l) + 16) / 116
	var xyz [3]float64
	for i, f := range [3]float64{y + float64(a)/500, y, y - float64(b)/200} {
		v := float64((f - 4.0/29) * 108 / 841)
		if f > 6.0/29 {
			v = float64(float64(f*f) * f)
		}
		xyz[i] = float64(v * white[i])
	}
	var level [3]float32
	for i, p := range inverse {
		level[i] = companded(float64(p[0]*xyz[0]) + float64(p[1]*xyz[1]) + float64(p[2]*xyz[2]))
	}
	return level[0], level[1], level[2]
}

// linear undoes sRGB's gamma: the share of the primary's light.
func linear(level float32) float64 {
	v := float64(level)
	if v <= 0.04045 {
		return v / 12.92
	}
	return power((v+0.055)/1.055, 2.4)
}

// companded is sRGB's gamma.
func companded(light float64) float32 {
	if light <= 0.0031308 {
		return float32(12.92 * light)
	}
	return float32(float64(1.055*power(light, 1/2.4)) - 0.055)
}

// power returns x^p for x > 0.
func power(x, p float64) float64 { return tensor.Exp64(float64(p * rng.Log(x))) }

// invert returns the inverse of a matrix by its cofactors.
func invert(m [3][3]float64) (out [3][3]float64) {
	minor := func(r, c int) float64 {
		r1, r2, c1, c2 := (r+1)%3, (r+2)%3, (c+1)%3, (c+2)%3
		return float64(m[r1][c1]*m[r2][c2]) - float64(m[r1][c2]*m[r2][c1])
	}
	det := float64(m[0][0]*minor(0, 0)) + float64(m[0][1]*minor(0, 1)) + float64(m[0][2]*minor(0, 2))
	for r := range 3 {
		for c := range 3 {
			out[c][r] = minor(r, c) / det
		}
	}
	return out
}

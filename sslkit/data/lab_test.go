package data

import (
	"math"
	"testing"
)

func TestLabKnownColours(t *testing.T) {
	for _, c := range []struct {
		name     string
		rgb, lab [3]float64
	}{
		{"black", [3]float64{0, 0, 0}, [3]float64{0, 0, 0}},
		{"white", [3]float64{1, 1, 1}, [3]float64{100, 0, 0}},
		{"red", [3]float64{1, 0, 0}, [3]float64{53.24, 80.09, 67.20}},
		{"green", [3]float64{0, 1, 0}, [3]float64{87.73, -86.18, 83.18}},
		{"blue", [3]float64{0, 0, 1}, [3]float64{32.30, 79.19, -107.86}},
		{"middle gray", [3]float64{0.5, 0.5, 0.5}, [3]float64{53.39, 0, 0}},
	} {
		l, a, b := Lab(float32(c.rgb[0]), float32(c.rgb[1]), float32(c.rgb[2]))
		for i, v := range []float32{l, a, b} {
			if math.Abs(float64(v)-c.lab[i]) > 0.006 {
				t.Errorf("%s is %g %g %g, want %v", c.name, l, a, b, c.lab)
				break
			}
		}
	}
}

// naiveLab is the definition in float64.
func naiveLab(rgb [3]float64) (lab [3]float64) {
	for i, v := range rgb {
		if rgb[i] = v / 12.92; v > 0.04045 {
			rgb[i] = math.Pow((v+0.055)/1.055, 2.4)
		}
	}
	var f [3]float64
	for i, row := range primaries {
		v := (row[0]*rgb[0] + row[1]*rgb[1] + row[2]*rgb[2]) / (row[0] + row[1] + row[2])
		if f[i] = (24389.0/27*v + 16) / 116; v > 216.0/24389 {
			f[i] = math.Cbrt(v)
		}
	}
	return [3]float64{116*f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])}
}

// All of the cube goes there and back, by the definition; grays have no colour.
func TestLabRoundTrip(t *testing.T) {
	const levels = 17
	for i := range levels * levels * levels {
		c := [3]float32{float32(i/levels/levels) / (levels - 1), float32(i/levels%levels) / (levels - 1), float32(i%levels) / (levels - 1)}
		l, a, b := Lab(c[0], c[1], c[2])
		for j, want := range naiveLab([3]float64{float64(c[0]), float64(c[1]), float64(c[2])}) {
			if got := [3]float32{l, a, b}[j]; math.Abs(float64(got)-want) > 2e-5 {
				t.Fatalf("%v is %g %g %g; coordinate %d should be %g", c, l, a, b, j, want)
			}
		}
		if c[0] == c[1] && c[1] == c[2] && max(a, -a, b, -b) > 1e-9 {
			t.Errorf("gray %g has the colour %g %g", c[0], a, b)
		}
		red, green, blue := FromLab(l, a, b)
		for j, v := range [3]float32{red, green, blue} {
			if math.Abs(float64(v-c[j])) > 1e-5 {
				t.Fatalf("%v comes back as %g %g %g", c, red, green, blue)
			}
		}
	}
}

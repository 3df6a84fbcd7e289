package augment

import (
	"image/color"
	"math"
	"slices"
	"testing"

	"sslnotes/sslkit/rng"
)

// hsv is the textbook's conversion, in float64.
func hsv(p []float32) (h, s, v float64) {
	r, g, b := float64(p[0]), float64(p[1]), float64(p[2])
	v = max(r, g, b)
	span := v - min(r, g, b)
	if span == 0 {
		return 0, 0, v
	}
	switch v {
	case r:
		h = math.Mod((g-b)/span+6, 6)
	case g:
		h = (b-r)/span + 2
	default:
		h = (r-g)/span + 4
	}
	return h / 6, span / v, v
}

func TestTurn(t *testing.T) {
	r := rng.New(1, "hue")
	for range 5000 {
		p := []float32{r.Float32(), r.Float32(), r.Float32()}
		h, s, v := hsv(p)
		by := r.Uniform(-0.5, 0.5)
		turn(p, by)
		gotH, gotS, gotV := hsv(p)
		away := math.Mod(gotH-h-float64(by)+2.5, 1) - 0.5
		if s > 0.01 && math.Abs(away) > 1e-4 || math.Abs(gotS-s) > 1e-5 || math.Abs(gotV-v) > 1e-6 {
			t.Fatalf("hue %.4f %+.4f gives %.4f; saturation %g gives %g, value %g %g", h, by, gotH, s, gotS, v, gotV)
		}
	}
	p := []float32{1, 0, 0}
	if turn(p, 1.0/3); !slices.Equal(p, []float32{0, 1, 0}) {
		t.Errorf("red a third further is %v, want green", p)
	}
}

func TestGrayscale(t *testing.T) {
	src, dst := picture(9, 5, 3), blank(picture(9, 5, 3))
	Chain{Grayscale{P: 1}}.Draw(&dst, src, rng.New(1, "view"))
	for i := 0; i < len(src.Pix); i += 3 {
		c := color.RGBA{uint8(255*src.Pix[i] + 0.5), uint8(255*src.Pix[i+1] + 0.5), uint8(255*src.Pix[i+2] + 0.5), 255}
		want := float64(color.GrayModel.Convert(c).(color.Gray).Y) / 255
		if got := dst.Pix[i : i+3]; math.Abs(float64(got[0])-want) > 0.01 || got[0] != got[1] || got[1] != got[2] {
			t.Fatalf("%v is %v, want gray %g", src.Pix[i:i+3], got, want)
		}
	}
}

// TestJitterOfColour holds that a saturation about 1 keeps the luminance and
// that none of it touches images of one channel.
func TestJitterOfColour(t *testing.T) {
	src := picture(9, 5, 3)
	for i := range src.Pix {
		src.Pix[i] = 0.4 + 0.2*src.Pix[i] // no clipping
	}
	dst := blank(src)
	Chain{Jitter{Saturation: 0.9, P: 1}}.Draw(&dst, src, rng.New(3, "view"))
	if far(src, dst) < 0.005 {
		t.Error("the saturation has not changed")
	}
	for i := 0; i < len(src.Pix); i += 3 {
		if d := luminance(src.Pix[i:i+3]) - luminance(dst.Pix[i:i+3]); d > 1e-5 || d < -1e-5 {
			t.Fatalf("luminance off by %g", d)
		}
	}
	gray := picture(9, 5, 1)
	out := blank(gray)
	Chain{Jitter{Saturation: 0.9, Hue: 0.5, P: 1}, Grayscale{P: 1}}.Draw(&out, gray, rng.New(3, "view"))
	if d := far(gray, out); d > 2e-6 {
		t.Errorf("one channel is off by %g", d)
	}
}

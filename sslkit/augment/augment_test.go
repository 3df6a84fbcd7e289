package augment

import (
	"math"
	"strings"
	"testing"

	"sslnotes/sslkit/data"
	"sslnotes/sslkit/rng"
)

func picture(h, w, c int) data.Image {
	img := data.Image{H: h, W: w, C: c, Pix: make([]float32, h*w*c)}
	r := rng.New(1, "picture")
	for i := range img.Pix {
		img.Pix[i] = r.Float32()
	}
	return img
}

func blank(like data.Image) data.Image {
	return data.Image{H: like.H, W: like.W, C: like.C, Pix: make([]float32, len(like.Pix))}
}

func far(a, b data.Image) (worst float64) {
	for i := range a.Pix {
		worst = max(worst, math.Abs(float64(a.Pix[i]-b.Pix[i])))
	}
	return worst
}

func TestIdentity(t *testing.T) {
	src := picture(28, 20, 3)
	for name, c := range map[string]Chain{"empty": {}, "full crop": {Crop{MinArea: 1, MaxArea: 1, MaxRatio: 1}}, "two flips": {Flip{P: 1}, Flip{P: 1}}} {
		dst := blank(src)
		c.Draw(&dst, src, rng.New(1, "view"))
		if d := far(dst, src); d > 2e-6 {
			t.Errorf("%s: off by %g", name, d)
		}
	}
}

func TestFlipMirrors(t *testing.T) {
	src := data.Image{H: 1, W: 3, C: 1, Pix: []float32{0.1, 0.5, 0.9}}
	dst := blank(src)
	Chain{Flip{P: 1}}.Draw(&dst, src, rng.New(1, "view"))
	if d := far(dst, data.Image{Pix: []float32{0.9, 0.5, 0.1}}); d > 1e-6 {
		t.Errorf("got %v", dst.Pix)
	}
}

func TestViewsStayInRangeAndFollowTheStream(t *testing.T) {
	src := picture(28, 28, 1)
	low, high := float32(1), float32(0)
	for _, v := range src.Pix {
		low, high = min(low, v), max(high, v)
	}
	geometry, all := Chain{Crop{MinArea: 0.08}, Flip{}}, Chain{Crop{}, Flip{}, Jitter{Brightness: 0.4, Contrast: 0.4}}
	for i := range uint64(500) {
		a, b := blank(src), blank(src)
		geometry.Draw(&a, src, rng.New(1, "view", i))
		for _, v := range a.Pix {
			if v < low-1e-6 || v > high+1e-6 {
				t.Fatalf("interpolation left [%g,%g]: %g", low, high, v)
			}
		}
		all.Draw(&a, src, rng.New(1, "view", i))
		all.Draw(&b, src, rng.New(1, "view", i))
		if far(a, b) != 0 {
			t.Fatal("one stream gives two views")
		}
		for _, v := range a.Pix {
			if v < 0 || v > 1 {
				t.Fatalf("value %g", v)
			}
		}
	}
}

func TestPower(t *testing.T) {
	for x := float32(-1); x <= 1; x += 1.0 / 64 {
		if got, want := float64(power(4.0/3, x)), math.Pow(4.0/3, float64(x)); math.Abs(got-want) > 1e-7 {
			t.Errorf("power(4/3, %g) = %g, want %g", x, got, want)
		}
	}
}

func TestExp(t *testing.T) {
	for y := -50.0; y <= 3; y += 1.0 / 16 {
		if got, want := exp(y), math.Exp(y); math.Abs(got-want) > 1e-8*want {
			t.Errorf("exp(%g) = %g, want %g", y, got, want)
		}
	}
	if got := exp(-1e60); got != 0 {
		t.Errorf("exp(-1e60) = %g", got)
	}
}

// TestCropAround expects windows larger than the image, its edges around it.
func TestCropAround(t *testing.T) {
	src := picture(8, 8, 1)
	var sum float64
	for i := range uint64(2000) {
		m := Crop{MinArea: 0.5, MaxArea: 2, MaxRatio: 1}.Geometry(Map{XX: 1, YY: 1}, rng.New(1, "crop", i))
		area := float64(m.XX * m.YY)
		sum += area
		if area < 0.499 || area > 2.001 || math.Abs(float64(m.X0)) > math.Abs(1-float64(m.XX))+1e-6 {
			t.Fatalf("window %+v", m)
		}
	}
	if mean := sum / 2000; math.Abs(mean-1.25) > 0.05 {
		t.Errorf("mean area %.3f, want 1.25", mean)
	}
	dst := blank(src)
	Chain{Crop{MinArea: 4, MaxArea: 4, MaxRatio: 1}}.Draw(&dst, src, rng.New(1, "view"))
	if dst.Pix[0] != src.Pix[0] || dst.Pix[63] != src.Pix[63] {
		t.Error("the corners of a window around the image are not the image's")
	}
}

// TestCheck: a field out of range is named, with what holds it.
func TestCheck(t *testing.T) {
	nan := float32(math.NaN())
	for _, c := range []struct {
		op   Op
		want string // "": accepted
	}{
		{Crop{}, ""}, {Crop{MinArea: 0.6, MaxArea: 1.3}, ""}, {Crop{MinArea: 4, MaxArea: 4, MaxRatio: 1}, ""}, {Flip{}, ""}, {Flip{P: 1}, ""}, {Jitter{}, ""}, {Grayscale{}, ""},
		{Blur{}, ""}, {Blur{MinSigma: 0.5, MaxSigma: 3, P: 1}, ""}, {Solarize{}, ""}, {Solarize{Threshold: 1, P: 1}, ""}, {Erase{}, ""}, {Erase{MinArea: 0.1, MaxArea: 0.1, MaxRatio: 1, P: 1}, ""},
		{Blur{MinSigma: -1}, "Blur.MinSigma is -1, want 0 to 2"}, {Blur{MinSigma: 3}, "Blur.MinSigma is 3"}, {Blur{MaxSigma: nan}, "Blur.MaxSigma is NaN"}, {Blur{P: 2}, "Blur.P is 2"},
		{Solarize{Threshold: 2}, "Solarize.Threshold is 2"}, {Solarize{P: -1}, "Solarize.P is -1"},
		{Erase{MinArea: 0.5}, "Erase.MinArea is 0.5, want 0 to 0.4"}, {Erase{MaxArea: 2}, "Erase.MaxArea is 2"}, {Erase{MaxRatio: 20}, "Erase.MaxRatio is 20"}, {Erase{P: 2}, "Erase.P is 2"},
		{Jitter{Brightness: 1, Contrast: 1, Saturation: 1, Hue: 0.5, P: 1}, ""},
		{Crop{MinArea: -1}, "Crop.MinArea is -1, want 0 to 1"}, {Crop{MinArea: 3}, "Crop.MinArea is 3, want 0 to 1"}, {Crop{MinArea: nan}, "Crop.MinArea is NaN"},
		{Crop{MaxArea: 0.2}, "Crop.MinArea is 0.3, want 0 to 0.2"}, {Crop{MaxArea: -1}, "Crop.MaxArea is -1"}, {Crop{MaxArea: 17}, "Crop.MaxArea is 17"},
		{Crop{MaxRatio: -1}, "Crop.MaxRatio is -1"}, {Crop{MaxRatio: 11}, "Crop.MaxRatio is 11"}, {&Flip{P: 1.5}, "Flip.P is 1.5, want 0 to 1"},
		{Jitter{Brightness: -7, P: 9}, "Jitter.Brightness is -7, want 0 to 1"}, {Jitter{P: 9}, "Jitter.P is 9"}, {Jitter{Contrast: nan}, "Jitter.Contrast is NaN"},
		{Jitter{Saturation: 1.1}, "Jitter.Saturation is 1.1"}, {Jitter{Hue: 0.6}, "Jitter.Hue is 0.6, want 0 to 0.5"}, {Grayscale{P: -1}, "Grayscale.P is -1"},
		{nil, "is nil"},
	} {
		err := Check("some: Method.Augment", Chain{Flip{}, c.op})
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.HasPrefix(err.Error(), "some: Method.Augment") || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%+v: error %v, want %q", c.op, err, c.want)
		}
	}
}

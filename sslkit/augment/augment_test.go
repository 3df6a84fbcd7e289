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
		{Rotate{}, ""}, {Rotate{Degrees: 45}, ""}, {Rotate{Degrees: -1}, "Rotate.Degrees is -1, want 0 to 45"}, {Blur{}, ""}, {Blur{MinSigma: 0.5, MaxSigma: 3, P: 1}, ""}, {Solarize{}, ""}, {Solarize{Threshold: 1, P: 1}, ""}, {Erase{}, ""}, {Erase{MinArea: 0.1, MaxArea: 0.1, MaxRatio: 1, P: 1}, ""},
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

// TestRotate: pixels keep their distances, whatever the view's form, the angles
// are those asked for, and the middle stays.
func TestRotate(t *testing.T) {
	for _, size := range [][2]int{{28, 28}, {20, 40}} {
		h, w := float64(size[0]), float64(size[1])
		least, most := 0.0, 0.0
		for i := range uint64(2000) {
			m := Rotate{Degrees: 30}.Geometry(Map{XX: 1, YY: 1, wide: float32(w / h)}, rng.New(1, "turn", i))
			// where a step of a pixel to the right and one down lead, in pixels
			right, down := [2]float64{float64(m.XX), float64(m.YX) * h / w}, [2]float64{float64(m.XY) * w / h, float64(m.YY)}
			angle := math.Atan2(right[1], right[0]) * 180 / math.Pi
			least, most = min(least, angle), max(most, angle)
			if math.Abs(math.Hypot(right[0], right[1])-1) > 1e-6 || math.Abs(right[0]-down[1]) > 1e-6 || math.Abs(right[1]+down[0]) > 1e-6 || m.X0 != 0 || m.Y0 != 0 {
				t.Fatalf("%d×%d: %+v is no rotation", size[0], size[1], m)
			}
		}
		if least < -30 || least > -29.5 || most > 30 || most < 29.5 {
			t.Errorf("angles from %.2f to %.2f, want -30 to 30", least, most)
		}
	}
	for x := -1.0; x <= 1; x += 1.0 / 64 {
		if math.Abs(series(x, 1)-math.Sin(x)) > 1e-15 || math.Abs(series(x, 0)-math.Cos(x)) > 1e-15 {
			t.Errorf("sine %g and cosine %g of %g", series(x, 1), series(x, 0), x)
		}
	}
}

// TestGeometryComposes: a slope, on which interpolation is exact, is sampled where
// the operations, one after the other, say; the last of a chain acts on the view.
func TestGeometryComposes(t *testing.T) {
	const h, w = 40, 60
	src := data.Image{H: h, W: w, C: 2, Pix: make([]float32, h*w*2)}
	for p := range h * w {
		src.Pix[2*p], src.Pix[2*p+1] = place(p%w, w), place(p/w, h)
	}
	chains := []Chain{{Rotate{Degrees: 45}}, {Crop{MinArea: 0.1, MaxArea: 0.2}, Rotate{}}, {Rotate{}, Crop{MinArea: 0.1, MaxArea: 0.2}}, {Rotate{}, Flip{P: 1}, Crop{MinArea: 0.1}}, {Crop{}, Flip{P: 1}, Rotate{}, Rotate{}}}
	for n, c := range chains {
		for i := range uint64(20) {
			dst := data.Image{H: 14, W: 21, C: 2, Pix: make([]float32, 14*21*2)}
			c.Draw(&dst, src, rng.New(1, "view", i))
			// each operation alone, in the order in which they were drawn
			r, alone := rng.New(1, "view", i), []Map{}
			for _, op := range c {
				alone = append(alone, op.Geometry(Map{XX: 1, YY: 1, wide: 21.0 / 14}, r))
			}
			inside := 0
			for p := range 14 * 21 {
				x, y := float64(place(p%21, 21)), float64(place(p/21, 14))
				for k := len(alone) - 1; k >= 0; k-- {
					m := alone[k]
					x, y = float64(m.XX)*x+float64(m.XY)*y+float64(m.X0), float64(m.YX)*x+float64(m.YY)*y+float64(m.Y0)
				}
				if math.Abs(x) > 1-1.0/w || math.Abs(y) > 1-1.0/h {
					continue
				}
				inside++
				if math.Abs(float64(dst.Pix[2*p])-x) > 1e-5 || math.Abs(float64(dst.Pix[2*p+1])-y) > 1e-5 {
					t.Fatalf("chain %d: pixel %d is of (%g,%g), want (%g,%g)", n, p, dst.Pix[2*p], dst.Pix[2*p+1], x, y)
				}
			}
			if inside < 100 {
				t.Errorf("chain %d: only %d pixels are inside", n, inside)
			}
		}
	}
}

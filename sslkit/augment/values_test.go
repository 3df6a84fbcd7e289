package augment

import (
	"math"
	"testing"

	"sslnotes/sslkit/data"
	"sslnotes/sslkit/rng"
)

// TestGaussian: weights add up to 1, are even, and stand to the middle one as the
// curve says.
func TestGaussian(t *testing.T) {
	for _, reach := range []int{1, 2, 11} {
		for _, sigma := range []float32{1e-3, 0.1, 0.5, 1, 2, 50} {
			weights, sum := gaussian(reach, sigma), 0.0
			if len(weights) != 2*reach+1 {
				t.Fatalf("%d weights, want %d", len(weights), 2*reach+1)
			}
			for i, w := range weights {
				sum += float64(w)
				d := float64(i-reach) / float64(sigma)
				if want := float64(weights[reach]) * math.Exp(-d*d/2); math.Abs(float64(w)-want) > 1e-6 || w != weights[2*reach-i] {
					t.Errorf("reach %d, deviation %g: weight %d is %g, want %g", reach, sigma, i, w, want)
				}
			}
			if math.Abs(sum-1) > 1e-6 {
				t.Errorf("reach %d, deviation %g: weights add up to %g", reach, sigma, sum)
			}
		}
	}
}

// TestBlur: one bright pixel becomes the product of two Gaussians, in its own
// channel; what is even stays; values stay among those that were.
func TestBlur(t *testing.T) {
	const side, at = 60, 20 // a kernel of 7
	dot := data.Image{H: side, W: side, C: 3, Pix: make([]float32, side*side*3)}
	dot.Pix[(at*side+at)*3+1] = 1
	Blur{MinSigma: 1.5, MaxSigma: 1.5, P: 1}.Values(&dot, rng.New(1, "view"))
	weights := gaussian(3, 1.5)
	weight := func(d int) float64 {
		if d < -3 || d > 3 {
			return 0
		}
		return float64(weights[d+3])
	}
	for i, v := range dot.Pix {
		want := 0.0
		if i%3 == 1 {
			want = weight(i/3/side-at) * weight(i/3%side-at)
		}
		if math.Abs(float64(v)-want) > 1e-6 {
			t.Fatalf("value %d is %g, want %g", i, v, want)
		}
	}
	even := data.Image{H: 9, W: 14, C: 3, Pix: make([]float32, 9*14*3)}
	for i := range even.Pix {
		even.Pix[i] = []float32{0.2, 1, 0}[i%3]
	}
	src := picture(9, 14, 3)
	for i := range uint64(50) {
		dst := blank(even)
		Chain{Blur{P: 1}}.Draw(&dst, even, rng.New(1, "view", i))
		if d := far(dst, even); d > 1e-6 {
			t.Errorf("an even picture is off by %g", d)
		}
		Chain{Blur{P: 1, MaxSigma: 0.1}}.Draw(&dst, src, rng.New(1, "view", i))
		if d := far(dst, src); d > 1e-6 {
			t.Errorf("by a deviation of a tenth of a pixel a picture is off by %g", d)
		}
	}
}

// TestSolarize: values from the threshold on are inverted.
func TestSolarize(t *testing.T) {
	for _, c := range []struct {
		op   Solarize
		want []float32
	}{
		{Solarize{P: 1}, []float32{0, 0.25, 0.4375, 0.5, 0.25, 0}},
		{Solarize{P: 1, Threshold: 0.25}, []float32{0, 0.75, 0.5625, 0.5, 0.25, 0}},
		{Solarize{P: 1, Threshold: 1}, []float32{0, 0.25, 0.4375, 0.5, 0.75, 0}},
	} {
		img := data.Image{H: 1, W: 6, C: 1, Pix: []float32{0, 0.25, 0.4375, 0.5, 0.75, 1}}
		c.op.Values(&img, rng.New(1, "view"))
		if far(img, data.Image{Pix: c.want}) != 0 {
			t.Errorf("%+v gives %v, want %v", c.op, img.Pix, c.want)
		}
	}
}

// TestErase: what changes is one rectangle, of an area and a form as asked, whose
// values are noise; every pixel may be in it.
func TestErase(t *testing.T) {
	const h, w, draws = 20, 30, 3000
	var area, hits, total, sum, square, values float64
	touched := make([]int, h*w)
	op := Erase{MinArea: 0.1, MaxArea: 0.3, MaxRatio: 2, P: 1}
	for i := range uint64(draws) {
		img := data.Image{H: h, W: w, C: 3, Pix: make([]float32, h*w*3)}
		for k := range img.Pix {
			img.Pix[k] = -1
		}
		op.Values(&img, rng.New(1, "view", i))
		top, bottom, left, right, n := h, -1, w, -1, 0
		for p := range h * w {
			erased := img.Pix[3*p] != -1
			for c := range 3 {
				v := float64(img.Pix[3*p+c])
				if (v != -1) != erased {
					t.Fatal("a pixel is erased in part")
				}
				if erased {
					sum, square, values = sum+v, square+v*v, values+1
				}
			}
			if erased {
				touched[p]++
				top, bottom, left, right, n = min(top, p/w), max(bottom, p/w), min(left, p%w), max(right, p%w), n+1
			}
		}
		rows, cols := bottom-top+1, right-left+1
		if n != rows*cols {
			t.Fatalf("%d pixels are erased, between them are %d by %d", n, rows, cols)
		}
		if share := float64(n) / (h * w); share < 0.1-0.03 || share > 0.3+0.03 {
			t.Fatalf("%g of the area is erased", share)
		}
		if r := float64(cols) / float64(rows); r < 0.5-0.1 || r > 2+0.2 {
			t.Fatalf("%d by %d is erased", rows, cols)
		}
		area += float64(n) / (h * w) / draws
	}
	if math.Abs(area-0.2) > 0.01 {
		t.Errorf("on average %g is erased, want 0.2", area)
	}
	if mean := sum / values; math.Abs(mean-0.5) > 0.01 || math.Abs(square/values-mean*mean-1.0/12) > 0.01 {
		t.Errorf("noise of mean %g and variance %g, want a half and a twelfth", mean, square/values-mean*mean)
	}
	for p, n := range touched {
		if n == 0 {
			t.Errorf("pixel %d is never erased", p)
		}
	}
	for i := range uint64(draws) {
		img := data.Image{H: 6, W: 6, C: 1, Pix: make([]float32, 36)}
		Erase{P: 0.3}.Values(&img, rng.New(2, "view", i))
		total++
		if far(img, blank(img)) > 0 {
			hits++
		}
	}
	if share := hits / total; math.Abs(share-0.3) > 0.03 {
		t.Errorf("%g of the views are erased, want 0.3", share)
	}
}

package augment

import (
	"math"
	"slices"
	"testing"

	"sslnotes/sslkit/rng"
)

// One colour stays to the bit, each about as often as the others, and the others become
// noise of its mean and a hundredth of its deviation that knows nothing of what they were.
func TestDropColour(t *testing.T) {
	src := picture(16, 16, 3)
	var kept [3]int
	for seed := range uint64(300) {
		dst := blank(src)
		Chain{DropColour{}}.Draw(&dst, src, rng.New(seed, "view"))
		same := 0
		var of [3]float64
		for c := range 3 {
			equal := true
			for i := c; i < len(src.Pix); i += 3 {
				equal = equal && dst.Pix[i] == src.Pix[i]
				of[c] += float64(dst.Pix[i]) / 256
			}
			if equal {
				same++
				kept[c]++
			}
		}
		if same != 1 {
			t.Fatalf("%d colours stay, want 1", same)
		}
		if math.Abs(of[0]-of[1]) > 0.01 || math.Abs(of[1]-of[2]) > 0.01 {
			t.Fatalf("means %v, want about the same", of)
		}
	}
	for c, n := range kept {
		if n < 70 || n > 130 {
			t.Errorf("colour %d was kept %d times of 300", c, n)
		}
	}
	dst, c := blank(src), 0
	Chain{DropColour{}}.Draw(&dst, src, rng.New(3, "view"))
	for dst.Pix[c] != src.Pix[c] {
		c++
	}
	deviation := func(c int) float64 {
		var sum, square float64
		for i := c; i < len(dst.Pix); i += 3 {
			sum += float64(dst.Pix[i]) / 256
		}
		for i := c; i < len(dst.Pix); i += 3 {
			d := float64(dst.Pix[i]) - sum
			square += d * d / 256
		}
		return math.Sqrt(square)
	}
	for other := range 3 {
		if share := deviation(other) / deviation(c); other != c && (share < 0.007 || share > 0.013) {
			t.Errorf("the noise deviates by %.4f of what the colour does, want 0.01", share)
		}
	}
	gray := picture(5, 4, 1)
	out := blank(gray)
	Chain{DropColour{}, ProjectColour{}}.Draw(&out, gray, rng.New(1, "view"))
	if far(gray, out) > 2e-6 {
		t.Error("an image of one channel has changed")
	}
}

// The direction (-1, 2, -1) is gone from every pixel, what is at right angles to it
// stays, and twice is once.
func TestProjectColour(t *testing.T) {
	src := picture(9, 5, 3)
	once, twice := blank(src), blank(src)
	Chain{ProjectColour{}}.Draw(&once, src, rng.New(1, "view"))
	Chain{ProjectColour{}}.Draw(&twice, once, rng.New(1, "view"))
	along := func(p []float32, a [3]float64) float64 {
		return float64(p[0])*a[0] + float64(p[1])*a[1] + float64(p[2])*a[2]
	}
	for i := 0; i < len(src.Pix); i += 3 {
		was, is := src.Pix[i:i+3], once.Pix[i:i+3]
		if v := along(is, [3]float64{-1, 2, -1}); math.Abs(v) > 1e-6 {
			t.Fatalf("%v becomes %v, of which %g is left along (-1, 2, -1)", was, is, v)
		}
		for _, a := range [][3]float64{{1, 1, 1}, {1, 0, -1}} {
			if d := along(was, a) - along(is, a); math.Abs(d) > 1e-6 {
				t.Fatalf("%v becomes %v: along %v it has changed by %g", was, is, a, d)
			}
		}
	}
	if far(once, twice) > 1e-6 {
		t.Error("a second projection changes the image")
	}
	green := []float32{0, 1, 0}
	img := picture(1, 1, 3)
	copy(img.Pix, green)
	ProjectColour{}.Values(&img, rng.New(1, "view"))
	if third := float32(1) / 3; math.Abs(float64(img.Pix[0]-third)) > 1e-6 || !slices.Equal(img.Pix[:1], img.Pix[2:]) {
		t.Errorf("green becomes %v, want a third of each", img.Pix)
	}
}

package pretext

import (
	"math"
	"slices"
	"testing"

	"sslnotes/sslkit"
	"sslnotes/sslkit/data"
	"sslnotes/sslkit/nn"
	"sslnotes/sslkit/rng"
	"sslnotes/sslkit/sslkittest"
	"sslnotes/sslkit/tensor"
)

func TestInpaintingSuite(t *testing.T) {
	bad := map[string]sslkit.Method{"Inpainting.Hole": &Inpainting{Hole: 28}, "Hidden": &Inpainting{Hidden: -1}}
	for _, plan := range []nn.Plan{nn.ConvNet{Channels: []int{4, 8}}, nn.ViT{Width: 8, Depth: 1, Heads: 2, PatchSize: 7}} {
		for _, blobs := range []bool{false, true} {
			sslkittest.TestMethod(t, func() sslkit.Method { return &Inpainting{Hidden: 6, Blobs: blobs} }, sslkittest.Options{Plan: plan, Permutation: 1e-4, Bad: bad})
		}
	}
}

func inpainting(t *testing.T) *Inpainting {
	t.Helper()
	e, err := nn.ConvNet{Channels: []int{4, 6}}.Build(nn.Input{Height: 28, Width: 28, Channels: 1}, rng.New(1, "e"))
	if err != nil {
		t.Fatal(err)
	}
	m := &Inpainting{}
	if _, err := m.Build(e, gray28, sslkit.Setup{Seed: 1, Steps: 4, BatchSize: 4}); err != nil {
		t.Fatal(err)
	}
	return m
}

// What is in the hole changes no prediction, and only the hole has a gradient.
func TestHoleIsHidden(t *testing.T) {
	t.Run("square", func(t *testing.T) { hides(t, inpainting(t), 12*12) })
	blobs := inpainting(t)
	blobs.Blobs = true
	t.Run("blobs", func(t *testing.T) { hides(t, blobs, 28*28/4) })
}

func hides(t *testing.T, m *Inpainting, pixels float32) {
	x := images(3, 28, 28)
	stream := func(i int) *rng.Stream { return rng.New(4, "hole", uint64(i)) }
	cut, mask := m.cut(x, stream)
	var holes float32
	for i, v := range mask {
		holes += v
		if v == 1 {
			x.Data()[i] += 7
		}
	}
	if holes != 3*pixels {
		t.Errorf("%g pixels are hidden, want %g of each image", holes, pixels)
	}
	again, _ := m.cut(x, stream)
	if !slices.Equal(cut.Data(), again.Data()) {
		t.Error("the hole shows through")
	}
	painted := m.paint(cut, true).Detach().RequireGrad()
	tensor.Backward(tensor.MaskedMSE(painted, x, mask))
	for i, g := range painted.Grad() {
		if mask[i] == 0 && g != 0 {
			t.Fatal("a pixel outside the hole has a gradient")
		}
	}
}

// Blobs are a quarter of each image, in few pieces: where two pixels at random differ in
// 3 of 8 pairs, neighbours seldom do. The corners, which have fewer bumps around them, are
// hidden half as often again as the middle. Whatever the hole's side and the image's,
// they stay in it.
func TestBlobs(t *testing.T) {
	m := &Inpainting{Hole: 12}
	var often [28 * 28]float32
	edges, draws := 0, 1500
	for i := range draws {
		mask := make([]float32, 28*28)
		m.blobs(mask, 28, rng.New(1, "hole", uint64(i)))
		if n := hiddenIn(mask); n != 28*28/4 {
			t.Fatalf("%g pixels are hidden, want 196", n)
		}
		for k, v := range mask {
			often[k] += v / float32(draws)
			if k%28 > 0 && mask[k-1] != v {
				edges++
			}
		}
	}
	low, high := slices.Min(often[:]), slices.Max(often[:])
	t.Logf("a pixel is hidden in %.3f to %.3f of the images", low, high)
	if low < 0.17 || high > 0.33 {
		t.Errorf("pixels are hidden in %.3f to %.3f of the images, want 0.2 to 0.3 and what chance adds", low, high)
	}
	if share := float64(edges) / float64(draws*28*27); share > 0.05 {
		t.Errorf("%.3f of neighbours differ, want few: these are no blobs", share)
	}
	for hole := 1; hole < 9; hole++ {
		for h := hole + 1; h < 20; h++ {
			m, mask := &Inpainting{Hole: hole}, make([]float32, h*(h+3))
			for i := range uint64(20) {
				m.blobs(mask, h+3, rng.New(i, "hole"))
			}
			one := make([]float32, h*(h+3))
			m.blobs(one, h+3, rng.New(1, "hole"))
			if n := hiddenIn(one); n != float32(h*(h+3)/4) {
				t.Fatalf("%d×%d: %g pixels are hidden", h, h+3, n)
			}
		}
	}
}

func hiddenIn(mask []float32) (n float32) {
	for _, v := range mask {
		n += v
	}
	return n
}

// A pixel all of whose row and column are hidden is continued by the mean.
func TestContinuedUnseen(t *testing.T) {
	x, mask := tensor.New(1, 3, 3, 1), []float32{0, 1, 0, 1, 1, 1, 0, 1, 0}
	for i := range x.Data() {
		x.Data()[i] = 1
	}
	if got := continued(x, mask).Data(); got[4] != 0 || got[1] != 1 {
		t.Errorf("continued by %v, want 0 in the middle and 1 around", got)
	}
}

// The loss is the mean squared error on the hole, and blank_loss that of zeros.
func TestInpaintingLoss(t *testing.T) {
	m := inpainting(t)
	x := images(3, 28, 28)
	b := data.Batch{Views: []*tensor.Tensor{x}, Index: []int{1, 2, 3}}
	logged := map[string]float32{}
	got := m.Loss(b, sslkit.NewStep(2, 4, 0, 9, func(k string, v float32) { logged[k] = v })).Item()
	cut, mask := m.cut(x, func(i int) *rng.Stream { return rng.New(9, "hole", 2, uint64(b.Index[i])) })
	painted := m.paint(cut, true)
	var want, blank float64
	for i, v := range mask {
		if v == 1 {
			d := float64(painted.Data()[i] - x.Data()[i])
			want += d * d / (3 * 144)
			blank += float64(x.Data()[i]) * float64(x.Data()[i]) / (3 * 144)
		}
	}
	if math.Abs(float64(got)-want) > 1e-5 || math.Abs(float64(logged["blank_loss"])-blank) > 1e-5 {
		t.Errorf("loss %g and blank_loss %g, want %g and %g", got, logged["blank_loss"], want, blank)
	}
}

// TestContinued fills a hole in a plane as it was, one in a corner from what there is.
func TestContinued(t *testing.T) {
	m := &Inpainting{Hole: 3}
	x := tensor.New(2, 7, 7, 2)
	for i := range x.Data() {
		place := i / 2 % 49
		x.Data()[i] = float32(i%2*100 + 3*(place/7) - 2*(place%7))
	}
	places := [2][2]int{{2, 3}, {0, 4}} // row and column, the second at the edge
	cut, mask := tensor.New(2, 7, 7, 2), make([]float32, 2*49)
	copy(cut.Data(), x.Data())
	for i, p := range places {
		for y := range m.Hole {
			for k := range m.Hole {
				at := i*49 + (p[0]+y)*7 + p[1] + k
				mask[at], cut.Data()[2*at], cut.Data()[2*at+1] = 1, 0, 0
			}
		}
	}
	full := continued(x, mask)
	if again := continued(cut, mask); !slices.Equal(again.Data(), full.Data()) {
		t.Error("what is in the hole shows through")
	}
	for i, v := range x.Data()[:98] { // the mean of lines through a plane is in it
		if got := full.Data()[i]; math.Abs(float64(got-v)) > 1e-4 {
			t.Errorf("element %d is %g, want %g", i, got, v)
		}
	}
	// The pixel in the corner sees row 0, column 3, three to the left, and row 3,
	// column 6, three below: -6 and -3.
	if got := full.Data()[98+2*6]; math.Abs(float64(got)+4.5) > 1e-4 {
		t.Errorf("in the corner %g, want -4.5", got)
	}
	for i, v := range x.Data() {
		if mask[i/2] == 0 && full.Data()[i] != v {
			t.Errorf("what is seen of element %d is %g now", i, full.Data()[i])
		}
	}
}

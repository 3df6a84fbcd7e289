package mae

import (
	"math"
	"slices"
	"strings"
	"testing"

	"sslnotes/sslkit"
	"sslnotes/sslkit/data"
	"sslnotes/sslkit/nn"
	"sslnotes/sslkit/rng"
	"sslnotes/sslkit/sslkittest"
	"sslnotes/sslkit/tensor"
)

var plan = nn.ViT{Width: 16, Depth: 1, Heads: 2, PatchSize: 7}

func TestAutoencoder(t *testing.T) {
	sslkittest.TestMethod(t, func() sslkit.Method { return &Autoencoder{Width: 8, Depth: 1, Heads: 2} }, sslkittest.Options{
		Plan: plan,
		Bad: map[string]sslkit.Method{
			"Autoencoder.MaskRatio": &Autoencoder{MaskRatio: 1.5}, "Autoencoder.Width": &Autoencoder{Width: 6, Heads: 3}, "Depth": &Autoencoder{Depth: -1},
		},
	})
}

// built returns a method on a small encoder of 28×28 images.
func built(t *testing.T, m *Autoencoder) *Autoencoder {
	t.Helper()
	e, err := plan.Build(nn.Input{Height: 28, Width: 28, Channels: 1}, rng.New(1, "weights"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := m.Build(e, data.Spec{Height: 28, Width: 28, Channels: 1, Mean: []float32{0}, Std: []float32{1}}, sslkit.Setup{Seed: 1, Steps: 3, BatchSize: 4}); err != nil {
		t.Fatal(err)
	}
	return m
}

func images(n int) *tensor.Tensor {
	x, r := tensor.New(n, 28, 28, 1), rng.New(3, "images")
	for i := range x.Data() {
		x.Data()[i] = r.Norm()
	}
	return x
}

func TestCourseFunctions(t *testing.T) {
	visible, masked := MaskPatches(196, 0.75, rng.NumPy(42))
	if len(visible) != 49 || len(masked) != 147 || !slices.IsSorted(visible) {
		t.Errorf("%d visible and %d masked, want 49 and 147", len(visible), len(masked))
	}
	// As NumPy 1.24 draws them after numpy.random.seed(42).
	if want := []int{139, 113, 16, 75, 154, 185}; !slices.Equal(masked[:6], want) {
		t.Errorf("masked first are %v, NumPy's are %v", masked[:6], want)
	}
	if want := []int{1, 8, 13, 14, 17, 20, 21, 37}; !slices.Equal(visible[:8], want) {
		t.Errorf("visible first are %v, NumPy's are %v", visible[:8], want)
	}
	all := slices.Sorted(slices.Values(append(slices.Clone(visible), masked...)))
	for i, p := range all {
		if p != i {
			t.Fatalf("patch %d is missing or twice", i)
		}
	}
	x := images(3)
	if back := Unpatchify(Patchify(x, 4), 4, 28, 28); !slices.Equal(back.Data(), x.Data()) {
		t.Error("patches do not come together again")
	}
}

// A hidden pixel changes no prediction, only the target; each image has as many
// hidden patches, and every patch is hidden about as often as the ratio says.
func TestHiddenIsHidden(t *testing.T) {
	m := built(t, &Autoencoder{})
	x := images(2)
	visible, mask := m.hide(2, func(i int) *rng.Stream { return rng.New(1, "m", uint64(i)) })
	before := m.paint(x, visible, true)
	for i := range x.Data() {
		n, y, c := i/784, i%784/28, i%28
		if mask[n*16+y/7*4+c/7] == 1 {
			x.Data()[i] += 5
		}
	}
	if after := m.paint(x, visible, true); !slices.Equal(before.Data(), after.Data()) {
		t.Error("a hidden pixel changed a prediction")
	}
	counts := make([]int, 16)
	_, mask = m.hide(4000, func(i int) *rng.Stream { return rng.New(2, "m", uint64(i)) })
	for i, v := range mask {
		counts[i%16] += int(v)
	}
	for p, n := range counts {
		if math.Abs(float64(n)/4000-0.75) > 0.03 { // more than four standard errors
			t.Errorf("patch %d is hidden in %d of 4000", p, n)
		}
	}
}

// Painting nothing costs (P-1)/P with targets normalised by the unbiased
// variance.
func TestBlankLoss(t *testing.T) {
	target, _, _ := normalised(tensor.Patchify(images(40), 7))
	got := float64(tensor.MSE(tensor.New(target.Shape()...), target).Item())
	if math.Abs(got-BlankLoss(49)) > 1e-4 {
		t.Errorf("zeros cost %g, BlankLoss says %g", got, BlankLoss(49))
	}
	flat, _, _ := normalised(tensor.New(1, 1, 16))
	for _, v := range flat.Data() {
		if v != 0 {
			t.Errorf("a flat patch becomes %g", v)
		}
	}
}

// The loss equals a plain float64 version of the paper's on what was painted.
func TestLossEqualsNaive(t *testing.T) {
	m := built(t, &Autoencoder{})
	equalsNaive(t, m, m.Loss)
}

// A reporter is told what a check finds: a test, or a list for a check that is
// itself put to the test.
type reporter interface {
	Errorf(format string, args ...any)
}

func equalsNaive(t reporter, m *Autoencoder, loss func(data.Batch, sslkit.Step) *tensor.Tensor) {
	x := images(3)
	b := data.Batch{Views: []*tensor.Tensor{x}, Index: []int{5, 6, 7}}
	s := sslkit.NewStep(1, 3, 0, 9, nil)
	visible, mask := m.hide(3, func(i int) *rng.Stream { return rng.New(9, "mask", 1, uint64(b.Index[i])) })
	painted, patches := m.paint(x, visible, true), tensor.Patchify(x, 7)
	var sum, count float64
	for r, hidden := range mask {
		if hidden == 0 {
			continue
		}
		var mean, square float64
		p := patches.Data()[r*49 : (r+1)*49]
		for _, v := range p {
			mean += float64(v) / 49
		}
		for _, v := range p {
			square += (float64(v) - mean) * (float64(v) - mean)
		}
		for j, v := range p {
			d := float64(painted.Data()[r*49+j]) - (float64(v)-mean)/math.Sqrt(square/48+1e-6)
			sum += d * d / 49
		}
		count++
	}
	if got, want := float64(loss(b, s).Item()), sum/count; !(math.Abs(got-want) <= 1e-5) {
		t.Errorf("loss %g, want %g", got, want)
	}
}

func TestReconstructKeepsWhatWasSeen(t *testing.T) {
	m := built(t, &Autoencoder{})
	x := images(2)
	seen, painted := m.Reconstruct(x, 4)
	same := 0
	for i, v := range x.Data() {
		if seen.Data()[i] == v && painted.Data()[i] == v {
			same++
		}
	}
	if want := 2 * 4 * 49; same != want {
		t.Errorf("%d pixels are as they were, want %d", same, want)
	}
}

func TestNeedsAMasker(t *testing.T) {
	e, err := nn.ConvNet{}.Build(nn.Input{Height: 28, Width: 28, Channels: 1}, rng.New(1, "weights"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := (&Autoencoder{}).Build(e, data.Spec{}, sslkit.Setup{}); err == nil || !strings.Contains(err.Error(), "nn.ConvNet") {
		t.Errorf("error %v", err)
	}
}

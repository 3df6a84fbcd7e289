package mae

import (
	"fmt"
	"testing"

	"sslnotes/sslkit"
	"sslnotes/sslkit/data"
	"sslnotes/sslkit/museum"
	"sslnotes/sslkit/rng"
	"sslnotes/sslkit/tensor"
)

// findings is a list of what a check found.
type findings []string

func (f *findings) Errorf(format string, args ...any) { *f = append(*f, fmt.Sprintf(format, args...)) }

type maskedError = func(painted, target *tensor.Tensor, mask []float32) *tensor.Tensor

// with is a method's loss with another error, of patches normalised or not.
func with(m *Autoencoder, e maskedError, normalise bool) func(data.Batch, sslkit.Step) *tensor.Tensor {
	return func(b data.Batch, s sslkit.Step) *tensor.Tensor {
		x := b.Views[0]
		visible, mask := m.hide(x.Dim(0), func(i int) *rng.Stream { return rng.New(s.Seed, "mask", uint64(s.Index), uint64(b.Index[i])) })
		target := tensor.Patchify(x, m.encoder.PatchSize())
		if normalise {
			target, _, _ = normalised(target)
		}
		return e(m.paint(x, visible, true), target, mask)
	}
}

// TestMuseumMaskedError: the plain float64 version finds every faulty loss, named
// by its report, and no fault in the right one.
func TestMuseumMaskedError(t *testing.T) {
	m := built(t, &Autoencoder{})
	var right findings
	equalsNaive(&right, m, with(m, tensor.MaskedMSE, true))
	if len(right) > 0 {
		t.Errorf("in the right loss it finds %q", right)
	}
	for _, e := range museum.Exhibits("masked error") {
		t.Run(e.Name+" ("+e.Source+")", func(t *testing.T) {
			var f findings
			equalsNaive(&f, m, with(m, e.Func.(maskedError), e.Name != "biased variance of patches"))
			if len(f) == 0 {
				t.Error("not found")
			}
		})
	}
}

// TestMuseumRawTargets: ooples/AiDotNet#1968, targets that are not normalised
// though the option says so.
func TestMuseumRawTargets(t *testing.T) {
	m := built(t, &Autoencoder{})
	var f findings
	if equalsNaive(&f, m, with(m, tensor.MaskedMSE, false)); len(f) == 0 {
		t.Error("not found")
	}
}

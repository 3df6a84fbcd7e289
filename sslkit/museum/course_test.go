package museum_test

import (
	"testing"

	"sslnotes/sslkit/clip"
	"sslnotes/sslkit/contrastive"
	"sslnotes/sslkit/museum"
	"sslnotes/sslkit/tensor"
)

// The losses of the course are right, which are written otherwise.
func TestCourseIsRight(t *testing.T) {
	both := func(p1, p2, z1, z2 *tensor.Tensor) *tensor.Tensor {
		return tensor.Add(contrastive.Regression(p1, z2.Detach()), contrastive.Regression(p2, z1.Detach()))
	}
	for name, loss := range map[string]any{
		"NT-Xent": contrastive.NTXent, "InfoNCE": clip.InfoNCE, "BYOL's regression": contrastive.Regression, "BYOL": both, "masked error": tensor.MaskedMSE,
	} {
		if d := museum.WhichBug(loss); d.Verdict != museum.Right || d.Loss != name || d.Remark != "" {
			t.Errorf("%s:\n%s", name, d)
		}
	}
}

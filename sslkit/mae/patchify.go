// Package mae holds methods that paint what was hidden: masked autoencoders.
package mae

import (
	"fmt"

	"sslnotes/sslkit/rng"
	"sslnotes/sslkit/tensor"
)

// Patchify is the course's function: it cuts images [N,H,W,C] into patches of
// p×p pixels, [N,T,p·p·C], row by row; a patch's values are in the order row,
// column, channel. It panics unless p divides height and width.
func Patchify(images *tensor.Tensor, p int) *tensor.Tensor { return tensor.Patchify(images, p) }

// Unpatchify puts patches [N,T,p·p·C] together to images of h×w pixels.
func Unpatchify(patches *tensor.Tensor, p, h, w int) *tensor.Tensor {
	return tensor.Unpatchify(patches, p, h, w)
}

// MaskPatches is the course's function: of n patches it masks ⌊n·ratio⌋, drawn
// without replacement from NumPy's legacy stream as numpy.random.choice does and
// listed in that order; the others are visible, listed in rising order. Of 196
// patches at 0.75 it masks 147 and leaves 49. It panics unless 0 ≤ ratio ≤ 1.
func MaskPatches(n int, ratio float64, r *rng.Legacy) (visible, masked []int) {
	if !(ratio >= 0 && ratio <= 1) {
		panic(fmt.Sprintf("mae: MaskPatches with ratio %g, want 0 to 1", ratio))
	}
	masked = r.Choice(n, int(float64(n)*ratio))
	hidden := make([]bool, n)
	for _, i := range masked {
		hidden[i] = true
	}
	for i, h := range hidden {
		if !h {
			visible = append(visible, i)
		}
	}
	return visible, masked
}

// Package mae holds methods that paint what was hidden: masked autoencoders.
package mae

import (
	"fmt"
	"slices"

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

// MaskPatches is the course's function: of n patches it keeps ⌊n·(1-ratio)⌋,
// drawn without replacement from NumPy's legacy stream as numpy.random.choice
// does, in rising order; the others are masked. Of 196 patches at 0.75 it leaves
// 49 visible and masks 147. It panics unless 0 ≤ ratio ≤ 1.
func MaskPatches(n int, ratio float64, r *rng.Legacy) (visible, masked []int) {
	if !(ratio >= 0 && ratio <= 1) {
		panic(fmt.Sprintf("mae: MaskPatches with ratio %g, want 0 to 1", ratio))
	}
	visible = slices.Clone(r.Choice(n, int(float64(n)*(1-ratio))))
	slices.Sort(visible)
	for i := range n {
		if _, seen := slices.BinarySearch(visible, i); !seen {
			masked = append(masked, i)
		}
	}
	return visible, masked
}

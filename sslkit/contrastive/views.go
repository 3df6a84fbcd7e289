package contrastive

import (
	"fmt"
	"math"
	"slices"

	"sslnotes/sslkit/augment"
	"sslnotes/sslkit/data"
	"sslnotes/sslkit/nn"
	"sslnotes/sslkit/tensor"
)

// standard is how a view is drawn unless a method's field says otherwise: a crop
// of at least 30 % of the area, a flip, and jitter of brightness and contrast by
// 0.4. On gray images there is no colour to change.
func standard() augment.Chain {
	return augment.Chain{
		augment.Crop{MinArea: 0.3},
		augment.Flip{P: 0.5},
		augment.Jitter{Brightness: 0.4, Contrast: 0.4, P: 0.8},
	}
}

// ofView is the chain by which whole view v is drawn: each, or for the second
// view its own, if there is one.
func ofView(v int, each, second augment.Chain) augment.Chain {
	if v == 1 && second != nil {
		return second
	}
	return each
}

// localSize returns the side of a small view in pixels: the given one, or if that
// is 0 4/7 of the image's height, where there are small views cut down to as many
// patches of the encoder as go into it, one at least. It returns an error that
// names the field if the encoder cannot take n such views.
func localSize(field string, given, n int, in data.Spec, e nn.Encoder) (int, error) {
	patch := nn.Patch(e)
	switch {
	case given == 0 && n > 0:
		return max(patch, in.Height*4/7/patch*patch), nil
	case given == 0:
		return in.Height * 4 / 7, nil
	case n > 0 && given%patch != 0:
		return given, fmt.Errorf("contrastive: %s is %d, want a multiple of the encoder's patch of %d pixels", field, given, patch)
	}
	return given, positive(field, given)
}

// multicrop lists two whole views and n small ones of the given size.
func multicrop(in data.Spec, n, size int) []data.Spec {
	small := in
	small.Height, small.Width = size, size
	specs := []data.Spec{in, in}
	for range n {
		specs = append(specs, small)
	}
	return specs
}

// local is how a small view is drawn: a crop of at most 30 % of the area.
func local() augment.Chain {
	return augment.Chain{
		augment.Crop{MinArea: 0.08, MaxArea: 0.3},
		augment.Flip{P: 0.5},
		augment.Jitter{Brightness: 0.4, Contrast: 0.4, P: 0.8},
	}
}

// kept copies x, for Report, into what was kept before, if that has its shape.
func kept(last, x *tensor.Tensor) *tensor.Tensor {
	if last == nil || !slices.Equal(last.Shape(), x.Shape()) {
		last = tensor.New(x.Shape()...)
	}
	copy(last.Data(), x.Data())
	return last
}

// spreadOf is the standard deviation of the rows of z [N,D], each of length 1,
// averaged over columns, times √D: 0 if all are equal, 1 if they point
// everywhere alike. It looks at no gradient.
func spreadOf(z *tensor.Tensor) float64 {
	u := tensor.L2Normalize(z.Detach(), 1e-12)
	n, d := u.Dim(0), u.Dim(1)
	var total float64
	for j := range d {
		var sum, square float64
		for i := range n {
			v := float64(u.Data()[i*d+j])
			sum += v
			square += float64(v * v)
		}
		mean := sum / float64(n)
		total += math.Sqrt(max(0, square/float64(n)-float64(mean*mean)))
	}
	return float64(float32(total / math.Sqrt(float64(d))))
}

// What more than one method reports: spreadOf its projections, and the mean cosine of
// the projections of views of one image, and of different ones.
const (
	projectionStd  = "projection_std"
	positiveCosine = "positive_cosine"
	negativeCosine = "negative_cosine"
)

// meanDot is the mean product of a row of x [N,d] with one of y [M,d].
func meanDot(x *tensor.Tensor, y []float32) (mean float64) {
	d := x.Dim(1)
	n, m := float64(x.Dim(0)), float64(len(y)/d)
	a, b := columnSums(x.Data(), d), columnSums(y, d)
	for j, v := range a {
		mean += float64(v / n * (b[j] / m))
	}
	return mean
}

// columnSums adds the rows of x [N,D].
func columnSums(x []float32, d int) []float64 {
	sums := make([]float64, d)
	for i, v := range x {
		sums[i%d] += float64(v)
	}
	return sums
}

// pairCosines is the mean cosine of the rows of views z [2N,D], which have length 1,
// with that of the other view of their image, and with those of other images.
func pairCosines(z *tensor.Tensor) (positive, negative float64) {
	n, d := z.Dim(0)/2, z.Dim(1)
	var same, square float64
	for i, v := range z.Data()[:n*d] {
		same += float64(float64(v) * float64(z.Data()[n*d+i]))
	}
	for _, v := range z.Data() {
		square += float64(float64(v) * float64(v))
	}
	all := float64(meanDot(z, z.Data()) * float64(4*n*n)) // of all pairs, each with itself among them
	return same / float64(n), (all - square - 2*same) / float64(4*n*(n-1))
}

// narrow names the collapse of projections of the reported spread, if it is one.
func narrow(values map[string]float64) string {
	spread, ok := values[projectionStd]
	if !ok || spread >= 0.1 {
		return ""
	}
	return fmt.Sprintf("complete collapse of the projections: those of all images are nearly the same (standard deviation %.3f, 1 if they point everywhere, below 0.1)", spread)
}

// directionsOf is in how many directions the rows of z [N,D] spread: the square of the
// sum of their covariance's eigenvalues over the sum of the squares, 1 if they lie on
// a line, D if no direction is preferred, and 0 if they are all the same.
func directionsOf(z *tensor.Tensor) float64 {
	n, d := z.Dim(0), z.Dim(1)
	mean, row := columnSums(z.Data(), d), make([]float64, d)
	covariance := make([]float64, d*d) // its lower half
	for i := range n {
		for j, v := range z.Data()[i*d : (i+1)*d] {
			row[j] = float64(v) - mean[j]/float64(n)
			for k, w := range row[:j+1] {
				covariance[j*d+k] += float64(row[j] * w)
			}
		}
	}
	var trace, squares float64
	for j := range d {
		for _, c := range covariance[j*d : j*d+j] {
			squares += float64(2 * float64(c*c))
		}
		c := covariance[j*d+j]
		trace += c
		squares += float64(c * c)
	}
	if squares == 0 {
		return 0
	}
	return float64(trace*trace) / squares
}

// between returns an error that names the field unless low ≤ v ≤ high.
func between(field string, v, low, high float32) error {
	if v >= low && v <= high {
		return nil
	}
	return fmt.Errorf("contrastive: %s is %g, want %g to %g", field, v, low, high)
}

// positive returns an error that names the field unless v > 0.
func positive[T int | float32](field string, v T) error {
	if v > 0 {
		return nil
	}
	return fmt.Errorf("contrastive: %s is %v, want > 0", field, v)
}

package pipeline

import (
	"math"

	"sslnotes/sslkit/tensor"
)

// A bound is the lower Cholesky factor of a matrix that, once for every class, is
// above the Hessian of penalised multinomial logistic regression: half the
// second moments of the features and of the bias's constant 1, plus the penalty
// on the diagonal of the weights (Böhning 1992). Features that go
// together and features of little spread make the fit slow; divided by the
// bound, they no longer do.
type bound struct {
	factor []float64 // [n,n], row by row; what is above the diagonal is not read
	n      int       // features and the bias
}

// sampled is the number of samples by which moments are known well enough, and
// mostDims that of features up to which they are worth their cost, which grows with the
// third power: the pixels of a small picture in colour are 3072.
const (
	sampled  = 4096
	mostDims = 2048
)

// moments returns half the second moments of features f [N,dim] with a constant
// 1 at the end, [dim+1,dim+1], or nil if there are too few samples or too many
// features for it.
func moments(f *tensor.Tensor) []float64 {
	index := spaced(f.Dim(0), sampled)
	dim, samples := f.Dim(1), len(index)
	if samples <= dim || dim > mostDims {
		return nil
	}
	x := tensor.New(dim+1, samples)
	for i, sample := range index {
		for j, v := range f.Data()[sample*dim : (sample+1)*dim] {
			x.Data()[j*samples+i] = v
		}
		x.Data()[dim*samples+i] = 1
	}
	m := make([]float64, (dim+1)*(dim+1))
	for i, v := range tensor.MatMulT(x, x).Data() {
		m[i] = float64(v) / float64(2*samples)
	}
	return m
}

// newBound adds a penalty to moments and factors the sum, or returns nil if
// there are none or the sum is singular to rounding.
func newBound(moments []float64, penalty float64) *bound {
	if moments == nil {
		return nil
	}
	n := int(math.Sqrt(float64(len(moments))))
	b := &bound{make([]float64, n*n), n}
	for i := range n {
		row := b.factor[i*n : (i+1)*n]
		for j := range i {
			other := b.factor[j*n : (j+1)*n]
			row[j] = (moments[i*n+j] - dot(row[:j], other[:j])) / other[j]
		}
		square := moments[i*n+i] - dot(row[:i], row[:i])
		if i < n-1 {
			square += penalty
		}
		if !(square > 0) {
			return nil
		}
		row[i] = math.Sqrt(square)
	}
	return b
}

// divide replaces d [n,classes] by the bound's inverse times d.
func (b *bound) divide(d []float64) {
	classes := len(d) / b.n
	row := func(i int) []float64 { return d[i*classes : (i+1)*classes] }
	for i := range b.n { // the factor's inverse
		to := row(i)
		for j, v := range b.factor[i*b.n : i*b.n+i] {
			axpy(to, -v, row(j))
		}
		for k := range to {
			to[k] /= b.factor[i*b.n+i]
		}
	}
	for i := b.n - 1; i >= 0; i-- { // its transpose's
		from := row(i)
		for k := range from {
			from[k] /= b.factor[i*b.n+i]
		}
		for j, v := range b.factor[i*b.n : i*b.n+i] {
			axpy(row(j), -v, from)
		}
	}
}

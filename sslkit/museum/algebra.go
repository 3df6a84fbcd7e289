package museum

import (
	"math"

	"sslnotes/sslkit/tensor"
)

// normalised returns x with rows of length one.
func normalised(x *tensor.Tensor) *tensor.Tensor { return tensor.L2Normalize(x, 1e-12) }

// rowSums returns the sums of the rows of x [M,N], as [M,1].
func rowSums(x *tensor.Tensor) *tensor.Tensor { return tensor.MatMulT(x, full(1, 1, x.Dim(1))) }

// full returns a constant tensor.
func full(v float32, shape ...int) *tensor.Tensor {
	x := tensor.New(shape...)
	for i := range x.Data() {
		x.Data()[i] = v
	}
	return x
}

// plus returns x + v.
func plus(x *tensor.Tensor, v float32) *tensor.Tensor { return tensor.Add(x, full(v, x.Shape()...)) }

// at returns an m×n matrix that is v at column[i] of each row i, and else 0.
func at(v float32, m, n int, column func(i int) int) *tensor.Tensor {
	x := tensor.New(m, n)
	for i := range m {
		x.Data()[i*n+column(i)] = v
	}
	return x
}

// numbers returns 0 to n-1.
func numbers(n int) []int {
	all := make([]int, n)
	for i := range all {
		all[i] = i
	}
	return all
}

var never = float32(math.Inf(-1)) // the logit of what is excluded

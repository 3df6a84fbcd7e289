package tensor

import (
	"math"

	"sslnotes/sslkit/internal/f32"
)

// BatchNorm normalises every channel (the last dimension) of x by the mean and
// the biased variance of the whole batch, then scales by gamma and shifts by
// beta (Ioffe and Szegedy 2015). It also returns the mean and the variance.
// Both are sums over samples by the leaf tree.
func BatchNorm(x, gamma, beta *Tensor, eps float32) (y *Tensor, mean, variance []float32) {
	c := x.Dim(-1)
	if gamma.Len() != c || beta.Len() != c {
		mismatch("BatchNorm", x, gamma, beta)
	}
	samples, count := x.shape[0], len(x.data)/c
	rows := count / samples
	mean, variance = moments(samples, rows, c, x.data)
	rstd := inverseStd(variance, eps)
	y = result(x.shape, func(y *Tensor) {
		sums := make([]float32, 2*c) // Σ dy and Σ dy·x̂
		f32.SumSamples(samples, 2*c, sums, func(from, to int, sum []float32) {
			for r := from * rows; r < to*rows; r++ {
				xr, dr := x.data[r*c:(r+1)*c], y.grad[r*c:(r+1)*c]
				for j, d := range dr {
					sum[j] += d
					sum[c+j] += float32(d * float32((xr[j]-mean[j])*rstd[j]))
				}
			}
		})
		accumulate(beta, sums[:c], 1)
		accumulate(gamma, sums[c:], 1)
		if x.needs {
			normGrad(x, y.grad, gamma.data, mean, rstd, sums, count)
		}
	}, x, gamma, beta)
	normalise(y.data, x.data, gamma.data, beta.data, mean, rstd)
	return y, mean, variance
}

// moments returns the mean and the biased variance of each of c columns.
func moments(samples, rows, c int, x []float32) (mean, variance []float32) {
	mean, variance = make([]float32, c), make([]float32, c)
	share := 1 / float32(samples*rows)
	f32.ColumnSums(samples, rows, c, x, mean)
	for j := range mean {
		mean[j] *= share
	}
	f32.SumSamples(samples, c, variance, func(from, to int, sum []float32) {
		for r := from * rows; r < to*rows; r++ {
			for j, v := range x[r*c : (r+1)*c] {
				d := v - mean[j]
				sum[j] += float32(d * d)
			}
		}
	})
	for j := range variance {
		variance[j] *= share
	}
	return mean, variance
}

func inverseStd(variance []float32, eps float32) []float32 {
	r := make([]float32, len(variance))
	for j, v := range variance {
		r[j] = 1 / float32(math.Sqrt(float64(v+eps)))
	}
	return r
}

func normalise(y, x, gamma, beta, mean, rstd []float32) {
	c := len(gamma)
	scale := make([]float32, c)
	for j := range scale {
		scale[j] = gamma[j] * rstd[j]
	}
	f32.Chunks(len(x)/c, max(1, chunk/c), func(from, to int) {
		for r := from; r < to; r++ {
			xr, yr := x[r*c:(r+1)*c], y[r*c:(r+1)*c]
			for j, v := range xr {
				yr[j] = float32((v-mean[j])*scale[j]) + beta[j]
			}
		}
	})
}

// normGrad adds BatchNorm's input gradient to x's: γ/σ·(dy - mean(dy) -
// x̂·mean(dy·x̂)).
func normGrad(x *Tensor, dy, gamma, mean, rstd, sums []float32, count int) {
	c, share, g := len(gamma), 1/float32(count), x.gradient()
	scale, shift, slope := make([]float32, c), make([]float32, c), make([]float32, c)
	for j := range scale {
		scale[j] = gamma[j] * rstd[j]
		shift[j] = sums[j] * share
		slope[j] = float32(sums[c+j]*share) * rstd[j]
	}
	f32.Chunks(count, max(1, chunk/c), func(from, to int) {
		for r := from; r < to; r++ {
			xr, dr, gr := x.data[r*c:(r+1)*c], dy[r*c:(r+1)*c], g[r*c:(r+1)*c]
			for j, d := range dr {
				centred := (d - shift[j]) - float32((xr[j]-mean[j])*slope[j])
				gr[j] += float32(centred * scale[j])
			}
		}
	})
}

// BatchNormEval normalises by given statistics, which are constants.
func BatchNormEval(x, gamma, beta *Tensor, mean, variance []float32, eps float32) *Tensor {
	c := x.Dim(-1)
	if gamma.Len() != c || beta.Len() != c || len(mean) != c || len(variance) != c {
		mismatch("BatchNormEval", x, gamma, beta)
	}
	rstd := inverseStd(variance, eps)
	samples, rows := x.shape[0], len(x.data)/c/x.shape[0]
	y := result(x.shape, func(y *Tensor) {
		sums := make([]float32, 2*c)
		f32.SumSamples(samples, 2*c, sums, func(from, to int, sum []float32) {
			for i := from * rows * c; i < to*rows*c; i++ {
				j := i % c
				sum[j] += y.grad[i]
				sum[c+j] += float32(y.grad[i] * float32((x.data[i]-mean[j])*rstd[j]))
			}
		})
		accumulate(beta, sums[:c], 1)
		accumulate(gamma, sums[c:], 1)
		if x.needs {
			g := x.gradient()
			for i, d := range y.grad {
				g[i] += float32(d * float32(gamma.data[i%c]*rstd[i%c]))
			}
		}
	}, x, gamma, beta)
	normalise(y.data, x.data, gamma.data, beta.data, mean, rstd)
	return y
}

// L2Normalize divides every row (the last dimension) by its length, or by eps
// if that is larger. A zero row stays zero.
func L2Normalize(x *Tensor, eps float32) *Tensor {
	c := x.Dim(-1)
	rows := len(x.data) / c
	length := make([]float32, rows)
	out := result(x.shape, func(out *Tensor) {
		g := x.gradient()
		for r := range rows {
			z, d := out.data[r*c:(r+1)*c], out.grad[r*c:(r+1)*c]
			along := float32(f32.Dot(z, d))
			for j := range z {
				g[r*c+j] += (d[j] - float32(along*z[j])) / length[r]
			}
		}
	}, x)
	for r := range rows {
		row := x.data[r*c : (r+1)*c]
		length[r] = max(eps, float32(math.Sqrt(f32.Dot(row, row))))
		for j, v := range row {
			out.data[r*c+j] = v / length[r]
		}
	}
	return out
}

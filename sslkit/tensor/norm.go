package tensor

import (
	"math"
	"slices"

	"sslnotes/sslkit/internal/f32"
)

// BatchNorm normalises every channel (the last dimension) of x by the mean and
// the biased variance of the whole batch, then scales by gamma and shifts by
// beta (Ioffe and Szegedy 2015). It also returns the mean and the variance.
// Both are made as f32.Moments says.
func BatchNorm(x, gamma, beta *Tensor, eps float32) (y *Tensor, mean, variance []float32) {
	return batchNorm("BatchNorm", x, gamma, beta, nil, eps, false)
}

// BatchNormReLU is ReLU of BatchNorm in one pass, with the same bits.
func BatchNormReLU(x, gamma, beta *Tensor, eps float32) (y *Tensor, mean, variance []float32) {
	return batchNorm("BatchNormReLU", x, gamma, beta, nil, eps, true)
}

// BatchNormAddReLU is ReLU of BatchNorm plus a shortcut of x's shape in one
// pass, with the same bits: the end of a residual block.
func BatchNormAddReLU(x, gamma, beta, shortcut *Tensor, eps float32) (y *Tensor, mean, variance []float32) {
	if !slices.Equal(x.shape, shortcut.shape) {
		mismatch("BatchNormAddReLU", x, shortcut)
	}
	return batchNorm("BatchNormAddReLU", x, gamma, beta, shortcut, eps, true)
}

// batchNorm is all of them; a nil shortcut is none.
func batchNorm(op string, x, gamma, beta, shortcut *Tensor, eps float32, relu bool) (y *Tensor, mean, variance []float32) {
	c := x.Dim(-1)
	if gamma.Len() != c || beta.Len() != c {
		mismatch(op, x, gamma, beta)
	}
	samples := x.shape[0]
	mean, variance = moments(samples, len(x.data)/samples, c, x.data)
	rstd := inverseStd(variance, eps)
	y = written(x.shape, func(y *Tensor) {
		norm := normed{mean: mean, rstd: rstd}
		switch {
		case shortcut != nil:
			maskGradient(y)
		case relu:
			norm.y = y.data
		}
		if shortcut != nil {
			normBackward(x, gamma, beta, y.grad, nil, norm)
			passOn(y, shortcut)
			return
		}
		held := y.held
		y.held = nil
		normBackward(x, gamma, beta, y.grad, held, norm)
	}, x, gamma, beta, shortcut)
	normalise(y.data, x, gamma, beta, shortcut, mean, rstd, relu)
	return y, mean, variance
}

// maskGradient clears y's gradient where y is not positive.
func maskGradient(y *Tensor) {
	f32.Chunks(len(y.grad), chunk, func(from, to int) {
		f32.ReLUGrad(y.grad[from:to], y.grad[from:to], y.data[from:to])
	})
}

// passOn adds y's gradient, which nobody needs any more, to that of x.
func passOn(y, x *Tensor) {
	if y.held == nil {
		accumulate(x, y.grad, 1)
		return
	}
	held := y.held
	y.held = nil
	receiveHeld(x, held)
}

// part is x[from:to], or nil if x is.
func part(x []float32, from, to int) []float32 {
	if x == nil {
		return nil
	}
	return x[from:to]
}

// moments returns the mean and the biased variance of each of c columns of
// samples of the given size.
func moments(samples, size, c int, x []float32) (mean, variance []float32) {
	mean, variance = make([]float32, c), make([]float32, c)
	f32.Moments(samples, size/c, c, x, mean, variance)
	return mean, variance
}

func inverseStd(variance []float32, eps float32) []float32 {
	r := make([]float32, len(variance))
	for j, v := range variance {
		r[j] = 1 / float32(math.Sqrt(float64(v+eps)))
	}
	return r
}

// normalise computes a row of y from a row of x and, if there is one, of the
// shortcut.
func normalise(y []float32, x, gamma, beta, shortcut *Tensor, mean, rstd []float32, relu bool) {
	c, scale := gamma.Len(), scales(gamma, rstd)
	f32.Chunks(len(y)/c, max(1, chunk/c), func(from, to int) {
		from, to = from*c, to*c
		if shortcut == nil {
			f32.Norm(y[from:to], x.data[from:to], mean, scale, beta.data, relu)
			return
		}
		for ; from < to; from += nearby / c * c {
			end := min(to, from+nearby/c*c)
			f32.Norm(y[from:end], x.data[from:end], mean, scale, beta.data, false)
			f32.Add(y[from:end], y[from:end], shortcut.data[from:end], relu)
		}
	})
}

// scales are γ/σ.
func scales(gamma *Tensor, rstd []float32) []float32 {
	s := make([]float32, len(rstd))
	for j := range s {
		s[j] = gamma.data[j] * rstd[j]
	}
	return s
}

// normed is what a normalisation remembers. Where a ReLU cut its values, the
// gradient is taken as zero: that is seen from y, or, if the values were not
// kept, by making them again. With neither there was no ReLU.
type normed struct {
	mean, rstd []float32
	y          []float32
	again      *f32.NormReLU
}

// cut calls f with the values of parts of x that fit into the first cache, nil
// if there was no ReLU. A part is made of whole pieces of f32.NormSums.
func (n normed) cut(x []float32, from, to int, f func(from, to int, y []float32)) {
	if n.again == nil {
		f(from, to, part(n.y, from, to))
		return
	}
	c := len(n.mean)
	step := max(1, nearby/(f32.Piece*c)) * f32.Piece * c
	held := f32.Scratch(step)
	defer f32.Release(held)
	for ; from < to; from += step {
		y := (*held)[:min(step, to-from)]
		n.again.Apply(y, x[from:from+len(y)])
		f(from, from+len(y), y)
	}
}

// normBackward sends the gradient dy of a normalisation of x to its inputs. The
// one of x is γ/σ·(dy - mean(dy) - x̂·mean(dy·x̂)). If dy stands in a held
// buffer, which nobody needs any more, that is used up.
func normBackward(x, gamma, beta *Tensor, dy []float32, held *[]float32, n normed) {
	c, samples, count := gamma.Len(), x.shape[0], len(x.data)/gamma.Len()
	size := len(x.data) / samples
	sums := make([]float32, 2*c) // Σ dy and Σ dy·x̂
	f32.SumSamples(samples, 2*c, sums, func(from, to int, sum []float32) {
		held := f32.Scratch(2 * c)
		defer f32.Release(held)
		one := *held
		for i := from; i < to; i++ {
			clear(one)
			n.cut(x.data, i*size, (i+1)*size, func(from, to int, y []float32) {
				f32.NormSums(one[:c], one[c:], dy[from:to], y, x.data[from:to], n.mean, n.rstd)
			})
			f32.Add(sum, sum, one, false)
		}
	})
	accumulate(beta, sums[:c], 1)
	accumulate(gamma, sums[c:], 1)
	if held == nil {
		held = f32.Scratch(len(dy))
	}
	if !x.needs {
		f32.Release(held)
		return
	}
	share, scale := 1/float32(count), scales(gamma, n.rstd)
	shift, slope := make([]float32, c), make([]float32, c)
	for j := range scale {
		shift[j] = sums[j] * share
		slope[j] = float32(sums[c+j]*share) * n.rstd[j]
	}
	dx := *held
	f32.Chunks(count, max(1, chunk/c), func(from, to int) {
		n.cut(x.data, from*c, to*c, func(from, to int, y []float32) {
			f32.NormGrad(dx[from:to], dy[from:to], y, x.data[from:to], n.mean, slope, shift, scale)
		})
	})
	receiveHeld(x, held)
}

// BatchNormEval normalises by given statistics, which are constants.
func BatchNormEval(x, gamma, beta *Tensor, mean, variance []float32, eps float32) *Tensor {
	c := x.Dim(-1)
	if gamma.Len() != c || beta.Len() != c || len(mean) != c || len(variance) != c {
		mismatch("BatchNormEval", x, gamma, beta)
	}
	rstd := inverseStd(variance, eps)
	samples, rows := x.shape[0], len(x.data)/c/x.shape[0]
	y := written(x.shape, func(y *Tensor) {
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
	normalise(y.data, x, gamma, beta, nil, mean, rstd, false)
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

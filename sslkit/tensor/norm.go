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
	if c := x.Dim(-1); gamma.Len() != c || beta.Len() != c {
		mismatch(op, x, gamma, beta)
	}
	m := moments(x, gamma, eps)
	y = written(x.shape, normalised{x, gamma, beta, shortcut, m, relu}, func(y *Tensor, s normalised) {
		norm := normed{statistics: s.statistics}
		if s.shortcut != nil {
			maskGradient(y)
			y.spend()
			normBackward(s.x, s.gamma, s.beta, y.grad, nil, norm)
			passOn(y, s.shortcut)
		} else {
			if s.relu {
				norm.y = y.data
			}
			held := y.held
			y.held = nil
			normBackward(s.x, s.gamma, s.beta, y.grad, held, norm)
		}
		f32.Release(s.held)
	}, x, gamma, beta, shortcut)
	normalise(y.data, x, beta, shortcut, m.mean, m.scale, relu)
	y.unsaved(m.held)
	y.beside, y.ignored, y.unread = m.moments, shortcut, !relu
	return y, m.mean, m.variance
}

// normalised is what batchNorm saves.
type normalised struct {
	x, gamma, beta, shortcut *Tensor
	statistics
	relu bool
}

// fill implements filler.
func (s *normalised) fill(to []float32, from int) {
	room := f32.Scratch(len(to))
	f32.Norm(to, s.x.elements(from, *room), s.mean, s.scale, s.beta.data, s.relu && s.shortcut == nil)
	if s.shortcut != nil {
		f32.Add(to, to, s.shortcut.elements(from, *room), s.relu)
	}
	f32.Release(room)
}

// maskGradient clears y's gradient where y is not positive.
func maskGradient(y *Tensor) {
	f32.Chunks(len(y.grad), chunk, vectors{z: y.grad, x: y.data}, func(v vectors, from, to int) {
		f32.ReLUGrad(v.z[from:to], v.z[from:to], v.x[from:to])
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
	receive(x, held)
}

// part is x[from:to], or nil if x is.
func part(x []float32, from, to int) []float32 {
	if x == nil {
		return nil
	}
	return x[from:to]
}

// statistics are of the channels of a batch.
type statistics struct {
	mean, variance []float32
	rstd, scale    []float32  // 1/σ and γ/σ
	moments, held  *[]float32 // the buffers of the first and of the last two
}

// moments computes the statistics of x, the variance being the biased one.
func moments(x, gamma *Tensor, eps float32) statistics {
	c, samples := gamma.Len(), x.shape[0]
	s := statistics{moments: f32.Scratch(2 * c), held: f32.Scratch(2 * c)}
	s.mean, s.variance = (*s.moments)[:c:c], (*s.moments)[c:]
	s.rstd, s.scale = (*s.held)[:c], (*s.held)[c:]
	f32.Moments(samples, len(x.data)/samples/c, c, x.data, s.mean, s.variance)
	inverseStd(s.rstd, s.scale, s.variance, gamma, eps)
	return s
}

// inverseStd computes 1/σ and γ/σ.
func inverseStd(rstd, scale, variance []float32, gamma *Tensor, eps float32) {
	for j, v := range variance {
		rstd[j] = 1 / float32(math.Sqrt(float64(v+eps)))
		scale[j] = gamma.data[j] * rstd[j]
	}
}

// normalise computes a row of y from a row of x and, if there is one, of the
// shortcut.
func normalise(y []float32, x, beta, shortcut *Tensor, mean, scale []float32, relu bool) {
	type rows struct {
		y, x, mean, scale, beta, shortcut []float32
		relu                              bool
	}
	c, r := len(mean), rows{y: y, x: x.data, mean: mean, scale: scale, beta: beta.data, relu: relu}
	if shortcut != nil {
		r.shortcut = shortcut.data
	}
	f32.Chunks(len(y)/c, max(1, chunk/c), r, func(r rows, from, to int) {
		c := len(r.mean)
		from, to = from*c, to*c
		if r.shortcut == nil {
			f32.Norm(r.y[from:to], r.x[from:to], r.mean, r.scale, r.beta, r.relu)
			return
		}
		for ; from < to; from += nearby / c * c {
			end := min(to, from+nearby/c*c)
			f32.Norm(r.y[from:end], r.x[from:end], r.mean, r.scale, r.beta, false)
			f32.Add(r.y[from:end], r.y[from:end], r.shortcut[from:end], r.relu)
		}
	})
}

// normed is what a normalisation remembers. Where a ReLU cut its values, the
// gradient is taken as zero: that is seen from y, or, if the values were not
// kept, by making them again. With neither there was no ReLU.
type normed struct {
	statistics
	y     []float32
	again f32.NormReLU
}

// cut calls f with the values of parts of x that fit into the first cache, nil
// if there was no ReLU. A part is made of whole pieces of f32.NormSums.
func (n *normed) cut(x []float32, from, to int, f func(from, to int, y []float32)) {
	if !n.again.Acts() {
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
	type way struct {
		normed
		dx, dy, x    []float32
		size         int // of a sample
		shift, slope []float32
	}
	c, samples, count := gamma.Len(), x.shape[0], len(x.data)/gamma.Len()
	work := f32.Scratch(4 * c)
	defer f32.Release(work)
	sums := (*work)[:2*c] // Σ dy and Σ dy·x̂
	w := way{normed: n, dy: dy, x: x.data, size: len(x.data) / samples, shift: (*work)[2*c : 3*c], slope: (*work)[3*c:]}
	f32.SumSamples(samples, 2*c, sums, w, func(w way, from, to int, sum []float32) {
		c := len(w.mean)
		held := f32.Scratch(2 * c)
		defer f32.Release(held)
		one := *held
		for i := from; i < to; i++ {
			clear(one)
			w.cut(w.x, i*w.size, (i+1)*w.size, func(from, to int, y []float32) {
				f32.NormSums(one[:c], one[c:], w.dy[from:to], y, w.x[from:to], w.mean, w.rstd)
			})
			f32.Add(sum, sum, one, false)
		}
	})
	accumulate(beta, sums[:c], 1)
	accumulate(gamma, sums[c:], 1)
	if !x.needs {
		if held != nil {
			f32.Release(held)
		}
		return
	}
	if held == nil {
		held = f32.Scratch(len(dy))
	}
	w.dx = *held
	share := 1 / float32(count)
	for j := range w.shift {
		w.shift[j] = sums[j] * share
		w.slope[j] = float32(sums[c+j]*share) * n.rstd[j]
	}
	f32.Chunks(count, max(1, chunk/c), w, func(w way, from, to int) {
		c := len(w.mean)
		w.cut(w.x, from*c, to*c, func(from, to int, y []float32) {
			f32.NormGrad(w.dx[from:to], w.dy[from:to], y, w.x[from:to], w.mean, w.slope, w.shift, w.scale)
		})
	})
	receive(x, held)
}

// BatchNormEval normalises by given statistics, which are constants.
func BatchNormEval(x, gamma, beta *Tensor, mean, variance []float32, eps float32) *Tensor {
	c := x.Dim(-1)
	if gamma.Len() != c || beta.Len() != c || len(mean) != c || len(variance) != c {
		mismatch("BatchNormEval", x, gamma, beta)
	}
	type saved struct {
		x, gamma, beta *Tensor
		mean, rstd     []float32
		held           *[]float32
	}
	held := f32.Scratch(2 * c)
	rstd, scale := (*held)[:c], (*held)[c:]
	inverseStd(rstd, scale, variance, gamma, eps)
	y := written(x.shape, saved{x, gamma, beta, mean, rstd, held}, func(y *Tensor, s saved) {
		type columns struct {
			size       int // of a sample
			dy, x      []float32
			mean, rstd []float32
		}
		c, samples := len(s.rstd), s.x.shape[0]
		sums := f32.Scratch(2 * c)
		f32.SumSamples(samples, 2*c, *sums, columns{len(s.x.data) / samples, y.grad, s.x.data, s.mean, s.rstd}, func(v columns, from, to int, sum []float32) {
			c := len(v.rstd)
			for i := from * v.size; i < to*v.size; i++ {
				j := i % c
				sum[j] += v.dy[i]
				sum[c+j] += float32(v.dy[i] * float32((v.x[i]-v.mean[j])*v.rstd[j]))
			}
		})
		accumulate(s.beta, (*sums)[:c], 1)
		accumulate(s.gamma, (*sums)[c:], 1)
		f32.Release(sums)
		if s.x.needs {
			g := s.x.gradient()
			for i, d := range y.grad {
				g[i] += float32(d * float32(s.gamma.data[i%c]*s.rstd[i%c]))
			}
		}
		f32.Release(s.held)
	}, x, gamma, beta)
	normalise(y.data, x, beta, nil, mean, scale, false)
	y.unsaved(held)
	return y
}

// L2Normalize divides every row (the last dimension) by its length, or by eps
// if that is larger. A zero row stays zero.
func L2Normalize(x *Tensor, eps float32) *Tensor {
	type saved struct {
		x      *Tensor
		length *[]float32 // of the rows
	}
	c := x.Dim(-1)
	rows := len(x.data) / c
	length := f32.Scratch(rows)
	out := written(x.shape, saved{x, length}, func(out *Tensor, s saved) {
		g, c := s.x.gradient(), s.x.Dim(-1)
		for r, length := range *s.length {
			z, d := out.data[r*c:(r+1)*c], out.grad[r*c:(r+1)*c]
			along := float32(f32.Dot(z, d))
			for j := range z {
				g[r*c+j] += (d[j] - float32(along*z[j])) / length
			}
		}
		f32.Release(s.length)
	}, x)
	for r := range rows {
		row := x.data[r*c : (r+1)*c]
		length := &(*length)[r]
		*length = max(eps, float32(math.Sqrt(f32.Dot(row, row))))
		for j, v := range row {
			out.data[r*c+j] = v / *length
		}
	}
	out.unsaved(length)
	return out
}

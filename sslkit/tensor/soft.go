package tensor

import (
	"slices"

	"sslnotes/sslkit/internal/f32"
	"sslnotes/sslkit/rng"
)

// SoftCrossEntropy returns the mean over samples of -Σ_j q_j·log softmax(x)_j
// for logits x and distributions q, both [N,K]. No gradient flows into q, whose
// rows need not sum to 1. Sums over a row run in float64, in order; over
// samples by the leaf tree.
func SoftCrossEntropy(logits, q *Tensor) *Tensor {
	if len(logits.shape) != 2 || !slices.Equal(logits.shape, q.shape) {
		mismatch("SoftCrossEntropy", logits, q)
	}
	n, k := logits.shape[0], logits.shape[1]
	type saved struct {
		logits, q *Tensor
		held      *[]float32 // the softmax of the logits, and Σq of each row
	}
	held := f32.Scratch(n*k + n)
	out := written([]int{1}, saved{logits, q, held}, func(out *Tensor, s saved) {
		n, k := s.logits.shape[0], s.logits.shape[1]
		p, mass := (*s.held)[:n*k], (*s.held)[n*k:]
		g, share := s.logits.gradient(), out.grad[0]/float32(n)
		for i := range g {
			g[i] += float32((float32(p[i]*mass[i/k]) - s.q.data[i]) * share)
		}
		f32.Release(s.held)
	}, logits)
	type rows struct {
		k                          int
		logits, q, p, mass, losses []float32
	}
	losses := f32.Scratch(n)
	r := rows{k, logits.data, q.data, (*held)[:n*k], (*held)[n*k:], *losses}
	f32.Chunks(n, max(1, 1<<12/k), r, func(r rows, from, to int) {
		for i := from; i < to; i++ {
			at, end := i*r.k, (i+1)*r.k
			r.losses[i], r.mass[i] = softRow(r.logits[at:end], r.q[at:end], r.p[at:end])
		}
	})
	f32.ColumnSums(n, 1, 1, *losses, out.data)
	f32.Release(losses)
	out.data[0] /= float32(n)
	out.unsaved(held)
	return out
}

// softRow writes the softmax of a row to p and returns the loss and Σq.
func softRow(row, q, p []float32) (loss, mass float32) {
	logSum, top := softmaxRow(row, p)
	var sum, along float64
	for j, v := range q {
		sum += float64(v)
		along += float64(float64(v) * float64(row[j]-top))
	}
	return float32(float64(sum*logSum) - along), float32(sum)
}

// softmaxRow writes the softmax of a row to p; it returns the largest logit and
// the logarithm of the sum of the exponentials of the distances to it.
func softmaxRow(row, p []float32) (logSum float64, top float32) {
	top = row[0]
	for _, v := range row {
		if v > top || v != v {
			top = v
		}
	}
	var sum float64
	for j, v := range row {
		e := f32.Exp(v - top)
		p[j] = e
		sum += float64(e)
	}
	inverse := float32(1 / sum)
	for j := range p {
		p[j] *= inverse
	}
	return rng.Log(sum), top
}

// Softmax returns the softmax of every row (the last dimension) of x.
func Softmax(x *Tensor) *Tensor {
	k := x.Dim(-1)
	out := written(x.shape, x, func(out, x *Tensor) {
		g, k := x.gradient(), x.Dim(-1)
		for r := range len(g) / k {
			p, d := out.data[r*k:(r+1)*k], out.grad[r*k:(r+1)*k]
			mean := float32(f32.Dot(p, d))
			for j, q := range p {
				g[r*k+j] += float32(q * (d[j] - mean))
			}
		}
	}, x)
	for r := range len(x.data) / k {
		softmaxRow(x.data[r*k:(r+1)*k], out.data[r*k:(r+1)*k])
	}
	return out
}

package tensor

import (
	"fmt"

	"sslnotes/sslkit/internal/f32"
)

// MaskDiagonal returns square x with its diagonal replaced by value; no
// gradient flows to what was there.
func MaskDiagonal(x *Tensor, value float32) *Tensor {
	if len(x.shape) != 2 || x.shape[0] != x.shape[1] {
		mismatch("MaskDiagonal", x)
	}
	n := x.shape[0]
	out := written(x.shape, x, func(out, x *Tensor) {
		g, n := x.gradient(), x.shape[0]
		for i, d := range out.grad {
			if i%(n+1) != 0 {
				g[i] += d
			}
		}
	}, x)
	copy(out.data, x.data)
	for i := range n {
		out.data[i*(n+1)] = value
	}
	return out
}

// CrossEntropy returns the mean over samples of -log softmax(logits)[target],
// for logits [N,K] and a class 0 ≤ target < K for each sample. A logit of -Inf
// excludes its class.
func CrossEntropy(logits *Tensor, targets []int) *Tensor {
	if len(logits.shape) != 2 || len(targets) != logits.shape[0] {
		panic(fmt.Sprintf("tensor: CrossEntropy of shape %v and %d targets", logits.shape, len(targets)))
	}
	n, k := logits.shape[0], logits.shape[1]
	type saved struct {
		logits  *Tensor
		targets []int
		p       *[]float32 // the softmax
	}
	type rows struct {
		k                    int
		targets              []int
		logits, p, losses, g []float32
		share                float32
	}
	p := f32.Scratch(n * k)
	out := written([]int{1}, saved{logits, targets, p}, func(out *Tensor, s saved) {
		n, k := s.logits.shape[0], s.logits.shape[1]
		r := rows{k: k, targets: s.targets, p: *s.p, g: s.logits.gradient(), share: out.grad[0] / float32(n)}
		f32.Chunks(n, max(1, chunk/k), r, func(r rows, from, to int) {
			for i := from; i < to; i++ {
				for j, q := range r.p[i*r.k : (i+1)*r.k] {
					if j == r.targets[i] {
						q -= 1
					}
					r.g[i*r.k+j] += float32(q * r.share)
				}
			}
		})
		f32.Release(s.p)
	}, logits)
	losses := f32.Scratch(n)
	r := rows{k: k, targets: targets, logits: logits.data, p: *p, losses: *losses}
	f32.Chunks(n, max(1, 1<<12/k), r, func(r rows, from, to int) {
		for i := from; i < to; i++ {
			if t := r.targets[i]; t < 0 || t >= r.k {
				panic(fmt.Sprintf("tensor: CrossEntropy of target %d with %d classes", t, r.k))
			}
			r.losses[i] = crossEntropyRow(r.logits[i*r.k:(i+1)*r.k], r.targets[i], r.p[i*r.k:(i+1)*r.k])
		}
	})
	f32.ColumnSums(n, 1, 1, *losses, out.data)
	f32.Release(losses)
	out.data[0] /= float32(n)
	out.unsaved(p)
	return out
}

// crossEntropyRow writes the softmax of a row to p and returns the loss. Sums
// run in float64, in order.
func crossEntropyRow(row []float32, target int, p []float32) float32 {
	logSum, top := softmaxRow(row, p)
	return float32(logSum - float64(row[target]-top))
}

// Mean returns the mean of all elements, summed over samples by the leaf tree.
func Mean(x *Tensor) *Tensor {
	share := 1 / float32(len(x.data))
	out := written([]int{1}, x, func(out, x *Tensor) {
		g, d := x.gradient(), float32(out.grad[0]*(1/float32(len(x.data))))
		for i := range g {
			g[i] += d
		}
	}, x)
	f32.ColumnSums(x.shape[0], len(x.data)/x.shape[0], 1, x.data, out.data)
	out.data[0] *= share
	return out
}

// Argmax returns the place of the largest element of each row of x [N,K], the
// first of equals.
func Argmax(x *Tensor) []int {
	k := x.Dim(-1)
	best := make([]int, len(x.data)/k)
	for i := range best {
		row := x.data[i*k : (i+1)*k]
		for j, v := range row {
			if v > row[best[i]] {
				best[i] = j
			}
		}
	}
	return best
}

// Accuracy returns the share of rows whose largest logit is the target's.
func Accuracy(logits *Tensor, targets []int) float32 {
	right := 0
	for i, c := range Argmax(logits) {
		if c == targets[i] {
			right++
		}
	}
	return float32(right) / float32(len(targets))
}

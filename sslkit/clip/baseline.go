package clip

import (
	"fmt"
	"math"
	"strings"
	"sync"

	"sslnotes/sslkit/data"
	"sslnotes/sslkit/tensor"
)

// Neighbour answers by the training picture whose pixels are nearest, by the
// cosine less each picture's mean: the similarity to a candidate is that to the
// nearest training picture of the same caption. Below all of these stand the
// candidates without such a picture, by the words that they share with the
// caption of the nearest picture of all. It is [M,N] and needs no training.
func (q Question) Neighbour(training *data.Set) *tensor.Tensor {
	s := tensor.MatMulT(centred(q.Pictures), centred(training))
	nearest := tensor.Argmax(s)
	pictures := map[string][]int{}
	for t, c := range training.Captions() {
		pictures[c] = append(pictures[c], t)
	}
	m, n, k := q.Pictures.Len(), len(q.Candidates), training.Len()
	said := make([]map[string]bool, k)
	for t, c := range training.Captions() {
		said[t] = wordsOf(c)
	}
	out := tensor.New(m, n)
	for j, c := range q.Candidates {
		words := wordsOf(c)
		for i := range m {
			best := alike(said[nearest[i]], words) - 3
			for _, t := range pictures[c] {
				best = max(best, float64(s.Data()[i*k+t]))
			}
			out.Data()[i*n+j] = float32(best)
		}
	}
	return out
}

// centred returns a set's pixels less each picture's mean as unit rows [N,H·W·C].
func centred(set *data.Set) *tensor.Tensor {
	size := len(set.Pixels(0))
	x := tensor.New(set.Len(), size)
	for i := range set.Len() {
		var sum float64
		for _, p := range set.Pixels(i) {
			sum += float64(p)
		}
		for j, p := range set.Pixels(i) {
			x.Data()[i*size+j] = float32(float64(p) - sum/float64(size))
		}
	}
	return tensor.L2Normalize(x, 1e-12)
}

// Ridge answers by a linear map from pixels to the words of captions, fitted to
// training by least squares with a penalty of penalty times the mean squared
// length of a picture: the similarity to a candidate is the dot product of the
// predicted words with its own, a unit vector each. It is [M,N]. It returns an
// error unless penalty > 0.
//
// It solves, in float64, for one unknown for each training picture or for each
// value of a pixel, whichever are fewer.
func (q Question) Ridge(training *data.Set, penalty float64) (*tensor.Tensor, error) {
	if !(penalty > 0) {
		return nil, fmt.Errorf("clip: Ridge: penalty is %g, want > 0", penalty)
	}
	x, asked := centred(training), centred(q.Pictures)
	b := overlaps(training.Captions(), q.Candidates)
	c := len(q.Candidates)
	if training.Len() > x.Dim(1) { // (xᵀx + penalty)⁻¹ xᵀb: [values,C]
		across := tensor.Transpose(x)
		b = wide(tensor.MatMulT(across, tensor.Transpose(narrow(b, training.Len(), c))))
		return tensor.MatMulT(asked, tensor.Transpose(solved(tensor.MatMulT(across, across), penalty, b, c))), nil
	}
	// (xxᵀ + penalty)⁻¹ b: [N,C]
	a := solved(tensor.MatMulT(x, x), penalty, b, c)
	return tensor.MatMulT(tensor.MatMulT(asked, x), tensor.Transpose(a)), nil
}

// solved solves (k + penalty) a = b for a [n,c].
func solved(k *tensor.Tensor, penalty float64, b []float64, c int) *tensor.Tensor {
	n, w := k.Dim(0), wide(k)
	for i := range n {
		w[i*n+i] += penalty
	}
	factor(w, n)
	solve(w, b, n, c)
	return narrow(b, n, c)
}

func narrow(x []float64, n, c int) *tensor.Tensor {
	t := tensor.New(n, c)
	for i, v := range x {
		t.Data()[i] = float32(v)
	}
	return t
}

func wide(t *tensor.Tensor) []float64 {
	w := make([]float64, t.Len())
	for i, v := range t.Data() {
		w[i] = float64(v)
	}
	return w
}

// overlaps returns for each caption a and b the dot product of their words as
// unit vectors, less the mean over a: [len(a),len(b)].
func overlaps(a, b []string) []float64 {
	has := make([]map[string]bool, len(b))
	for j, t := range b {
		has[j] = wordsOf(t)
	}
	out := make([]float64, len(a)*len(b))
	mean := make([]float64, len(b))
	for i, t := range a {
		words := wordsOf(t)
		for j := range b {
			v := alike(words, has[j])
			out[i*len(b)+j] = v
			mean[j] += v
		}
	}
	for i := range out {
		out[i] -= mean[i%len(b)] / float64(len(a))
	}
	return out
}

// alike is the dot product of two sets of words as unit vectors.
func alike(a, b map[string]bool) float64 {
	common := 0
	for w := range a {
		if b[w] {
			common++
		}
	}
	return float64(common) / math.Sqrt(float64(max(1, len(a)*len(b))))
}

func wordsOf(text string) map[string]bool {
	set := map[string]bool{}
	for _, w := range strings.Fields(strings.ReplaceAll(strings.ToLower(text), ",", " ")) {
		set[w] = true
	}
	return set
}

// factor replaces the lower half of a positive definite [n,n] matrix by its
// Cholesky factor.
func factor(k []float64, n int) {
	for j := range n {
		row := k[j*n : j*n+j]
		d := math.Sqrt(k[j*n+j] - dot(row, row))
		k[j*n+j] = d
		inParallel(n-j-1, 64, func(from, to int) {
			for i := j + 1 + from; i < j+1+to; i++ {
				k[i*n+j] = (k[i*n+j] - dot(row, k[i*n:i*n+j])) / d
			}
		})
	}
}

// solve replaces b [n,c] by the solution for a Cholesky factor.
func solve(k, b []float64, n, c int) {
	inParallel(c, 64, func(from, to int) {
		take := func(i, j int, by float64) {
			x, y := b[i*c+from:i*c+to], b[j*c+from:j*c+to]
			for t, v := range y {
				x[t] -= float64(by * v)
			}
		}
		over := func(i int) {
			for t := from; t < to; t++ {
				b[i*c+t] /= k[i*n+i]
			}
		}
		for i := range n {
			for j := range i {
				take(i, j, k[i*n+j])
			}
			over(i)
		}
		for i := n - 1; i >= 0; i-- {
			for j := i + 1; j < n; j++ {
				take(i, j, k[j*n+i])
			}
			over(i)
		}
	})
}

// inParallel runs f over the numbers below n in pieces.
func inParallel(n, piece int, f func(from, to int)) {
	var wait sync.WaitGroup
	for from := 0; from < n; from += piece {
		wait.Go(func() { f(from, min(n, from+piece)) })
	}
	wait.Wait()
}

package tensor

import (
	"fmt"

	"sslnotes/sslkit/internal/f32"
)

// Embedding returns the rows of w [V,D] at ids, n samples of equal length one
// after the other, as [n,T,D]. The gradient of w adds up in the order of ids.
func Embedding(w *Tensor, ids []int, n int) *Tensor {
	if len(w.shape) != 2 || n <= 0 || len(ids)%n != 0 {
		panic(fmt.Sprintf("tensor: Embedding of shape %v and %d ids of %d samples", w.shape, len(ids), n))
	}
	for _, id := range ids {
		if id < 0 || id >= w.shape[0] {
			panic(fmt.Sprintf("tensor: Embedding of id %d in shape %v", id, w.shape))
		}
	}
	d := w.shape[1]
	out := written([]int{n, len(ids) / n, d}, func(out *Tensor) {
		g := w.gradient()
		for i, id := range ids {
			f32.Add(g[id*d:(id+1)*d], g[id*d:(id+1)*d], out.grad[i*d:(i+1)*d], false)
		}
	}, w)
	f32.Chunks(len(ids), max(1, chunk/d), func(from, to int) {
		for i := from; i < to; i++ {
			copy(out.data[i*d:(i+1)*d], w.data[ids[i]*d:])
		}
	})
	return out
}

// checkTokens panics unless x is [N,T,D] and index holds equally many places
// below limit for each sample; it returns how many.
func checkTokens(op string, x *Tensor, index []int, limit int) int {
	if len(x.shape) != 3 || len(index)%x.shape[0] != 0 {
		panic(fmt.Sprintf("tensor: %s of shape %v and %d places", op, x.shape, len(index)))
	}
	for _, i := range index {
		if i < 0 || i >= limit {
			panic(fmt.Sprintf("tensor: %s of place %d of %d in shape %v", op, i, limit, x.shape))
		}
	}
	return len(index) / x.shape[0]
}

// GatherTokens returns from each sample of x [N,T,D] its tokens at the K places
// that index [N·K] lists for it, as [N,K,D].
func GatherTokens(x *Tensor, index []int) *Tensor {
	k := checkTokens("GatherTokens", x, index, x.Dim(1))
	n, t, d := x.shape[0], x.shape[1], x.shape[2]
	out := written([]int{n, k, d}, func(out *Tensor) {
		g := x.gradient()
		f32.Parallel(n, func(s int) {
			for j, i := range index[s*k : (s+1)*k] {
				to := g[(s*t+i)*d : (s*t+i+1)*d]
				f32.Add(to, to, out.grad[(s*k+j)*d:(s*k+j+1)*d], false)
			}
		})
	}, x)
	f32.Chunks(len(index), max(1, chunk/d), func(from, to int) {
		for r := from; r < to; r++ {
			copy(out.data[r*d:(r+1)*d], x.data[(r/k*t+index[r])*d:])
		}
	})
	return out
}

// ScatterTokens puts the tokens of x [N,K,D] to the places that index [N·K]
// lists, different ones within a sample, among t tokens, and fill [D]
// everywhere else: [N,t,D]. The gradient of fill is a sum over samples by the
// leaf tree.
func ScatterTokens(x, fill *Tensor, index []int, t int) *Tensor {
	if k := checkTokens("ScatterTokens", x, index, t); k != x.shape[1] || fill.Len() != x.shape[2] {
		mismatch("ScatterTokens", x, fill)
	}
	n, k, d := x.shape[0], x.shape[1], x.shape[2]
	source := make([]int, n*t) // 1 + the token of x that stands there, or 0
	for r, i := range index {
		if source[r/k*t+i] != 0 {
			panic(fmt.Sprintf("tensor: ScatterTokens of two tokens to place %d", i))
		}
		source[r/k*t+i] = r + 1
	}
	out := written([]int{n, t, d}, func(out *Tensor) {
		if x.needs {
			g := x.gradient()
			f32.Chunks(len(index), max(1, chunk/d), func(from, to int) {
				for r := from; r < to; r++ {
					into := g[r*d : (r+1)*d]
					f32.Add(into, into, out.grad[(r/k*t+index[r])*d:][:d], false)
				}
			})
		}
		if fill.needs {
			sum := make([]float32, d)
			f32.SumSamples(n, d, sum, func(a, b int, sum []float32) {
				for r := a * t; r < b*t; r++ {
					if source[r] == 0 {
						f32.Add(sum, sum, out.grad[r*d:(r+1)*d], false)
					}
				}
			})
			accumulate(fill, sum, 1)
		}
	}, x, fill)
	f32.Chunks(n*t, max(1, chunk/d), func(from, to int) {
		for r := from; r < to; r++ {
			if at := source[r]; at > 0 {
				copy(out.data[r*d:(r+1)*d], x.data[(at-1)*d:])
			} else {
				copy(out.data[r*d:(r+1)*d], fill.data)
			}
		}
	})
	return out
}

// SliceTokens returns tokens from to to-1 of x [N,T,D].
func SliceTokens(x *Tensor, from, to int) *Tensor {
	if len(x.shape) != 3 || from < 0 || from > to || to > x.shape[1] {
		panic(fmt.Sprintf("tensor: SliceTokens %d to %d of shape %v", from, to, x.shape))
	}
	n, t, d := x.shape[0], x.shape[1], x.shape[2]
	size := (to - from) * d
	out := written([]int{n, to - from, d}, func(out *Tensor) {
		g := x.gradient()
		f32.Chunks(n, max(1, chunk/max(1, size)), func(first, last int) {
			for s := first; s < last; s++ {
				piece := g[(s*t+from)*d:][:size]
				f32.Add(piece, piece, out.grad[s*size:(s+1)*size], false)
			}
		})
	}, x)
	f32.Chunks(n, max(1, chunk/max(1, size)), func(first, last int) {
		for s := first; s < last; s++ {
			copy(out.data[s*size:(s+1)*size], x.data[(s*t+from)*d:])
		}
	})
	return out
}

// ConcatTokens joins sequences [N,Tᵢ,D] along their tokens. An x of shape
// [1,T,D] is put before or after every sample; its gradient is a sum over
// samples by the leaf tree.
func ConcatTokens(xs ...*Tensor) *Tensor {
	n, t, d := 1, 0, 0
	for _, x := range xs {
		if len(x.shape) != 3 {
			mismatch("ConcatTokens", xs...)
		}
		n, t, d = max(n, x.shape[0]), t+x.shape[1], x.shape[2]
	}
	for _, x := range xs {
		if x.shape[2] != d || x.shape[0] != n && x.shape[0] != 1 {
			mismatch("ConcatTokens", xs...)
		}
	}
	out := written([]int{n, t, d}, func(out *Tensor) {
		at := 0
		for _, x := range xs {
			size := x.shape[1] * d
			switch {
			case !x.needs:
			case x.shape[0] == 1 && n > 1:
				sum := make([]float32, size)
				f32.SumSamples(n, size, sum, func(from, to int, sum []float32) {
					for s := from; s < to; s++ {
						f32.Add(sum, sum, out.grad[s*t*d+at:][:size], false)
					}
				})
				accumulate(x, sum, 1)
			default:
				g, at := x.gradient(), at
				f32.Chunks(n, max(1, chunk/max(1, size)), func(from, to int) {
					for s := from; s < to; s++ {
						f32.Add(g[s*size:(s+1)*size], g[s*size:(s+1)*size], out.grad[s*t*d+at:][:size], false)
					}
				})
			}
			at += size
		}
	}, xs...)
	f32.Chunks(n, max(1, chunk/max(1, t*d)), func(from, to int) {
		for s := from; s < to; s++ {
			at := s * t * d
			for _, x := range xs {
				size := x.shape[1] * d
				copy(out.data[at:at+size], x.data[min(s, x.shape[0]-1)*size:])
				at += size
			}
		}
	})
	return out
}

// AddToEach adds p, of the shape of one sample, to every sample of x. The
// gradient of p is a sum over samples by the leaf tree.
func AddToEach(x, p *Tensor) *Tensor {
	size := len(x.data) / x.shape[0]
	if p.Len() != size {
		mismatch("AddToEach", x, p)
	}
	n := x.shape[0]
	out := written(x.shape, func(out *Tensor) {
		accumulate(x, out.grad, 1)
		if p.needs {
			sum := make([]float32, size)
			f32.ColumnSums(n, 1, size, out.grad, sum)
			accumulate(p, sum, 1)
		}
	}, x, p)
	f32.Chunks(n, max(1, chunk/size), func(from, to int) {
		for s := from; s < to; s++ {
			f32.Add(out.data[s*size:(s+1)*size], x.data[s*size:(s+1)*size], p.data, false)
		}
	})
	return out
}

// MeanTokens returns the mean over the first tokens of each sample of x
// [N,T,D], in order, as [N,D]: over lengths[i] of sample i, over all if lengths
// is nil.
func MeanTokens(x *Tensor, lengths []int) *Tensor {
	if len(x.shape) != 3 || lengths != nil && len(lengths) != x.shape[0] {
		mismatch("MeanTokens", x)
	}
	n, t, d := x.shape[0], x.shape[1], x.shape[2]
	seen := func(s int) int {
		if lengths == nil {
			return t
		}
		if l := lengths[s]; l < 1 || l > t {
			panic(fmt.Sprintf("tensor: MeanTokens of a length of %d in shape %v", l, x.shape))
		}
		return lengths[s]
	}
	out := result([]int{n, d}, func(out *Tensor) {
		g := x.gradient()
		f32.Chunks(n, max(1, chunk/(t*d)), func(from, to int) {
			for s := from; s < to; s++ {
				share := 1 / float32(seen(s))
				for i := range seen(s) {
					row := g[(s*t+i)*d:][:d]
					for j, v := range out.grad[s*d : (s+1)*d] {
						row[j] += float32(v * share)
					}
				}
			}
		})
	}, x)
	f32.Chunks(n, max(1, chunk/(t*d)), func(from, to int) {
		for s := from; s < to; s++ {
			sum, share := out.data[s*d:(s+1)*d], 1/float32(seen(s))
			f32.Sums(sum, x.data[s*t*d:(s*t+seen(s))*d])
			for j := range sum {
				sum[j] *= share
			}
		}
	})
	return out
}

// Patchify cuts images [N,H,W,C] into squares of p×p pixels, row by row, as
// [N,H/p·W/p,p·p·C]; within one, pixels stand row by row with their channels
// together. Unpatchify is its inverse.
func Patchify(x *Tensor, p int) *Tensor {
	if len(x.shape) != 4 || p <= 0 || x.shape[1]%p != 0 || x.shape[2]%p != 0 {
		panic(fmt.Sprintf("tensor: Patchify of shape %v into %d×%d", x.shape, p, p))
	}
	n, h, w, c := x.shape[0], x.shape[1], x.shape[2], x.shape[3]
	out := written([]int{n, h / p * (w / p), p * p * c}, func(out *Tensor) {
		d := make([]float32, len(x.data))
		patches(n, h, w, c, p, func(image, patch, size int) { copy(d[image:image+size], out.grad[patch:]) })
		receive(x, d)
	}, x)
	patches(n, h, w, c, p, func(image, patch, size int) { copy(out.data[patch:patch+size], x.data[image:]) })
	return out
}

// Unpatchify puts patches [N,T,p·p·C] together to images of height h and width w.
func Unpatchify(x *Tensor, p, h, w int) *Tensor {
	if len(x.shape) != 3 || p <= 0 || h%p != 0 || w%p != 0 || x.shape[1] != h/p*(w/p) || x.shape[2]%(p*p) != 0 {
		panic(fmt.Sprintf("tensor: Unpatchify of shape %v into images of %d×%d by %d×%d", x.shape, h, w, p, p))
	}
	n, c := x.shape[0], x.shape[2]/(p*p)
	out := written([]int{n, h, w, c}, func(out *Tensor) {
		d := make([]float32, len(x.data))
		patches(n, h, w, c, p, func(image, patch, size int) { copy(d[patch:patch+size], out.grad[image:]) })
		receive(x, d)
	}, x)
	patches(n, h, w, c, p, func(image, patch, size int) { copy(out.data[image:image+size], x.data[patch:]) })
	return out
}

// patches calls f with where each row of a patch stands in the images and in
// the patches.
func patches(n, h, w, c, p int, f func(image, patch, size int)) {
	size := p * c
	for s := range n {
		for y := range h {
			for x := range w / p {
				patch := ((s*(h/p)+y/p)*(w/p) + x) * p * size
				f((s*h+y)*w*c+x*size, patch+y%p*size, size)
			}
		}
	}
}

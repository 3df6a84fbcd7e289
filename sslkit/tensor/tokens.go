package tensor

import (
	"fmt"
	"slices"

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
	out := written([]int{n, len(ids) / n, d}, gathered{w, ids, 0}, func(out *Tensor, s gathered) {
		g, d := s.x.gradient(), s.x.shape[1]
		for i, id := range s.index {
			f32.Add(g[id*d:(id+1)*d], g[id*d:(id+1)*d], out.grad[i*d:(i+1)*d], false)
		}
	}, w)
	f32.Chunks(len(ids), max(1, chunk/d), rows{to: out.data, from: w.data, index: ids, d: d}, func(r rows, from, to int) {
		for i := from; i < to; i++ {
			copy(r.to[i*r.d:(i+1)*r.d], r.from[r.index[i]*r.d:])
		}
	})
	return out
}

// gathered is what an operation saves that takes rows of x, k from each sample.
type gathered struct {
	x     *Tensor
	index []int
	k     int
}

// rows are what a loop over rows of d values runs over: k of each sample on one
// side, t on the other.
type rows struct {
	to, from []float32
	index    []int
	k, t, d  int
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
	out := written([]int{n, k, d}, gathered{x, index, k}, func(out *Tensor, s gathered) {
		r := rows{s.x.gradient(), out.grad, s.index, s.k, s.x.shape[1], s.x.shape[2]}
		f32.Parallel(s.x.shape[0], r, func(r rows, s int) {
			for j, i := range r.index[s*r.k : (s+1)*r.k] {
				to := r.to[(s*r.t+i)*r.d : (s*r.t+i+1)*r.d]
				f32.Add(to, to, r.from[(s*r.k+j)*r.d:(s*r.k+j+1)*r.d], false)
			}
		})
	}, x)
	f32.Chunks(len(index), max(1, chunk/d), rows{out.data, x.data, index, k, t, d}, func(r rows, from, to int) {
		for i := from; i < to; i++ {
			copy(r.to[i*r.d:(i+1)*r.d], r.from[(i/r.k*r.t+r.index[i])*r.d:])
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
	type saved struct {
		x, fill *Tensor
		index   []int
		places  *places
	}
	p := taken(n, t, k, index)
	out := written([]int{n, t, d}, saved{x, fill, index, p}, func(out *Tensor, s saved) {
		n, k, d, t := s.x.shape[0], s.x.shape[1], s.x.shape[2], out.shape[1]
		if s.x.needs {
			r := rows{s.x.gradient(), out.grad, s.index, k, t, d}
			f32.Chunks(len(s.index), max(1, chunk/d), r, func(r rows, from, to int) {
				for i := from; i < to; i++ {
					into := r.to[i*r.d : (i+1)*r.d]
					f32.Add(into, into, r.from[(i/r.k*r.t+r.index[i])*r.d:][:r.d], false)
				}
			})
		}
		if s.fill.needs {
			sum := f32.Scratch(d)
			f32.SumSamples(n, d, *sum, rows{from: out.grad, index: s.places.source, t: t, d: d}, func(r rows, a, b int, sum []float32) {
				for i := a * r.t; i < b*r.t; i++ {
					if r.index[i] == 0 {
						f32.Add(sum, sum, r.from[i*r.d:(i+1)*r.d], false)
					}
				}
			})
			accumulate(s.fill, *sum, 1)
			f32.Release(sum)
		}
		f32.Give(s.places)
	}, x, fill)
	type loop struct {
		rows
		fill []float32
	}
	f32.Chunks(n*t, max(1, chunk/d), loop{rows{to: out.data, from: x.data, index: p.source, d: d}, fill.data}, func(l loop, from, to int) {
		for r := from; r < to; r++ {
			if at := l.index[r]; at > 0 {
				copy(l.to[r*l.d:(r+1)*l.d], l.from[(at-1)*l.d:])
			} else {
				copy(l.to[r*l.d:(r+1)*l.d], l.fill)
			}
		}
	})
	if out.made == nil {
		f32.Give(p)
	}
	return out
}

// places are those of n·t tokens.
type places struct {
	source []int // 1 + the token that was put there, or 0
}

// taken marks the places among t tokens to which index puts k of each of n
// samples.
func taken(n, t, k int, index []int) *places {
	p := f32.Take[places]()
	p.source = slices.Grow(p.source[:0], n*t)[:n*t]
	clear(p.source)
	for r, i := range index {
		if p.source[r/k*t+i] != 0 {
			panic(fmt.Sprintf("tensor: ScatterTokens of two tokens to place %d", i))
		}
		p.source[r/k*t+i] = r + 1
	}
	return p
}

// SliceTokens returns tokens from to to-1 of x [N,T,D].
func SliceTokens(x *Tensor, from, to int) *Tensor {
	if len(x.shape) != 3 || from < 0 || from > to || to > x.shape[1] {
		panic(fmt.Sprintf("tensor: SliceTokens %d to %d of shape %v", from, to, x.shape))
	}
	n, t, d := x.shape[0], x.shape[1], x.shape[2]
	type saved struct {
		x  *Tensor
		at int
	}
	size := (to - from) * d
	out := written([]int{n, to - from, d}, saved{x, from * d}, func(out *Tensor, s saved) {
		n, size := out.shape[0], out.shape[1]*out.shape[2]
		f32.Chunks(n, max(1, chunk/max(1, size)), pieces{out.grad, s.x.gradient(), s.at, size, len(s.x.data) / max(1, n)}, pieces.addBack)
	}, x)
	f32.Chunks(n, max(1, chunk/max(1, size)), pieces{out.data, x.data, from * d, size, t * d}, func(p pieces, from, to int) {
		for s := from; s < to; s++ {
			copy(p.small[s*p.size:(s+1)*p.size], p.large[s*p.stride+p.at:])
		}
	})
	return out
}

// pieces of samples of stride values are those of size values from at on.
type pieces struct {
	small, large     []float32
	at, size, stride int
}

// addBack adds the pieces to where they stand.
func (p pieces) addBack(from, to int) {
	for s := from; s < to; s++ {
		piece := p.large[s*p.stride+p.at:][:p.size]
		f32.Add(piece, piece, p.small[s*p.size:(s+1)*p.size], false)
	}
}

// takeOut adds what stands at the pieces to them.
func (p pieces) takeOut(from, to int) {
	for s := from; s < to; s++ {
		piece := p.small[s*p.size : (s+1)*p.size]
		f32.Add(piece, piece, p.large[s*p.stride+p.at:][:p.size], false)
	}
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
	out := written([]int{n, t, d}, struct{}{}, func(out *Tensor, _ struct{}) {
		n, p := out.shape[0], pieces{large: out.grad, stride: out.shape[1] * out.shape[2]}
		for _, x := range out.inputs() {
			p.size = x.shape[1] * x.shape[2]
			switch {
			case !x.needs:
			case x.shape[0] == 1 && n > 1:
				sum := f32.Scratch(p.size)
				f32.SumSamples(n, p.size, *sum, p, func(p pieces, from, to int, sum []float32) {
					for s := from; s < to; s++ {
						f32.Add(sum, sum, p.large[s*p.stride+p.at:][:p.size], false)
					}
				})
				accumulate(x, *sum, 1)
				f32.Release(sum)
			default:
				p.small = x.gradient()
				f32.Chunks(n, max(1, chunk/max(1, p.size)), p, pieces.takeOut)
			}
			p.at += p.size
		}
	}, xs...)
	p := pieces{large: out.data, stride: t * d}
	for _, x := range xs {
		p.small, p.size = x.data, x.shape[1]*d
		type repeated struct {
			pieces
			last int
		}
		f32.Chunks(n, max(1, chunk/max(1, p.size)), repeated{p, x.shape[0] - 1}, func(p repeated, from, to int) {
			for s := from; s < to; s++ {
				copy(p.large[s*p.stride+p.at:][:p.size], p.small[min(s, p.last)*p.size:])
			}
		})
		p.at += p.size
	}
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
	out := written(x.shape, pair{x, p}, func(out *Tensor, s pair) {
		accumulate(s.a, out.grad, 1)
		if s.b.needs {
			columnGrad(s.b, out.shape[0], 1, out.grad)
		}
	}, x, p)
	f32.Chunks(n, max(1, chunk/size), vectors{out.data, x.data, p.data}, func(v vectors, from, to int) {
		size := len(v.y)
		for s := from; s < to; s++ {
			f32.Add(v.z[s*size:(s+1)*size], v.x[s*size:(s+1)*size], v.y, false)
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
	for _, l := range lengths {
		if l < 1 || l > t {
			panic(fmt.Sprintf("tensor: MeanTokens of a length of %d in shape %v", l, x.shape))
		}
	}
	out := result([]int{n, d}, gathered{x, lengths, t}, func(out *Tensor, s gathered) {
		n, t, d := s.x.shape[0], s.x.shape[1], s.x.shape[2]
		f32.Chunks(n, max(1, chunk/(t*d)), rows{s.x.gradient(), out.grad, s.index, 1, t, d}, func(r rows, from, to int) {
			for s := from; s < to; s++ {
				seen := r.seen(s)
				share := 1 / float32(seen)
				for i := range seen {
					row := r.to[(s*r.t+i)*r.d:][:r.d]
					for j, v := range r.from[s*r.d : (s+1)*r.d] {
						row[j] += float32(v * share)
					}
				}
			}
		})
	}, x)
	f32.Chunks(n, max(1, chunk/(t*d)), rows{out.data, x.data, lengths, 1, t, d}, func(r rows, from, to int) {
		for s := from; s < to; s++ {
			seen := r.seen(s)
			sum, share := r.to[s*r.d:(s+1)*r.d], 1/float32(seen)
			f32.Sums(sum, r.from[s*r.t*r.d:(s*r.t+seen)*r.d])
			for j := range sum {
				sum[j] *= share
			}
		}
	})
	return out
}

// seen is how many first rows of sample s count, if the index holds that.
func (r *rows) seen(s int) int {
	if r.index == nil {
		return r.t
	}
	return r.index[s]
}

// Patchify cuts images [N,H,W,C] into squares of p×p pixels, row by row, as
// [N,H/p·W/p,p·p·C]; within one, pixels stand row by row with their channels
// together. Unpatchify is its inverse.
func Patchify(x *Tensor, p int) *Tensor {
	if len(x.shape) != 4 || p <= 0 || x.shape[1]%p != 0 || x.shape[2]%p != 0 {
		panic(fmt.Sprintf("tensor: Patchify of shape %v into %d×%d", x.shape, p, p))
	}
	h, w, c := x.shape[1], x.shape[2], x.shape[3]
	out := written([]int{x.shape[0], h / p * (w / p), p * p * c}, gathered{x, nil, p}, func(out *Tensor, s gathered) {
		d := f32.Scratch(len(s.x.data))
		patches(s.x, s.k, func(image, patch, size int) { copy((*d)[image:image+size], out.grad[patch:]) })
		receive(s.x, d)
	}, x)
	patches(x, p, func(image, patch, size int) { copy(out.data[patch:patch+size], x.data[image:]) })
	return out
}

// Unpatchify puts patches [N,T,p·p·C] together to images of height h and width w.
func Unpatchify(x *Tensor, p, h, w int) *Tensor {
	if len(x.shape) != 3 || p <= 0 || h%p != 0 || w%p != 0 || x.shape[1] != h/p*(w/p) || x.shape[2]%(p*p) != 0 {
		panic(fmt.Sprintf("tensor: Unpatchify of shape %v into images of %d×%d by %d×%d", x.shape, h, w, p, p))
	}
	n, c := x.shape[0], x.shape[2]/(p*p)
	out := written([]int{n, h, w, c}, gathered{x, nil, p}, func(out *Tensor, s gathered) {
		d := f32.Scratch(len(s.x.data))
		patches(out, s.k, func(image, patch, size int) { copy((*d)[patch:patch+size], out.grad[image:]) })
		receive(s.x, d)
	}, x)
	patches(out, p, func(image, patch, size int) { copy(out.data[image:image+size], x.data[patch:]) })
	return out
}

// patches calls f with where each row of a patch of p×p pixels stands in the
// images and in the patches.
func patches(images *Tensor, p int, f func(image, patch, size int)) {
	n, h, w, c := images.shape[0], images.shape[1], images.shape[2], images.shape[3]
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

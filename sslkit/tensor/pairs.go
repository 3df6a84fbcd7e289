package tensor

import "sslnotes/sslkit/internal/f32"

// RowDot returns the dot products of the rows of a and b, both [N,D], as [N,1];
// each sum runs in float64 in the order of f32.Dot.
func RowDot(a, b *Tensor) *Tensor {
	if len(a.shape) != 2 || len(b.shape) != 2 || a.shape[0] != b.shape[0] || a.shape[1] != b.shape[1] {
		mismatch("RowDot", a, b)
	}
	n, d := a.shape[0], a.shape[1]
	out := written([]int{n, 1}, pair{a, b}, func(out *Tensor, s pair) {
		d := s.a.shape[1]
		for _, p := range [...]pair{{s.a, s.b}, {s.b, s.a}} {
			if !p.a.needs {
				continue
			}
			g := p.a.gradient()
			for i := range g {
				g[i] += float32(out.grad[i/d] * p.b.data[i])
			}
		}
	}, a, b)
	for i := range n {
		out.data[i] = float32(f32.Dot(a.data[i*d:(i+1)*d], b.data[i*d:(i+1)*d]))
	}
	return out
}

// ConcatColumns joins matrices of equal numbers of rows side by side.
func ConcatColumns(ts ...*Tensor) *Tensor {
	if len(ts) == 0 {
		panic("tensor: ConcatColumns of nothing")
	}
	n, width := ts[0].shape[0], 0
	for _, t := range ts {
		if len(t.shape) != 2 || t.shape[0] != n {
			mismatch("ConcatColumns", ts...)
		}
		width += t.shape[1]
	}
	out := written([]int{n, width}, struct{}{}, func(out *Tensor, _ struct{}) {
		columns(out.grad, out.inputs(), func(t *Tensor, row int, piece []float32) {
			if t.needs {
				g := t.gradient()[row*len(piece):]
				for j, d := range piece {
					g[j] += d
				}
			}
		})
	}, ts...)
	columns(out.data, ts, func(t *Tensor, row int, piece []float32) { copy(piece, t.data[row*len(piece):]) })
	return out
}

// columns calls f with the piece of each row that each of ts has in the joined
// matrix.
func columns(joined []float32, ts []*Tensor, f func(t *Tensor, row int, piece []float32)) {
	n, at := ts[0].shape[0], 0
	width := len(joined) / max(1, n)
	for _, t := range ts {
		w := t.shape[1]
		for i := range n {
			f(t, i, joined[i*width+at:i*width+at+w])
		}
		at += w
	}
}

// Held returns a tensor with t's values through which the gradient is zero and
// not missing: a trained tensor that is held still for some steps.
func Held(t *Tensor) *Tensor { return Add(Scale(t, 0), t.Detach()) }

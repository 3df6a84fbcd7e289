package f32

import "unsafe"

// Attention is scaled dot-product attention of short sequences (Vaswani and
// others 2017) on queries, keys and values that stand side by side in rows of
// 3·Heads·Dim, head by head.
type Attention struct {
	Tokens, Heads, Dim int     // Dim is a head's
	Causal             bool    // a token sees itself and those before it
	Scale              float32 // of the products: 1/√Dim
}

// Lanes is the row length of the probabilities: tokens rounded up to a multiple
// of 16.
func (a Attention) Lanes() int { return (a.Tokens + 15) / 16 * 16 }

// Saved is the number of probabilities of a sample: [Heads,Tokens,Lanes], the
// keys down and the queries across.
func (a Attention) Saved() int { return a.Heads * a.Tokens * a.Lanes() }

// scratch is the number of values that a sample needs beside.
func (a Attention) scratch() int { return (a.Dim + a.Tokens) * a.Lanes() }

// Forward computes the outputs o [Tokens,Heads·Dim] of one sample and the
// probabilities p, which are not kept if it is nil. Only the first keys tokens
// are seen. Products are chains of fused multiply-adds over the head's
// dimensions, then over the keys, in order; the softmax is ColumnSoftmax's.
func (a Attention) Forward(o, p, qkv []float32, keys int) {
	work := scratch(a.scratch())
	defer release(work)
	width, lanes := a.Heads*a.Dim, a.Lanes()
	turned, ph := (*work)[:a.Dim*lanes], (*work)[a.Dim*lanes:]
	for h := range a.Heads {
		if p != nil {
			ph = p[h*a.Tokens*lanes : (h+1)*a.Tokens*lanes]
		}
		q, k, v := qkv[h*a.Dim:], qkv[width+h*a.Dim:], qkv[2*width+h*a.Dim:]
		a.turn(turned, q, 3*width, a.Scale)
		small(keys, lanes, a.Dim, k, 3*width, 1, turned, lanes, ph, lanes)
		if a.Causal {
			for j := 1; j < keys; j++ {
				for t := range j {
					ph[j*lanes+t] = negativeInfinity
				}
			}
		}
		ColumnSoftmax(ph, keys, lanes)
		clear(ph[keys*lanes:])
		small(a.Tokens, a.Dim, keys, ph, 1, lanes, v, 3*width, o[h*a.Dim:], width)
	}
}

// Backward computes dqkv of one sample from do, the probabilities and qkv.
func (a Attention) Backward(dqkv, do, p, qkv []float32, keys int) {
	work := scratch(a.scratch())
	defer release(work)
	width, lanes := a.Heads*a.Dim, a.Lanes()
	turned, ds := (*work)[:a.Dim*lanes], (*work)[a.Dim*lanes:]
	for h := range a.Heads {
		at := h * a.Dim
		ph := p[h*a.Tokens*lanes : (h+1)*a.Tokens*lanes]
		q, k, v := qkv[at:], qkv[width+at:], qkv[2*width+at:]
		a.turn(turned, do[at:], width, 1)
		small(keys, lanes, a.Dim, v, 3*width, 1, turned, lanes, ds, lanes)
		ColumnSoftmaxGrad(ds, ph, keys, lanes, a.Scale)
		small(a.Tokens, a.Dim, keys, ds, 1, lanes, k, 3*width, dqkv[at:], 3*width)
		small(keys, a.Dim, a.Tokens, ds, lanes, 1, q, 3*width, dqkv[width+at:], 3*width)
		small(keys, a.Dim, a.Tokens, ph, lanes, 1, do[at:], width, dqkv[2*width+at:], 3*width)
	}
	for j := keys; j < a.Tokens; j++ { // nobody saw these keys and values
		clear(dqkv[(3*j+1)*width : (3*j+3)*width])
	}
}

// turn writes the tokens' vectors, scaled, as columns; columns beyond are zero.
func (a Attention) turn(dst, src []float32, stride int, scale float32) {
	lanes := a.Lanes()
	for e := range a.Dim {
		clear(dst[e*lanes+a.Tokens : (e+1)*lanes])
	}
	t := a.turnRows(dst, src, stride, scale)
	for ; t < a.Tokens; t++ {
		for e, v := range src[t*stride:][:a.Dim] {
			dst[e*lanes+t] = v * scale
		}
	}
}

// turnRows turns groups of four tokens, and returns how many tokens these are.
func (a Attention) turnRows(dst, src []float32, stride int, scale float32) int {
	lanes, n := a.Lanes(), a.Tokens/4*4
	if n == 0 || a.Dim == 0 {
		return n
	}
	_, _ = src[(n-1)*stride+a.Dim-1], dst[(a.Dim-1)*lanes+n-1]
	if wideTurn() && a.Dim%4 == 0 {
		rowTurn(&turnTask{pointer(dst), pointer(src), 4 * uintptr(stride), 4 * uintptr(lanes), 4 * uintptr(a.Dim), uintptr(n / 8), uintptr(n / 4 % 2), scale})
		return n
	}
	for t := 0; t < n; t += 4 {
		s0, s1, s2, s3 := src[t*stride:][:a.Dim], src[(t+1)*stride:][:a.Dim], src[(t+2)*stride:][:a.Dim], src[(t+3)*stride:][:a.Dim]
		for e := range s0 {
			d := (*[4]float32)(dst[e*lanes+t:])
			d[0], d[1], d[2], d[3] = s0[e]*scale, s1[e]*scale, s2[e]*scale, s3[e]*scale
		}
	}
	return n
}

// small is Gemm from zero for operands that stay in the first cache.
func small(m, n, k int, a []float32, ars, acs int, b []float32, ldb int, c []float32, ldc int) {
	if m <= 0 || n <= 0 {
		return
	}
	_ = c[(m-1)*ldc+n-1]
	if k > 0 {
		_, _ = a[(m-1)*ars+(k-1)*acs], b[(k-1)*ldb+n-1]
	}
	e := active
	t := tile{ars: uintptr(ars) * 4, acs: uintptr(acs) * 4, ldb: uintptr(ldb) * 4, ldc: uintptr(ldc) * 4, k: uintptr(k)}
	for j := 0; j < n; j += e.cols {
		t.a, t.b, t.c = unsafe.Pointer(&a[0]), unsafe.Pointer(&b[j]), unsafe.Pointer(&c[j])
		e.strip(&t, m, min(e.cols, n-j))
	}
}

package f32

import "unsafe"

// Packed is the right side B [k,n] of many matrix products, copied once into
// panels as wide as a tile.
type Packed struct {
	k, n   int
	panels []float32
	held   *[]float32 // the panels, to be given back
	e      *engine
}

// Pack copies B [k,n]. Release the result when it is no longer needed.
func Pack(b []float32, k, n int) Packed {
	p := Packed{k: k, n: n, e: active}
	p.held = scratch(p.e.packedSize(k, n))
	p.panels = *p.held
	p.e.pack(p.panels, b, k, n)
	return p
}

// PackTransposed copies the transpose of B [n,k].
func PackTransposed(b []float32, k, n int) Packed {
	t := scratch(k * n)
	defer release(t)
	Transpose(*t, b, n, k)
	return Pack(*t, k, n)
}

// Release gives the memory of the copy back.
func (p *Packed) Release() { release(p.held) }

// Mul computes C = start + A·B for m rows of A [m,k] with row stride lda. What
// the sums start from has row stride lds: 0 repeats one row; if it is nil they
// start from zero. It runs on the caller's thread, and meanwhile asks for what stands
// in soon.
func (p *Packed) Mul(m int, a []float32, lda int, c []float32, ldc int, start []float32, lds int, soon ...[]float32) {
	if m == 0 || p.n == 0 {
		return
	}
	_, _ = a[(m-1)*lda+p.k-1], c[(m-1)*ldc+p.n-1]
	if start != nil {
		_ = start[(m-1)*lds+p.n-1]
	}
	depth := evenly(p.k, blockK)
	look := lookAhead(p.e.segments(m, p.n, p.k), soon...)
	for k0 := 0; k0 < p.k; k0 += depth {
		t := tile{ars: uintptr(lda) * 4, acs: 4, ldb: uintptr(p.e.cols) * 4, ldc: uintptr(ldc) * 4, k: uintptr(min(depth, p.k-k0))}
		for j := 0; j < p.n; j += p.e.cols {
			t.a, t.b, t.c = unsafe.Pointer(&a[k0]), unsafe.Pointer(&p.panels[j*p.k+k0*p.e.cols]), unsafe.Pointer(&c[j])
			switch {
			case k0 > 0:
				t.start, t.lds = t.c, t.ldc
			case start != nil:
				t.start, t.lds = unsafe.Pointer(&start[j]), uintptr(lds)*4
			default:
				t.start = nil
			}
			look.before(&t)
			p.e.strip(&t, m, min(p.e.cols, p.n-j))
			look.after(&t)
		}
	}
}

// segments is the number of segments in the tiles of a product.
func (e *engine) segments(m, n, k int) int {
	return ((m + e.rows - 1) / e.rows) * ((n + e.cols - 1) / e.cols) * ((k + blockK - 1) / blockK)
}

// turned says whether the gradient of weights [k,n] is summed as [n,k]: the right
// side of that product is copied, so it had better be the narrow one.
func turned(k, n int) bool { return n > k }

// outer computes xᵀ·dy for rows of x [rows,k] with row stride ldx and of dy
// [rows,n] with row stride ldy, or adds it to sum: the gradient of weights, one
// chain over the rows. It is turned if turned says so. Meanwhile it asks for what
// stands in soon.
func outer(rows, k, n int, x []float32, ldx int, dy []float32, ldy int, sum []float32, add bool, soon ...[]float32) {
	if turned(k, n) {
		k, n, x, dy, ldx, ldy = n, k, dy, x, ldy, ldx
	}
	p := product{m: k, n: n, k: rows, a: matrix{x, 1, ldx}, b: dy, ldb: ldy, c: sum, ldc: n, start: Start{Acc: add}}
	p.look = lookAhead(active.segments(k, n, rows), soon...)
	p.check()
	p.block(active, 0, k, 0, n, nil)
}

// packedSize is the number of values of k rows of n columns packed in panels.
func (e *engine) packedSize(k, n int) int { return (n + e.cols - 1) / e.cols * e.cols * k }

// pack copies the columns of w [k,n] into panels as wide as a tile.
func (e *engine) pack(dst, w []float32, k, n int) { e.packStrided(dst, w, k, n, n) }

// abreast is the number of panels that are filled at once: of a row, that many
// values are near each other.
const abreast = 8

// A packTask copies whole panels of so many rows; strides are in bytes.
type packTask struct {
	to, from     unsafe.Pointer
	rows, stride uintptr // of from
	width        uintptr // of a panel
	panels       uintptr
	panel        uintptr // from one to the next
}

// packStrided is pack for rows of w that stand ldw apart.
func (e *engine) packStrided(dst, w []float32, k, n, ldw int) {
	if k == 0 {
		return
	}
	whole := n / e.cols * e.cols
	for j := 0; j < whole; j += abreast * e.cols {
		panels := min(abreast, (whole-j)/e.cols)
		if e.loops {
			_, _ = dst[(j+panels*e.cols)*k-1], w[(k-1)*ldw+j+panels*e.cols-1]
			rowPack(&packTask{unsafe.Pointer(&dst[j*k]), unsafe.Pointer(&w[j]), uintptr(k), uintptr(4 * ldw), uintptr(4 * e.cols), uintptr(panels), uintptr(4 * k * e.cols)})
			continue
		}
		for l := range k {
			row := w[l*ldw+j:][:panels*e.cols]
			for at := j*k + l*e.cols; len(row) > 0; at += k * e.cols {
				copy(dst[at:], row[:e.cols])
				row = row[e.cols:]
			}
		}
	}
	if whole < n {
		panel := dst[whole*k:]
		for l := range k {
			copy(panel[l*e.cols:], w[l*ldw+whole:l*ldw+n])
		}
	}
}

package f32

import (
	"runtime"
	"unsafe"
)

// Start says from what a matrix product's sums begin. The zero value is zero.
type Start struct {
	Acc  bool      // begin from C itself
	Bias []float32 // begin every row from this row of n
}

// evenly is the height of the first of the tiles that share m rows evenly, at
// most high each: low tiles wait for the latency of their additions.
func evenly(m, high int) int {
	tiles := (m + high - 1) / high
	return (m + tiles - 1) / tiles
}

// matrix is an operand with element (i,j) at data[i*row+j*col].
type matrix struct {
	data     []float32
	row, col int
}

// product is one matrix product on row-major B and C.
type product struct {
	m, n, k int
	a       matrix
	b       []float32
	ldb     int
	c       []float32
	ldc     int
	start   Start
	look    lookahead // at what comes after it
}

// Gemm computes C = start + A·B for A of m×k with element (i,l) at
// a[i*ars+l*acs], B of k×n with row stride ldb and C of m×n with row stride
// ldc. Each element is one chain of fused multiply-adds over ascending l.
func Gemm(m, n, k int, a []float32, ars, acs int, b []float32, ldb int, c []float32, ldc int, start Start) {
	if m <= 0 || n <= 0 {
		return
	}
	p := product{m: m, n: n, k: k, a: matrix{a, ars, acs}, b: b, ldb: ldb, c: c, ldc: ldc, start: start}
	p.check()
	e := active
	if m*n*max(k, 1) < 1<<19 || runtime.GOMAXPROCS(0) == 1 {
		p.block(e, 0, m, 0, n, nil)
		return
	}
	threads := runtime.GOMAXPROCS(0)
	if m >= n {
		units := (m + e.rows - 1) / e.rows
		pieces := min(4*threads, units)
		all := shared{p, e, p.packAll(e, m/pieces), units, pieces}
		Parallel(pieces, all, func(s shared, i int) {
			from, to := s.part(i, s.e.rows, s.m)
			s.block(s.e, from, to, 0, s.n, s.packed)
		})
		if all.packed != nil {
			release(all.packed)
		}
		return
	}
	units := (n + e.cols - 1) / e.cols
	pieces := min(4*threads, units)
	Parallel(pieces, shared{p, e, nil, units, pieces}, func(s shared, i int) {
		from, to := s.part(i, s.e.cols, s.n)
		s.block(s.e, 0, s.m, from, to, nil)
	})
}

// shared is a product whose rows or columns are shared among threads, in pieces
// of whole tiles.
type shared struct {
	product
	e             *engine
	packed        *[]float32 // all of B in panels, or nil
	units, pieces int
}

// part is where piece i begins and ends, of n rows or columns in tiles of size.
func (s *shared) part(i, size, n int) (from, to int) {
	return i * s.units / s.pieces * size, min(n, (i+1)*s.units/s.pieces*size)
}

// check touches the last element of every operand, so that a short slice panics
// here and not in assembly.
func (p *product) check() {
	if p.k > 0 {
		_ = p.a.data[(p.m-1)*p.a.row+(p.k-1)*p.a.col]
		_ = p.b[(p.k-1)*p.ldb+p.n-1]
	}
	_ = p.c[(p.m-1)*p.ldc+p.n-1]
	if p.start.Bias != nil {
		_ = p.start.Bias[p.n-1]
	}
}

const (
	blockK   = 384          // depth of a block: a panel of B stays in the first cache
	blockA   = 192 * blockK // values of a block of A, which stay in the second
	groupN   = 4            // panels of B that are copied at once for one block of A
	packFrom = 64           // row stride of B from which its panels are copied
	farFrom  = 1024         // stride of A from which its block is copied: rows far apart meet in few cache sets
	wideFrom = 256          // columns from which that pays
)

// packAll copies B to panels on all threads, a block of blockK rows after the
// other, if that pays for blocks of so many rows, or returns nil.
func (p *product) packAll(e *engine, rows int) *[]float32 {
	depth := evenly(p.k, blockK)
	if !p.packs(e, depth, rows) {
		return nil
	}
	to := scratch(e.packedSize(p.k, p.n))
	const wide = 8 // panels a task
	groups := (p.n + wide*e.cols - 1) / (wide * e.cols)
	type packing struct {
		product
		e             *engine
		to            []float32
		groups, depth int
	}
	Parallel(groups*((p.k+depth-1)/depth), packing{*p, e, *to, groups, depth}, func(p packing, i int) {
		k0, j := i/p.groups*p.depth, i%p.groups*wide*p.e.cols
		n, k := min(wide*p.e.cols, p.n-j), min(p.depth, p.k-k0)
		p.e.packStrided(p.to[p.e.packedSize(k0, p.n)+j*k:], p.b[k0*p.ldb+j:], k, n, p.ldb)
	})
	return to
}

// packs reports whether B is copied for blocks of the given depth and rows.
func (p *product) packs(e *engine, depth, rows int) bool {
	return depth > 0 && p.ldb >= packFrom && rows >= 4*e.rows
}

// A slab is blockK terms of a product, its operands copied where that pays.
type slab struct {
	product
	e         *engine
	k0, depth int
	n0, n1    int       // columns that are in hand
	m1        int       // where the rows end
	b, a      []float32 // B in panels and one block of A in tiles, or nil
}

// block computes rows m0..m1 and columns n0..n1 of the product. If all of B is
// packed that is given, and n0 is 0 and n1 is n.
func (p *product) block(e *engine, m0, m1, n0, n1 int, packed *[]float32) {
	s := slab{product: *p, e: e, n0: n0, n1: n1, m1: m1, depth: evenly(p.k, blockK)}
	high := e.rows // of a block
	if s.depth > 0 {
		high = (evenly(m1-m0, max(blockA/s.depth, e.rows)) + e.rows - 1) / e.rows * e.rows
	}
	wide := n1 - n0 // columns that are in hand at once
	packs := packed == nil && p.packs(e, s.depth, m1-m0)
	if packs {
		if m1-m0 <= high {
			wide = min(wide, groupN*e.cols)
		}
		b := scratch(e.packedSize(s.depth, wide))
		defer release(b)
		s.b = *b
	}
	if s.depth > 0 && max(p.a.row, p.a.col) >= farFrom && n1-n0 >= wideFrom {
		a := scratch(min(high, m1-m0) * s.depth)
		defer release(a)
		s.a = *a
	}
	for ; s.k0 == 0 || s.k0 < p.k; s.k0 += s.depth {
		s.depth = min(s.depth, p.k-s.k0)
		if packed != nil {
			s.b = (*packed)[e.packedSize(s.k0, p.n):]
		}
		for s.n0 = n0; s.n0 < n1; s.n0 += wide {
			s.n1 = min(n1, s.n0+wide)
			if packs {
				e.packStrided(s.b, p.b[s.k0*p.ldb+s.n0:], s.depth, s.n1-s.n0, p.ldb)
			}
			for i0 := m0; i0 < m1; i0 += high {
				i1 := min(m1, i0+high)
				if s.a != nil && (s.n0 == n0 || m1-m0 > high) {
					s.packA(i0, i1)
				}
				for j := s.n0; j < s.n1; j += e.cols {
					s.panel(i0, i1, j)
				}
			}
		}
		if s.depth == 0 {
			return
		}
	}
}

// packA copies rows i0..i1 of A: its rows one after the other if they are whole in
// A, or else tile by tile, each by columns.
func (s *slab) packA(i0, i1 int) {
	a, at := s.product.a, 0
	if a.col == 1 {
		for i := i0; i < i1; i++ {
			copy(s.a[at:at+s.depth], a.data[i*a.row+s.k0:])
			at += s.depth
		}
		return
	}
	for i, rows := i0, 0; i < i1; i += rows {
		rows = evenly(i1-i, s.e.rows)
		for l := range s.depth {
			from := a.data[i*a.row+(s.k0+l)*a.col:]
			for q := range rows {
				s.a[at+q] = from[q*a.row]
			}
			at += rows
		}
	}
}

// panel computes the columns of one panel from column j, for rows i0..i1.
func (s *slab) panel(i0, i1, j int) {
	p, width := &s.product, min(s.e.cols, s.n1-j)
	t := tile{ldc: uintptr(p.ldc) * 4, k: uintptr(s.depth)}
	switch {
	case s.depth == 0:
	case s.b != nil:
		t.b, t.ldb = unsafe.Pointer(&s.b[(j-s.n0)*s.depth]), uintptr(s.e.cols)*4
	default:
		t.b, t.ldb = unsafe.Pointer(&p.b[s.k0*p.ldb+j]), uintptr(p.ldb)*4
	}
	s.next(&t, i0, i1, j)
	if s.a != nil && p.a.col != 1 {
		for i, rows := i0, 0; i < i1; i += rows {
			rows = evenly(i1-i, s.e.rows)
			t.a, t.ars, t.acs = unsafe.Pointer(&s.a[(i-i0)*s.depth]), 4, uintptr(rows)*4
			s.begin(&t, i, j)
			s.look.before(&t)
			s.e.tiles(&t, rows, width, 1)
			s.look.after(&t)
		}
		return
	}
	switch {
	case s.depth == 0:
	case s.a != nil:
		t.a, t.ars, t.acs = unsafe.Pointer(&s.a[0]), uintptr(s.depth)*4, 4
	default:
		t.a = unsafe.Pointer(&p.a.data[i0*p.a.row+s.k0*p.a.col])
		t.ars, t.acs = uintptr(p.a.row)*4, uintptr(p.a.col)*4
	}
	s.begin(&t, i0, j)
	s.look.before(&t)
	s.e.strip(&t, i1-i0, width)
	s.look.after(&t)
}

// next sets what the tiles of the panel at column j ask for: a share each of the
// block of A below, if that is what all of the panels go on with, or of the next
// panel.
func (s *slab) next(t *tile, i0, i1, j int) {
	p, cols := &s.product, s.e.cols
	panels, at := (s.n1-s.n0+cols-1)/cols, (j-s.n0)/cols
	tiles := (i1 - i0 + s.e.rows - 1) / s.e.rows
	const line = 16 // values
	switch {
	case s.depth == 0:
	case s.a == nil && p.a.col == 1 && panels <= 8 && i1 < s.m1:
		if p.a.row == s.depth { // the block is one piece
			each := (s.e.rows*s.depth/line + panels - 1) / panels
			t.ahead = uintptr(unsafe.Pointer(&p.a.data[i1*p.a.row])) + uintptr(at*tiles*each*64)
			t.lines, t.downAhead = uintptr(each), uintptr(each*64)
		} else if at < s.e.rows {
			t.ahead = uintptr(unsafe.Pointer(&p.a.data[i1*p.a.row+s.k0])) + uintptr(at*p.a.row)*4
			t.lines, t.downAhead = uintptr(s.depth/line), uintptr(s.e.rows*p.a.row)*4
		}
	case s.b != nil && at+1 < panels:
		each := (cols*s.depth/line + tiles - 1) / tiles
		t.ahead = uintptr(unsafe.Pointer(&s.b[(j+cols-s.n0)*s.depth]))
		t.lines, t.downAhead = uintptr(each), uintptr(each*64)
	}
}

// begin sets where the tile of row i and column j stands and what it begins
// from.
func (s *slab) begin(t *tile, i, j int) {
	p := &s.product
	t.c = unsafe.Pointer(&p.c[i*p.ldc+j])
	switch {
	case s.k0 > 0 || p.start.Acc:
		t.start, t.lds = t.c, t.ldc
	case p.start.Bias != nil:
		t.start, t.lds = unsafe.Pointer(&p.start.Bias[j]), 0
	default:
		t.start = nil
	}
}

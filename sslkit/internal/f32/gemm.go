package f32

import (
	"runtime"
	"sync"
	"unsafe"
)

// Start says from what a matrix product's sums begin. The zero value is zero.
type Start struct {
	Acc  bool      // begin from C itself
	Bias []float32 // begin every row from this row of n
}

// tile is one call of a micro-kernel; strides are in bytes. The assembly knows
// the offsets of its fields.
type tile struct {
	a, b, c  unsafe.Pointer
	ars, acs uintptr // A(i,k) stands at a + i*ars + k*acs
	ldb, ldc uintptr // B(k,j) at b + k*ldb + 4j; C(i,j) at c + i*ldc + 4j
	k        uintptr
	mask     uintptr        // bits of the columns of the last vector
	start    unsafe.Pointer // tile to begin from, or nil for zero
	lds      uintptr        // its row stride: 0 repeats one row
	vmask    unsafe.Pointer // the mask as 8 words, for AVX2

	// A's k may come in segments of length k: after each, A moves on by jump
	// bytes; B goes on without a gap.
	segments uintptr // If 0, 1.
	jump     uintptr
}

// evenly is the height of the first of the tiles that share m rows evenly, at
// most high each: low tiles wait for the latency of their additions.
func evenly(m, high int) int {
	tiles := (m + high - 1) / high
	return (m + tiles - 1) / tiles
}

// laneMasks holds 8 set words before 8 clear ones; a mask of n lanes begins 8-n
// words in.
var laneMasks = [16]int32{-1, -1, -1, -1, -1, -1, -1, -1}

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
}

// Gemm computes C = start + A·B for A of m×k with element (i,l) at
// a[i*ars+l*acs], B of k×n with row stride ldb and C of m×n with row stride
// ldc. Each element is one chain of fused multiply-adds over ascending l.
func Gemm(m, n, k int, a []float32, ars, acs int, b []float32, ldb int, c []float32, ldc int, start Start) {
	if m <= 0 || n <= 0 {
		return
	}
	p := product{m, n, k, matrix{a, ars, acs}, b, ldb, c, ldc, start}
	p.check()
	e := active
	if m*n*max(k, 1) < 1<<19 || runtime.GOMAXPROCS(0) == 1 {
		p.block(e, 0, m, 0, n)
		return
	}
	pieces := 4 * runtime.GOMAXPROCS(0)
	if m >= n {
		units := (m + e.rows - 1) / e.rows
		pieces = min(pieces, units)
		Parallel(pieces, func(i int) {
			p.block(e, i*units/pieces*e.rows, min(m, (i+1)*units/pieces*e.rows), 0, n)
		})
		return
	}
	units := (n + e.cols - 1) / e.cols
	pieces = min(pieces, units)
	Parallel(pieces, func(i int) {
		p.block(e, 0, m, i*units/pieces*e.cols, min(n, (i+1)*units/pieces*e.cols))
	})
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
	blockK   = 384 // depth of a block: a panel of B stays in L1
	blockM   = 448 // rows of a block: A's share stays in L2
	packFrom = 64  // row stride of B from which its panel is copied
)

var panels = sync.Pool{New: func() any { return new([blockK * 32]float32) }}

// block computes rows m0..m1 and columns n0..n1 of the product.
func (p *product) block(e *engine, m0, m1, n0, n1 int) {
	panel := panels.Get().(*[blockK * 32]float32)
	defer panels.Put(panel)
	for k0 := 0; k0 == 0 || k0 < p.k; k0 += blockK {
		depth := min(blockK, p.k-k0)
		for i0 := m0; i0 < m1; i0 += blockM {
			i1 := min(m1, i0+blockM)
			for j := n0; j < n1; j += e.cols {
				p.panel(e, panel[:], i0, i1, j, min(e.cols, n1-j), k0, depth)
			}
		}
	}
}

// panel computes width columns from column j, for rows i0..i1 and depth terms
// from k0.
func (p *product) panel(e *engine, copied []float32, i0, i1, j, width, k0, depth int) {
	b, ldb := unsafe.SliceData(copied), e.cols
	switch {
	case depth == 0:
	case p.ldb >= packFrom && i1-i0 >= 4*e.rows:
		for l := range depth {
			copy(copied[l*e.cols:l*e.cols+width], p.b[(k0+l)*p.ldb+j:])
		}
	default:
		b, ldb = &p.b[k0*p.ldb+j], p.ldb
	}
	t := tile{
		b: unsafe.Pointer(b), ldb: uintptr(ldb) * 4, ldc: uintptr(p.ldc) * 4, k: uintptr(depth),
		ars: uintptr(p.a.row) * 4, acs: uintptr(p.a.col) * 4,
	}
	t.segments = 1
	for i, rows := i0, 0; i < i1; i += rows {
		rows = evenly(i1-i, e.rows)
		if depth > 0 {
			t.a = unsafe.Pointer(&p.a.data[i*p.a.row+k0*p.a.col])
		}
		t.c = unsafe.Pointer(&p.c[i*p.ldc+j])
		switch {
		case k0 > 0 || p.start.Acc:
			t.start, t.lds = t.c, t.ldc
		case p.start.Bias != nil:
			t.start, t.lds = unsafe.Pointer(&p.start.Bias[j]), 0
		default:
			t.start = nil
		}
		e.run(&t, rows, width)
	}
}

// run computes one tile of the given size.
func (e *engine) run(t *tile, rows, width int) {
	if e.lanes == 0 || e.tiles[0] == nil {
		tileGeneric(t, rows, width)
		return
	}
	vectors := (width + e.lanes - 1) / e.lanes
	last := width - (vectors-1)*e.lanes
	t.mask = 1<<last - 1
	t.vmask = unsafe.Pointer(&laneMasks[8-min(last, 8)])
	e.tiles[vectors-1][rows](t)
}

// tileGeneric is the loop that every micro-kernel equals.
func tileGeneric(t *tile, rows, width int) {
	at := func(p unsafe.Pointer, offset uintptr) *float32 { return (*float32)(unsafe.Add(p, offset)) }
	for i := range uintptr(rows) {
		for j := range uintptr(width) {
			var sum float32
			if t.start != nil {
				sum = *at(t.start, i*t.lds+4*j)
			}
			for s := range max(1, t.segments) {
				for l := range t.k {
					sum = FMA(*at(t.a, i*t.ars+(s*t.k+l)*t.acs+s*t.jump), *at(t.b, (s*t.k+l)*t.ldb+4*j), sum)
				}
			}
			*at(t.c, i*t.ldc+4*j) = sum
		}
	}
}

// Transpose writes the rows×cols matrix src as cols×rows to dst.
func Transpose(dst, src []float32, rows, cols int) {
	const b = 16
	for i0 := 0; i0 < rows; i0 += b {
		for j0 := 0; j0 < cols; j0 += b {
			for i := i0; i < min(i0+b, rows); i++ {
				for j := j0; j < min(j0+b, cols); j++ {
					dst[j*rows+i] = src[i*cols+j]
				}
			}
		}
	}
}

package f32

import "unsafe"

// tile is one call of a micro-kernel; strides are in bytes. The assembly knows
// the offsets of its fields.
//
// A and B may come in pieces. Their k values stand in segments of length k:
// after each, A moves on by jump bytes and B by jumpB. Segments come in groups:
// after each group both move on once more, by group and groupB.
//
// A call computes count tiles, one below the other, the pointers to A, C and
// start moving on by down, downC and downStart.
type tile struct {
	a, b, c  unsafe.Pointer
	ars, acs uintptr // A(i,k) stands at a + i*ars + k*acs
	ldb, ldc uintptr // B(k,j) at b + k*ldb + 4j; C(i,j) at c + i*ldc + 4j
	k        uintptr
	mask     uintptr        // bits of the columns of the last vector
	start    unsafe.Pointer // tile to begin from, or nil for zero
	lds      uintptr        // its row stride: 0 repeats one row
	vmask    unsafe.Pointer // the mask as 8 words, for AVX2

	segments, jump, jumpB   uintptr // If 0, 1 segment.
	groups, group, groupB   uintptr // If 0, 1 group.
	count                   uintptr // If 0, 1 tile.
	down, downC, downStarts uintptr

	// Each tile asks for so many lines of 64 bytes from ahead on, which later
	// calls will read; from tile to tile ahead moves on by downAhead. It may
	// point anywhere: what cannot be read is not asked for.
	ahead, lines, downAhead uintptr

	// After each segment it asks for the following nextLines lines from next on,
	// which moves on by them. (NEON does not.)
	next, nextLines uintptr
}

// line is what a processor fetches from memory, in bytes.
const line = 64

// A lookahead has tiles ask for what is worked on next.
type lookahead struct {
	places [3][]float32 // still to be asked for, in order
	each   uintptr      // lines after a segment
}

// lookAhead asks for some places within so many segments.
func lookAhead(segments int, places ...[]float32) (l lookahead) {
	bytes := 0
	for i, p := range places {
		l.places[i] = p
		bytes += 4 * len(p)
	}
	if segments > 0 {
		l.each = uintptr((bytes + line*segments - 1) / (line * segments))
	}
	return l
}

// before tells a tile what to ask for.
func (l *lookahead) before(t *tile) {
	for i := 0; len(l.places[0]) == 0 && i < len(l.places); i++ {
		l.places = [3][]float32{l.places[1], l.places[2]}
	}
	t.next, t.nextLines = uintptr(pointer(l.places[0])), 0
	if len(l.places[0]) > 0 {
		t.nextLines = l.each
	}
}

// after sees what it has asked for.
func (l *lookahead) after(t *tile) {
	if t.nextLines > 0 {
		p := &l.places[0]
		*p = (*p)[min(uintptr(len(*p)), (t.next-uintptr(pointer(*p)))/4):]
	}
}

// laneMasks holds 8 set words before 8 clear ones; a mask of n lanes begins 8-n
// words in.
var laneMasks = [16]int32{-1, -1, -1, -1, -1, -1, -1, -1}

// strip computes m rows of width columns, at most a tile's, sharing the rows
// evenly among tiles: low tiles wait for the latency of their additions.
func (e *engine) strip(t *tile, m, width int) {
	tiles := (m + e.rows - 1) / e.rows
	low := m / tiles
	high := m - low*tiles // so many tiles are one row higher
	if high > 0 {
		a, c, start, rows := t.a, t.c, t.start, uintptr(low+1)
		e.tiles(t, low+1, width, high)
		t.a, t.c = unsafe.Add(a, uintptr(high)*rows*t.ars), unsafe.Add(c, uintptr(high)*rows*t.ldc)
		if start != nil {
			t.start = unsafe.Add(start, uintptr(high)*rows*t.lds)
		}
	}
	e.tiles(t, low, width, tiles-high)
}

// tiles computes count tiles of the given size, one below the other. It leaves
// the pointers to A, C and start anywhere in them.
func (e *engine) tiles(t *tile, rows, width, count int) {
	t.count = uintptr(count)
	t.down, t.downC, t.downStarts = uintptr(rows)*t.ars, uintptr(rows)*t.ldc, uintptr(rows)*t.lds
	if e == &generic {
		tileGeneric(t, rows, width)
		return
	}
	e.assemble(t, rows, width)
}

// tileGeneric is the loop that every micro-kernel equals.
func tileGeneric(t *tile, rows, width int) {
	for {
		for i := range uintptr(rows) {
			for j := range uintptr(width) {
				t.element(i, j)
			}
		}
		if t.count--; t.count == 0 {
			return
		}
		t.a, t.c = unsafe.Add(t.a, t.down), unsafe.Add(t.c, t.downC)
		if t.start != nil {
			t.start = unsafe.Add(t.start, t.downStarts)
		}
	}
}

// element computes C(i,j).
func (t *tile) element(i, j uintptr) {
	at := func(p unsafe.Pointer, offset uintptr) *float32 { return (*float32)(unsafe.Add(p, offset)) }
	var sum float32
	if t.start != nil {
		sum = *at(t.start, i*t.lds+4*j)
	}
	a, b := i*t.ars, 4*j
	for range max(1, t.groups) {
		for range max(1, t.segments) {
			for range t.k {
				sum = FMA(*at(t.a, a), *at(t.b, b), sum)
				a, b = a+t.acs, b+t.ldb
			}
			a, b = a+t.jump, b+t.jumpB
		}
		a, b = a+t.group, b+t.groupB
	}
	*at(t.c, i*t.ldc+4*j) = sum
}

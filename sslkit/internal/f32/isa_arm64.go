//go:build !portable

package f32

import "unsafe"

// Every arm64 processor has NEON.
var neon = engine{name: "neon", rows: 6, cols: 16, lanes: 4, loops: true}

func engines() []*engine { return []*engine{&generic, &neon} }

// assemble is tileGeneric in assembly: whole vectors, then the columns that are
// left, element by element.
func (e *engine) assemble(t *tile, rows, width int) {
	first, whole := *t, width/e.lanes
	if whole > 0 {
		neonKernel(t, rows-1+e.rows*(whole-1))
	}
	for j := uintptr(whole * e.lanes); j < uintptr(width); j++ {
		for i := range uintptr(rows) {
			one := first
			one.a = unsafe.Add(one.a, i*one.ars)
			one.b, one.c = unsafe.Add(one.b, 4*j), unsafe.Add(one.c, i*one.ldc+4*j)
			if one.start != nil {
				one.start = unsafe.Add(one.start, i*one.lds+4*j)
			}
			neonElement(&one)
		}
	}
}

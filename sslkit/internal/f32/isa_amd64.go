//go:build !portable

package f32

import (
	"unsafe"

	"golang.org/x/sys/cpu"
)

var (
	avx2   = engine{name: "avx2", rows: 6, cols: 16, lanes: 8, loops: true}
	avx512 = engine{name: "avx512", rows: 14, cols: 32, lanes: 16, loops: true}
)

func engines() []*engine {
	list := []*engine{&generic}
	if cpu.X86.HasAVX2 && cpu.X86.HasFMA {
		list = append(list, &avx2)
		if cpu.X86.HasAVX512F {
			list = append(list, &avx512)
		}
	}
	return list
}

// assemble is tileGeneric in assembly.
func (e *engine) assemble(t *tile, rows, width int) {
	vectors := (width + e.lanes - 1) / e.lanes
	last := width - (vectors-1)*e.lanes
	kernel := rows - 1 + e.rows*(vectors-1)
	if last < e.lanes {
		kernel += 2 * e.rows
	}
	if e == &avx512 {
		t.mask = 1<<last - 1
		avx512Kernel(t, kernel)
		return
	}
	t.vmask = unsafe.Pointer(&laneMasks[8-last%8])
	avx2Kernel(t, kernel)
}

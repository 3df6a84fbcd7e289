//go:build !portable

package f32

import "golang.org/x/sys/cpu"

var (
	avx2   = engine{name: "avx2", rows: 6, cols: 16, lanes: 8, tiles: avx2Tiles, loops: true}
	avx512 = engine{name: "avx512", rows: 14, cols: 32, lanes: 16, tiles: avx512Tiles, loops: true}
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

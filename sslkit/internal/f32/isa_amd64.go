//go:build !portable

package f32

import "golang.org/x/sys/cpu"

var (
	avx2   = engine{"avx2", 6, 16, 8, avx2Tiles}
	avx512 = engine{"avx512", 14, 32, 16, avx512Tiles}
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

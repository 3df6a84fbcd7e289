package f32

import "unsafe"

type peakTask struct{ rounds uintptr }

// MultiplyAdds does rounds of independent fused multiply-adds on registers
// alone, as fast as the processor can, and returns the number of operations, a
// multiply-add counting as two.
func MultiplyAdds(rounds int) int {
	t := peakTask{uintptr(rounds)}
	switch {
	case !active.assembly():
		a := [1]float32{}
		one := tile{a: unsafe.Pointer(&a), b: unsafe.Pointer(&a), c: unsafe.Pointer(&a), k: uintptr(rounds), count: 1}
		tileGeneric(&one, 1, 1)
		return 2 * rounds
	default:
		rowPeak(&t)
	}
	return 2 * 12 * active.lanes * rounds
}

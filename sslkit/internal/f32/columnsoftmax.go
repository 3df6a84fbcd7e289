package f32

import "unsafe"

type softmaxTask struct {
	table, p, d unsafe.Pointer
	rows, row   uintptr // rows, and the bytes of one
	scale       float32
}

// ColumnSoftmax replaces every column of p [rows,width] by its softmax: queries
// stand in the lanes of a vector, so each sum is one chain over the rows in
// order. It needs width to be a multiple of 16. A column of -Inf becomes NaN.
func ColumnSoftmax(p []float32, rows, width int) {
	_ = p[:rows*width]
	if rows == 0 || width == 0 {
		return
	}
	if active.assembly() {
		t := softmaxTask{table: unsafe.Pointer(functionTable), p: pointer(p), d: pointer(p), rows: uintptr(rows), row: uintptr(width) * 4}
		rowSoftmax(&t)
		return
	}
	for j := range width {
		top, sum := p[j], float32(0)
		for i := range rows {
			if v := p[i*width+j]; !(top > v) {
				top = v
			}
		}
		for i := range rows {
			e := expFast(p[i*width+j]-top, 0)
			p[i*width+j] = e
			sum += e
		}
		inverse := 1 / sum
		for i := range rows {
			p[i*width+j] *= inverse
		}
	}
}

// ColumnSoftmaxGrad replaces d, the gradient of the columns of p, by that of
// what ColumnSoftmax was given, times scale: p·(d - Σp·d)·scale.
func ColumnSoftmaxGrad(d, p []float32, rows, width int, scale float32) {
	_, _ = p[:rows*width], d[:rows*width]
	if rows == 0 || width == 0 {
		return
	}
	if active.assembly() {
		t := softmaxTask{table: unsafe.Pointer(functionTable), p: pointer(p), d: pointer(d), rows: uintptr(rows), row: uintptr(width) * 4, scale: scale}
		rowSoftmaxGrad(&t)
		return
	}
	for j := range width {
		var sum float32
		for i := range rows {
			sum += float32(p[i*width+j] * d[i*width+j])
		}
		for i := range rows {
			d[i*width+j] = float32((d[i*width+j]-sum)*p[i*width+j]) * scale
		}
	}
}

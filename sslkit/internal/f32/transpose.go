package f32

import "unsafe"

// turnTask has the kernels write rows as columns: groups of eight rows, and then
// four more if four is not 0.
type turnTask struct {
	dst, src             unsafe.Pointer
	stride, lanes, bytes uintptr // of a row, of a column and of what is taken of a row, in bytes
	eights, four         uintptr
	scale                float32 // for Turn
}

// wideTurn says whether there are kernels for turnTask.
func wideTurn() bool { return active.assembly() && active.lanes >= 8 }

// Transpose writes the rows×cols matrix src as cols×rows to dst.
func Transpose(dst, src []float32, rows, cols int) {
	const block = 16
	_, _ = dst[:rows*cols], src[:rows*cols]
	for j0 := 0; j0 < cols; j0 += block {
		j1, done := min(cols, j0+block), 0
		if n := (j1 - j0) / 4 * 4; n == j1-j0 && rows >= 4 && wideTurn() {
			done = rows / 4 * 4
			rowTranspose(&turnTask{dst: pointer(dst[j0*rows:]), src: pointer(src[j0:]), stride: 4 * uintptr(cols), lanes: 4 * uintptr(rows), bytes: 4 * uintptr(n), eights: uintptr(rows / 8), four: uintptr(rows / 4 % 2)})
		}
		for i0 := done; i0 < rows; i0 += block {
			for i := i0; i < min(i0+block, rows); i++ {
				for j := j0; j < j1; j++ {
					dst[j*rows+i] = src[i*cols+j]
				}
			}
		}
	}
}

// addTransposed adds the transpose of src [cols,rows] to dst [rows,cols].
func addTransposed(dst, src []float32, rows, cols int) {
	t := scratch(rows * cols)
	defer release(t)
	Transpose(*t, src, cols, rows)
	Add(dst, dst, *t, false)
}

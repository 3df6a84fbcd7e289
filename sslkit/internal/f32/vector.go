package f32

// The loops below run over rows of c columns: len(x) is a multiple of c, and
// values of a column, such as mean, have length c. Products and sums are
// rounded one by one. They run as assembly, where there is any, if c is a
// multiple of 8.

// Norm computes y = (x-mean)·scale + shift, and then max(y, 0) if relu is set.
func Norm(y, x, mean, scale, shift []float32, relu bool) {
	c := len(mean)
	if rows, ok := vector(c, x, y); ok && len(scale) == c && len(shift) == c {
		f := normLoop
		if relu {
			f = normReLULoop
		}
		f(&y[0], &x[0], &mean[0], &scale[0], &shift[0], rows, uintptr(c))
		return
	}
	for r := 0; r < len(x); r += c {
		xr, yr := x[r:r+c], y[r:r+c]
		for j, v := range xr {
			w := float32((v-mean[j])*scale[j]) + shift[j]
			if relu && w <= 0 {
				w = 0
			}
			yr[j] = w
		}
	}
}

// Sums adds every row of x to sum.
func Sums(sum, x []float32) {
	c := len(sum)
	if rows, ok := vector(c, x); ok {
		sumsLoop(&x[0], &sum[0], rows, uintptr(c))
		return
	}
	for r := 0; r < len(x); r += c {
		for j, v := range x[r : r+c] {
			sum[j] += v
		}
	}
}

// Squares adds (x-mean)² of every row of x to sum.
func Squares(sum, x, mean []float32) {
	c := len(sum)
	if rows, ok := vector(c, x); ok && len(mean) == c {
		squaresLoop(&x[0], &sum[0], &mean[0], rows, uintptr(c))
		return
	}
	for r := 0; r < len(x); r += c {
		for j, v := range x[r : r+c] {
			d := v - mean[j]
			sum[j] += float32(d * d)
		}
	}
}

// NormSums adds dy to s and dy·((x-mean)·rstd) to t, by pieces of rows. If y is
// not nil only where y is positive.
func NormSums(s, t, dy, y, x, mean, rstd []float32) {
	c := len(s)
	held := scratch(2 * c)
	defer release(held)
	ps, pt := (*held)[:c], (*held)[c:]
	for from := 0; from < len(x); from += Piece * c {
		to := min(len(x), from+Piece*c)
		clear(*held)
		var yp []float32
		if y != nil {
			yp = y[from:to]
		}
		normSums(ps, pt, dy[from:to], yp, x[from:to], mean, rstd)
		Add(s, s, ps, false)
		Add(t, t, pt, false)
	}
}

// normSums is NormSums row by row.
func normSums(s, t, dy, y, x, mean, rstd []float32) {
	c := len(s)
	if rows, ok := vector(c, x, dy); ok && len(t) == c && len(mean) == c && len(rstd) == c {
		if y == nil {
			normSumsLoop(&dy[0], &x[0], &s[0], &t[0], &mean[0], &rstd[0], rows, uintptr(c))
		} else {
			_ = y[len(x)-1]
			normReLUSumsLoop(&dy[0], &y[0], &x[0], &s[0], &t[0], &mean[0], &rstd[0], rows, uintptr(c))
		}
		return
	}
	for i, v := range x {
		j, d := i%c, dy[i]
		if y != nil && !(y[i] > 0) {
			d = 0
		}
		s[j] += d
		t[j] += float32(d * float32((v-mean[j])*rstd[j]))
	}
}

// NormGrad computes dx = ((dy-shift) - (x-mean)·slope)·scale, dy taken as zero
// where y is not positive, if y is not nil. dx may be dy.
func NormGrad(dx, dy, y, x, mean, slope, shift, scale []float32) {
	c := len(mean)
	if rows, ok := vector(c, x, dy, dx); ok && len(slope) == c && len(shift) == c && len(scale) == c {
		if y == nil {
			normGradLoop(&dx[0], &dy[0], &x[0], &mean[0], &slope[0], &shift[0], &scale[0], rows, uintptr(c))
		} else {
			_ = y[len(x)-1]
			normReLUGradLoop(&dx[0], &dy[0], &y[0], &x[0], &mean[0], &slope[0], &shift[0], &scale[0], rows, uintptr(c))
		}
		return
	}
	for i, v := range x {
		j, d := i%c, dy[i]
		if y != nil && !(y[i] > 0) {
			d = 0
		}
		dx[i] = float32(((d - shift[j]) - float32((v-mean[j])*slope[j])) * scale[j])
	}
}

// Add computes z = x + y, and then max(z, 0) if relu is set. z may be x or y.
func Add(z, x, y []float32, relu bool) {
	n := whole(len(z), x, y)
	if n > 0 {
		f := addLoop
		if relu {
			f = addReLULoop
		}
		f(&z[0], &x[0], &y[0], 1, uintptr(n))
	}
	for i := n; i < len(z); i++ {
		v := x[i] + y[i]
		if relu && v <= 0 {
			v = 0
		}
		z[i] = v
	}
}

// ReLU computes y = max(x, 0); a NaN stays.
func ReLU(y, x []float32) {
	n := whole(len(y), x)
	if n > 0 {
		reLULoop(&y[0], &x[0], 1, uintptr(n))
	}
	for i := n; i < len(y); i++ {
		v := x[i]
		if v <= 0 {
			v = 0
		}
		y[i] = v
	}
}

// ReLUGrad computes dx = dy where y is positive, else 0. dx may be dy.
func ReLUGrad(dx, dy, y []float32) {
	n := whole(len(dx), dy, y)
	if n > 0 {
		reLUGradLoop(&dx[0], &dy[0], &y[0], 1, uintptr(n))
	}
	for i := n; i < len(dx); i++ {
		d := dy[i]
		if !(y[i] > 0) {
			d = 0
		}
		dx[i] = d
	}
}

// vector reports whether rows of c columns run as assembly, and how many there
// are; all slices must be as long as the first.
func vector(c int, xs ...[]float32) (rows uintptr, ok bool) {
	n := len(xs[0])
	for _, x := range xs {
		_ = x[:n]
	}
	return uintptr(n / max(1, c)), active.assembly() && c > 0 && c%8 == 0 && n >= c && n%c == 0
}

// whole returns how many of n values run as assembly.
func whole(n int, xs ...[]float32) int {
	for _, x := range xs {
		_ = x[:n]
	}
	if !active.assembly() {
		return 0
	}
	return n / 8 * 8
}

package f32

import "unsafe"

// winogradTask has the kernels turn a line of tiles between images and 16 matrices of
// tiles by channels, one for each place of a 4×4 tile. Channels come in 16s.
type winogradTask struct {
	matrices unsafe.Pointer // the first tile's row of the first
	a, b     unsafe.Pointer // lines of the image at the first tile; the one after that is 2 pixels on
	count    uintptr        // tiles
	bytes    uintptr        // of a pixel
	step     uintptr        // from one matrix to the next, in bytes
	line     uintptr        // from one line of pixels to the next, in bytes; only image has it
}

// at is value c of a place of tile t.
func (w *winogradTask) at(place, t, c int) *float32 {
	return (*float32)(unsafe.Add(w.matrices, uintptr(place)*w.step+uintptr(t)*w.bytes+uintptr(c)*4))
}

// pixel is value c of a pixel of tile t, in a line.
func (w *winogradTask) pixel(line unsafe.Pointer, t, pixel, c int) *float32 {
	return (*float32)(unsafe.Add(line, uintptr(2*t+pixel)*w.bytes+uintptr(c)*4))
}

// each calls f for all tiles and channels.
func (w *winogradTask) each(f func(t, c int)) {
	for t := range int(w.count) {
		for c := range int(w.bytes / 4) {
			f(t, c)
		}
	}
}

// image writes Bᵀ·d·B of the tiles d of 4×4 pixels that begin in line a.
func (w *winogradTask) image() {
	if active.assembly() {
		rowWinogradImage(w)
		return
	}
	between := func(d [4]float32) [4]float32 { return [4]float32{d[0] - d[2], d[1] + d[2], d[2] - d[1], d[1] - d[3]} }
	w.each(func(t, c int) {
		var rows [4][4]float32 // d·B
		for i := range rows {
			line := unsafe.Add(w.a, uintptr(i)*w.line)
			var d [4]float32
			for j := range d {
				d[j] = *w.pixel(line, t, j, c)
			}
			rows[i] = between(d)
		}
		for j := range 4 {
			for i, v := range between([4]float32{rows[0][j], rows[1][j], rows[2][j], rows[3][j]}) {
				*w.at(4*i+j, t, c) = v
			}
		}
	})
}

// grad writes A·d·Aᵀ of the tiles d of 2×2 pixels in lines a and b.
func (w *winogradTask) grad() {
	if active.assembly() {
		rowWinogradGrad(w)
		return
	}
	spread := func(d, e float32) [4]float32 { return [4]float32{d, d + e, d - e, 0 - e} }
	w.each(func(t, c int) {
		left := spread(*w.pixel(w.a, t, 0, c), *w.pixel(w.b, t, 0, c))
		right := spread(*w.pixel(w.a, t, 1, c), *w.pixel(w.b, t, 1, c))
		for i := range 4 {
			for j, v := range spread(left[i], right[i]) {
				*w.at(4*i+j, t, c) = v
			}
		}
	})
}

// result writes Aᵀ·m·A of the matrices' tiles m to lines a and b, or adds it to what
// is there.
func (w *winogradTask) result(add bool) {
	switch {
	case active.assembly() && add:
		rowWinogradAdd(w)
		return
	case active.assembly():
		rowWinogradResult(w)
		return
	}
	gather := func(m [4]float32) [2]float32 { return [2]float32{m[0] + m[1] + m[2], m[1] - m[2] - m[3]} }
	w.each(func(t, c int) {
		var rows [4][2]float32 // m·A
		for i := range rows {
			rows[i] = gather([4]float32{*w.at(4*i, t, c), *w.at(4*i+1, t, c), *w.at(4*i+2, t, c), *w.at(4*i+3, t, c)})
		}
		for j := range 2 {
			for i, v := range gather([4]float32{rows[0][j], rows[1][j], rows[2][j], rows[3][j]}) {
				y := w.pixel([]unsafe.Pointer{w.a, w.b}[i], t, j, c)
				if add {
					v += *y
				}
				*y = v
			}
		}
	})
}

// winograds says whether Winograd acts.
func (c *Conv) winograds() bool {
	oh, ow := c.OutSize()
	return c.Winograd && c.Kernel == 3 && c.Stride == 1 && c.In%16 == 0 && c.Out%16 == 0 && 0 <= c.Pad && c.Pad <= 2 &&
		min(c.N, c.H, c.W, c.In, c.Out, oh, ow) > 0
}

// A frame is an image as tiles see it, with zeros around: pixel (0,0) at (pad,pad).
type frame struct {
	h, w, c     int // the image
	pad         int
	lines, line int // of the frame, in pixels
	tiles       int // lines of tiles in it
	under       int // lines of the image that the first line of tiles needs; each other needs two more
}

// clear writes the zeros.
func (f *frame) clear(x []float32) {
	line := f.line * f.c
	clear(x[:f.pad*line])
	clear(x[(f.pad+f.h)*line : f.lines*line])
	for i := f.pad; i < f.pad+f.h; i++ {
		clear(x[i*line:][:f.pad*f.c])
		clear(x[i*line:][(f.pad+f.w)*f.c : line])
	}
}

// lined returns which lines of the images, counted through all of them, a line of tiles
// needs and the one above it in its image did not.
func (f *frame) lined(tiles int) (from, to int) {
	image, row := tiles/f.tiles*f.h, tiles%f.tiles
	if row > 0 {
		from = min(f.h, f.under+2*row-2)
	}
	return image + from, image + min(f.h, f.under+2*row)
}

// place is what lines of tiles from a to b-1 need of images.
func (f *frame) place(x []float32, a, b int) []float32 {
	if b = min(b, len(x)/(f.h*f.w*f.c)*f.tiles); a >= b {
		return nil
	}
	from, _ := f.lined(a)
	_, to := f.lined(b - 1)
	return x[from*f.w*f.c : to*f.w*f.c]
}

// fill writes what a line of tiles needs into the frame.
func (f *frame) fill(framed, x []float32, tiles int, norm *NormReLU) {
	from, end := f.lined(tiles)
	for i := from; i < end; i++ {
		to, pixels := framed[((f.pad+i%f.h)*f.line+f.pad)*f.c:][:f.w*f.c], x[i*f.w*f.c:][:f.w*f.c]
		if norm.Acts() {
			norm.Apply(to, pixels)
		} else {
			copy(to, pixels)
		}
	}
}

// image frames the source of a convolution whose result is of oh×ow.
func (f frame) image(oh, ow int) frame {
	f.tiles, f.under = (oh+1)/2, 4-f.pad
	f.lines, f.line = 2*f.tiles+2, (ow+1)/2*2+2
	return f
}

// spread fills the frame for a line of tiles and writes their Bᵀ·d·B to matrices, which
// stand step values apart.
func (f *frame) spread(framed, x []float32, tiles int, norm *NormReLU, matrices []float32, step int) {
	f.fill(framed, x, tiles, norm)
	t := winogradTask{
		matrices: pointer(matrices), a: pointer(framed[2*(tiles%f.tiles)*f.line*f.c:]), count: uintptr(f.line/2 - 1),
		bytes: uintptr(4 * f.c), step: uintptr(4 * step), line: uintptr(4 * f.line * f.c),
	}
	t.image()
}

// winograd is a correlation of images with 3×3 taps by F(2×2,3×3).
type winograd struct {
	taps     [16]Packed
	source   frame
	h, w     int // of the result
	out      int // its channels
	cols     int // of tiles
	together int // lines of tiles that are computed at once
	x, y     []float32
	norm     NormReLU
	add      bool
}

// together is how many lines of so many tiles are computed at once, between channels in
// and out: so many that the values of their 16 matrices stay in the second cache.
func together(in, out, cols int) int { return max(1, (1<<17)/(16*(in+out)*cols)) }

// apart is the distance of matrices of so many rows and columns: a line more than whole
// pages, since lines that stand pages apart meet in few sets of the caches.
func apart(rows, cols int) int { return (rows*cols+1023)/1024*1024 + 16 }

// slice is part i of 16 of x.
func slice(x []float32, i int) []float32 { return x[i*len(x)/16 : (i+1)*len(x)/16] }

// run computes n images with taps [3,3,in,out].
func (k *winograd) run(n int, w []float32, turned bool) {
	k.source, k.cols = k.source.image(k.h, k.w), (k.w+1)/2
	k.together = together(k.source.c, k.out, k.cols)
	k.pack(w, turned)
	type part struct {
		*winograd
		n, size int
	}
	size := max(4, (k.together+k.source.tiles-1)/k.source.tiles)
	Parallel((n+size-1)/size, part{k, n, size}, func(p part, i int) { p.some(i*p.size, min(p.n, (i+1)*p.size)) })
	for i := range k.taps {
		k.taps[i].Release()
	}
	*k = winograd{}
	Give(k)
}

// some computes images from to to-1.
func (k *winograd) some(from, to int) {
	in, tiles := k.source.c, k.together*k.cols
	next, nextOut := apart(tiles, in), apart(tiles, k.out)
	framed, v, m, spare := scratch(k.source.lines*k.source.line*in), scratch(16*next), scratch(16*nextOut), scratch((k.w+5)*k.out)
	defer release(framed)
	defer release(v)
	defer release(m)
	defer release(spare)
	k.source.clear(*framed)
	end := to * k.source.tiles
	for first := from * k.source.tiles; first < end; first += k.together {
		last := min(end, first+k.together)
		for i := first; i < last; i++ {
			k.source.spread(*framed, k.x, i, &k.norm, (*v)[(i-first)*k.cols*in:], next)
		}
		soon, written := k.source.place(k.x, last, last+k.together), k.result(first, last)
		for i := range k.taps {
			k.taps[i].Mul((last-first)*k.cols, (*v)[i*next:], in, (*m)[i*nextOut:], k.out, nil, 0, slice(soon, i), slice(written, i))
		}
		for i := first; i < last; i++ {
			k.line(i, (*m)[(i-first)*k.cols*k.out:], 4*nextOut, *spare)
		}
	}
}

// result is the place of lines of tiles from a to b-1.
func (k *winograd) result(a, b int) []float32 {
	at := func(i int) int { return (i/k.source.tiles*k.h + 2*(i%k.source.tiles)) * k.w * k.out }
	return k.y[at(a):at(b)]
}

// line writes a line of tiles; what stands outside of the image goes to spare.
func (k *winograd) line(i int, m []float32, step int, spare []float32) {
	y := k.result(i, i+1)
	below, last := spare[:k.w*k.out], spare[(k.w+1)*k.out:]
	if len(y) == 2*k.w*k.out {
		below = y[k.w*k.out:]
	}
	t := winogradTask{matrices: pointer(m), a: pointer(y), b: pointer(below), count: uintptr(k.w / 2), bytes: uintptr(4 * k.out), step: uintptr(step)}
	if t.count > 0 {
		t.result(k.add)
	}
	if k.w%2 == 0 {
		return
	}
	t.matrices, t.a, t.b, t.count = pointer(m[(k.cols-1)*k.out:]), pointer(last), pointer(last[2*k.out:]), 1
	t.result(false)
	for i, to := range [][]float32{y, below} {
		to, value := to[(k.w-1)*k.out:k.w*k.out], last[2*i*k.out:(2*i+1)*k.out]
		if k.add {
			Add(to, value, to, false)
		} else {
			copy(to, value)
		}
	}
}

// pack packs G·g·Gᵀ of the taps g, or, turned, of those that the gradient of the input
// meets: each transposed, in falling order.
func (k *winograd) pack(w []float32, turned bool) {
	in, out := k.source.c, k.out
	n := in * out
	u := scratch(16 * n)
	defer release(u)
	rows := scratch(12 * n) // g·Gᵀ
	defer release(rows)
	for i := range 3 {
		winogradTaps((*rows)[4*i*n:], n, n, w[3*i*n:], n)
	}
	for j := range 4 {
		winogradTaps((*u)[j*n:], n, 4*n, (*rows)[j*n:], 4*n)
	}
	for i := range 4 {
		for j := range 4 {
			if turned { // the transform of taps in falling order is that in rising order, its ends exchanged
				from := 4*[]int{3, 1, 2, 0}[i] + []int{3, 1, 2, 0}[j]
				k.taps[4*i+j] = PackTransposed((*u)[from*n:(from+1)*n], in, out)
			} else {
				k.taps[4*i+j] = Pack((*u)[(4*i+j)*n:(4*i+j+1)*n], in, out)
			}
		}
	}
}

// winogradTaps computes G·g of n values for each of three taps that stand apart by from,
// and writes the four results apart by to.
func winogradTaps(y []float32, n, to int, g []float32, from int) {
	a, b, c := g[:n], g[from:from+n], g[2*from:2*from+n]
	y0, y1, y2, y3 := y[:n], y[to:to+n], y[2*to:2*to+n], y[3*to:3*to+n]
	for i := range n {
		ends, middle := float32((a[i]+c[i])*0.5), float32(b[i]*0.5)
		y0[i], y1[i], y2[i], y3[i] = a[i], ends+middle, ends-middle, c[i]
	}
}

// winogradBack computes Gᵀ·d, the way back.
func winogradBack(y []float32, n, to int, d []float32, from int) {
	d0, d1, d2, d3 := d[:n], d[from:from+n], d[2*from:2*from+n], d[3*from:3*from+n]
	a, b, c := y[:n], y[to:to+n], y[2*to:2*to+n]
	for i := range n {
		sum, difference := float32((d1[i]+d2[i])*0.5), float32((d1[i]-d2[i])*0.5)
		a[i], b[i], c[i] = d0[i]+sum, difference, sum+d3[i]
	}
}

// winogradWeightGrad writes the gradient of the taps over images from to to-1 to sum: in
// each of 16 matrices one chain over the tiles.
func (c *Conv) winogradWeightGrad(from, to int, x, dy, sum []float32) {
	oh, ow := c.OutSize()
	source := frame{h: c.H, w: c.W, c: c.In, pad: c.Pad}.image(oh, ow)
	lines, cols := source.tiles, (ow+1)/2
	result := frame{h: oh, w: ow, c: c.Out, lines: 2 * lines, line: 2 * cols, tiles: lines, under: 2}
	together := together(c.In, c.Out, cols)
	n, next, nextOut := c.In*c.Out, apart(together*cols, c.In), apart(together*cols, c.Out)
	framed, v, grad, u := scratch(source.lines*source.line*c.In), scratch(16*next), scratch(16*nextOut), scratch(16*n)
	defer release(framed)
	defer release(v)
	defer release(grad)
	defer release(u)
	source.clear(*framed)
	var odd *[]float32 // dy with zeros around, if it ends before its tiles do
	if result.lines > oh || result.line > ow {
		odd = scratch(result.lines * result.line * c.Out)
		defer release(odd)
		result.clear(*odd)
	}
	x, dy = x[:to*c.H*c.W*c.In], dy[:to*oh*ow*c.Out]
	end := to * lines
	for first := from * lines; first < end; first += together {
		last := min(end, first+together)
		for i := first; i < last; i++ {
			source.spread(*framed, x, i, &c.Norm, (*v)[(i-first)*cols*c.In:], next)
			g := result.place(dy, i, i+1)
			if odd != nil {
				result.fill(*odd, dy, i, &NormReLU{})
				g = (*odd)[2*(i%lines)*result.line*c.Out:]
			}
			t := winogradTask{
				matrices: pointer((*grad)[(i-first)*cols*c.Out:]), a: pointer(g), b: pointer(g[result.line*c.Out:]),
				count: uintptr(cols), bytes: uintptr(4 * c.Out), step: uintptr(4 * nextOut),
			}
			t.grad()
		}
		soon, soonOut := source.place(x, last, last+together), result.place(dy, last, last+together)
		for i := range 16 {
			p := product{
				m: c.In, n: c.Out, k: (last - first) * cols, a: matrix{(*v)[i*next:], 1, c.In}, b: (*grad)[i*nextOut:], ldb: c.Out,
				c: (*u)[i*n:], ldc: c.Out, start: Start{Acc: first > from*lines},
			}
			p.look = lookAhead(active.segments(p.m, p.n, p.k), slice(soon, i), slice(soonOut, i))
			p.check()
			p.block(active, 0, c.In, 0, c.Out, nil)
		}
	}
	rows := scratch(12 * n) // Gᵀ·u
	defer release(rows)
	for j := range 4 {
		winogradBack((*rows)[j*n:], n, 4*n, (*u)[j*n:], 4*n)
	}
	for i := range 3 {
		winogradBack(sum[3*i*n:], n, n, (*rows)[4*i*n:], n)
	}
}

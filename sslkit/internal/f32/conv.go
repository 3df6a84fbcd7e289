package f32

import "unsafe"

// Conv is a two-dimensional convolution of images in NHWC order with weights in
// [Kernel,Kernel,In,Out] order. Taps outside the image take no part.
//
// Nothing is copied but the weights, images on which Norm acts, and what Winograd
// transforms: pixels that meet the same taps form tiles of a matrix product whose
// left side is the image itself, the rows of the kernel being segments of it.
type Conv struct {
	N, H, W, In, Out    int // images, their size, channels in and out
	Kernel, Stride, Pad int

	Norm NormReLU // what becomes of the images on their way in

	// Winograd has a kernel of 3, stride 1 and channels in 16s computed by F(2×2,3×3)
	// of Lavin and Gray (2016, arXiv:1509.09308, §4.1): tiles of 2×2 pixels take 16
	// products where the taps take 36, and round otherwise. Zeros around the image take
	// part then, and what is not finite spreads over its tile.
	Winograd bool
}

// NormReLU is BatchNorm and ReLU of channels: max((x-Mean)·Scale + Shift, 0). The
// zero value is none.
type NormReLU struct{ Mean, Scale, Shift []float32 }

// Acts reports whether there is one.
func (n *NormReLU) Acts() bool { return n.Mean != nil }

// Apply computes y from x, pixels of channels.
func (n *NormReLU) Apply(y, x []float32) { Norm(y, x, n.Mean, n.Scale, n.Shift, true) }

// OutSize is the size of the result: ⌊(H+2·Pad-Kernel)/Stride⌋+1 and the same
// for the width.
func (c Conv) OutSize() (h, w int) {
	return (c.H+2*c.Pad-c.Kernel)/c.Stride + 1, (c.W+2*c.Pad-c.Kernel)/c.Stride + 1
}

// A span is n positions of one axis that meet the same taps.
type span struct {
	at, step, n int // the positions
	from, move  int // where the first tap of the first of them meets the source, and of the next
	tap, taps   int // the taps, which meet consecutive places of the source
	class       int // of what weights they are taps
}

// outputs appends the spans of an axis of the output of a convolution.
func (c *Conv) outputs(spans []span, size, out int) []span {
	for o := range out {
		tap := max(0, c.Pad-o*c.Stride)
		taps := max(0, min(c.Kernel, size+c.Pad-o*c.Stride)-tap)
		spans = extend(spans, span{at: o, step: 1, n: 1, from: o*c.Stride + tap - c.Pad, move: c.Stride, tap: tap, taps: taps})
	}
	return spans
}

// inputs appends the spans of an axis of the input, as the input's gradient sees
// it: the positions that agree modulo the stride meet the same taps, in falling
// order, at consecutive places of the output. A class is such a set.
func (c *Conv) inputs(spans []span, size, out int) []span {
	for class := range min(c.Stride, size) {
		top, taps := c.tapsAt(class)
		first := (class + c.Pad - top) / c.Stride // the place in the output that the first tap reaches from pixel class
		for q := 0; class+q*c.Stride < size; q++ {
			tap := max(0, -(q + first))
			n := max(0, min(taps, out-q-first)-tap)
			spans = extend(spans, span{at: class + q*c.Stride, step: c.Stride, n: 1, from: q + first + tap, move: 1, tap: tap, taps: n, class: class})
		}
	}
	return spans
}

// extend appends a position to the spans, or to the last of them.
func extend(spans []span, s span) []span {
	if n := len(spans); n > 0 {
		if last := &spans[n-1]; last.tap == s.tap && last.taps == s.taps && last.class == s.class {
			last.n++
			return spans
		}
	}
	return append(spans, s)
}

// tapsAt tells which of the kernel's places meet pixels at p modulo the stride:
// top, and every stride below it, n in all.
func (c *Conv) tapsAt(p int) (top, n int) {
	for top = c.Kernel - 1; top >= 0; top-- {
		if (p+c.Pad-top)%c.Stride == 0 {
			return top, top/c.Stride + 1
		}
	}
	return p + c.Pad, 0
}

// A correlation slides packed weights over images.
type correlation struct {
	e            *engine
	rows, cols   []span
	weights      []weights // by class of row and column
	classes      int       // of columns
	in, out      int       // channels of the source and of the result
	line, height int       // of the source, in pixels
	outLine      int       // of the result, in pixels
	outHeight    int
	x, y         []float32
	norm         NormReLU // of x
	add          bool     // to y

	look lookahead // at the next images
}

// weights are the taps of a class, packed in panels.
type weights struct {
	panels   *[]float32
	cols, in int // taps in a row, and channels of one
	rows     int
}

// at is where a tap's channels stand in the panel of column j.
func (w *weights) at(j, width, row, col int) unsafe.Pointer {
	return unsafe.Pointer(&(*w.panels)[(j*w.rows*w.cols+(row*w.cols+col)*width)*w.in])
}

// fewPixels is the number of pixels in a line below which they make low tiles, which
// wait for the latency of their additions and for the weights; then a tile takes
// pixels of several images.
const fewPixels = 6

// few reports whether the spans meet in so few pixels.
func (s span) few(of span) bool { return max(s.n, of.n) < fewPixels }

// together is the number of images whose few pixels are computed at once: two
// tiles, if those of so many images stay in a second cache of 1 MB.
func (k *correlation) together() int {
	if 12*(k.height*k.line*k.in+k.outHeight*k.outLine*k.out) <= 3*fitting {
		return 12
	}
	return 6
}

// run computes n images.
func (k *correlation) run(n int) {
	type group struct {
		*correlation
		n, size int
	}
	size := k.together()
	Parallel((n+size-1)/size, group{k, n, size}, func(g group, i int) { g.some(i*g.size, min(g.n, (i+1)*g.size)) })
}

// some computes images from to to-1.
func (k *correlation) some(from, to int) {
	part := *k
	source, result := k.height*k.line*k.in, k.outHeight*k.outLine*k.out
	part.x, part.y = k.x[from*source:to*source], k.y[from*result:to*result]
	var raw []float32
	if k.norm.Acts() {
		held := scratch(len(part.x))
		defer release(held)
		raw, part.x = part.x, *held
	}
	if k.add {
		held := scratch(len(part.y))
		defer release(held)
		part.y = *held
	}
	each := part.segments(1, false)
	for image := range to - from {
		at, end := image*source, (image+1)*source
		if raw != nil {
			k.norm.Apply(part.x[at:end], raw[at:end])
		}
		next := from*source + end
		part.look = lookAhead(each, k.x[next:min(next+source, len(k.x))])
		part.images(image, 1, false)
	}
	part.look = lookahead{}
	if each == 0 { // nobody has looked at any of the next
		next := to * source
		part.look = lookAhead(part.segments(to-from, true), k.x[next:min(2*next-from*source, len(k.x))])
	}
	part.images(0, to-from, true)
	if k.add {
		y := k.y[from*result : to*result]
		Add(y, y, part.y, false)
	}
}

// images computes where few pixels meet the same taps, in n images from the
// first on, or everything else.
func (k *correlation) images(first, n int, few bool) {
	for j := 0; j < k.out; j += k.e.cols {
		for row := 0; ; row += k.depth() {
			last := true
			for _, r := range k.rows {
				last = last && r.tap+r.taps <= row+k.depth()
				for _, c := range k.cols {
					if r.few(c) == few {
						k.place(first, n, j, row, r, c)
					}
				}
			}
			if last {
				break
			}
		}
	}
}

// strips are how the pixels of two spans in n images are computed: as times·again
// strips of m pixels. They run along the longer of rows and columns, or, where
// pixels are few, along images.
func strips(n int, r, c span) (m, times, again int) {
	switch {
	case r.few(c):
		return n, c.n, r.n
	case r.n > c.n:
		return r.n, c.n, 1
	}
	return c.n, r.n, 1
}

// segments is the number of segments in the tiles that images computes.
func (k *correlation) segments(n int, few bool) (count int) {
	for _, r := range k.rows {
		for _, c := range k.cols {
			if r.few(c) == few && c.taps > 0 {
				m, times, again := strips(n, r, c)
				count += times * again * ((m + k.e.rows - 1) / k.e.rows) * r.taps
			}
		}
	}
	return count * ((k.out + k.e.cols - 1) / k.e.cols)
}

// depth is how many rows of taps are taken at a time, so that their weights
// stay in the first cache.
func (k *correlation) depth() int {
	w := &k.weights[0]
	return max(1, blockK/max(1, w.cols*w.in))
}

// place computes the pixels of two spans, for the columns of the panel of j and
// for some of the taps from the given row on.
func (k *correlation) place(first, n, j, row int, r, c span) {
	if r.taps == 0 || c.taps == 0 {
		if j == 0 && row == 0 {
			k.zero(first, n, r, c)
		}
		return
	}
	from, to := max(r.tap, row), min(r.tap+r.taps, row+k.depth())
	if from >= to {
		return
	}
	w, width := &k.weights[r.class*k.classes+c.class], k.e.cols
	x := k.x[((first*k.height+r.from+from-r.tap)*k.line+c.from)*k.in:]
	y := k.y[((first*k.outHeight+r.at)*k.outLine+c.at)*k.out+j:]
	right, down, next := step{c.move * k.in, c.step * k.out}, step{r.move * k.line * k.in, r.step * k.outLine * k.out}, step{k.height * k.line * k.in, k.outHeight * k.outLine * k.out}
	m, times, again := strips(n, r, c)
	along, other, third := right, down, step{}
	if r.n > c.n {
		along, other = down, right
	}
	if r.few(c) {
		along, other, third = next, right, down
	}
	run := c.taps * k.in
	_ = x[(again-1)*third.x+(times-1)*other.x+(m-1)*along.x+(to-from-1)*k.line*k.in+run-1] // a short slice panics here and not in assembly
	_ = y[(again-1)*third.y+(times-1)*other.y+(m-1)*along.y+min(width, k.out-j)-1]
	t := tile{
		ars: uintptr(along.x) * 4, acs: 4, k: uintptr(run),
		segments: uintptr(to - from), jump: uintptr(k.line*k.in-run) * 4, jumpB: uintptr((w.cols-c.taps)*k.in*width) * 4,
		ldb: uintptr(width) * 4, ldc: uintptr(along.y) * 4, lds: uintptr(along.y) * 4,
	}
	for i := range times * again {
		x, y := x[i%times*other.x+i/times*third.x:], y[i%times*other.y+i/times*third.y:]
		t.a, t.b, t.c, t.start = unsafe.Pointer(&x[0]), w.at(j, width, from, c.tap), unsafe.Pointer(&y[0]), nil
		if from > r.tap {
			t.start = t.c
		}
		k.look.before(&t)
		k.e.strip(&t, m, min(width, k.out-j))
		k.look.after(&t)
	}
}

// A step is a distance in source and result, in values.
type step struct{ x, y int }

// zero clears the pixels that meet no taps.
func (k *correlation) zero(first, n int, r, c span) {
	for i := range n {
		for a := range r.n {
			for b := range c.n {
				pixel := ((first+i)*k.outHeight+r.at+a*r.step)*k.outLine + c.at + b*c.step
				clear(k.y[pixel*k.out : (pixel+1)*k.out])
			}
		}
	}
}

// release gives back the packed weights, and k for the next convolution, which
// finds its lists empty.
func (k *correlation) release() {
	for _, w := range k.weights {
		release(w.panels)
	}
	clear(k.weights)
	*k = correlation{rows: k.rows[:0], cols: k.cols[:0], weights: k.weights[:0]}
	Give(k)
}

// Forward computes y [N,OH,OW,Out] from x [N,H,W,In]: each element one chain of
// fused multiply-adds over the taps in the order of the weights.
func (c Conv) Forward(x, w, y []float32) {
	oh, ow := c.OutSize()
	if c.winograds() {
		k := Take[winograd]()
		*k = winograd{source: frame{h: c.H, w: c.W, c: c.In, pad: c.Pad}, h: oh, w: ow, out: c.Out, x: x, y: y, norm: c.Norm}
		k.run(c.N, w, false)
		return
	}
	e := active
	depth := c.Kernel * c.Kernel * c.In
	all := weights{scratch(e.packedSize(depth, c.Out)), c.Kernel, c.In, c.Kernel}
	e.pack(*all.panels, w, depth, c.Out)
	k := Take[correlation]()
	*k = correlation{
		e: e, rows: c.outputs(k.rows, c.H, oh), cols: c.outputs(k.cols, c.W, ow), weights: append(k.weights, all), classes: 1,
		in: c.In, out: c.Out, line: c.W, height: c.H, outLine: ow, outHeight: oh, x: x, y: y, norm: c.Norm,
	}
	k.run(c.N)
	k.release()
}

// InputGrad computes dx [N,H,W,In] from dy [N,OH,OW,Out], or adds it to what is
// there; it is the gradient of what Norm gives.
func (c Conv) InputGrad(dy, w, dx []float32, add bool) {
	oh, ow := c.OutSize()
	if c.winograds() {
		k := Take[winograd]()
		*k = winograd{source: frame{h: oh, w: ow, c: c.Out, pad: 2 - c.Pad}, h: c.H, w: c.W, out: c.In, x: dy, y: dx, add: add}
		k.run(c.N, w, true)
		return
	}
	k := Take[correlation]()
	*k = correlation{
		e: active, rows: c.inputs(k.rows, c.H, oh), cols: c.inputs(k.cols, c.W, ow), weights: k.weights, classes: min(c.Stride, c.W),
		in: c.Out, out: c.In, line: ow, height: oh, outLine: c.W, outHeight: c.H, x: dy, y: dx, add: add,
	}
	for row := range min(c.Stride, c.H) {
		for col := range k.classes {
			k.weights = append(k.weights, c.turned(k.e, w, row, col))
		}
	}
	k.run(c.N)
	k.release()
}

// turned packs the taps that meet the input's pixels of a class, each
// transposed.
func (c *Conv) turned(e *engine, w []float32, row, col int) weights {
	low, rows := c.tapsAt(row)
	right, cols := c.tapsAt(col)
	n := c.In * c.Out
	turned := scratch(rows * cols * n)
	defer release(turned)
	for i := range rows {
		for j := range cols {
			tap := ((low-i*c.Stride)*c.Kernel + right - j*c.Stride) * n
			Transpose((*turned)[(i*cols+j)*n:(i*cols+j+1)*n], w[tap:tap+n], c.In, c.Out)
		}
	}
	depth := rows * cols * c.Out
	panels := scratch(e.packedSize(depth, c.In))
	e.pack(*panels, *turned, depth, c.In)
	return weights{panels, cols, c.Out, rows}
}

// fitting is how many values of images are worked on at a time, so that they
// stay in the second cache.
const fitting = 1 << 16

// WeightGrad computes dw [Kernel,Kernel,In,Out] from x and dy: within a leaf of
// samples one chain over the samples, rows and columns that the tap meets, in
// order.
func (c Conv) WeightGrad(x, dy, dw []float32) {
	type operands struct {
		Conv
		e     *engine
		x, dy []float32
	}
	sumLeaves(c.N, c.Kernel*c.Kernel*c.In*c.Out, dw, c.N == 0, operands{c, active, x, dy}, func(o operands, from, to int, sum []float32) {
		if o.winograds() {
			o.winogradWeightGrad(from, to, o.x, o.dy, sum)
			return
		}
		o.leafWeightGrad(o.e, from, to, o.x, o.dy, sum)
	})
}

// leafWeightGrad writes the gradient of the images from to to-1 to sum, some at a
// time.
func (c *Conv) leafWeightGrad(e *engine, from, to int, x, dy, sum []float32) {
	oh, ow := c.OutSize()
	in, out := c.H*c.W*c.In, oh*ow*c.Out
	group := max(1, fitting/(in+out))
	var normed *[]float32
	if c.Norm.Acts() {
		normed = scratch(group * in)
		defer release(normed)
	}
	for i := from; i < to; i += group {
		n := min(group, to-i)
		images := x[i*in : (i+n)*in]
		if c.Norm.Acts() {
			c.Norm.Apply((*normed)[:n*in], images)
			images = (*normed)[:n*in]
		}
		next := min(i+2*group, to)
		tiles := c.Kernel * c.Kernel * ((c.In + e.rows - 1) / e.rows) * ((c.Out + e.cols - 1) / e.cols)
		look := lookAhead(n*oh*tiles, x[(i+n)*in:next*in], dy[(i+n)*out:next*out])
		c.imagesWeightGrad(e, n, images, dy[i*out:(i+n)*out], sum, i > from, look)
	}
}

// imagesWeightGrad writes the gradient of n images to sum, or adds it to what is
// there; its tiles look at the next images.
func (c *Conv) imagesWeightGrad(e *engine, n int, x, dy, sum []float32, add bool, look lookahead) {
	oh, ow := c.OutSize()
	t := tile{
		ars: 4, acs: uintptr(c.Stride*c.In) * 4, groups: uintptr(n),
		ldb: uintptr(c.Out) * 4, ldc: uintptr(c.Out) * 4, lds: uintptr(c.Out) * 4,
	}
	for j := 0; j < c.Out; j += e.cols {
		for a := range c.Kernel {
			top, bottom := c.meets(a, c.H, oh)
			for b := range c.Kernel {
				left, right := c.meets(b, c.W, ow)
				rows, cols := bottom-top, right-left
				if rows <= 0 || cols <= 0 {
					if tap := (a*c.Kernel + b) * c.In * c.Out; !add {
						clear(sum[tap : tap+c.In*c.Out])
					}
					continue
				}
				t.k, t.segments = uintptr(cols), uintptr(rows)
				t.jump, t.jumpB = uintptr(c.Stride*(c.W-cols)*c.In)*4, uintptr((ow-cols)*c.Out)*4
				t.group, t.groupB = uintptr((c.H-rows*c.Stride)*c.W*c.In)*4, uintptr((oh-rows)*ow*c.Out)*4
				t.a = unsafe.Pointer(&x[((top*c.Stride+a-c.Pad)*c.W+left*c.Stride+b-c.Pad)*c.In])
				t.b = unsafe.Pointer(&dy[(top*ow+left)*c.Out+j])
				t.c = unsafe.Pointer(&sum[(a*c.Kernel+b)*c.In*c.Out+j])
				if t.start = nil; add {
					t.start = t.c
				}
				look.before(&t)
				e.strip(&t, c.In, min(e.cols, c.Out-j))
				look.after(&t)
			}
		}
	}
}

// meets are the places of the output, from and to, where a tap of an axis meets
// the input.
func (c *Conv) meets(tap, size, out int) (from, to int) {
	before, within := c.Pad-tap, size+c.Pad-tap // from the first to before the second, in the input
	return max(0, (before+c.Stride-1)/c.Stride), min(out, (within+c.Stride-1)/c.Stride)
}

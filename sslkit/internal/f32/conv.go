package f32

import "unsafe"

// Conv is a two-dimensional convolution of images in NHWC order with weights in
// [Kernel,Kernel,In,Out] order. Taps outside the image read zero and take part
// in the sum as such.
type Conv struct {
	N, H, W, In, Out    int // images, their size, channels in and out
	Kernel, Stride, Pad int
}

// OutSize is the size of the result: ⌊(H+2·Pad-Kernel)/Stride⌋+1 and the same
// for the width.
func (c Conv) OutSize() (h, w int) {
	return (c.H+2*c.Pad-c.Kernel)/c.Stride + 1, (c.W+2*c.Pad-c.Kernel)/c.Stride + 1
}

// Forward computes y [N,OH,OW,Out] from x [N,H,W,In]: each element one chain of
// fused multiply-adds over the taps in the order of the weights.
func (c Conv) Forward(x, w, y []float32) {
	oh, ow := c.OutSize()
	ph, pw := c.H+2*c.Pad, c.W+2*c.Pad
	e := active
	g := grid{
		rows: oh, cols: ow, step: c.Stride * c.In, line: c.Stride * pw * c.In,
		taps: c.Kernel, run: c.Kernel * c.In, next: pw * c.In,
		out: c.Out, outStep: c.Out, outLine: ow * c.Out,
	}
	panels := scratch(e.packedSize(g.taps*g.run, c.Out))
	defer release(panels)
	e.pack(*panels, w, g.taps*g.run, c.Out)
	Parallel(c.N, func(i int) {
		padded := scratch(ph * pw * c.In)
		defer release(padded)
		c.padded(*padded, x, i)
		g.correlate(e, *padded, *panels, y[i*oh*ow*c.Out:(i+1)*oh*ow*c.Out])
	})
}

// padded copies image i of x into the middle of its frame.
func (c Conv) padded(dst, x []float32, i int) {
	size := c.H * c.W * c.In
	border{c.Pad, c.Pad, c.Pad * c.In, c.Pad * c.In}.frame(dst, x[i*size:(i+1)*size], c.H, c.W*c.In)
}

// A border is the number of zero lines and values around an image.
type border struct{ top, bottom, left, right int }

// frame copies rows of src into the middle of a border of zeros.
func (b border) frame(dst, src []float32, rows, width int) {
	if b == (border{}) {
		copy(dst, src)
		return
	}
	whole := b.left + width + b.right
	at := b.top*whole + b.left
	clear(dst[:at])
	for h := range rows {
		copy(dst[at:at+width], src[h*width:])
		clear(dst[at+width : min(at+whole, len(dst))])
		at += whole
	}
	clear(dst[min(at, len(dst)):])
}

// A grid is one correlation of an image with weights: where the pixels of the
// result and the taps stand in it. Lengths are in values.
type grid struct {
	rows, cols       int // pixels of the result
	step, line       int // in the image, between their columns and rows
	taps, run, next  int // runs of the kernel, length of one, and from one to the next
	out              int // channels of the result
	outStep, outLine int // in the result, between its columns and rows
}

// packedSize is the number of values of k rows of n columns packed in panels.
func (e *engine) packedSize(k, n int) int { return (n + e.cols - 1) / e.cols * e.cols * k }

// pack copies the columns of w [k,n] into panels as wide as a tile.
func (e *engine) pack(dst, w []float32, k, n int) { e.packStrided(dst, w, k, n, n) }

// packStrided is pack for rows of w that stand ldw apart.
func (e *engine) packStrided(dst, w []float32, k, n, ldw int) {
	for j := 0; j < n; j += e.cols {
		width := min(e.cols, n-j)
		panel := dst[j*k:]
		for l := range k {
			copy(panel[l*e.cols:l*e.cols+width], w[l*ldw+j:])
		}
	}
}

// depth is how much of a panel stays in the first cache.
const depth = 384

// correlate slides packed weights over one image. A row of the result is a
// matrix product: its pixels stand step apart in the image, and its depth comes
// in runs.
func (g grid) correlate(e *engine, image, panels, y []float32) {
	k := g.taps * g.run
	_ = image[(g.rows-1)*g.line+(g.cols-1)*g.step+(g.taps-1)*g.next+g.run-1] // a short slice panics here and not in assembly
	_ = y[(g.rows-1)*g.outLine+(g.cols-1)*g.outStep+g.out-1]
	group := max(1, min(g.taps, depth/max(1, g.run)))
	t := tile{
		ars: uintptr(g.step) * 4, acs: 4, k: uintptr(g.run), jump: uintptr(g.next-g.run) * 4,
		ldb: uintptr(e.cols) * 4, ldc: uintptr(g.outStep) * 4, lds: uintptr(g.outStep) * 4,
	}
	for j := 0; j < g.out; j += e.cols {
		width := min(e.cols, g.out-j)
		for tap := 0; tap < g.taps; tap += group {
			t.segments = uintptr(min(group, g.taps-tap))
			t.b = unsafe.Pointer(&panels[j*k+tap*g.run*e.cols])
			for h := range g.rows {
				for x, height := 0, 0; x < g.cols; x += height {
					height = evenly(g.cols-x, e.rows)
					t.a = unsafe.Pointer(&image[h*g.line+tap*g.next+x*g.step])
					t.c = unsafe.Pointer(&y[h*g.outLine+x*g.outStep+j])
					t.start = nil
					if tap > 0 {
						t.start = t.c
					}
					e.run(&t, height, width)
				}
			}
		}
	}
}

// InputGrad computes dx [N,H,W,In] from dy [N,OH,OW,Out]. Pixels of dx whose
// places agree modulo the stride meet the same taps of the kernel: each such
// class is the correlation of dy, framed with zeros, with those taps in falling
// order.
func (c Conv) InputGrad(dy, w, dx []float32) {
	oh, ow := c.OutSize()
	e := active
	b := c.reach(oh, ow)
	lines, width := b.top+oh+b.bottom, b.left+ow*c.Out+b.right
	var classes []class
	for py := range c.Stride {
		for px := range c.Stride {
			classes = append(classes, c.class(e, w, py, px, b, width))
		}
	}
	defer func() {
		for _, k := range classes {
			release(k.panels)
		}
	}()
	Parallel(c.N, func(i int) {
		framed := scratch(lines * width)
		defer release(framed)
		b.frame(*framed, dy[i*oh*ow*c.Out:(i+1)*oh*ow*c.Out], oh, ow*c.Out)
		out := dx[i*c.H*c.W*c.In : (i+1)*c.H*c.W*c.In]
		for _, k := range classes {
			k.fill(e, *framed, out, c)
		}
	})
}

// reach is how far taps of the input's pixels lie outside the output.
func (c Conv) reach(oh, ow int) border {
	before := max(0, (c.Kernel-1-c.Pad+c.Stride-1)/c.Stride)
	after := func(in, out int) int { return max(0, (in-1+c.Pad)/c.Stride-(out-1)) }
	return border{before, after(c.H, oh), before * c.Out, after(c.W, ow) * c.Out}
}

// A class is the pixels of an input gradient at row py and column px modulo the
// stride.
type class struct {
	grid
	py, px int
	origin int // in the framed gradient, of the first pixel's first tap
	panels *[]float32
}

// class gathers the taps that meet the class's pixels: pixel (y,x) of the input
// meets tap (a,b) if y+Pad-a and x+Pad-b are multiples of the stride.
func (c Conv) class(e *engine, w []float32, py, px int, b border, width int) class {
	rows, first := c.tapsAt(py)
	cols, left := c.tapsAt(px)
	k := class{py: py, px: px}
	k.grid = grid{
		rows: (c.H - py + c.Stride - 1) / c.Stride, cols: (c.W - px + c.Stride - 1) / c.Stride,
		step: c.Out, line: width, taps: len(rows), run: len(cols) * c.Out, next: width,
		out: c.In, outStep: c.Stride * c.In, outLine: c.Stride * c.W * c.In,
	}
	k.origin = (first+b.top)*width + b.left + left*c.Out
	turned := scratch(len(rows) * len(cols) * c.Out * c.In)
	defer release(turned)
	n := c.In * c.Out
	for i, a := range rows {
		for j, b := range cols {
			tap := (a*c.Kernel + b) * n
			Transpose((*turned)[(i*len(cols)+j)*n:(i*len(cols)+j+1)*n], w[tap:tap+n], c.In, c.Out)
		}
	}
	k.panels = scratch(e.packedSize(len(rows)*k.run, c.In))
	e.pack(*k.panels, *turned, len(rows)*k.run, c.In)
	return k
}

// tapsAt lists the kernel's places that meet pixels at p modulo the stride, in
// falling order, and the place in the output that the first of them reaches from
// pixel p.
func (c Conv) tapsAt(p int) (taps []int, first int) {
	for a := c.Kernel - 1; a >= 0; a-- {
		if d := p + c.Pad - a; d%c.Stride == 0 {
			if taps == nil {
				first = d / c.Stride
			}
			taps = append(taps, a)
		}
	}
	return taps, first
}

// fill computes the class's pixels of one image; without taps they are zero.
func (k class) fill(e *engine, framed, dx []float32, c Conv) {
	if k.rows <= 0 || k.cols <= 0 {
		return
	}
	at := (k.py*c.W + k.px) * c.In
	if k.taps == 0 || k.run == 0 {
		for h := range k.rows {
			for x := range k.cols {
				clear(dx[at+h*k.outLine+x*k.outStep:][:c.In])
			}
		}
		return
	}
	k.correlate(e, framed[k.origin:], *k.panels, dx[at:])
}

// WeightGrad computes dw [Kernel,Kernel,In,Out] from x and dy: within a leaf of
// samples one chain over samples, rows and columns in order.
func (c Conv) WeightGrad(x, dy, dw []float32) {
	ph, pw := c.H+2*c.Pad, c.W+2*c.Pad
	oh, ow := c.OutSize()
	e := active
	SumSamples(c.N, c.Kernel*c.Kernel*c.In*c.Out, dw, func(from, to int, sum []float32) {
		padded := scratch(ph * pw * c.In)
		defer release(padded)
		for i := from; i < to; i++ {
			c.padded(*padded, x, i)
			c.addWeightGrad(e, *padded, pw, dy[i*oh*ow*c.Out:(i+1)*oh*ow*c.Out], sum, oh, ow)
		}
	})
}

func (c Conv) addWeightGrad(e *engine, padded []float32, width int, dy, sum []float32, oh, ow int) {
	taps := c.Kernel * c.In
	t := tile{
		ars: 4, acs: uintptr(c.Stride*c.In) * 4, k: uintptr(ow), segments: uintptr(oh), jump: uintptr(c.Stride*c.In*(width-ow)) * 4,
		ldb: uintptr(c.Out) * 4, ldc: uintptr(c.Out) * 4, lds: uintptr(c.Out) * 4,
	}
	for j := 0; j < c.Out; j += e.cols {
		t.b = unsafe.Pointer(&dy[j])
		cols := min(e.cols, c.Out-j)
		for kh := range c.Kernel {
			for r, rows := 0, 0; r < taps; r += rows {
				rows = evenly(taps-r, e.rows)
				t.c = unsafe.Pointer(&sum[(kh*taps+r)*c.Out+j])
				t.start = t.c
				t.a = unsafe.Pointer(&padded[kh*width*c.In+r])
				e.run(&t, rows, cols)
			}
		}
	}
}

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
	Parallel(c.N, func(i int) {
		padded := scratch(ph * pw * c.In)
		defer release(padded)
		c.pad(*padded, x[i*c.H*c.W*c.In:(i+1)*c.H*c.W*c.In])
		c.correlate(e, *padded, pw, w, y[i*oh*ow*c.Out:(i+1)*oh*ow*c.Out], oh, ow)
	})
}

// pad copies one image into the middle of a frame of zeros.
func (c Conv) pad(dst, src []float32) {
	pw, row := (c.W+2*c.Pad)*c.In, c.W*c.In
	if c.Pad == 0 {
		copy(dst, src)
		return
	}
	clear(dst)
	for h := range c.H {
		copy(dst[(h+c.Pad)*pw+c.Pad*c.In:], src[h*row:(h+1)*row])
	}
}

// correlate slides the weights over one padded image of the given width. A row
// of the result is a matrix product for each row of the kernel: its pixels
// stand Stride·In apart in the image, and Kernel·In values of it are one tap
// row.
func (c Conv) correlate(e *engine, padded []float32, width int, w, y []float32, oh, ow int) {
	taps := c.Kernel * c.In
	t := tile{
		ars: uintptr(c.Stride*c.In) * 4, acs: 4, k: uintptr(taps),
		ldb: uintptr(c.Out) * 4, ldc: uintptr(c.Out) * 4, lds: uintptr(c.Out) * 4,
	}
	for j := 0; j < c.Out; j += e.cols {
		for h := range oh {
			for x := 0; x < ow; x += e.rows {
				t.c = unsafe.Pointer(&y[(h*ow+x)*c.Out+j])
				t.start = nil
				for kh := range c.Kernel {
					t.a = unsafe.Pointer(&padded[((h*c.Stride+kh)*width+x*c.Stride)*c.In])
					t.b = unsafe.Pointer(&w[kh*taps*c.Out+j])
					e.run(&t, min(e.rows, ow-x), min(e.cols, c.Out-j))
					t.start = t.c
				}
			}
		}
	}
}

// InputGrad computes dx [N,H,W,In] from dy [N,OH,OW,Out]: the convolution of
// dy, spread out by the stride and framed with zeros, with the weights turned
// by half a turn.
func (c Conv) InputGrad(dy, w, dx []float32) {
	oh, ow := c.OutSize()
	k := c.Kernel
	turned := scratch(k * k * c.In * c.Out)
	defer release(turned)
	for tap := range k * k {
		n := c.In * c.Out
		Transpose((*turned)[(k*k-1-tap)*n:(k*k-tap)*n], w[tap*n:(tap+1)*n], c.In, c.Out)
	}
	ph, pw, edge := c.H+k-1, c.W+k-1, k-1-c.Pad
	back := Conv{In: c.Out, Out: c.In, Kernel: k, Stride: 1}
	e := active
	Parallel(c.N, func(i int) {
		spread := scratch(ph * pw * c.Out)
		defer release(spread)
		clear(*spread)
		for h := range oh {
			for x := range ow {
				src := dy[((i*oh+h)*ow+x)*c.Out:][:c.Out]
				copy((*spread)[((h*c.Stride+edge)*pw+x*c.Stride+edge)*c.Out:], src)
			}
		}
		back.correlate(e, *spread, pw, *turned, dx[i*c.H*c.W*c.In:(i+1)*c.H*c.W*c.In], c.H, c.W)
	})
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
			c.pad(*padded, x[i*c.H*c.W*c.In:(i+1)*c.H*c.W*c.In])
			c.addWeightGrad(e, *padded, pw, dy[i*oh*ow*c.Out:(i+1)*oh*ow*c.Out], sum, oh, ow)
		}
	})
}

func (c Conv) addWeightGrad(e *engine, padded []float32, width int, dy, sum []float32, oh, ow int) {
	taps := c.Kernel * c.In
	t := tile{
		ars: 4, acs: uintptr(c.Stride*c.In) * 4, k: uintptr(ow),
		ldb: uintptr(c.Out) * 4, ldc: uintptr(c.Out) * 4, lds: uintptr(c.Out) * 4,
	}
	for kh := range c.Kernel {
		for j := 0; j < c.Out; j += e.cols {
			for r := 0; r < taps; r += e.rows {
				t.c = unsafe.Pointer(&sum[(kh*taps+r)*c.Out+j])
				t.start = t.c
				for h := range oh {
					t.a = unsafe.Pointer(&padded[(h*c.Stride+kh)*width*c.In+r])
					t.b = unsafe.Pointer(&dy[h*ow*c.Out+j])
					e.run(&t, min(e.rows, taps-r), min(e.cols, c.Out-j))
				}
			}
		}
	}
}

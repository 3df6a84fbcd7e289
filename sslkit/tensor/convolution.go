package tensor

import "sslnotes/sslkit/internal/f32"

// Conv2D returns the convolution of x [N,H,W,in] with w [K,K,in,out]: each value
// one chain of fused multiply-adds over the taps.
func Conv2D(x, w *Tensor, stride, pad int) *Tensor {
	return convolve("Conv2D", x, w, stride, pad, false)
}

// Conv2DWinograd is Conv2D with fewer products where w is 3×3, the stride 1 and both
// counts of channels are multiples of 16, by F(2×2,3×3) of Lavin and Gray (2016,
// arXiv:1509.09308, §4.1), forwards and backwards; elsewhere it is Conv2D. It rounds
// otherwise, and the same on every machine. An image has zeros around it, and a value
// that is not finite makes results near it NaN or infinite.
func Conv2DWinograd(x, w *Tensor, stride, pad int) *Tensor {
	return convolve("Conv2DWinograd", x, w, stride, pad, true)
}

func convolve(op string, x, w *Tensor, stride, pad int, winograd bool) *Tensor {
	type saved struct {
		f32.Conv
		x, w *Tensor
	}
	c := convolution(op, x, w, stride, pad)
	c.Winograd = winograd
	h, width := c.OutSize()
	out := written([]int{c.N, h, width, c.Out}, saved{c, x, w}, func(out *Tensor, s saved) {
		if s.w.needs {
			weightGrad(s.Conv, s.x, s.w, out)
		}
		if s.x.needs {
			dx, add := s.x.grad, s.x.grad != nil
			if !add {
				dx = s.x.newGradient()
			}
			s.InputGrad(out.grad, s.w.data, dx, add)
		}
	}, x, w)
	c.Forward(x.data, w.data, out.data)
	out.unread = true
	return out
}

func convolution(op string, x, w *Tensor, stride, pad int) f32.Conv {
	if len(x.shape) != 4 || len(w.shape) != 4 || w.shape[0] != w.shape[1] || w.shape[2] != x.shape[3] ||
		x.shape[1]+2*pad < w.shape[0] || x.shape[2]+2*pad < w.shape[0] {
		mismatch(op, x, w)
	}
	return f32.Conv{N: x.shape[0], H: x.shape[1], W: x.shape[2], In: x.shape[3], Out: w.shape[3], Kernel: w.shape[0], Stride: stride, Pad: pad}
}

func weightGrad(c f32.Conv, x, w, out *Tensor) {
	dw := f32.Scratch(len(w.data))
	c.WeightGrad(x.data, out.grad, *dw)
	accumulate(w, *dw, 1)
	f32.Release(dw)
}

// BatchNormReLUConv2D is Conv2D of BatchNormReLU, or Conv2DWinograd of it, with the
// same bits: images are normalised on their way into the convolution, and again on
// the way back, so that the normalised ones are never all in memory. It also returns
// the mean and the variance.
func BatchNormReLUConv2D(x, gamma, beta, w *Tensor, stride, pad int, winograd bool, eps float32) (y *Tensor, mean, variance []float32) {
	type saved struct {
		f32.Conv
		x, gamma, beta, w *Tensor
		statistics
	}
	c := convolution("BatchNormReLUConv2D", x, w, stride, pad)
	c.Winograd = winograd
	if gamma.Len() != c.In || beta.Len() != c.In {
		mismatch("BatchNormReLUConv2D", x, gamma, beta)
	}
	m := moments(x, gamma, eps)
	c.Norm = f32.NormReLU{Mean: m.mean, Scale: m.scale, Shift: beta.data}
	h, width := c.OutSize()
	y = written([]int{c.N, h, width, c.Out}, saved{c, x, gamma, beta, w, m}, func(y *Tensor, s saved) {
		if s.w.needs {
			weightGrad(s.Conv, s.x, s.w, y)
		}
		if s.x.needs || s.gamma.needs || s.beta.needs {
			inside := f32.Scratch(len(s.x.data))
			s.InputGrad(y.grad, s.w.data, *inside, false)
			normBackward(s.x, s.gamma, s.beta, *inside, inside, normed{statistics: s.statistics, again: s.Norm})
		}
		f32.Release(s.held)
	}, x, gamma, beta, w)
	c.Forward(x.data, w.data, y.data)
	y.unsaved(m.held)
	y.beside, y.unread = m.moments, true
	return y, m.mean, m.variance
}

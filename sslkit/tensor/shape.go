package tensor

import (
	"fmt"
	"slices"
)

// Reshape returns x's elements in another shape of the same length.
func Reshape(x *Tensor, shape ...int) *Tensor {
	if size(shape) != len(x.data) {
		panic(fmt.Sprintf("tensor: Reshape of %v to %v", x.shape, slices.Clone(shape)))
	}
	out := written(shape, x, func(out, x *Tensor) { accumulate(x, out.grad, 1) }, x)
	copy(out.data, x.data)
	return out
}

// Concat joins tensors that agree in all but the first dimension along it.
func Concat(ts ...*Tensor) *Tensor {
	if len(ts) == 0 {
		panic("tensor: Concat of nothing")
	}
	var dims [4]int
	shape := append(dims[:0], ts[0].shape...)
	for _, t := range ts[1:] {
		if len(t.shape) != len(shape) || !slices.Equal(t.shape[1:], shape[1:]) {
			mismatch("Concat", ts...)
		}
		shape[0] += t.shape[0]
	}
	out := written(shape, struct{}{}, func(out *Tensor, _ struct{}) {
		at := 0
		for _, t := range out.inputs() {
			accumulate(t, out.grad[at:at+len(t.data)], 1)
			at += len(t.data)
		}
	}, ts...)
	at := 0
	for _, t := range ts {
		at += copy(out.data[at:], t.data)
	}
	return out
}

// Rows returns the samples of x at the given indices, which may repeat.
func Rows(x *Tensor, index []int) *Tensor {
	type saved struct {
		x     *Tensor
		index []int
	}
	var dims [4]int
	shape := append(append(dims[:0], len(index)), x.shape[1:]...)
	each := size(x.shape[1:])
	out := written(shape, saved{x, index}, func(out *Tensor, s saved) {
		g, each := s.x.gradient(), size(s.x.shape[1:])
		for i, r := range s.index {
			into := g[r*each : (r+1)*each]
			for j, d := range out.grad[i*each : (i+1)*each] {
				into[j] += d
			}
		}
	}, x)
	for i, r := range index {
		if r < 0 || r >= x.shape[0] {
			panic(fmt.Sprintf("tensor: Rows of index %d in shape %v", r, x.shape))
		}
		copy(out.data[i*each:(i+1)*each], x.data[r*each:])
	}
	return out
}

// Rot90 turns every image of x [N,H,W,C] by k·90° counter-clockwise, as
// numpy.rot90 does. It moves pixels and changes none.
func Rot90(x *Tensor, k int) *Tensor {
	if len(x.shape) != 4 {
		mismatch("Rot90", x)
	}
	n, h, w, c := x.shape[0], x.shape[1], x.shape[2], x.shape[3]
	k = (k%4 + 4) % 4
	oh, ow := h, w
	if k%2 == 1 {
		oh, ow = w, h
	}
	type saved struct {
		x    *Tensor
		from []int
	}
	from := turnedPixels(h, w, k)
	out := written([]int{n, oh, ow, c}, saved{x, from}, func(out *Tensor, s saved) {
		g, n, c := s.x.gradient(), s.x.shape[0], s.x.shape[3]
		h, w := s.x.shape[1], s.x.shape[2]
		for i := range n {
			for p, q := range s.from {
				for ch := range c {
					g[(i*h*w+q)*c+ch] += out.grad[(i*h*w+p)*c+ch]
				}
			}
		}
	}, x)
	for i := range n {
		for p, q := range from {
			copy(out.data[(i*h*w+p)*c:(i*h*w+p+1)*c], x.data[(i*h*w+q)*c:])
		}
	}
	return out
}

// turnedPixels lists for each pixel of the turned image the pixel of the h×w
// original that it shows.
func turnedPixels(h, w, k int) []int {
	oh, ow := h, w
	if k%2 == 1 {
		oh, ow = w, h
	}
	from := make([]int, h*w)
	for r := range oh {
		for s := range ow {
			y, x := r, s
			switch k {
			case 1:
				y, x = s, w-1-r
			case 2:
				y, x = h-1-r, w-1-s
			case 3:
				y, x = h-1-s, r
			}
			from[r*ow+s] = y*w + x
		}
	}
	return from
}

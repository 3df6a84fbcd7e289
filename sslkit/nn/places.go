package nn

import "sslnotes/sslkit/tensor"

// A Mapper keeps the places of what it sees: convolutional networks and vision
// transformers do. Inpainting, and MAE on such encoders, decode its map.
type Mapper interface {
	Encoder

	// Map returns the features before they are pooled, as [N,h,w,Dim].
	Map(x *tensor.Tensor, train bool) *tensor.Tensor
}

// A Masker can leave parts of an image out and not pay for them.
type Masker interface {
	Encoder

	PatchSize() int
	Grid() (rows, cols int) // of patches

	// Visible returns the features of the K patches of each image that visible
	// [N·K] lists, computed from these alone, as [N,K,Dim].
	Visible(x *tensor.Tensor, visible []int, train bool) *tensor.Tensor
}

// Patch is the side in pixels of the patches into which the encoder cuts images:
// it takes those alone that are multiples of it. It is 1 if it cuts none.
func Patch(e Encoder) int {
	if m, ok := e.(Masker); ok {
		return m.PatchSize()
	}
	return 1
}

// An Attender can say where it looks.
type Attender interface {
	Encoder

	// Attention returns how much each token's query gives each key, as
	// [N,heads,T,T] with the keys last; a class token is token 0. No gradient
	// flows through it.
	Attention(x *tensor.Tensor) *tensor.Tensor
}

// Counted tells the cost of a forward pass of one sample: the products of
// matrices and the convolutions, a multiply-add counting as two.
type Counted interface{ FLOPs() int }

// CountParams returns the number of a module's trained values.
func CountParams(m Module) (n int) {
	for _, p := range m.Params() {
		n += p.Value.Len()
	}
	return n
}

// Map implements Mapper.
func (e *convolutional) Map(x *tensor.Tensor, train bool) *tensor.Tensor {
	return e.Sequential.Forward(x, train)
}

// FLOPs implements Counted.
func (e *convolutional) FLOPs() int {
	n, _, _ := convFLOPs(e.Sequential, e.in.Height, e.in.Width)
	return n
}

// convFLOPs returns the cost of layers on an image of h×w, and the size of what
// they return.
func convFLOPs(s Sequential, h, w int) (n, oh, ow int) {
	for _, l := range s {
		switch l := l.(type) {
		case *Conv2D:
			shape := l.weight.Value.Shape()
			h, w = (h+2*l.pad-shape[0])/l.stride+1, (w+2*l.pad-shape[0])/l.stride+1
			n += 2 * h * w * l.weight.Value.Len()
		case *block:
			short, _, _ := convFLOPs(l.shortcut, h, w)
			main, nh, nw := convFLOPs(l.main, h, w)
			n, h, w = n+short+main, nh, nw
		}
	}
	return n, h, w
}

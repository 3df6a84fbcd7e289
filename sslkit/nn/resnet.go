package nn

import (
	"fmt"

	"sslnotes/sslkit/rng"
	"sslnotes/sslkit/tensor"
)

// ResNet plans a residual network for small images (He, Zhang, Ren and Sun
// 2016): a 3×3 stem without pooling, one stage of basic blocks for each entry
// of Channels, each stage but the first halving the image, and the mean over
// all pixels. The default has 0.31 M parameters on gray images.
type ResNet struct {
	Channels   []int // of the stages. If nil, 32, 64, 128.
	Blocks     int   // basic blocks a stage. If 0, 1.
	StemStride int   // of the stem. If 0, 2, which costs a quarter of 1.
	Winograd   bool  `config:"omitzero"` // the blocks' 3×3 convolutions of stride 1 by tensor.Conv2DWinograd, which is faster and rounds otherwise. If false, by tensor.Conv2D.
}

// Resolve implements Plan.
func (p ResNet) Resolve() Plan {
	if p.Channels == nil {
		p.Channels = []int{32, 64, 128}
	}
	if p.Blocks == 0 {
		p.Blocks = 1
	}
	if p.StemStride == 0 {
		p.StemStride = 2
	}
	return p
}

// Build implements Plan.
func (p ResNet) Build(in Input, r *rng.Stream) (Encoder, error) {
	p = p.Resolve().(ResNet)
	if p.Blocks < 0 || p.StemStride < 0 {
		return nil, fmt.Errorf("nn: ResNet.Blocks is %d and StemStride %d, want > 0", p.Blocks, p.StemStride)
	}
	if err := checkInput("ResNet", in, p.Channels); err != nil {
		return nil, err
	}
	width := p.Channels[0]
	layers := Sequential{NewConv2D("stem.conv", in.Channels, width, 3, p.StemStride, r), NewBatchNorm("stem.norm", width), ReLU{}}
	var ends []int
	for s, out := range p.Channels {
		for b := range p.Blocks {
			stride := 1
			if s > 0 && b == 0 {
				stride = 2
			}
			layers = append(layers, newBlock(fmt.Sprintf("stage%d.%d", s, b), width, out, stride, p.Winograd, r))
			width, ends = out, append(ends, len(layers))
		}
	}
	return &convolutional{layers, ends, p, in, width}, nil
}

// checkInput refuses channel counts and image sizes no network can have.
func checkInput(plan string, in Input, channels []int) error {
	if len(channels) == 0 {
		return fmt.Errorf("nn: %s.Channels is empty", plan)
	}
	for _, c := range channels {
		if c <= 0 {
			return fmt.Errorf("nn: %s.Channels is %v, want all > 0", plan, channels)
		}
	}
	if in.Height <= 0 || in.Width <= 0 || in.Channels <= 0 {
		return fmt.Errorf("nn: %s for images of %d×%d×%d, want all > 0", plan, in.Height, in.Width, in.Channels)
	}
	return nil
}

// convolutional is a chain of layers on images, ended by the mean over pixels.
type convolutional struct {
	Sequential
	ends []int // of the blocks among the layers
	plan Plan
	in   Input
	dim  int
}

func (e *convolutional) Dim() int     { return e.dim }
func (e *convolutional) Input() Input { return e.in }
func (e *convolutional) Plan() Plan   { return e.plan }

func (e *convolutional) Forward(x *tensor.Tensor, train bool) *tensor.Tensor {
	return tensor.GlobalAvgPool(e.Sequential.Forward(x, train))
}

// Blocks implements Staged.
func (e *convolutional) Blocks() []Module {
	var all []Module
	from := 0
	for _, end := range e.ends {
		all = append(all, e.Sequential[from:end])
		from = end
	}
	return all
}

// Stem implements Staged: a ConvNet has none.
func (e *convolutional) Stem() Module {
	for i, l := range e.Sequential {
		if _, ok := l.(*block); ok {
			return e.Sequential[:i]
		}
	}
	return Modules{}
}

// ForwardTail implements Staged.
func (e *convolutional) ForwardTail(x *tensor.Tensor, frozen int) *tensor.Tensor {
	from := 0
	if frozen > 0 {
		from = e.ends[frozen-1]
	}
	x = e.Sequential[:from].Forward(x, false)
	return tensor.GlobalAvgPool(e.Sequential[from:].Forward(x, true))
}

// ForwardBlocks implements Blocked.
func (e *convolutional) ForwardBlocks(x *tensor.Tensor) []*tensor.Tensor {
	var all []*tensor.Tensor
	from := 0
	for _, end := range e.ends {
		x = e.Sequential[from:end].Forward(x, false)
		all, from = append(all, tensor.GlobalAvgPool(x)), end
	}
	return all
}

// block is ReLU(conv–norm–ReLU–conv–norm + shortcut), where the shortcut is a
// strided 1×1 convolution if the shape changes.
type block struct {
	main     Sequential
	norm     *BatchNorm
	shortcut Sequential
}

func newBlock(name string, in, out, stride int, winograd bool, r *rng.Stream) *block {
	first, second := NewConv2D(name+".conv1", in, out, 3, stride, r), NewConv2D(name+".conv2", out, out, 3, 1, r)
	first.Winograd, second.Winograd = winograd, winograd
	b := &block{main: Sequential{first, NewBatchNorm(name+".norm1", out), ReLU{}, second}, norm: NewBatchNorm(name+".norm2", out)}
	if in != out || stride != 1 {
		b.shortcut = Sequential{NewConv2D(name+".short", in, out, 1, stride, r), NewBatchNorm(name+".shortnorm", out)}
	}
	return b
}

func (b *block) Forward(x *tensor.Tensor, train bool) *tensor.Tensor {
	y, shortcut := b.main.Forward(x, train), b.shortcut.Forward(x, train)
	var out *tensor.Tensor
	if train {
		out = b.norm.normaliseAdd(y, shortcut)
	} else {
		normed := b.norm.Forward(y, false)
		out = tensor.AddReLU(normed, shortcut)
		normed.UsedUpBy(out)
	}
	y.UsedUpBy(out)
	if shortcut != x {
		shortcut.UsedUpBy(out)
	}
	return out
}

func (b *block) layers() Modules { return Modules{b.main, b.norm, b.shortcut} }

func (b *block) Params() []*Param   { return b.layers().Params() }
func (b *block) Buffers() []*Buffer { return b.layers().Buffers() }

// ConvNet plans a plain chain of 3×3 convolutions of stride 2, each with
// BatchNorm and ReLU, ended by the mean over all pixels.
type ConvNet struct {
	Channels []int // of the layers. If nil, 32, 64, 128.
}

// Resolve implements Plan.
func (p ConvNet) Resolve() Plan {
	if p.Channels == nil {
		p.Channels = []int{32, 64, 128}
	}
	return p
}

// Build implements Plan.
func (p ConvNet) Build(in Input, r *rng.Stream) (Encoder, error) {
	p = p.Resolve().(ConvNet)
	if err := checkInput("ConvNet", in, p.Channels); err != nil {
		return nil, err
	}
	var layers Sequential
	var ends []int
	width := in.Channels
	for i, out := range p.Channels {
		name := fmt.Sprintf("layer%d", i)
		layers = append(layers, NewConv2D(name+".conv", width, out, 3, 2, r), NewBatchNorm(name+".norm", out), ReLU{})
		width, ends = out, append(ends, len(layers))
	}
	return &convolutional{layers, ends, p, in, width}, nil
}

package nn

import (
	"fmt"
	"math"

	"sslnotes/sslkit/rng"
	"sslnotes/sslkit/tensor"
)

// ViT plans a vision transformer (Dosovitskiy and others 2021): patches,
// projected and marked with their positions, pass through pre-LN blocks and a
// LayerNorm. Its features are the mean of its tokens or the class token. The
// default has 0.80 M parameters on gray images.
type ViT struct {
	PatchSize        int  // If 0, 4.
	Width            int  // of a token. If 0, 128.
	Depth            int  // blocks. If 0, 4.
	Heads            int  // If 0, 4.
	MLPRatio         int  // hidden values of an MLP for each of a token. If 0, 4.
	ClassToken       bool // the features are a class token's; else the mean
	LearnedPositions bool // else fixed sines and cosines (He and others 2022)
}

// Resolve implements Plan.
func (p ViT) Resolve() Plan {
	for _, f := range []struct {
		field *int
		value int
	}{{&p.PatchSize, 4}, {&p.Width, 128}, {&p.Depth, 4}, {&p.Heads, 4}, {&p.MLPRatio, 4}} {
		if *f.field == 0 {
			*f.field = f.value
		}
	}
	return p
}

// Build implements Plan.
func (p ViT) Build(in Input, r *rng.Stream) (Encoder, error) {
	p = p.Resolve().(ViT)
	if err := checkHeads("ViT", p.Width, p.Depth, p.Heads, p.MLPRatio); err != nil {
		return nil, err
	}
	if err := checkInput("ViT", in, []int{p.Width}); err != nil {
		return nil, err
	}
	if p.PatchSize < 0 || in.Height%p.PatchSize != 0 || in.Width%p.PatchSize != 0 {
		return nil, fmt.Errorf("nn: ViT.PatchSize is %d, want a divisor of the image's %d×%d", p.PatchSize, in.Height, in.Width)
	}
	patch := p.PatchSize * p.PatchSize * in.Channels
	e := &VisionTransformer{plan: p, in: in}
	e.rows, e.cols = in.Height/p.PatchSize, in.Width/p.PatchSize
	e.embed = &Linear{glorot("embed.weight", p.Width, patch, p.Width, r), constant("embed.bias", 0, p.Width)}
	if p.ClassToken {
		e.class = &Param{Name: "class", Value: normal("class", 0.02, r, 1, 1, p.Width).Value}
	}
	if p.LearnedPositions {
		e.positions = &Param{Name: "positions", Value: normal("positions", 0.02, r, e.rows*e.cols, p.Width).Value}
	}
	e.trunk = NewStack("trunk", p.Width, p.Depth, p.Heads, p.MLPRatio*p.Width, r)
	return e, nil
}

// VisionTransformer is what a ViT plan builds.
type VisionTransformer struct {
	plan       ViT
	in         Input
	rows, cols int // of patches in the images it is built for
	embed      *Linear
	class      *Param // or nil
	positions  *Param // [rows·cols,Width] or nil
	trunk      *Stack
}

// Dim implements Encoder.
func (e *VisionTransformer) Dim() int { return e.plan.Width }

// Input implements Encoder.
func (e *VisionTransformer) Input() Input { return e.in }

// Plan implements Encoder.
func (e *VisionTransformer) Plan() Plan { return e.plan }

// PatchSize is the side of a patch in pixels.
func (e *VisionTransformer) PatchSize() int { return e.plan.PatchSize }

// Grid returns the rows and columns of patches in the images it is built for.
func (e *VisionTransformer) Grid() (rows, cols int) { return e.rows, e.cols }

// Forward implements Encoder. The images may have another size than the input,
// a multiple of the patch: positions then stretch over them.
func (e *VisionTransformer) Forward(x *tensor.Tensor, train bool) *tensor.Tensor {
	return e.pool(e.Tokens(x, train))
}

// pool makes features of normalised tokens.
func (e *VisionTransformer) pool(t *tensor.Tensor) *tensor.Tensor {
	if e.class == nil {
		return tensor.MeanTokens(t, nil)
	}
	return tensor.Reshape(tensor.SliceTokens(t, 0, 1), t.Dim(0), e.plan.Width)
}

// Tokens returns the normalised tokens of images [N,H,W,C] as [N,T,Dim]: the
// class token, if there is one, and then the patches, row by row.
func (e *VisionTransformer) Tokens(x *tensor.Tensor, train bool) *tensor.Tensor {
	return e.trunk.Forward(e.embedded(x, nil), train)
}

// Visible implements Masker.
func (e *VisionTransformer) Visible(x *tensor.Tensor, visible []int, train bool) *tensor.Tensor {
	t := e.trunk.Forward(e.embedded(x, visible), train)
	if e.class == nil {
		return t
	}
	return tensor.SliceTokens(t, 1, t.Dim(1))
}

// Map implements Mapper.
func (e *VisionTransformer) Map(x *tensor.Tensor, train bool) *tensor.Tensor {
	t := e.Tokens(x, train)
	if e.class != nil {
		t = tensor.SliceTokens(t, 1, t.Dim(1))
	}
	p := e.plan.PatchSize
	return tensor.Reshape(t, x.Dim(0), x.Dim(1)/p, x.Dim(2)/p, e.plan.Width)
}

// Attention implements Attender: that of the last block.
func (e *VisionTransformer) Attention(x *tensor.Tensor) *tensor.Tensor {
	t := e.embedded(x, nil)
	last := len(e.trunk.Chain) - 1
	for _, b := range e.trunk.Chain[:last] {
		t = b.Forward(t, false)
	}
	return e.trunk.Chain[last].Attention(t, tensor.Heads{})
}

// embedded returns the tokens before the first block; of the patches only the
// visible ones, if visible is not nil.
func (e *VisionTransformer) embedded(x *tensor.Tensor, visible []int) *tensor.Tensor {
	patches := tensor.Patchify(x, e.plan.PatchSize)
	rows, cols := x.Dim(1)/e.plan.PatchSize, x.Dim(2)/e.plan.PatchSize
	place := e.placesOf(rows, cols)
	var t *tensor.Tensor
	if visible == nil {
		t = tensor.AddToEach(e.embed.Forward(patches, true), place)
	} else {
		t = e.embed.Forward(tensor.GatherTokens(patches, visible), true)
		t = tensor.Add(t, tensor.Embedding(place, visible, x.Dim(0)))
	}
	if e.class != nil {
		t = tensor.ConcatTokens(e.class.Value, t)
	}
	return t
}

// placesOf returns the positions of a grid, stretched over the grid it is built
// for.
func (e *VisionTransformer) placesOf(rows, cols int) *tensor.Tensor {
	if e.positions == nil {
		return sinCos(rows, cols, float64(e.rows)/float64(rows), float64(e.cols)/float64(cols), e.plan.Width)
	}
	if rows == e.rows && cols == e.cols {
		return e.positions.Value
	}
	return tensor.MatMulT(stretch(rows, cols, e.rows, e.cols), tensor.Transpose(e.positions.Value))
}

// SinCos returns fixed positions [rows·cols,width] of the places of a grid: half
// of a place's values are sines and cosines of its row, half of its column, at
// frequencies from 1 down to nearly 1/10000 (He and others 2022).
func SinCos(rows, cols, width int) *tensor.Tensor { return sinCos(rows, cols, 1, 1, width) }

func sinCos(rows, cols int, down, across float64, width int) *tensor.Tensor {
	t := tensor.New(rows*cols, width)
	n := width / 4
	for i := range rows * cols {
		place := t.Data()[i*width : (i+1)*width]
		// The middle of a patch stays in the middle when the grid is stretched.
		y := float64((float64(i/cols)+0.5)*down) - 0.5
		x := float64((float64(i%cols)+0.5)*across) - 0.5
		for k := range n {
			w := tensor.Exp64(-float64(k) / float64(n) * 9.210340371976184) // 10000^(-k/n)
			place[k], place[n+k] = sin(y*w), cos(y*w)
			place[2*n+k], place[3*n+k] = sin(x*w), cos(x*w)
		}
	}
	return t
}

func sin(x float64) float32 { return cos(float64(x) - math.Pi/2) }

// cos returns the cosine by cosPi, the same bits on every processor.
func cos(x float64) float32 {
	u := math.Abs(x / math.Pi)
	u -= 2 * math.Floor(u/2)
	return float32(cosPi(min(u, 2-u)))
}

// stretch is the matrix of the bilinear interpolation from a grid of h×w to one
// of rows×cols.
func stretch(rows, cols, h, w int) *tensor.Tensor {
	m := tensor.New(rows*cols, h*w)
	for r := range rows {
		y0, y1, fy := between(r, rows, h)
		for c := range cols {
			x0, x1, fx := between(c, cols, w)
			row := m.Data()[(r*cols+c)*h*w:]
			row[y0*w+x0] += float32((1 - fy) * (1 - fx))
			row[y0*w+x1] += float32((1 - fy) * fx)
			row[y1*w+x0] += float32(fy * (1 - fx))
			row[y1*w+x1] += float32(fy * fx)
		}
	}
	return m
}

// between returns the two places of n that place i of m lies between and the
// weight of the second.
func between(i, m, n int) (a, b int, f float32) {
	at := (float64(i)+0.5)*float64(n)/float64(m) - 0.5
	at = max(0, min(at, float64(n-1)))
	a = int(at)
	return a, min(a+1, n-1), float32(at - float64(a))
}

// Params implements Module.
func (e *VisionTransformer) Params() []*Param { return append(e.Stem().Params(), e.trunk.Params()...) }

// Stem implements Staged.
func (e *VisionTransformer) Stem() Module {
	s := own{e.embed.Params()}
	for _, p := range []*Param{e.class, e.positions} {
		if p != nil {
			s.params = append(s.params, p)
		}
	}
	return s
}

// own is a module of parameters alone.
type own struct{ params []*Param }

func (o own) Params() []*Param   { return o.params }
func (o own) Buffers() []*Buffer { return nil }

// Buffers implements Module.
func (e *VisionTransformer) Buffers() []*Buffer { return nil }

// Blocks implements Staged.
func (e *VisionTransformer) Blocks() []Module {
	all := []Module{Modules{e.Stem(), e.trunk.Chain[0]}}
	for _, b := range e.trunk.Chain[1:] {
		all = append(all, b)
	}
	return all
}

// ForwardTail implements Staged. A block keeps no statistics, so this is
// Forward.
func (e *VisionTransformer) ForwardTail(x *tensor.Tensor, _ int) *tensor.Tensor {
	return e.Forward(x, true)
}

// ForwardBlocks implements Blocked: the last LayerNorm stands after each block, as
// DINO's authors read them.
func (e *VisionTransformer) ForwardBlocks(x *tensor.Tensor) []*tensor.Tensor {
	t := e.embedded(x, nil)
	var all []*tensor.Tensor
	for _, b := range e.trunk.Chain {
		t = b.Forward(t, false)
		all = append(all, e.pool(e.trunk.Norm.Forward(t, false)))
	}
	return all
}

// FLOPs implements Counted.
func (e *VisionTransformer) FLOPs() int {
	t := e.rows * e.cols
	stem := 2 * t * e.embed.weight.Value.Len()
	if e.class != nil {
		t++
	}
	return stem + e.trunk.flops(t)
}

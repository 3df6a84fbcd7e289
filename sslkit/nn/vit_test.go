package nn

import (
	"bytes"
	"math"
	"slices"
	"testing"

	"sslnotes/sslkit/rng"
	"sslnotes/sslkit/tensor"
)

func images(seed uint64, shape ...int) *tensor.Tensor {
	x, r := tensor.New(shape...), rng.New(seed, "images")
	for i := range x.Data() {
		x.Data()[i] = r.Norm()
	}
	return x
}

func buildViT(t *testing.T, p ViT) *VisionTransformer {
	t.Helper()
	e, err := p.Build(Input{12, 8, 1}, rng.New(1, "encoder"))
	if err != nil {
		t.Fatal(err)
	}
	return e.(*VisionTransformer)
}

var viTs = []ViT{
	{Width: 16, Depth: 2, Heads: 2, PatchSize: 2},
	{Width: 16, Depth: 2, Heads: 2, ClassToken: true, LearnedPositions: true},
}

func TestViTReachesEveryParameter(t *testing.T) {
	for _, p := range viTs {
		e := buildViT(t, p)
		y := e.Forward(images(1, 3, 12, 8, 1), true)
		if !slices.Equal(y.Shape(), []int{3, 16}) {
			t.Fatalf("features of shape %v", y.Shape())
		}
		tensor.Backward(tensor.Sum(tensor.Mul(y, images(2, 3, 16))))
		for _, p := range e.Params() {
			if p.Value.Grad() == nil || !slices.ContainsFunc(p.Value.Grad(), func(v float32) bool { return v != 0 }) {
				t.Errorf("no gradient reached %s", p.Name)
			}
		}
	}
}

// Images do not mix, every patch being visible is the same as nothing being
// hidden, and a hidden patch has no influence.
func TestViTVisible(t *testing.T) {
	for _, p := range viTs {
		e := buildViT(t, p)
		x := images(1, 2, 12, 8, 1)
		rows, cols := e.Grid()
		all := make([]int, 2*rows*cols)
		for i := range all {
			all[i] = i % (rows * cols)
		}
		whole := e.Map(x, true)
		if got := e.Visible(x, all, true); !slices.Equal(got.Data(), whole.Data()) {
			t.Error("all patches visible differ from none hidden")
		}
		some := []int{1, 3, 3, 0}
		before := e.Visible(x, some, true)
		for r := range e.PatchSize() { // patch 2 of image 0
			at := r*8 + 2*e.PatchSize()
			if at < 8*(r+1) {
				x.Data()[at] += 5
			}
		}
		if after := e.Visible(x, some, true); e.PatchSize() == 2 && !slices.Equal(after.Data(), before.Data()) {
			t.Error("a hidden patch had influence")
		}
	}
}

func TestViTOnOtherSizes(t *testing.T) {
	for _, p := range viTs {
		e := buildViT(t, p)
		y := e.Forward(images(3, 2, 4, 4, 1), true)
		tensor.Backward(tensor.Mean(tensor.Mul(y, y)))
		if e.positions != nil && e.positions.Value.Grad() == nil {
			t.Error("no gradient reached the positions of a smaller image")
		}
	}
	// Stretching a plane keeps its slope.
	m := stretch(4, 1, 2, 1)
	for i, want := range []float32{0, 0.25, 0.75, 1} {
		if m.Data()[2*i+1] != want {
			t.Errorf("place %d takes %g of the second, want %g", i, m.Data()[2*i+1], want)
		}
	}
}

func TestSinCos(t *testing.T) {
	p := SinCos(3, 5, 8)
	for i := range 15 {
		y, x := float64(i/5), float64(i%5)
		want := []float64{math.Sin(y), math.Sin(y / 100), math.Cos(y), math.Cos(y / 100), math.Sin(x), math.Sin(x / 100), math.Cos(x), math.Cos(x / 100)}
		for j, w := range want {
			if math.Abs(float64(p.Data()[i*8+j])-w) > 1e-6 {
				t.Errorf("place %d value %d is %g, want %g", i, j, p.Data()[i*8+j], w)
			}
		}
	}
}

func TestViTAttention(t *testing.T) {
	e := buildViT(t, viTs[1])
	a := e.Attention(images(1, 2, 12, 8, 1))
	if !slices.Equal(a.Shape(), []int{2, 2, 7, 7}) {
		t.Fatalf("attention of shape %v", a.Shape())
	}
	for r := range len(a.Data()) / 7 {
		var sum float32
		for _, v := range a.Data()[r*7 : (r+1)*7] {
			sum += v
		}
		if math.Abs(float64(sum)-1) > 1e-5 {
			t.Fatalf("row %d sums to %g", r, sum)
		}
	}
}

func TestViTCheckpointAndFreeze(t *testing.T) {
	e := buildViT(t, viTs[1])
	var file bytes.Buffer
	if err := Save(&file, e); err != nil {
		t.Fatal(err)
	}
	c, err := Clone(e)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range c.Params() {
		clear(p.Value.Data())
	}
	if err := Load(&file, c); err != nil || Digest(c) != Digest(e) {
		t.Fatalf("%v; the loaded encoder differs", err)
	}
	left, err := FreezeBlocks(c, 1)
	if err != nil {
		t.Fatal(err)
	}
	x := images(1, 2, 12, 8, 1)
	y := left.Forward(x, true)
	if !slices.Equal(y.Data(), e.Forward(x, false).Data()) {
		t.Error("freezing changed the features")
	}
	tensor.Backward(tensor.Mean(tensor.Mul(y, y)))
	if got, want := len(left.Params()), 12+2; got != want {
		t.Errorf("%d parameters left, want %d", got, want)
	}
}

func TestViTErrorsNameTheField(t *testing.T) {
	for _, c := range []struct {
		plan ViT
		want string
	}{
		{ViT{PatchSize: 5}, "nn: ViT.PatchSize is 5, want a divisor of the image's 12×8"},
		{ViT{Width: 30}, "nn: ViT.Width is 30, want a multiple of 4 and of Heads, 4"},
		{ViT{Depth: -1}, "nn: ViT.Width is 128, Depth -1, Heads 4 and MLPRatio 4, want all > 0"},
	} {
		if _, err := c.plan.Build(Input{12, 8, 1}, rng.New(1, "encoder")); err == nil || err.Error() != c.want {
			t.Errorf("%v, want %s", err, c.want)
		}
	}
}

// The counts of He and others 2016's kind of network and of a transformer, by
// hand.
func TestCounts(t *testing.T) {
	e := buildViT(t, viTs[0])
	const tokens, d = 24, 16
	block := 2*tokens*d*12*d + 4*tokens*tokens*d
	if got, want := e.FLOPs(), 2*tokens*4*d+2*block; got != want {
		t.Errorf("ViT: %d FLOPs, want %d", got, want)
	}
	if got, want := CountParams(e), 4*d+d+2*(12*d*d+13*d)+2*d; got != want {
		t.Errorf("ViT: %d parameters, want %d", got, want)
	}
	c, err := ResNet{Channels: []int{2, 4}, StemStride: 1}.Build(Input{6, 6, 1}, rng.New(1, "encoder"))
	if err != nil {
		t.Fatal(err)
	}
	want := 2 * (36*9*2 + 2*36*9*4 + 9*9*8 + 9*9*16 + 9*8)
	if got := c.(Counted).FLOPs(); got != want {
		t.Errorf("ResNet: %d FLOPs, want %d", got, want)
	}
	if m := c.(Mapper).Map(images(1, 2, 6, 6, 1), true); !slices.Equal(m.Shape(), []int{2, 3, 3, 4}) {
		t.Errorf("a map of shape %v", m.Shape())
	}
}

func TestTextEncoder(t *testing.T) {
	for _, p := range []Transformer{{Width: 16, Heads: 2}, {Width: 16, Heads: 2, Bidirectional: true}} {
		e, err := p.Build(10, 6, rng.New(1, "text"))
		if err != nil {
			t.Fatal(err)
		}
		padded := e.Forward([]int{3, 1, 4, 0, 0, 5, 9, 2, 6, 7}, 2, []int{3, 5})
		same := e.Forward([]int{3, 1, 4, 8, 8, 5, 9, 2, 6, 7}, 2, []int{3, 5})
		if !slices.Equal(padded.Data(), same.Data()) {
			t.Errorf("bidirectional %v: the padding had influence", p.Bidirectional)
		}
		alone := e.Forward([]int{3, 1, 4}, 1, nil)
		for j, v := range alone.Data() {
			if math.Abs(float64(v-padded.Data()[j])) > 1e-5 {
				t.Fatalf("bidirectional %v: a text in a batch has feature %g, alone %g", p.Bidirectional, padded.Data()[j], v)
			}
		}
		tensor.Backward(tensor.Mean(tensor.Mul(padded, padded)))
		for _, p := range e.Params() {
			if p.Value.Grad() == nil {
				t.Errorf("no gradient reached %s", p.Name)
			}
		}
	}
}

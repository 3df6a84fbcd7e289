package tensor

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"sslnotes/sslkit/rng"
)

func random(seed uint64, shape ...int) *Tensor {
	t := New(shape...)
	r := rng.New(seed, "test")
	for i := range t.data {
		t.data[i] = r.Norm()
	}
	return t
}

// Every operation stands here: its inputs' shapes and the operation.
var table = []struct {
	name   string
	shapes [][]int
	f      func(x []*Tensor) *Tensor
}{
	{"Add", [][]int{{3, 4}, {3, 4}}, func(x []*Tensor) *Tensor { return Add(x[0], x[1]) }},
	{"Add itself", [][]int{{3, 4}}, func(x []*Tensor) *Tensor { return Add(x[0], x[0]) }},
	{"Sub", [][]int{{3, 4}, {3, 4}}, func(x []*Tensor) *Tensor { return Sub(x[0], x[1]) }},
	{"Mul", [][]int{{3, 4}, {3, 4}}, func(x []*Tensor) *Tensor { return Mul(x[0], x[1]) }},
	{"Scale", [][]int{{3, 4}}, func(x []*Tensor) *Tensor { return Scale(x[0], -0.7) }},
	{"ReLU", [][]int{{5, 4}}, func(x []*Tensor) *Tensor { return ReLU(x[0]) }},
	{"Reshape", [][]int{{3, 4}}, func(x []*Tensor) *Tensor { return Reshape(x[0], 2, 6) }},
	{"Concat", [][]int{{2, 3}, {1, 3}}, func(x []*Tensor) *Tensor { return Concat(x...) }},
	{"Rows", [][]int{{4, 3}}, func(x []*Tensor) *Tensor { return Rows(x[0], []int{2, 0, 2}) }},
	{"Rot90 1", [][]int{{2, 3, 4, 2}}, func(x []*Tensor) *Tensor { return Rot90(x[0], 1) }},
	{"Rot90 2", [][]int{{2, 3, 4, 2}}, func(x []*Tensor) *Tensor { return Rot90(x[0], 2) }},
	{"Rot90 3", [][]int{{2, 3, 4, 2}}, func(x []*Tensor) *Tensor { return Rot90(x[0], 3) }},
	{"Linear", [][]int{{5, 3}, {3, 4}, {4}}, func(x []*Tensor) *Tensor { return Linear(x[0], x[1], x[2]) }},
	{"Linear tokens", [][]int{{2, 3, 3}, {3, 4}}, func(x []*Tensor) *Tensor { return Linear(x[0], x[1], nil) }},
	{"Linear many", [][]int{{70, 2}, {2, 3}, {3}}, func(x []*Tensor) *Tensor { return Linear(x[0], x[1], x[2]) }},
	{"MatMulT", [][]int{{3, 4}, {5, 4}}, func(x []*Tensor) *Tensor { return MatMulT(x[0], x[1]) }},
	{"MatMulT itself", [][]int{{3, 4}}, func(x []*Tensor) *Tensor { return MatMulT(x[0], x[0]) }},
	{"RowDot", [][]int{{3, 4}, {3, 4}}, func(x []*Tensor) *Tensor { return RowDot(x[0], x[1]) }},
	{"RowDot itself", [][]int{{3, 4}}, func(x []*Tensor) *Tensor { return RowDot(x[0], x[0]) }},
	{"ConcatColumns", [][]int{{3, 1}, {3, 4}}, func(x []*Tensor) *Tensor { return ConcatColumns(x...) }},
	{"Conv2D", [][]int{{2, 5, 4, 2}, {3, 3, 2, 3}}, func(x []*Tensor) *Tensor { return Conv2D(x[0], x[1], 1, 1) }},
	{"Conv2D stride", [][]int{{2, 6, 5, 2}, {3, 3, 2, 3}}, func(x []*Tensor) *Tensor { return Conv2D(x[0], x[1], 2, 1) }},
	{"Conv2D 1×1", [][]int{{2, 4, 4, 2}, {1, 1, 2, 3}}, func(x []*Tensor) *Tensor { return Conv2D(x[0], x[1], 2, 0) }},
	{"Conv2DWinograd", [][]int{{1, 3, 2, 16}, {3, 3, 16, 16}}, func(x []*Tensor) *Tensor { return Conv2DWinograd(x[0], Scale(x[1], 0.1), 1, 1) }},
	{"GlobalAvgPool", [][]int{{2, 3, 3, 2}}, func(x []*Tensor) *Tensor { return GlobalAvgPool(x[0]) }},
	{"BatchNorm", [][]int{{6, 2, 2, 3}, {3}, {3}}, func(x []*Tensor) *Tensor { y, _, _ := BatchNorm(x[0], x[1], x[2], 1e-5); return y }},
	{"BatchNormReLU", [][]int{{6, 2, 2, 3}, {3}, {3}}, func(x []*Tensor) *Tensor { y, _, _ := BatchNormReLU(x[0], x[1], x[2], 1e-5); return y }},
	{"BatchNormReLUConv2D", [][]int{{6, 4, 4, 3}, {3}, {3}, {3, 3, 3, 2}}, func(x []*Tensor) *Tensor {
		y, _, _ := BatchNormReLUConv2D(x[0], x[1], x[2], x[3], 2, 1, false, 1e-5)
		return y
	}},
	{"BatchNormReLUConv2D Winograd", [][]int{{2, 2, 3, 16}, {16}, {16}, {3, 3, 16, 16}}, func(x []*Tensor) *Tensor {
		y, _, _ := BatchNormReLUConv2D(x[0], x[1], x[2], Scale(x[3], 0.1), 1, 1, true, 1e-5)
		return y
	}},
	{"BatchNormAddReLU", [][]int{{6, 2, 2, 3}, {3}, {3}, {6, 2, 2, 3}}, func(x []*Tensor) *Tensor {
		y, _, _ := BatchNormAddReLU(x[0], x[1], x[2], x[3], 1e-5)
		return y
	}},
	{"BatchNormAddReLU itself", [][]int{{6, 2, 2, 3}, {3}, {3}}, func(x []*Tensor) *Tensor {
		y, _, _ := BatchNormAddReLU(x[0], x[1], x[2], x[0], 1e-5)
		return y
	}},
	{"AddReLU", [][]int{{3, 4}, {3, 4}}, func(x []*Tensor) *Tensor { return AddReLU(x[0], x[1]) }},
	{"AddReLU itself", [][]int{{3, 4}}, func(x []*Tensor) *Tensor { return AddReLU(x[0], x[0]) }},
	{"BatchNormEval", [][]int{{6, 3}, {3}, {3}}, func(x []*Tensor) *Tensor {
		return BatchNormEval(x[0], x[1], x[2], []float32{0.1, 0.2, -1}, []float32{1, 2, 0.5}, 1e-5)
	}},
	{"L2Normalize", [][]int{{3, 4}}, func(x []*Tensor) *Tensor { return L2Normalize(x[0], 1e-12) }},
	{"MaskDiagonal", [][]int{{4, 4}}, func(x []*Tensor) *Tensor { return MaskDiagonal(x[0], 2) }},
	{"CrossEntropy", [][]int{{5, 4}}, func(x []*Tensor) *Tensor { return CrossEntropy(x[0], []int{0, 3, 1, 2, 0}) }},
	{"Softmax", [][]int{{5, 4}}, func(x []*Tensor) *Tensor { return Softmax(x[0]) }},
	{"SoftCrossEntropy", [][]int{{5, 4}}, func(x []*Tensor) *Tensor { return SoftCrossEntropy(x[0], random(7, 5, 4)) }},
	{"CrossEntropy masked", [][]int{{4, 4}}, func(x []*Tensor) *Tensor {
		return CrossEntropy(MaskDiagonal(x[0], float32(math.Inf(-1))), []int{2, 3, 0, 1})
	}},
	{"LayerNorm", [][]int{{3, 5}, {5}, {5}}, func(x []*Tensor) *Tensor { return LayerNorm(x[0], x[1], x[2], 1e-5) }},
	{"LayerNorm tokens", [][]int{{34, 2, 16}, {16}, {16}}, func(x []*Tensor) *Tensor { return LayerNorm(x[0], x[1], x[2], 1e-5) }},
	{"GELU", [][]int{{5, 7}}, func(x []*Tensor) *Tensor { return GELU(x[0]) }},
	{"SelfAttention", [][]int{{2, 5, 12}}, attend(Heads{N: 2})},
	{"SelfAttention causal", [][]int{{2, 5, 12}}, attend(Heads{N: 1, Causal: true})},
	{"SelfAttention padded", [][]int{{2, 5, 12}}, attend(Heads{N: 2, Lengths: []int{3, 5}})},
	{"SelfAttention many", [][]int{{1, 18, 6}}, attend(Heads{N: 1, Causal: true})},
	{"TransformerBlock", blockShapes(2, 3, 4, 6), blockOf(Heads{N: 2}, 0.5)},
	{"TransformerBlock causal padded", blockShapes(2, 4, 4, 13), blockOf(Heads{N: 1, Causal: true, Lengths: []int{4, 2}}, 0.5)},
	{"Embedding", [][]int{{4, 3}}, func(x []*Tensor) *Tensor { return Embedding(x[0], []int{1, 3, 1, 0}, 2) }},
	{"GatherTokens", [][]int{{2, 4, 3}}, func(x []*Tensor) *Tensor { return GatherTokens(x[0], []int{3, 1, 0, 0}) }},
	{"ScatterTokens", [][]int{{2, 2, 3}, {3}}, func(x []*Tensor) *Tensor { return ScatterTokens(x[0], x[1], []int{3, 1, 0, 2}, 4) }},
	{"SliceTokens", [][]int{{2, 4, 3}}, func(x []*Tensor) *Tensor { return SliceTokens(x[0], 1, 3) }},
	{"ConcatTokens", [][]int{{1, 1, 3}, {2, 2, 3}}, func(x []*Tensor) *Tensor { return ConcatTokens(x...) }},
	{"AddToEach", [][]int{{3, 2, 2}, {2, 2}}, func(x []*Tensor) *Tensor { return AddToEach(x[0], x[1]) }},
	{"MeanTokens", [][]int{{2, 4, 3}}, func(x []*Tensor) *Tensor { return MeanTokens(x[0], nil) }},
	{"MeanTokens padded", [][]int{{2, 4, 3}}, func(x []*Tensor) *Tensor { return MeanTokens(x[0], []int{4, 1}) }},
	{"Patchify", [][]int{{2, 4, 6, 3}}, func(x []*Tensor) *Tensor { return Patchify(x[0], 2) }},
	{"Unpatchify", [][]int{{2, 6, 12}}, func(x []*Tensor) *Tensor { return Unpatchify(x[0], 2, 4, 6) }},
	{"Exp", [][]int{{3, 4}}, func(x []*Tensor) *Tensor { return Exp(x[0]) }},
	{"Log", [][]int{{3, 4}}, func(x []*Tensor) *Tensor { return Log(Exp(x[0])) }},
	{"Sigmoid", [][]int{{3, 4}}, func(x []*Tensor) *Tensor { return Sigmoid(x[0]) }},
	{"Tanh", [][]int{{3, 4}}, func(x []*Tensor) *Tensor { return Tanh(x[0]) }},
	{"Softplus", [][]int{{3, 4}}, func(x []*Tensor) *Tensor { return Softplus(x[0]) }},
	{"ScaleBy", [][]int{{3, 4}, {1}}, func(x []*Tensor) *Tensor { return ScaleBy(x[0], x[1]) }},
	{"AddScalar", [][]int{{3, 4}, {1}}, func(x []*Tensor) *Tensor { return AddScalar(x[0], x[1]) }},
	{"Sum", [][]int{{3, 4}}, func(x []*Tensor) *Tensor { return Sum(x[0]) }},
	{"Transpose", [][]int{{3, 4}}, func(x []*Tensor) *Tensor { return Transpose(x[0]) }},
	{"MSE", [][]int{{3, 4}}, func(x []*Tensor) *Tensor { return MSE(x[0], random(7, 3, 4)) }},
	{"MaskedMSE", [][]int{{2, 3, 4}}, func(x []*Tensor) *Tensor { return MaskedMSE(x[0], random(7, 2, 3, 4), []float32{1, 0, 0, 1, 1, 0}) }},
	{"Mean", [][]int{{40, 3}}, func(x []*Tensor) *Tensor { return Mean(x[0]) }},
}

func attend(h Heads) func(x []*Tensor) *Tensor {
	return func(x []*Tensor) *Tensor { y, _ := SelfAttention(x[0], h); return y }
}

// blockShapes are the shapes of x [n,t,d] and of a block's parameters.
func blockShapes(n, t, d, h int) [][]int {
	return [][]int{{n, t, d}, {d}, {d}, {d, 3 * d}, {3 * d}, {d, d}, {d}, {d}, {d}, {d, h}, {h}, {h, d}, {d}}
}

func blockWeights(x []*Tensor) *BlockWeights {
	return &BlockWeights{x[1], x[2], x[3], x[4], x[5], x[6], x[7], x[8], x[9], x[10], x[11], x[12]}
}

// blockOf is a block with its parameters scaled, so that its values do not
// drown the differences in roundings.
func blockOf(h Heads, by float32) func(x []*Tensor) *Tensor {
	return func(x []*Tensor) *Tensor {
		scaled := []*Tensor{x[0]}
		for _, p := range x[1:] {
			scaled = append(scaled, Scale(p, by))
		}
		return TransformerBlock(x[0], blockWeights(scaled), h, 1e-5)
	}
}

// TestGradients compares every operation's gradient with central differences of
// a random projection of its output.
func TestGradients(t *testing.T) {
	for _, c := range table {
		t.Run(c.name, func(t *testing.T) {
			var x []*Tensor
			for i, s := range c.shapes {
				x = append(x, random(uint64(i), s...).RequireGrad())
			}
			y := c.f(x)
			weight := random(99, y.shape...)
			Backward(Scale(Mean(Mul(y, weight)), float32(y.Len())))
			project := func() (sum float64) {
				for i, v := range c.f(x).data {
					sum += float64(v) * float64(weight.data[i])
				}
				return sum
			}
			for i, in := range x {
				checkGradient(t, fmt.Sprintf("input %d", i), in, project)
			}
		})
	}
}

func checkGradient(t *testing.T, name string, in *Tensor, f func() float64) {
	t.Helper()
	const h = 1.0 / 256
	for j, at := range in.data {
		in.data[j] = at + h
		up := f()
		in.data[j] = at - h
		down := f()
		in.data[j] = at
		want, got := (up-down)/(2*h), float64(in.grad[j])
		if math.Abs(got-want) > 2e-3*(1+math.Abs(want)) {
			t.Errorf("%s[%d]: gradient %g, differences say %g", name, j, got, want)
		}
	}
}

// The fused operations equal the composition bit for bit, forward and backward.
func TestFusedEqualsComposition(t *testing.T) {
	t.Run("Conv2D", func(t *testing.T) { fusedEqualsComposition(t, 8, Conv2D, false) })
	t.Run("Conv2DWinograd", func(t *testing.T) { fusedEqualsComposition(t, 16, Conv2DWinograd, true) })
}

func fusedEqualsComposition(t *testing.T, c int, convolve func(x, w *Tensor, stride, pad int) *Tensor, winograd bool) {
	run := func(fused bool) (y *Tensor, grads [][]float32) {
		x, z := random(1, 40, 3, 3, c).RequireGrad(), random(2, 40, 3, 3, c).RequireGrad()
		gamma, beta := random(3, c).RequireGrad(), random(4, c).RequireGrad()
		w := random(6, 3, 3, c, c).RequireGrad()
		if fused {
			y, _, _ = BatchNormReLU(x, gamma, beta, 1e-5)
			y = AddReLU(y, z)
			y, _, _ = BatchNormAddReLU(y, gamma, beta, z, 1e-5)
			y, _, _ = BatchNormReLUConv2D(y, gamma, beta, w, 1, 1, winograd, 1e-5)
		} else {
			y, _, _ = BatchNorm(x, gamma, beta, 1e-5)
			y = ReLU(Add(ReLU(y), z))
			y, _, _ = BatchNorm(y, gamma, beta, 1e-5)
			y = ReLU(Add(y, z))
			y, _, _ = BatchNorm(y, gamma, beta, 1e-5)
			y = convolve(ReLU(y), w, 1, 1)
		}
		Backward(Mean(Mul(y, random(5, 40, 3, 3, c))))
		return y, [][]float32{x.grad, z.grad, gamma.grad, beta.grad, w.grad}
	}
	y, g := run(true)
	want, wantG := run(false)
	if !slices.Equal(y.data, want.data) {
		t.Error("the values differ")
	}
	for i := range g {
		if !slices.Equal(g[i], wantG[i]) {
			t.Errorf("gradient %d differs", i)
		}
	}
}

func TestBackwardAccumulates(t *testing.T) {
	x := random(1, 3, 2).RequireGrad()
	for range 2 {
		Backward(Mean(x))
	}
	for _, g := range x.grad {
		if math.Abs(float64(g)-2.0/6) > 1e-6 {
			t.Errorf("gradient %g after two passes, want %g", g, 2.0/6)
		}
	}
}

func TestDetachCuts(t *testing.T) {
	x := random(1, 3, 2).RequireGrad()
	defer func() {
		if recover() == nil || x.grad != nil {
			t.Error("a gradient passed Detach")
		}
	}()
	Backward(Mean(x.Detach()))
}

func TestShapePanicsNameTheOperation(t *testing.T) {
	defer func() {
		if p := recover(); p != "tensor: Add of shapes [4 128] and [3]" {
			t.Errorf("panic %v", p)
		}
	}()
	Add(New(4, 128), New(3))
}

func TestRot90LikeNumPy(t *testing.T) {
	x := FromSlice([]float32{1, 2, 3, 4, 5, 6}, 1, 2, 3, 1)
	for k, want := range [][]float32{{1, 2, 3, 4, 5, 6}, {3, 6, 2, 5, 1, 4}, {6, 5, 4, 3, 2, 1}, {4, 1, 5, 2, 6, 3}} {
		if got := Rot90(x, k).data; fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("Rot90(%d) = %v, want %v", k, got, want)
		}
	}
}

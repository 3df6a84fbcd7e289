package tensor

import (
	"fmt"
	"math"
	"runtime"
	"slices"
	"testing"

	"sslnotes/sslkit/internal/f32"
)

// composed is a transformer block made of fine operations.
func composed(x []*Tensor, h Heads, eps float32) *Tensor {
	w := blockWeights(x)
	y, _ := SelfAttention(Linear(LayerNorm(x[0], w.Gamma1, w.Beta1, eps), w.QKV, w.QKVBias), h)
	z := Add(x[0], Linear(y, w.Proj, w.ProjBias))
	return Add(z, Linear(GELU(Linear(LayerNorm(z, w.Gamma2, w.Beta2, eps), w.FC1, w.FC1Bias)), w.FC2, w.FC2Bias))
}

// runBlock returns the output and all gradients of a block.
func runBlock(n, t, d, h int, f func(x []*Tensor) *Tensor) [][]float32 {
	var x []*Tensor
	for i, s := range blockShapes(n, t, d, h) {
		p := random(uint64(i), s...).RequireGrad()
		for j := range p.data {
			switch i {
			case 0:
			case 1, 7:
				p.data[j] = 1 + p.data[j]/10
			default:
				p.data[j] *= float32(1 / math.Sqrt(float64(s[0])))
			}
		}
		x = append(x, p)
	}
	y := f(x)
	Backward(Sum(Mul(y, random(50, n, t, d))))
	all := [][]float32{y.data}
	for _, p := range x {
		all = append(all, p.grad)
	}
	return all
}

var blockSizes = []struct {
	n, t, d, h int
	heads      Heads
}{
	{70, 12, 32, 128, Heads{N: 4}},
	{5, 49, 32, 64, Heads{N: 2}},
	{33, 16, 32, 64, Heads{N: 2, Causal: true, Lengths: slices.Repeat([]int{16, 1, 7}, 11)}},
	{3, 7, 12, 20, Heads{N: 3}},
}

// The coarse operation equals the composition: each element within 1e-5 of the
// largest of its tensor.
func TestBlockEqualsComposition(t *testing.T) {
	for _, s := range blockSizes {
		got := runBlock(s.n, s.t, s.d, s.h, blockOf(s.heads, 1))
		want := runBlock(s.n, s.t, s.d, s.h, func(x []*Tensor) *Tensor { return composed(x, s.heads, 1e-5) })
		for i := range want {
			var top, worst float64
			for j, v := range want[i] {
				top, worst = max(top, math.Abs(float64(v))), max(worst, math.Abs(float64(v-got[i][j])))
			}
			if worst > 1e-5*top {
				t.Errorf("%v: tensor %d differs by %g of %g", s, i, worst, top)
			}
		}
	}
}

// A block's bits depend neither on the instruction set nor on threads.
func TestBlockSameBits(t *testing.T) {
	was := f32.Active()
	defer f32.Use(was)
	for _, s := range blockSizes {
		if s.n > 40 && testing.Short() {
			continue
		}
		var want [][]float32
		for _, isa := range f32.Available() {
			for _, threads := range []int{1, 3} {
				f32.Use(isa)
				func() {
					defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(threads))
					got := runBlock(s.n, s.t, s.d, s.h, blockOf(s.heads, 1))
					if want == nil {
						want = got
					}
					for i := range want {
						if !slices.Equal(got[i], want[i]) {
							t.Errorf("%v: tensor %d differs on %s with %d threads", s, i, isa, threads)
						}
					}
				}()
			}
		}
	}
}

// A token's output and the gradient it causes do not depend on what it must not
// see.
func TestAttentionMasks(t *testing.T) {
	h := Heads{N: 2, Causal: true, Lengths: []int{4, 6}}
	qkv := random(1, 2, 6, 12)
	y, p := SelfAttention(qkv, h)
	for i, v := range p.data {
		sample, query, key := i/(2*36), i/6%6, i%6
		if (key > query || key >= h.Lengths[sample]) != (v == 0) {
			t.Fatalf("sample %d: query %d gives key %d the probability %g", sample, query, key, v)
		}
	}
	other := random(1, 2, 6, 12)
	for i := 4 * 12; i < 6*12; i++ { // the padding of sample 0
		other.data[i] = 9
	}
	again, _ := SelfAttention(other, h)
	if !slices.Equal(y.data[:4*4], again.data[:4*4]) {
		t.Error("the padding changed what stands before it")
	}
}

func TestSoftmaxRowsOfAttentionSumToOne(t *testing.T) {
	_, p := SelfAttention(random(3, 3, 20, 24), Heads{N: 2})
	for r := range len(p.data) / 20 {
		var sum float64
		for _, v := range p.data[r*20 : (r+1)*20] {
			sum += float64(v)
		}
		if math.Abs(sum-1) > 1e-6 {
			t.Fatalf("row %d sums to %g", r, sum)
		}
	}
}

func BenchmarkBlock(b *testing.B) {
	for _, s := range [][4]int{{256, 12, 128, 512}, {256, 49, 64, 256}, {256, 64, 128, 512}} {
		b.Run(fmt.Sprint(s), func(b *testing.B) {
			var x []*Tensor
			for i, shape := range blockShapes(s[0], s[1], s[2], s[3]) {
				x = append(x, random(uint64(i), shape...).RequireGrad())
			}
			up := random(50, s[0], s[1], s[2])
			for b.Loop() {
				Backward(Sum(Mul(blockOf(Heads{N: 4}, 1)(x), up)))
			}
		})
	}
}

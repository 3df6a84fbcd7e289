package f32

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
)

// Each row kernel's assembly equals its twin, on values of every kind.
func TestRowKernelsSameBits(t *testing.T) {
	each(t, func(t *testing.T) {
		isa := Active()
		r := rand.New(rand.NewPCG(21, 22))
		for _, c := range []int{3, 16, 48, 128} {
			for _, rows := range []int{1, 7, 32} {
				for kind := range 3 {
					in := make([][]float32, 8)
					for i := range in {
						in[i] = make([]float32, rows*c)
						fill(r, in[i], kind)
					}
					run := func(isa string) (out [][]float32) {
						with(t, isa, 1, func() { out = rowKernels(t, rows, c, in) })
						return out
					}
					got, want := run(isa), run("generic")
					for i := range want {
						compare(t, fmt.Sprintf("%s result %d, %d rows of %d, kind %d", isa, i, rows, c, kind), got[i], want[i])
					}
				}
			}
		}
	})
}

func rowKernels(t *testing.T, rows, c int, in [][]float32) (all [][]float32) {
	n := rows * c
	x, dy, residual, from := in[0], in[1], in[2], in[3]
	bias, gamma, beta := in[4][:c], in[5][:c], in[6][:c]
	all = append(all, into(t, []int{n}, nil, func(o [][]float32) { GELU(o[0], x) })...)
	all = append(all, into(t, []int{n, n}, [][]float32{x, dy}, func(o [][]float32) { GELUGrad(o[0], o[1], x) })...)
	plain := into(t, []int{n, 2 * rows}, nil, func(o [][]float32) { LayerNorm(o[0], x, gamma, beta, o[1], 1e-5) })
	all = append(all, plain...)
	all = append(all, into(t, []int{n, n, n, 2 * rows}, nil, func(o [][]float32) {
		AddLayerNorm(o[0], o[1], o[2], x, residual, bias, gamma, beta, o[3], 1e-5)
	})...)
	all = append(all, into(t, []int{n}, nil, func(o [][]float32) { LayerNormAgain(o[0], x, gamma, beta, plain[1]) })...)
	all = append(all, into(t, []int{n, c, c}, [][]float32{x, beta, bias}, func(o [][]float32) {
		LayerNormGrad(o[0], dy, from, x, gamma, plain[1], o[1], o[2])
	})...)
	if c%16 == 0 {
		p := into(t, []int{n}, [][]float32{x}, func(o [][]float32) { ColumnSoftmax(o[0], rows, c) })
		all = append(all, p[0])
		all = append(all, into(t, []int{n}, [][]float32{dy}, func(o [][]float32) { ColumnSoftmaxGrad(o[0], p[0], rows, c, 0.37) })...)
	}
	return all
}

// Turning vectors into columns gives each value its place, on all instruction sets.
func TestTurnSameBits(t *testing.T) {
	each(t, func(t *testing.T) {
		r := rand.New(rand.NewPCG(23, 24))
		for tokens := 1; tokens <= 35; tokens++ {
			for _, dim := range []int{3, 4, 12, 32} {
				a, stride := Attention{Tokens: tokens, Heads: 1, Dim: dim}, 40
				x := make([]float32, (tokens-1)*stride+dim)
				fill(r, x, 0)
				got := into(t, []int{dim * a.Lanes()}, nil, func(o [][]float32) { a.turn(o[0], x, stride, 0.37) })[0]
				want := make([]float32, len(got))
				for i := range tokens {
					for e := range dim {
						want[e*a.Lanes()+i] = x[i*stride+e] * 0.37
					}
				}
				compare(t, fmt.Sprintf("%s, %d tokens of %d values", Active(), tokens, dim), got, want)
			}
		}
	})
}

// A transpose moves bits alone, on all instruction sets.
func TestTransposeSameBits(t *testing.T) {
	each(t, func(t *testing.T) {
		r := rand.New(rand.NewPCG(25, 26))
		for _, rows := range []int{1, 3, 4, 8, 13, 20, 64} {
			for _, cols := range []int{1, 4, 15, 16, 24, 34, 64} {
				x := make([]float32, rows*cols)
				for i := range x {
					x[i] = math.Float32frombits(r.Uint32() | uint32(i%3)*0x7f800000) // NaNs of both kinds among them
				}
				got := into(t, []int{len(x)}, nil, func(o [][]float32) { Transpose(o[0], x, rows, cols) })[0]
				for i := range rows {
					for j := range cols {
						if g, w := math.Float32bits(got[j*rows+i]), math.Float32bits(x[i*cols+j]); g != w {
							t.Fatalf("%s, %d×%d: (%d,%d) is %08x, want %08x", Active(), rows, cols, i, j, g, w)
						}
					}
				}
			}
		}
	})
}

// ulps is the distance of got from want in units of want's last place as a
// float32.
func ulps(got float32, want float64) float64 {
	_, e := math.Frexp(want)
	return math.Abs(float64(got)-want) / math.Ldexp(1, max(e-24, -149))
}

func TestExpFastError(t *testing.T) {
	var worst float64
	for a := float32(-87); a <= 0; a += 1.0 / 4096 {
		x := a + float32(a*1e-4)
		if x >= lowest {
			worst = max(worst, ulps(expFast(x, 0), math.Exp(float64(x))))
		}
	}
	if worst > 2 {
		t.Errorf("off by %.2f ulp, want at most 2", worst)
	}
}

func TestGELUError(t *testing.T) {
	var worst, worstGrad float64
	for i := -1 << 17; i <= 1<<17; i++ {
		x := float32(i) * (13.0 / (1 << 17)) * 1.0000001
		cdf := 0.5 * math.Erfc(-float64(x)/math.Sqrt2)
		y, d := []float32{0}, []float32{1}
		GELUGrad(y, d, []float32{x})
		if want := float64(x) * cdf; math.Abs(want) > 0x1p-120 {
			worst = max(worst, ulps(y[0], want))
		}
		slope := cdf + float64(x)*math.Exp(-float64(x)*float64(x)/2)/math.Sqrt(2*math.Pi)
		worstGrad = max(worstGrad, math.Abs(float64(d[0])-slope))
	}
	if worst > 7 || worstGrad > 4e-7 {
		t.Errorf("GELU is off by %.2f ulp and its slope by %.2g", worst, worstGrad)
	}
	t.Logf("%.2f ulp, slope %.2g", worst, worstGrad)
}

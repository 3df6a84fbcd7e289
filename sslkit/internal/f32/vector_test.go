package f32

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
)

// A vectorCase runs a loop on inputs of n values in rows of c and returns its
// results.
var vectorCases = []struct {
	name string
	run  func(t *testing.T, n, c int, in [][]float32) [][]float32
}{
	{"Norm", func(t *testing.T, n, c int, in [][]float32) [][]float32 {
		return into(t, []int{n}, nil, func(o [][]float32) { Norm(o[0], in[0], in[3][:c], in[4][:c], in[5][:c], false) })
	}},
	{"Norm ReLU", func(t *testing.T, n, c int, in [][]float32) [][]float32 {
		return into(t, []int{n}, nil, func(o [][]float32) { Norm(o[0], in[0], in[3][:c], in[4][:c], in[5][:c], true) })
	}},
	{"Sums", func(t *testing.T, n, c int, in [][]float32) [][]float32 {
		return into(t, []int{c}, in[3:], func(o [][]float32) { Sums(o[0], in[0]) })
	}},
	{"Squares", func(t *testing.T, n, c int, in [][]float32) [][]float32 {
		return into(t, []int{c}, in[3:], func(o [][]float32) { Squares(o[0], in[0], in[4][:c]) })
	}},
	{"NormSums", func(t *testing.T, n, c int, in [][]float32) [][]float32 {
		return into(t, []int{c, c}, in[3:], func(o [][]float32) { NormSums(o[0], o[1], in[1], nil, in[0], in[4][:c], in[5][:c]) })
	}},
	{"NormSums ReLU", func(t *testing.T, n, c int, in [][]float32) [][]float32 {
		return into(t, []int{c, c}, in[3:], func(o [][]float32) { NormSums(o[0], o[1], in[1], in[2], in[0], in[4][:c], in[5][:c]) })
	}},
	{"NormGrad", func(t *testing.T, n, c int, in [][]float32) [][]float32 {
		return into(t, []int{n}, nil, func(o [][]float32) {
			NormGrad(o[0], in[1], nil, in[0], in[3][:c], in[4][:c], in[5][:c], in[6][:c])
		})
	}},
	{"NormGrad ReLU", func(t *testing.T, n, c int, in [][]float32) [][]float32 {
		return into(t, []int{n}, nil, func(o [][]float32) {
			NormGrad(o[0], in[1], in[2], in[0], in[3][:c], in[4][:c], in[5][:c], in[6][:c])
		})
	}},
	{"Add", func(t *testing.T, n, c int, in [][]float32) [][]float32 {
		return into(t, []int{n}, nil, func(o [][]float32) { Add(o[0], in[0], in[1], false) })
	}},
	{"Add ReLU", func(t *testing.T, n, c int, in [][]float32) [][]float32 {
		return into(t, []int{n}, nil, func(o [][]float32) { Add(o[0], in[0], in[1], true) })
	}},
	{"ReLU", func(t *testing.T, n, c int, in [][]float32) [][]float32 {
		return into(t, []int{n}, nil, func(o [][]float32) { ReLU(o[0], in[0]) })
	}},
	{"ReLUGrad", func(t *testing.T, n, c int, in [][]float32) [][]float32 {
		return into(t, []int{n}, nil, func(o [][]float32) { ReLUGrad(o[0], in[1], in[2]) })
	}},
	{"AdamW", func(t *testing.T, n, c int, in [][]float32) [][]float32 {
		square := make([]float32, n) // a second moment is not negative
		for i, v := range in[3] {
			square[i] = v * v
		}
		return into(t, []int{n, n, n}, [][]float32{in[0], in[2], square}, func(o [][]float32) {
			AdamW{Beta1: 0.9, Beta2: 0.999, Scale: 7, Eps: 1e-8, Step: 0.003, Keep: 0.9999}.Apply(o[0], in[1], o[1], o[2])
		})
	}},
	{"SGD", func(t *testing.T, n, c int, in [][]float32) [][]float32 {
		return into(t, []int{n, n}, in, func(o [][]float32) { SGD{Momentum: 0.9, Rate: 0.1}.Apply(o[0], in[2], o[1]) })
	}},
	{"SGD with decay", func(t *testing.T, n, c int, in [][]float32) [][]float32 {
		return into(t, []int{n, n}, in, func(o [][]float32) { SGD{Momentum: 0.9, Rate: 0.1, Decay: 1e-4}.Apply(o[0], in[2], o[1]) })
	}},
}

// into calls f with guarded results, which begin as copies of start.
func into(t *testing.T, sizes []int, start [][]float32, f func(o [][]float32)) (out [][]float32) {
	t.Helper()
	var checks []func()
	for i, n := range sizes {
		o, check := guarded(t, n)
		if start != nil {
			copy(o, start[i])
		}
		out, checks = append(out, o), append(checks, check)
	}
	f(out)
	for _, c := range checks {
		c()
	}
	return out
}

func TestVectorSameBits(t *testing.T) {
	each(t, func(t *testing.T) {
		isa := Active()
		r := rand.New(rand.NewPCG(11, 12))
		for _, c := range []int{1, 3, 8, 24, 32} {
			for _, rows := range []int{1, 5, 33} {
				for kind := range 3 {
					in := make([][]float32, 7)
					for i := range in {
						in[i] = make([]float32, rows*c)
						fill(r, in[i], kind)
					}
					for _, v := range vectorCases {
						var want [][]float32
						with(t, "generic", 1, func() { want = v.run(t, rows*c, c, in) })
						var got [][]float32
						with(t, isa, 1, func() { got = v.run(t, rows*c, c, in) })
						for i := range want {
							compare(t, fmt.Sprintf("%s, %d rows of %d", v.name, rows, c), got[i], want[i])
						}
					}
				}
			}
		}
	})
}

// These may write over the gradient that they are given.
func TestInPlace(t *testing.T) {
	defer Use(Active())
	const n, c = 48, 8
	y, x, by := make([]float32, n), make([]float32, n), make([]float32, c)
	for i := range x {
		x[i], y[i] = float32(i), float32(i%3-1)
	}
	for j := range by {
		by[j] = float32(j) / 8
	}
	for name, f := range map[string]func(dx, dy []float32){
		"ReLUGrad":      func(dx, dy []float32) { ReLUGrad(dx[:n-3], dy, y) },
		"NormGrad":      func(dx, dy []float32) { NormGrad(dx, dy, nil, x, by, by, by, by) },
		"NormGrad ReLU": func(dx, dy []float32) { NormGrad(dx, dy, y, x, by, by, by, by) },
	} {
		for _, isa := range Available() {
			Use(isa)
			d, want := slices.Clone(x), slices.Clone(x)
			f(want, x)
			if f(d, d); !slices.Equal(d, want) {
				t.Errorf("%s of %s: %v, want %v", name, isa, d, want)
			}
		}
	}
}

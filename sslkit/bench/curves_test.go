package bench

import (
	"cmp"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"sslnotes/sslkit/nn"
	"sslnotes/sslkit/tensor"
)

const curveBatch, curvePool = 16, 128

// mix is 32 bits from a place and a number, as peers/curves.py mixes them.
func mix(place, i int) uint32 {
	h := uint32(i)*2654435761 + uint32(place)*2246822519 + 3266489917
	h ^= h >> 15
	h *= 2246822519
	h ^= h >> 13
	h *= 3266489917
	return h ^ h>>16
}

// initialise sets all parameters to what curves.py sets them to. Those named
// free are not multiplied with anything.
func initialise(params []*nn.Param, free ...*nn.Param) {
	for place, p := range params {
		x, shape := p.Value.Data(), p.Value.Shape()
		bound := float32(1)
		switch {
		case slices.Contains(free, p):
			bound = 1. / 32
		case len(x) == 1: // CLIP's temperature
			x[0] = 2.6593
			continue
		case len(shape) == 1:
			fill(x, x[0]) // norms' scales are 1 as they come, and all shifts 0
			continue
		default:
			for in := float32(len(x) / shape[len(shape)-1]); bound*bound*in > 3; {
				bound /= 2
			}
		}
		for i := range x {
			x[i] = bound * (float32(mix(place, i)>>8)/(1<<23) - 1)
		}
	}
}

func fill(x []float32, v float32) {
	for i := range x {
		x[i] = v
	}
}

// rectangles returns the pictures of curves.py, [curvePool][28·28].
func rectangles() [][]float32 {
	all := make([][]float32, curvePool)
	for i := range all {
		all[i] = make([]float32, 28*28)
		for k := range 6 {
			var v [5]int // top, left, height, width, level
			for j := range v {
				v[j] = int(mix(500+k, i*5+j) % 256)
			}
			top, left := v[0]%24, v[1]%24
			for y := top; y < min(28, top+4+v[2]%16); y++ {
				for x := left; x < min(28, left+4+v[3]%16); x++ {
					all[i][y*28+x] = float32(v[4])/128 - 1
				}
			}
		}
	}
	return all
}

// shown are the pictures of a step.
func shown(step int) (index []int) {
	for i := range curveBatch {
		index = append(index, (step*curveBatch+i)%curvePool)
	}
	return index
}

// A curve is a model's training step by its number.
type curve func(step int) float32

func maeCurve(pictures [][]float32) (curve, error) {
	m := buildMAE(curveBatch, 1)
	initialise(m.all.Params(), m.places, m.hidden, m.spots)
	step := 0
	train := trainer(m.all, &nn.AdamW{WeightDecay: 0.05}, 1e-3, func() *tensor.Tensor {
		x := tensor.New(curveBatch, 28, 28, 1)
		b := maeBatch{mask: make([]float32, curveBatch*maeTokens)}
		for i, at := range shown(step) {
			copy(x.Data()[i*28*28:], pictures[at])
			order := make([]int, maeTokens)
			for t := range order {
				order[t] = t
			}
			slices.SortStableFunc(order, func(s, t int) int {
				return cmp.Compare(mix(1000+step, i*maeTokens+s), mix(1000+step, i*maeTokens+t))
			})
			b.seen = append(b.seen, order[:maeSeen]...)
			for _, t := range order[maeSeen:] {
				b.mask[i*maeTokens+t] = 1
			}
		}
		b.patches = tensor.Patchify(x, 4)
		return m.loss(b)
	})
	return func(s int) float32 { step = s; return train() }, nil
}

func clipCurve(pictures [][]float32) (curve, error) {
	m := buildCLIP(curveBatch, 1)
	initialise(m.all.Params(), m.places, m.words, m.spots)
	step := 0
	train := trainer(m.all, &nn.AdamW{WeightDecay: 0.05}, 1e-3, func() *tensor.Tensor {
		x := tensor.New(curveBatch, 32, 32, 3)
		var words []int
		for i, at := range shown(step) {
			for p, v := range pictures[at] {
				to := ((i*32+p/28+2)*32 + p%28 + 2) * 3
				fill(x.Data()[to:to+3], v)
			}
			for w := range clipWords {
				words = append(words, int(mix(2000, at*clipWords+w)%clipVocabulary))
			}
		}
		return m.loss(newClipBatch(x, words))
	})
	return func(s int) float32 { step = s; return train() }, nil
}

func simclrCurve(pictures [][]float32) (curve, error) {
	m, err := buildSimCLR(curveBatch, 1)
	if err != nil {
		return nil, err
	}
	initialise(m.all().Params())
	step := 0
	train := trainer(m.all(), &nn.SGD{WeightDecay: 1e-4}, 0.00005, func() *tensor.Tensor {
		views := tensor.New(2*curveBatch, 28, 28, 1)
		for v := range 2 {
			down, right := int(mix(3000+v, 2*step)%7)-3, int(mix(3000+v, 2*step+1)%7)-3
			for i, at := range shown(step) {
				dst := views.Data()[(v*curveBatch+i)*28*28:]
				for p := range 28 * 28 {
					y, x := p/28, p%28
					dst[y*28+27-x] = pictures[at][(y+28-down)%28*28+(x+28-right)%28]
				}
			}
		}
		return m.loss(views)
	})
	return func(s int) float32 { step = s; return train() }, nil
}

// away is how much farther than PyTorch's float32 ours may be from float64, at
// most until each step: both are one draw of the roundings' effect, which grows
// as training goes on.
const away = 4

// farther returns the first step at which ours is too far from the reference.
func farther(ours []float32, single, double []float64) error {
	var far, theirs float64
	for i, v := range ours {
		far = max(far, math.Abs(float64(v)-double[i]))
		theirs = max(theirs, math.Abs(single[i]-double[i]), double[i]*0x1p-23)
		if !(far <= away*theirs) {
			return fmt.Errorf("step %d: loss %.7g, PyTorch %.7g in float32 and %.10g in float64", i, v, single[i], double[i])
		}
	}
	return nil
}

// The three models learn as PyTorch's do from the same weights on the same
// batches, to what the roundings of float32 allow. Regenerate the goldens by
//
//	for m in mae clip simclr; do peers/peer curves $m >testdata/$m.json; done
func TestCurvesAreThePeers(t *testing.T) {
	pictures := rectangles()
	for name, build := range map[string]func([][]float32) (curve, error){"mae": maeCurve, "clip": clipCurve, "simclr": simclrCurve} {
		t.Run(name, func(t *testing.T) {
			text, err := os.ReadFile(filepath.Join("testdata", name+".json"))
			if err != nil {
				t.Fatal(err)
			}
			var want struct{ Float32, Float64 []float64 }
			if err := json.Unmarshal(text, &want); err != nil || len(want.Float64) != 200 || len(want.Float32) != 200 {
				t.Fatalf("%d and %d steps, %v", len(want.Float32), len(want.Float64), err)
			}
			step, err := build(pictures)
			if err != nil {
				t.Fatal(err)
			}
			var ours []float32
			for i := range want.Float64 {
				ours = append(ours, step(i))
			}
			if err := farther(ours, want.Float32, want.Float64); err != nil {
				t.Error(err)
			}
			report(t, ours, want.Float32, want.Float64)
		})
	}
}

// report logs how the curves drift apart.
func report(t *testing.T, ours []float32, single, double []float64) {
	var far, theirs float64
	for i, v := range ours {
		far, theirs = max(far, math.Abs(float64(v)-double[i])), max(theirs, math.Abs(single[i]-double[i]))
		if n := i + 1; n == 1 || n%25 == 0 {
			t.Logf("step %3d: loss %.6g; farthest from float64 so far: ours %.2g, PyTorch's float32 %.2g", n, v, far, theirs)
		}
	}
}

package results

import (
	"context"
	"encoding/json"
	"math"
	"os"
	"testing"

	"sslnotes/sslkit"
	"sslnotes/sslkit/data"
	"sslnotes/sslkit/nn"
	"sslnotes/sslkit/pipeline"
	"sslnotes/sslkit/rng"
)

// away is how much farther than PyTorch's float32 ours may be from its float64,
// at most until each step: both are one draw of the roundings' effect, which
// grows as training goes on, fast where Adam divides by a tiny gradient.
const away = 4

// TestStepsAreThePeers trains the methods of the table on fashion-mini from
// their own weights, order, views and masks, which same.py draws as Go does, and
// holds the losses against PyTorch's, to what the roundings of float32 allow.
// Regenerate the goldens by
//
//	for m in simclr byol mae; do
//		sslkit/bench/peers/peer same sslkit/data OUT $m >internal/results/testdata/$m.json
//	done
func TestStepsAreThePeers(t *testing.T) {
	train, _, err := data.FashionMini()
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"simclr", "byol", "mae"} {
		t.Run(name, func(t *testing.T) {
			text, err := os.ReadFile("testdata/" + name + ".json")
			if err != nil {
				t.Fatal(err)
			}
			var want struct{ Float32, Float64 []float64 }
			if err := json.Unmarshal(text, &want); err != nil || len(want.Float64) != 40 || len(want.Float32) != 40 {
				t.Fatalf("%d and %d steps, %v", len(want.Float32), len(want.Float64), err)
			}
			var far, theirs float64
			losses(t, name, train.Unlabelled(), func(i int, loss float64) {
				single, double := want.Float32[i], want.Float64[i]
				far = max(far, math.Abs(loss-double))
				theirs = max(theirs, math.Abs(single-double), double*0x1p-23)
				if !(far <= away*theirs) {
					t.Fatalf("step %d: loss %.7g, PyTorch %.7g in float32 and %.10g in float64", i, loss, single, double)
				}
				if i < 3 || i%10 == 9 {
					t.Logf("step %2d: loss %.6g; farthest from float64 so far: ours %.2g, PyTorch's float32 %.2g", i, loss, far, theirs)
				}
			})
		})
	}
}

// losses trains a method of the table by 40 steps of 64 images and tells the
// loss of each.
func losses(t *testing.T, name string, set *data.Unlabelled, tell func(step int, loss float64)) {
	m, _ := methodOf(name)
	in := set.Spec()
	e, err := (Plan{}).resolve().architecture(name).Build(nn.Input{Height: in.Height, Width: in.Width, Channels: in.Channels}, rng.New(1, "weights"))
	if err != nil {
		t.Fatal(err)
	}
	s := sslkit.Schedule{Steps: 40, BatchSize: 64, Seed: 1}
	if err := pipeline.Train(context.Background(), e, m.make(), set, s, func(i int, values map[string]float64) error {
		tell(i, values["loss"])
		return nil
	}); err != nil {
		t.Fatal(err)
	}
}

package results

import (
	"context"
	"encoding/json"
	"errors"
	"math"
	"os"
	"testing"

	"sslnotes/sslkit"
	"sslnotes/sslkit/clip"
	"sslnotes/sslkit/data"
	"sslnotes/sslkit/nn"
	"sslnotes/sslkit/pipeline"
	"sslnotes/sslkit/rng"
)

// away is how much farther than PyTorch's float32 ours may be from its float64,
// at most until each step: both are one draw of the roundings' effect, which
// grows as training goes on, fast where Adam divides by a tiny gradient.
const away = 4

// TestStepsAreThePeers trains the methods of the table on fashion-mini, and CLIP
// by its recipe, from their own weights, order, views, masks and phrases, which
// same.py draws as Go does, and holds the losses against PyTorch's, to what the
// roundings of float32 allow. Regenerate the goldens by
//
//	for m in simclr byol mae; do
//		sslkit/bench/peers/peer same sslkit/data OUT $m >internal/results/testdata/$m.json
//	done
//	sslnotes retrieve --export SET
//	sslkit/bench/peers/peer same SET OUT clip >internal/results/testdata/clip.json
func TestStepsAreThePeers(t *testing.T) {
	for _, name := range []string{"simclr", "byol", "mae", "clip"} {
		t.Run(name, func(t *testing.T) {
			text, err := os.ReadFile("testdata/" + name + ".json")
			if err != nil {
				t.Fatal(err)
			}
			var want struct{ Float32, Float64 []float64 }
			if err := json.Unmarshal(text, &want); err != nil || len(want.Float64) != steps || len(want.Float32) != steps {
				t.Fatalf("%d and %d steps, %v", len(want.Float32), len(want.Float64), err)
			}
			var far, theirs float64
			losses(t, name, func(i int, loss float64) {
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

// steps are those of the goldens.
const steps = 40

// losses trains by so many steps of 64 images and tells the loss of each.
func losses(t *testing.T, name string, tell func(step int, loss float64)) {
	plan, method, s, set := trained(t, name)
	in := set.Spec()
	e, err := plan.Build(nn.Input{Height: in.Height, Width: in.Width, Channels: in.Channels}, rng.New(1, "weights"))
	if err != nil {
		t.Fatal(err)
	}
	s.BatchSize, s.Seed = 64, 1
	enough := errors.New("enough")
	if err := pipeline.Train(context.Background(), e, method, set, s, func(i int, values map[string]float64) error {
		tell(i, values["loss"])
		if i == steps-1 {
			return enough
		}
		return nil
	}); err != enough {
		t.Fatal(err)
	}
}

// trained is what a method trains, how, and on what: CLIP by the beginning of its
// recipe, whose rate is too high for a short warm-up, but with a hundred times
// its decay, or so few steps would not tell what decays.
func trained(t *testing.T, name string) (nn.Plan, sslkit.Method, sslkit.Schedule, *data.Unlabelled) {
	if name == "clip" {
		set, _, err := data.Open(clip.RecipeData)
		if err != nil {
			t.Fatal(err)
		}
		plan, m, s := clip.Recipe()
		s.WeightDecay = 100 * m.Schedule().WeightDecay
		return plan, m, s, set.Unlabelled()
	}
	set, _, err := data.FashionMini()
	if err != nil {
		t.Fatal(err)
	}
	m, _ := methodOf(name)
	return (Plan{}).resolve().architecture(name), m.make(), sslkit.Schedule{Steps: steps}, set.Unlabelled()
}

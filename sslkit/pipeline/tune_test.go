package pipeline

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"sslnotes/sslkit/augment"
	"sslnotes/sslkit/nn"
	"sslnotes/sslkit/rng"
	"sslnotes/tracker"
)

// ranked are small encoders with the place of each parameter, by the beginning of
// its name: 0 for the stem, then the blocks, then what follows them.
var ranked = []struct {
	plan   nn.Plan
	places []string
}{
	{nn.ConvNet{Channels: []int{4, 6, 8}}, []string{"none", "layer0.", "layer1.", "layer2.", "none"}},
	{nn.ResNet{Channels: []int{4, 8}, Blocks: 2}, []string{"stem.", "stage0.0.", "stage0.1.", "stage1.0.", "stage1.1.", "none"}},
	{nn.ViT{PatchSize: 14, Width: 8, Depth: 2, Heads: 2, ClassToken: true, LearnedPositions: true}, []string{"embed. class positions", "trunk.block0.", "trunk.block1.", "trunk.norm."}},
}

func placeOf(t *testing.T, places []string, name string) int {
	t.Helper()
	for i, beginnings := range places {
		for _, b := range strings.Fields(beginnings) {
			if strings.HasPrefix(name, b) {
				return i
			}
		}
	}
	t.Fatalf("parameter %s is nowhere", name)
	return 0
}

// fitted trains a plan's encoder on labels and returns it with its weights before.
func fitted(t *testing.T, plan nn.Plan, o Tuning) (e nn.Encoder, before [][]float32) {
	t.Helper()
	train, _ := mini(t)
	o.BatchSize, o.Seed, o.Augment = 20, 5, augment.Chain{}
	o, err := o.resolve(train)
	must(t, err)
	e, err = build(plan, train.Spec(), 5)
	must(t, err)
	for _, p := range e.Params() {
		before = append(before, append([]float32{}, p.Value.Data()...))
	}
	head := nn.NewLinear("classifier", e.Dim(), 10, true, rng.New(5, "classifier"))
	must(t, o.fit(fitting{t.Context(), nowhere{}, noBar{}}, train, e, head))
	return e, before
}

// TestLayerDecay takes one step, by which AdamW moves the values of a parameter
// as far as its rate.
func TestLayerDecay(t *testing.T) {
	const rate, decay = 0.01, 0.5
	for _, c := range ranked {
		blocks := len(c.places) - 2
		for _, o := range []Tuning{{LayerDecay: decay}, {LayerDecay: decay, Frozen: 1}, {}, {LayerDecay: 1}} {
			o.Steps, o.Warmup, o.EncoderRate, o.WeightDecay = 1, -1, rate, -1
			e, before := fitted(t, c.plan, o)
			for i, p := range e.Params() {
				moved := 0.0
				for j, v := range p.Value.Data() {
					moved = max(moved, math.Abs(float64(v)-float64(before[i][j])))
				}
				place, want := placeOf(t, c.places, p.Name), rate
				if o.LayerDecay == decay {
					want *= math.Pow(decay, float64(blocks+1-place))
				}
				if place <= o.Frozen && o.Frozen > 0 {
					want = 0
				}
				if math.Abs(moved-want) > 2e-3*want {
					t.Errorf("%T, LayerDecay %g, Frozen %d: %s moved by %g, want %g", c.plan, o.LayerDecay, o.Frozen, p.Name, moved, want)
				}
			}
		}
	}
}

// TestTuningAsBefore holds the weights of the default rates, which records hold,
// against those of a time when there were no others.
func TestTuningAsBefore(t *testing.T) {
	for i, want := range []string{"95b4c835e1776bf4", "c9f24fa4425667c3", "cc2318bea10f6d6f"} {
		for _, o := range []Tuning{{}, {LayerDecay: 1}, {Warmup: 2}} {
			o.Steps, o.EncoderRate = 40, 1e-3
			e, _ := fitted(t, ranked[i].plan, o)
			if got := fmt.Sprintf("%.16s", nn.Digest(e)); got != want {
				t.Errorf("%T, %+v: weights %s, want %s", ranked[i].plan, o, got, want)
			}
		}
	}
}

// TestWarmup: the first step of n to warm up is taken at 1/n of the rate.
func TestWarmup(t *testing.T) {
	for warmup, want := range map[int]float64{-1: 0.01, 0: 0.01 / 2, 1: 0.01, 8: 0.01 / 8} {
		o := Tuning{Steps: 40, Warmup: warmup, EncoderRate: 0.01}
		if got := float64(nn.WarmupCosine(0, o.Steps, o.warmup(), o.EncoderRate, 0)); math.Abs(got-want) > 1e-8 {
			t.Errorf("Warmup %d begins at %g, want %g", warmup, got, want)
		}
	}
	e, before := fitted(t, tiny, Tuning{Steps: 1, Warmup: 1, EncoderRate: 0.01, WeightDecay: -1})
	if v := e.Params()[0].Value.Data()[0]; v == before[0][0] {
		t.Error("nothing was learned")
	}
}

// TestLayerDecayIsRecorded executes such runs again; those without keep the record
// they had before there was such a thing.
func TestLayerDecayIsRecorded(t *testing.T) {
	s := session(t)
	train, held := mini(t)
	r := pretrained(t, s, train)
	few, err := train.PerClass(5, 0)
	must(t, err)
	seen := map[string]bool{}
	for want, o := range map[string]Tuning{"": {}, `"LayerDecay":0.5`: {LayerDecay: 0.5}, `"Warmup":3`: {Warmup: 3}, `"Warmup":-1`: {Warmup: -1}} {
		o.Steps, o.BatchSize = 4, 20
		tuned, err := o.Judge(r, few, held)
		must(t, err)
		rec, err := tuned.Record()
		must(t, err)
		if c := string(rec.Config); !strings.Contains(c, want) || want == "" && (strings.Contains(c, "LayerDecay") || strings.Contains(c, "Warmup")) {
			t.Errorf("%+v is recorded as %s", o, c)
		}
		if v, err := s.Reproduce(tuned.ID()); err != nil || v.Verdict != BitExact {
			t.Errorf("%+v: %+v %v", o, v, err)
		}
		b, err := lastCheckpoint(s.Store, tuned.ID(), encoderFile)
		must(t, err)
		seen[tracker.DigestOf(b)] = true
	}
	if len(seen) != 3 { // a twentieth of four steps is none
		t.Errorf("%d different encoders of four, want 3", len(seen))
	}
	for want, err := range map[string]error{
		"Tuning.LayerDecay is -0.5, want": refusal(Tuning{LayerDecay: -0.5}.Judge(r, few, held)),
		"Tuning.LayerDecay is 1.5, want":  refusal(Tuning{LayerDecay: 1.5}.Judge(r, few, held)),
		"Tuning.LayerDecay is NaN, want":  refusal(s.Supervised(tiny, few, held, Tuning{LayerDecay: float32(math.NaN())})),
		"Tuning.Warmup is 5, want":        refusal(Tuning{Steps: 4, Warmup: 5}.Judge(r, few, held)),
		"Tuning.HeadRate is +Inf, want":   refusal(Tuning{HeadRate: float32(math.Inf(1))}.Judge(r, few, held)),
		"Tuning.WeightDecay is NaN, want": refusal(Tuning{WeightDecay: float32(math.NaN())}.Judge(r, few, held)),
		"Tuning.Augment: Crop.MinArea":    refusal(Tuning{Augment: augment.Chain{augment.Crop{MinArea: -1}}}.Judge(r, few, held)),
		"Tuning.Frozen is 3":              refusal(s.Supervised(tiny, few, held, Tuning{Frozen: 3})),
	} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want one that says %q", err, want)
		}
	}
	if runs, err := s.Store.Runs(tracker.Filter{}); err != nil || len(runs) != 5 {
		t.Errorf("%d runs %v, want those that were made", len(runs), err)
	}
	whole := struct{ nn.Encoder }{r.encoder} // without blocks
	o := Tuning{LayerDecay: 0.5}
	if err := o.suits(whole); err == nil || !strings.Contains(err.Error(), "Tuning.LayerDecay is 0.5: nn: a nn.ConvNet has no blocks") {
		t.Errorf("an encoder without blocks: %v", err)
	}
}

func refusal(_ *Run, err error) error { return err }

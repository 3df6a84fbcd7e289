package pipeline

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"sslnotes/sslkit"
	"sslnotes/sslkit/contrastive"
	"sslnotes/sslkit/data"
	"sslnotes/sslkit/nn"
	"sslnotes/sslkit/pretext"
	"sslnotes/sslkit/rng"
	"sslnotes/sslkit/tensor"
	"sslnotes/tracker"
)

func small(t *testing.T) nn.Encoder {
	t.Helper()
	e, err := nn.ConvNet{Channels: []int{8, 16}}.Build(nn.Input{Height: 28, Width: 28, Channels: 1}, rng.New(1, "weights"))
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// fashion returns a few real images, or skips.
func fashion(t *testing.T, perClass int) (train, test *data.Set) {
	t.Helper()
	if _, err := os.Stat("/usr/share/datasets/fashion-mnist"); err != nil && os.Getenv("SSLNOTES_DATA") == "" {
		t.Skip("fashion-mnist is not installed")
	}
	train, _, err := data.FashionMNIST()
	if err != nil {
		t.Fatal(err)
	}
	// Validation images only: no test looks at the test split.
	rest, held, err := train.Divide(2000, 1)
	if err != nil {
		t.Fatal(err)
	}
	rest, err = rest.PerClass(perClass, 0)
	if err != nil {
		t.Fatal(err)
	}
	return rest, held
}

// TestTrainSameBits trains each method for a few steps on one, two and three
// threads and expects the same weights and the same losses.
func TestTrainSameBits(t *testing.T) {
	set, _ := fashion(t, 10)
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(0))
	for name, method := range map[string]func() sslkit.Method{
		"rotation": func() sslkit.Method { return &pretext.Rotation{} },
		"simclr":   func() sslkit.Method { return &contrastive.SimCLR{} },
	} {
		var want string
		for threads := 1; threads <= 3; threads++ {
			runtime.GOMAXPROCS(threads)
			e, losses := small(t), tensor.New(4)
			err := Train(context.Background(), e, method(), set.Unlabelled(), sslkit.Schedule{Steps: 4, BatchSize: 40, Seed: 3},
				func(step int, v map[string]float64) error {
					losses.Data()[step] = float32(v["loss"])
					return nil
				})
			if err != nil {
				t.Fatal(err)
			}
			got := nn.Digest(e) + losses.String()
			if want == "" {
				want = got
			}
			if got != want {
				t.Errorf("%s on %d threads: %s, want %s", name, threads, got, want)
			}
		}
	}
}

// TestSimCLRLearns trains on real images and expects neighbours in feature
// space to be better than with the weights before.
func TestSimCLRLearns(t *testing.T) {
	train, held := fashion(t, 100)
	e := small(t)
	calibrateSet(e, train)
	before, err := Neighbours{}.Accuracy(e, train, held)
	if err != nil {
		t.Fatal(err)
	}
	e = small(t)
	if err := Train(context.Background(), e, &contrastive.SimCLR{}, train.Unlabelled(), sslkit.Schedule{Steps: 150, BatchSize: 128, Seed: 1}, nil); err != nil {
		t.Fatal(err)
	}
	after, err := Neighbours{}.Accuracy(e, train, held)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("kNN accuracy %.4f before, %.4f after", before, after)
	if after < before+0.02 {
		t.Errorf("kNN accuracy %.4f before and %.4f after", before, after)
	}
}

// calibrateSet gives BatchNorm the statistics of the set without training.
func calibrateSet(e nn.Encoder, set *data.Set) {
	index := make([]int, 500)
	for i := range index {
		index[i] = 2 * i
	}
	for range 50 {
		e.Forward(Images(set, index), true)
		nn.Commit(e)
	}
}

// An interrupt ends a step before its next operation, on the way forward and on
// the way back, and leaves the weights as they were.
func TestTrainEndsWithinAStep(t *testing.T) {
	for _, backward := range []bool{false, true} {
		ctx, stop := context.WithCancel(context.Background())
		e := small(t)
		want := nn.Digest(e)
		m := sslkit.MethodFuncs{LossFunc: func(b data.Batch, _ sslkit.Step) *tensor.Tensor {
			x := e.Forward(b.Images, true)
			stop()
			for deadline := time.Now().Add(time.Minute); !backward && time.Now().Before(deadline); {
				x = tensor.Scale(x, 1)
			}
			return tensor.Mean(tensor.Mul(x, x))
		}}
		if backward {
			m.LossFunc = func(b data.Batch, _ sslkit.Step) *tensor.Tensor {
				x := e.Forward(b.Images, true)
				loss := tensor.Mean(tensor.Mul(x, x))
				stop()
				time.Sleep(10 * time.Millisecond)
				return loss
			}
		}
		err := Train(ctx, e, m, fakeSet(t), sslkit.Schedule{Steps: 2, BatchSize: 20}, func(int, map[string]float64) error {
			t.Error("the step was finished")
			return nil
		})
		if !errors.Is(err, context.Canceled) || nn.Digest(e) != want {
			t.Errorf("backward %v: error %v, weights changed: %v", backward, err, nn.Digest(e) != want)
		}
	}
}

func TestTrainEnds(t *testing.T) {
	pixels := fakeSet(t)
	nan := sslkit.MethodFuncs{LossFunc: func(b data.Batch, _ sslkit.Step) *tensor.Tensor {
		return tensor.Scale(tensor.Mean(b.Images), float32(math.NaN()))
	}}
	if err := Train(context.Background(), small(t), nan, pixels, sslkit.Schedule{Steps: 2, BatchSize: 20}, nil); !errors.Is(err, ErrDiverged) {
		t.Errorf("a loss of NaN: error %v", err)
	}
	ctx, stop := context.WithCancel(context.Background())
	stop()
	if err := Train(ctx, small(t), &contrastive.SimCLR{}, pixels, sslkit.Schedule{Steps: 2, BatchSize: 20}, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("a cancelled context: error %v", err)
	}
	for _, c := range []struct {
		s    sslkit.Schedule
		want string
	}{
		{sslkit.Schedule{BatchSize: 1}, "BatchSize"}, {sslkit.Schedule{BatchSize: 10000}, "BatchSize"},
		{sslkit.Schedule{Epochs: -1}, "Epochs"}, {sslkit.Schedule{Steps: -1}, "Steps"},
		{sslkit.Schedule{LearningRate: -1, BatchSize: 20}, "LearningRate"},
	} {
		if err := Train(context.Background(), small(t), &contrastive.SimCLR{}, pixels, c.s, nil); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: error %v, want one that names %s", c.s, err, c.want)
		}
	}
}

// cropped is a method of one view of a size of its own.
type cropped struct {
	sslkit.MethodFuncs
	Side int
}

func (c *cropped) Views(in data.Spec) []data.Spec {
	in.Height, in.Width = c.Side, c.Side
	return []data.Spec{in}
}

func (c *cropped) View(*data.Image, data.Image, int, *rng.Stream) {}

// TestViewsMustSuit: a view that the encoder cannot take is an error before
// anything is recorded.
func TestViewsMustSuit(t *testing.T) {
	s := &Session{Path: filepath.Join(t.TempDir(), "runs.db")}
	store, err := s.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	for _, c := range []struct {
		plan nn.Plan
		side int
		want string
	}{
		{nn.ViT{Width: 8, Depth: 1, Heads: 2}, 18, "view 0 of custom is of 18×18 pixels, want multiples of the encoder's patch of 4"},
		{nn.ConvNet{Channels: []int{4}}, 0, "view 0 of custom is of 0×0 pixels"},
	} {
		if _, err := s.Pretrain(c.plan, &cropped{Side: c.side}, fakeSet(t), Schedule{Steps: 1, BatchSize: 4}); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%d pixels: error %v, want one that says %q", c.side, err, c.want)
		}
	}
	if runs, err := store.Runs(tracker.Filter{}); err != nil || len(runs) > 0 {
		t.Errorf("%d runs are recorded, error %v", len(runs), err)
	}
}

// fakeSet is noise, for tests in which nothing is to be learnt.
func fakeSet(t *testing.T) *data.Unlabelled {
	t.Helper()
	const n = 60
	pixels, r := make([]uint8, n*28*28), rng.New(1, "noise")
	for i := range pixels {
		pixels[i] = uint8(r.Uint32())
	}
	spec := data.Spec{Height: 28, Width: 28, Channels: 1, Mean: []float32{0.5}, Std: []float32{0.3}}
	s, err := data.FromPixels("noise", "train", spec, []string{"noise"}, pixels, make([]int, n))
	if err != nil {
		t.Fatal(err)
	}
	return s.Unlabelled()
}

// TestOptimizers: a schedule's optimizer has its options, records name those that are
// not the usual ones alone, and steps are those of that optimizer.
func TestOptimizers(t *testing.T) {
	train, _ := mini(t)
	if a, ok := optimizerOf(Schedule{Beta1: 0.8, Beta2: 0.95, Epsilon: 1e-6, WeightDecay: 0.1}).(*nn.AdamW); !ok || a.Beta1 != 0.8 || a.Beta2 != 0.95 || a.Eps != 1e-6 || a.WeightDecay != 0.1 {
		t.Errorf("AdamW is %+v", a)
	}
	if a, ok := optimizerOf(Schedule{SGD: true, Beta1: 0.8, WeightDecay: 0.1}).(*nn.SGD); !ok || a.Momentum != 0.8 || a.WeightDecay != 0.1 {
		t.Errorf("SGD is %+v", a)
	}
	digests := map[string]string{}
	for _, c := range []struct {
		schedule Schedule
		names    []string
	}{
		{Schedule{}, nil}, {Schedule{Beta1: 0.9, Beta2: 0.999, Epsilon: 1e-8}, []string{"Beta1", "Beta2", "Epsilon"}},
		{Schedule{Beta2: 0.95}, []string{"Beta2"}}, {Schedule{SGD: true, LearningRate: 0.03}, []string{"SGD"}}, {Schedule{SGD: true, LearningRate: 0.03, Beta1: 0.5}, []string{"SGD", "Beta1"}},
	} {
		c.schedule.Steps, c.schedule.BatchSize = 4, 30
		r, err := session(t).Pretrain(tiny, &contrastive.SimCLR{}, train.Unlabelled(), c.schedule)
		must(t, err)
		rec, err := r.Record()
		must(t, err)
		for _, name := range []string{"Beta1", "Beta2", "Epsilon", "SGD"} {
			if strings.Contains(string(rec.Config), name) != slices.Contains(c.names, name) {
				t.Errorf("%v: recorded %s", c.names, rec.Config)
			}
		}
		_, loss := r.Curve("loss")
		digests[fmt.Sprint(c.names, c.schedule.Beta1)] = fmt.Sprint(loss)
	}
	if a, b := digests["[] 0"], digests["[Beta1 Beta2 Epsilon] 0.9"]; a != b {
		t.Errorf("the defaults by name give %s, else %s", b, a)
	}
	if n := len(slices.Compact(slices.Sorted(maps.Values(digests)))); n != 4 {
		t.Errorf("%d different trainings, want 4: %v", n, digests)
	}
}

// TestSteadyRate: after the warm-up, heads that a method calls steady descend at the
// peak rate, all else at the one that is recorded; and training that goes on from a
// checkpoint has the bits of one that did not stop.
func TestSteadyRate(t *testing.T) {
	train, _ := mini(t)
	plain := Schedule{Steps: 6, BatchSize: 30, LearningRate: 0.01, Warmup: 2, SGD: true, Beta1: -1}
	m := &contrastive.SimSiam{SteadyPredictor: true}
	tr, err := newTrainer(small(t), m, train.Unlabelled(), plain)
	must(t, err)
	params := tr.model.Params()
	was := make([][]float32, len(params))
	keep := func() {
		for i, p := range params {
			was[i] = slices.Clone(p.Value.Data())
		}
	}
	keep()
	told := 0 // elements of the predictor whose change tells the two rates apart
	must(t, tr.run(context.Background(), 0, func(step int, values map[string]float64) error {
		for i, p := range params {
			rate, steady := values["learning_rate"], slices.Contains(m.Steady().Params(), p)
			if steady && step >= 2 {
				rate = 0.01
			}
			for k, g := range p.Value.Grad() {
				by, want := float64(was[i][k])-float64(p.Value.Data()[k]), rate*float64(g)
				error := 1e-7*math.Abs(float64(was[i][k])) + 1e-5*math.Abs(want)
				if math.Abs(by-want) > error {
					t.Fatalf("step %d changes %s by %g at a gradient of %g, want a rate of %g", step, p.Name, by, g, rate)
				}
				if steady && step > 2 && math.Abs(values["learning_rate"]*float64(g)-want) > 2*error {
					told++
				}
			}
		}
		keep()
		return nil
	}))
	if a, b := len(params), len(m.Steady().Params()); b != 5 || a <= b || told < 1000 {
		t.Errorf("%d of %d parameters are steady, want the predictor's 5; %d elements tell", b, a, told)
	}

	adam := Schedule{Steps: 6, BatchSize: 30, LearningRate: 0.01, FinalDecay: 0.1, ClipNorm: 0.1}
	var middle []byte
	whole, err := newTrainer(small(t), &contrastive.SimSiam{SteadyPredictor: true}, train.Unlabelled(), adam)
	must(t, err)
	must(t, whole.run(context.Background(), 0, func(step int, values map[string]float64) (err error) {
		if a, b := whole.optimizer.(*nn.AdamW).WeightDecay, whole.steady.(*nn.AdamW).WeightDecay; a != b || step > 0 && a == 0 {
			t.Errorf("step %d decays by %g, and what is steady by %g", step, a, b)
		}
		if norm := gradientNorm(whole.model.Params()); values["gradient_norm"] > 0.1 && math.Abs(norm-0.1) > 1e-3 {
			t.Errorf("step %d descends by a gradient of %g, want 0.1", step, norm)
		}
		if step == 2 {
			middle, err = whole.save()
		}
		return err
	}))
	parted, err := newTrainer(small(t), &contrastive.SimSiam{SteadyPredictor: true}, train.Unlabelled(), adam)
	must(t, err)
	must(t, parted.load(middle, 3))
	must(t, parted.run(context.Background(), 3, nil))
	if nn.Digest(parted.state()) != nn.Digest(whole.state()) {
		t.Error("going on from the third step has other bits")
	}

	if _, err := newTrainer(small(t), &strangeSteady{}, train.Unlabelled(), adam); err == nil || !strings.Contains(err.Error(), "simsiam calls steady") {
		t.Errorf("a steady layer that training does not know: error %v", err)
	}
}

// strangeSteady calls something steady that it does not train.
type strangeSteady struct{ contrastive.SimSiam }

func (*strangeSteady) Steady() nn.Module {
	return nn.NewLinear("other", 2, 2, true, rng.New(1, "other"))
}

// TestFinalDecay: weight decay goes from one value towards the other by half a cosine.
func TestFinalDecay(t *testing.T) {
	train, _ := mini(t)
	e := small(t)
	tr, err := newTrainer(e, &contrastive.SimCLR{}, train.Unlabelled(), Schedule{Steps: 5, BatchSize: 30, LearningRate: 1e-3, WeightDecay: 0.04, FinalDecay: 0.4})
	must(t, err)
	var got []float32
	must(t, tr.run(context.Background(), 0, func(int, map[string]float64) error {
		got = append(got, tr.optimizer.(*nn.AdamW).WeightDecay)
		return nil
	}))
	for i, v := range got {
		if want := 0.4 - 0.36*(1+math.Cos(math.Pi*float64(i)/5))/2; math.Abs(float64(v)-want) > 1e-6 {
			t.Errorf("step %d has a decay of %g, want %g", i, v, want)
		}
	}
}

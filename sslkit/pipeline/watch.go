package pipeline

import (
	"context"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"sslnotes/sslkit"
	"sslnotes/sslkit/data"
	"sslnotes/sslkit/nn"
	"sslnotes/sslkit/rng"
	"sslnotes/sslkit/tensor"
)

// The keys under which Pretrain records what it sees of the features h, every
// Schedule.Watch steps, on fixed images of the training set in BatchNorm's
// evaluation mode.
const (
	// FeatureStd is the mean over dimensions of the standard deviation of h/‖h‖,
	// times √Dim: 0 if all features are equal, 1 if they point everywhere alike.
	FeatureStd = "feature_std"
	// RankMe is the effective rank of the features (Garrido and others 2023,
	// equation 1). It knows nothing of usefulness: read it beside MonitorKNN.
	RankMe = "rankme"
	// Alignment is the mean of ‖u-v‖² over two views u and v of an image, and
	// Uniformity ln of the mean of exp(-2‖u-w‖²) over pairs of images, both of
	// features of length 1 (Wang and Isola 2020). Only for methods with views.
	Alignment  = "alignment"
	Uniformity = "uniformity"
	// MonitorKNN is the share of images of Session.Monitor whose 20 nearest
	// neighbours among the others there vote for their class.
	MonitorKNN = "monitor_knn_accuracy"
	// TrivialLoss is the loss of features that are all equal, recorded once.
	TrivialLoss = "trivial_loss"
	// AlarmConstant is recorded, with FeatureStd, when that is below 0.1: the
	// features have collapsed to a point.
	AlarmConstant = "alarm_constant_features"
	// AlarmTrivial is recorded, with the loss, when that is within 1 % of the
	// trivial loss after a tenth of training: nothing is learnt.
	AlarmTrivial = "alarm_trivial_loss"
	// AlarmDimensional is recorded, with RankMe, when after a tenth of training that
	// is below a fiftieth of the features' dimensions, or 1.5.
	AlarmDimensional = "alarm_dimensional_collapse"
	// AlarmMethod is recorded, as 1, when after a tenth of training the method itself
	// sees that it goes wrong: see sslkit.Diagnoser.
	AlarmMethod = "alarm_method"
)

// late lists the methods that had no trivial loss before Schedule.Diagnostics.
var late = []string{"moco", "byol", "swav", "dino", "jigsaw", "context"}

// The numbers of images a look takes: a look costs about as much as one step of
// a hundred images and views a piece for each of these.
const (
	watchImages  = 500
	watchViews   = 250
	watchMonitor = 1000 // in records without Schedule.Monitor
)

// watch looks at the features of an encoder in training.
type watch struct {
	encoder       nn.Encoder
	every, total  int
	trivial       float64 // NaN if the method does not say
	images        []int   // samples of the set
	set           *data.Unlabelled
	left, right   *tensor.Tensor // two views of some images, or nil
	monitor       *data.Set
	memory, query []int   // samples of the monitor; no query: each is classified by the others
	knn           float64 // as last seen, or NaN

	full     bool                            // record all diagnostics
	report   func() map[string]float64       // of the method, or nil
	diagnose func(map[string]float64) string // of the method, or nil
	ill      []string                        // what the last look found wrong
	told     map[string]bool                 // of what there was an alarm
}

func newWatch(e nn.Encoder, m sslkit.Method, in sets, s sslkit.Schedule) *watch {
	w := &watch{encoder: e, every: s.Watch, total: s.Steps, trivial: math.NaN(), set: in.unlabelled, knn: math.NaN(), full: s.Diagnostics > 0, told: map[string]bool{}}
	if t, ok := m.(sslkit.Trivial); ok && (w.full || !slices.Contains(late, m.Name())) {
		w.trivial = t.TrivialLoss()
	}
	if r, ok := m.(sslkit.Reporter); ok {
		w.report = r.Report
	}
	if d, ok := m.(sslkit.Diagnoser); ok {
		w.diagnose = d.Diagnose
	}
	w.images = spaced(in.unlabelled.Len(), watchImages)
	if v, ok := m.(sslkit.Viewer); ok {
		w.drawViews(v, s.Seed)
	}
	if w.monitor = in.monitor; w.monitor != nil {
		w.choose(s.Monitor)
	}
	return w
}

// choose takes n samples of the monitor.
func (w *watch) choose(n int) {
	if n > 0 {
		w.memory = spaced(w.monitor.Len(), n)
		return
	}
	for i, sample := range spaced(w.monitor.Len(), watchMonitor) {
		if i%2 == 0 {
			w.memory = append(w.memory, sample)
		} else {
			w.query = append(w.query, sample)
		}
	}
}

// spaced returns up to k of the numbers below n at equal distances.
func spaced(n, k int) []int {
	k = min(n, k)
	index := make([]int, k)
	for i := range index {
		index[i] = i * n / k
	}
	return index
}

// drawViews draws the first two views of some images, if they are of the
// encoder's size.
func (w *watch) drawViews(m sslkit.Viewer, seed uint64) {
	spec := w.set.Spec()
	views := m.Views(spec)
	if len(views) < 2 {
		return
	}
	var drawn [2]*tensor.Tensor
	for v := range drawn {
		if views[v].Height != spec.Height || views[v].Width != spec.Width || views[v].Channels != spec.Channels {
			return
		}
		drawn[v] = drawView(m, w.set, views[v], v, spaced(w.set.Len(), watchViews), func(sample int) *rng.Stream {
			return rng.New(seed, "watched view", uint64(sample), uint64(v))
		})
	}
	w.left, w.right = drawn[0], drawn[1]
}

// look adds what there is to see after a step to its values.
func (w *watch) look(ctx context.Context, step int, values map[string]float64) error {
	if step == 0 && !math.IsNaN(w.trivial) {
		values[TrivialLoss] = w.trivial
	}
	if w.every == 0 || (step+1)%w.every != 0 && step+1 != w.total {
		return nil
	}
	frozen, err := nn.Clone(w.encoder)
	if err != nil {
		return err
	}
	nn.Freeze(frozen)
	h := frozen.Forward(Images(w.set, w.images), false)
	values[RankMe] = rankMe(h)
	values[FeatureStd] = featureStd(tensor.L2Normalize(h, 1e-12))
	if w.left != nil {
		u, v := tensor.L2Normalize(frozen.Forward(w.left, false), 1e-12), tensor.L2Normalize(frozen.Forward(w.right, false), 1e-12)
		values[Alignment], values[Uniformity] = alignment(u, v), uniformity(u)
	}
	if w.monitor != nil {
		if values[MonitorKNN], err = w.neighbours(ctx, frozen); err != nil {
			return err
		}
		w.knn = values[MonitorKNN]
	}
	told := values // what the method sees, too, though it may not be recorded
	if w.report != nil {
		if !w.full {
			told = maps.Clone(values)
		}
		maps.Copy(told, w.report())
	}
	w.alarm(step, values, told)
	return nil
}

// neighbours classifies each sample of the monitor by the others, or one half by
// the other.
func (w *watch) neighbours(ctx context.Context, e nn.Encoder) (float64, error) {
	m, labels, classes := w.seen(e, w.memory), pick(w.monitor.Labels(), w.memory), len(w.monitor.Classes())
	if w.query == nil {
		k := Neighbours{K: min(20, len(w.memory)-1)}
		predicted, err := k.among(ctx, m, m, labels, classes, true)
		return share(predicted, labels), err
	}
	k := Neighbours{K: min(20, len(w.memory))}
	predicted, err := k.classify(ctx, m, w.seen(e, w.query), labels, classes)
	return share(predicted, pick(w.monitor.Labels(), w.query)), err
}

// seen returns the features of samples of the monitor, computed in pieces that
// need little memory.
func (w *watch) seen(e nn.Encoder, index []int) *tensor.Tensor {
	out := tensor.New(len(index), e.Dim())
	for from := 0; from < len(index); from += watchImages {
		f := e.Forward(Images(w.monitor, index[from:min(from+watchImages, len(index))]), false)
		copy(out.Data()[from*e.Dim():], f.Data())
	}
	return out
}

// patience is the number of steps before it is told that nothing is learnt.
const patience = 50

// alarm records what has gone wrong, and names it. What the method tells is among
// told.
func (w *watch) alarm(step int, values, told map[string]float64) {
	if s := values[FeatureStd]; s < 0.1 {
		values[AlarmConstant] = s
	}
	loss := values["loss"]
	if 10*(step+1) >= w.total && math.Abs(loss-w.trivial) <= 0.01*max(1, math.Abs(w.trivial)) {
		values[AlarmTrivial] = loss
	}
	w.ill = w.modes(step, values, told)
}

// modes names the ways in which training has collapsed: each begins with its
// name and a colon.
func (w *watch) modes(step int, values, told map[string]float64) (all []string) {
	add := func(format string, args ...any) { all = append(all, fmt.Sprintf(format, args...)) }
	if s, ok := values[AlarmConstant]; ok {
		add("complete collapse: the features of all images are nearly the same (%s %.3f, below 0.1)", FeatureStd, s)
	}
	if loss, ok := values[AlarmTrivial]; ok && step >= patience {
		add("trivial loss: it is that of constant features (%.4f, within 1 %% of %.4f)", loss, w.trivial)
	}
	if 10*(step+1) < w.total {
		return all
	}
	if r, least := values[RankMe], max(1.5, float64(w.encoder.Dim())/50); r < least && len(all) == 0 {
		add("dimensional collapse: the features vary in few of their %d dimensions (%s %.2f, below %.2f)", w.encoder.Dim(), RankMe, r, least)
		w.record(values, AlarmDimensional, r)
	}
	if w.diagnose != nil {
		if what := w.diagnose(told); what != "" {
			add("%s", what)
			w.record(values, AlarmMethod, 1)
		}
	}
	return all
}

// record adds a value, if all diagnostics are recorded.
func (w *watch) record(values map[string]float64, key string, v float64) {
	if w.full {
		values[key] = v
	}
}

// show tells a bar of a step.
func (w *watch) show(b Bar, step int, values map[string]float64) {
	if p, ok := b.(Panel); ok {
		p.Draw("loss", step, values["loss"])
		if v, ok := values[MonitorKNN]; ok {
			p.Draw(MonitorKNN, step, v)
		}
		for _, what := range w.ill {
			if mode, _, _ := strings.Cut(what, ":"); !w.told[mode] {
				w.told[mode] = true
				p.Alarm(step, what)
			}
		}
	}
	b.Update(step+1, w.line(values))
}

// line is what a progress bar says of a step.
func (w *watch) line(values map[string]float64) string {
	text := fmt.Sprintf("loss %.4f", values["loss"])
	if !math.IsNaN(w.knn) {
		text += fmt.Sprintf(", kNN %.3f", w.knn)
	}
	for _, what := range w.ill {
		mode, _, _ := strings.Cut(what, ":")
		text += ", " + mode
	}
	return text
}

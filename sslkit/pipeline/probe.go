package pipeline

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"sslnotes/sslkit/data"
	"sslnotes/sslkit/rng"
	"sslnotes/sslkit/tensor"
	"sslnotes/tracker"
)

// Probe is multinomial logistic regression on frozen features, which are
// standardised by the encoder's unlabelled training images. The zero value is
// the house's protocol.
type Probe struct {
	// Penalties are the strengths of L2 to choose from: the loss is the mean
	// cross-entropy plus half the strength times the squared weights (biases are
	// free). If nil, 1, 0.1 … 1e-5. The choice is made on held-out training
	// samples: a twelfth of them, or, below 1,000 a class, by five-fold
	// cross-validation within them.
	Penalties []float64

	Iterations int // of L-BFGS at most. If 0, 200.
}

// LinearProbe judges a run's features by a linear classifier, trained on all of
// train and scored once on test.
func LinearProbe(r *Run, train, test *data.Set) (*Run, error) { return Probe{}.Judge(r, train, test) }

// Judge is LinearProbe with these options.
func (p Probe) Judge(r *Run, train, test *data.Set) (*Run, error) {
	if p.Penalties == nil {
		p.Penalties = []float64{1, 0.1, 0.01, 1e-3, 1e-4, 1e-5}
	}
	p.Penalties = slices.Clone(p.Penalties)
	slices.SortFunc(p.Penalties, func(a, b float64) int { return -compare(a, b) })
	for _, v := range p.Penalties {
		if !(v > 0) || math.IsInf(v, 0) {
			return nil, fmt.Errorf("pipeline: Probe.Penalties holds %g, want > 0", v)
		}
	}
	if p.Iterations == 0 {
		p.Iterations = 200
	}
	if p.Iterations < 0 || len(p.Penalties) == 0 {
		return nil, fmt.Errorf("pipeline: Probe.Iterations is %d with %d penalties, want > 0", p.Iterations, len(p.Penalties))
	}
	return r.judge(&p, train, test)
}

func compare(a, b float64) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

// judge executes a task whose parent is r.
func (r *Run) judge(t task, train, test *data.Set) (*Run, error) {
	switch {
	case r == nil || train == nil || test == nil:
		return nil, errors.New("pipeline: a run, training and test data are needed")
	case r.encoder == nil && r.method != "pixels":
		return nil, fmt.Errorf("pipeline: run %s left no encoder", r.name)
	case train.Spec().Channels != test.Spec().Channels || !slices.Equal(train.Classes(), test.Classes()):
		return nil, fmt.Errorf("pipeline: %s and %s have other classes or channels", train.Split(), test.Split())
	}
	return r.session.execute(t, r, sets{train: train, test: test})
}

func (p *Probe) kind() string         { return "probe" }
func (p *Probe) method(r *Run) string { return r.method }
func (p *Probe) seed(r *Run) uint64   { return r.seed }
func (p *Probe) steps() int           { return len(p.Penalties) + 1 }

func (p *Probe) do(x *execution) error {
	train, test := x.sets.train, x.sets.test
	f, err := x.parent.standardised(x, train)
	if err != nil {
		return err
	}
	best, penalty, err := p.choose(x, f, train)
	if err != nil {
		return err
	}
	best = p.fit(f, train.Labels(), penalty, best)
	g, err := x.parent.standardised(x, test)
	if err != nil {
		return err
	}
	predicted := best.predict(g)
	last := len(p.Penalties)
	x.bar.Update(last+1, "")
	if err := x.Log(last, computed(map[string]float64{
		"chosen_penalty": penalty, "train_accuracy": share(best.predict(f), train.Labels()), "test_accuracy": share(predicted, test.Labels()),
	})...); err != nil {
		return err
	}
	return x.savePredictions(last, predicted)
}

// savePredictions stores one byte a test sample, for paired tests.
func (x *execution) savePredictions(step int, predicted []int) error {
	b := make([]byte, len(predicted))
	for i, c := range predicted {
		b[i] = byte(c)
	}
	return x.Checkpoint(step, "predictions.bin", b)
}

// share is how many of the predictions are right.
func share(predicted, labels []int) float64 {
	right := 0
	for i, c := range predicted {
		if c == labels[i] {
			right++
		}
	}
	return float64(right) / float64(len(labels))
}

// choose returns the penalty with the best validation accuracy, the stronger
// one of equals, and the classifier of its first fold to start from.
func (p *Probe) choose(x *execution, f *tensor.Tensor, train *data.Set) (*classifier, float64, error) {
	parts := folds(train)
	if len(parts) == 0 { // one label a class leaves nothing to validate on
		return nil, p.Penalties[len(p.Penalties)/3], nil
	}
	warm := make([]*classifier, len(parts))
	var best *classifier
	chosen, top := 0.0, -1.0
	for i, penalty := range p.Penalties {
		right, all := 0.0, 0.0
		for k, held := range parts {
			if err := x.ctx.Err(); err != nil {
				return nil, 0, err
			}
			rest := without(train.Len(), held)
			warm[k] = p.fit(tensor.Rows(f, rest), pick(train.Labels(), rest), penalty, warm[k])
			right += share(warm[k].predict(tensor.Rows(f, held)), pick(train.Labels(), held)) * float64(len(held))
			all += float64(len(held))
		}
		accuracy := right / all
		if accuracy > top {
			best, chosen, top = warm[0], penalty, accuracy
		}
		x.bar.Update(i+1, fmt.Sprintf("validation accuracy %.4f", accuracy))
		if err := x.Log(i, tracker.Value{Key: "penalty", Value: penalty}, tracker.Value{Key: "validation_accuracy", Value: accuracy}); err != nil {
			return nil, 0, err
		}
	}
	return best, chosen, nil
}

// folds returns the samples to hold out in turn, each class in equal shares.
func folds(s *data.Set) [][]int {
	classes := make([][]int, len(s.Classes()))
	for _, i := range rng.New(0, "folds").Perm(s.Len()) {
		classes[s.Labels()[i]] = append(classes[s.Labels()[i]], i)
	}
	fewest := s.Len()
	for _, c := range classes {
		fewest = min(fewest, len(c))
	}
	k, used := 5, 5
	switch {
	case fewest < 2:
		return nil
	case fewest >= 1000:
		k, used = 12, 1
	case fewest < 5:
		k, used = fewest, fewest
	}
	parts := make([][]int, used)
	for _, c := range classes {
		for i, sample := range c {
			if i%k < used {
				parts[i%k] = append(parts[i%k], sample)
			}
		}
	}
	for _, p := range parts {
		slices.Sort(p)
	}
	return parts
}

// without lists 0 to n-1 but for the sorted held ones.
func without(n int, held []int) []int {
	rest := make([]int, 0, n-len(held))
	for i := range n {
		if len(held) > 0 && held[0] == i {
			held = held[1:]
			continue
		}
		rest = append(rest, i)
	}
	return rest
}

func pick(labels, index []int) []int {
	out := make([]int, len(index))
	for i, at := range index {
		out[i] = labels[at]
	}
	return out
}

// A classifier holds weights [dim,classes], then biases.
type classifier struct {
	w       []float64
	dim     int
	classes int
}

// tensors returns weights and biases in float32.
func (c *classifier) tensors() (w, b *tensor.Tensor) {
	w, b = tensor.New(c.dim, c.classes), tensor.New(c.classes)
	for i := range w.Data() {
		w.Data()[i] = float32(c.w[i])
	}
	for i := range b.Data() {
		b.Data()[i] = float32(c.w[w.Len()+i])
	}
	return w, b
}

func (c *classifier) predict(f *tensor.Tensor) []int {
	w, b := c.tensors()
	return tensor.Argmax(tensor.Linear(f, w, b))
}

// fit minimises the penalised cross-entropy, starting from another classifier
// or, if that is nil, from zero.
func (p *Probe) fit(f *tensor.Tensor, labels []int, penalty float64, start *classifier) *classifier {
	classes := slices.Max(labels) + 1
	c := &classifier{dim: f.Dim(1), classes: classes}
	c.w = make([]float64, (c.dim+1)*classes)
	if start != nil && len(start.w) == len(c.w) {
		copy(c.w, start.w)
	}
	minimise(c.w, func(x, gradient []float64) float64 {
		w, b := (&classifier{x, c.dim, classes}).tensors()
		loss := tensor.CrossEntropy(tensor.Linear(f, w.RequireGrad(), b.RequireGrad()), labels)
		value := float64(loss.Item())
		tensor.Backward(loss)
		free := c.dim * classes
		for i, g := range w.Grad() {
			value += float64(penalty / 2 * float64(x[i]*x[i]))
			gradient[i] = float64(g) + float64(penalty*x[i])
		}
		for i, g := range b.Grad() {
			gradient[free+i] = float64(g)
		}
		return value
	}, p.Iterations, 1e-5)
	return c
}

// standardised returns a set's features with the mean and the standard
// deviation of the run's unlabelled images taken out.
func (r *Run) standardised(x *execution, s Source) (*tensor.Tensor, error) {
	mean, inverse, err := r.statistics(x)
	if err != nil {
		return nil, err
	}
	f, err := r.featuresOf(x, s)
	if err != nil {
		return nil, err
	}
	out := tensor.New(f.Dim(0), f.Dim(1))
	for i, v := range f.Data() {
		j := i % f.Dim(1)
		out.Data()[i] = float32((v - mean[j]) * inverse[j])
	}
	return out, nil
}

// statistics returns the mean of each feature over the unlabelled images, and
// the inverse of its standard deviation, or of one if it never changes.
func (r *Run) statistics(x *execution) (mean, inverse []float32, err error) {
	f, err := r.featuresOf(x, r.seen)
	if err != nil {
		return nil, nil, err
	}
	n, d := f.Dim(0), f.Dim(1)
	sum, square := make([]float64, d), make([]float64, d)
	for i, v := range f.Data() {
		sum[i%d] += float64(v)
	}
	mean, inverse = make([]float32, d), make([]float32, d)
	for j := range mean {
		mean[j] = float32(sum[j] / float64(n))
	}
	for i, v := range f.Data() {
		e := float64(v) - sum[i%d]/float64(n)
		square[i%d] += float64(e * e)
	}
	for j := range inverse {
		inverse[j] = 1
		if s := math.Sqrt(square[j] / float64(n)); s > 1e-6 {
			inverse[j] = float32(1 / s)
		}
	}
	return mean, inverse, nil
}

// featuresOf returns the features of a set, which are kept with the run.
func (r *Run) featuresOf(x *execution, s Source) (*tensor.Tensor, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	key := s.Digest()
	if f, ok := r.features[key]; ok {
		return f, nil
	}
	if err := x.ctx.Err(); err != nil {
		return nil, err
	}
	f := Features(r.encoder, s)
	if r.features == nil {
		r.features = map[string]*tensor.Tensor{}
	}
	r.features[key] = f
	return f, nil
}

// KNN judges a run's features by the 20 nearest neighbours.
func KNN(r *Run, train, test *data.Set) (*Run, error) { return Neighbours{}.Judge(r, train, test) }

// Judge is KNN with these options.
func (k Neighbours) Judge(r *Run, train, test *data.Set) (*Run, error) {
	if k.K == 0 {
		k.K = 20
	}
	return r.judge(&k, train, test)
}

func (k *Neighbours) kind() string         { return "knn" }
func (k *Neighbours) method(r *Run) string { return r.method }
func (k *Neighbours) seed(r *Run) uint64   { return r.seed }
func (k *Neighbours) steps() int           { return 1 }

func (k *Neighbours) do(x *execution) error {
	accuracy, err := k.Accuracy(x.parent.encoder, x.sets.train, x.sets.test)
	if err != nil {
		return err
	}
	x.bar.Update(1, "")
	return x.Log(0, tracker.Value{Key: "test_accuracy", Value: accuracy})
}

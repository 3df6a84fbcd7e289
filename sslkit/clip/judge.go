package clip

import (
	"errors"
	"slices"

	"sslnotes/sslkit/data"
	"sslnotes/sslkit/rng"
	"sslnotes/sslkit/tensor"
)

// A Question asks for the caption of each of some pictures among candidates.
type Question struct {
	Pictures   *data.Set
	Candidates []string
	Truth      []int // of each picture, the place of its caption among Candidates
}

// Questions asks for what two sets of pictures in a style of their own show:
// those of concepts that training saw, among all captions, and those of concepts
// that it never saw, among themselves. Pictures of seen whose caption is not in
// training are left out. It returns an error if no picture is left, or held
// shares a caption with training.
func Questions(training, seen, held *data.Set) (known, unknown Question, err error) {
	trained := map[string]bool{}
	for _, c := range training.Captions() {
		trained[c] = true
	}
	for _, c := range held.Captions() {
		if trained[c] {
			return known, unknown, errors.New("clip: Questions: training has the caption " + c + ", which is held out")
		}
	}
	all := slices.Concat(seen.Captions(), held.Captions())
	if known, err = ask(seen, all, trained); err == nil {
		unknown, err = ask(held, held.Captions(), nil)
	}
	return known, unknown, err
}

// ask asks for all pictures of a set whose captions are among some, or for all.
func ask(set *data.Set, captions []string, among map[string]bool) (Question, error) {
	place, q := map[string]int{}, Question{}
	for _, c := range captions {
		if _, ok := place[c]; !ok {
			place[c] = len(q.Candidates)
			q.Candidates = append(q.Candidates, c)
		}
	}
	spec := set.Spec()
	spec.Captions = nil
	var pixels []uint8
	var labels []int
	for i, c := range set.Captions() {
		if among == nil || among[c] {
			pixels, labels = append(pixels, set.Pixels(i)...), append(labels, set.Labels()[i])
			spec.Captions, q.Truth = append(spec.Captions, c), append(q.Truth, place[c])
		}
	}
	if len(labels) == 0 {
		return q, errors.New("clip: Questions: the set has no picture with such a caption")
	}
	var err error
	q.Pictures, err = data.FromPixels(set.Name(), set.Split()+"/asked", spec, set.Classes(), pixels, labels)
	return q, err
}

// Chance is the share of right answers by guessing.
func (q Question) Chance() float64 { return 1 / float64(len(q.Candidates)) }

// Majority is the share of right answers by always naming the candidate that is
// right most often.
func (q Question) Majority() float64 {
	count := make([]int, len(q.Candidates))
	for _, t := range q.Truth {
		count[t]++
	}
	return float64(slices.Max(count)) / float64(len(q.Truth))
}

// Answer returns the similarities [M,N] of the pictures to the candidates, as
// the model sees them.
func (q Question) Answer(m *CLIP) *tensor.Tensor {
	return tensor.MatMulT(m.Embed(q.Pictures, nil), m.TextFeatures(q.Candidates))
}

// An Ensemble asks a model in several ways at once. Its zero value asks as Answer
// does.
type Ensemble struct {
	Views int // random views of each picture, as in training, of which the features are averaged with its own
	Texts int // random choices of each caption's phrases, as in training, likewise

	// Bank is pictures by which candidates that are similar to all are found out, such
	// as those of training: an inverted softmax (Smith and others 2017) over a
	// querybank (Bogolin and others 2022) divides exp(Beta·cosine) by its sum over
	// these. If nil, nothing is divided.
	Bank *data.Set
	Beta float64 // the inverse temperature, up to 100. If 0, 10.

	Seed uint64 // of views and choices
}

// Answer returns the similarities [M,N] of a question's pictures to its candidates.
// With a Bank they are logarithms over Beta.
func (e Ensemble) Answer(m *CLIP, q Question) *tensor.Tensor {
	texts := e.texts(m, q.Candidates)
	s := tensor.MatMulT(e.pictures(m, q.Pictures), texts)
	if e.Bank == nil {
		return s
	}
	if e.Beta == 0 {
		e.Beta = 10
	}
	n := len(q.Candidates)
	sums := make([]float64, n)
	for i, v := range tensor.MatMulT(m.Embed(e.Bank, nil), texts).Data() {
		sums[i%n] += tensor.Exp64(float64(e.Beta * float64(v)))
	}
	for i, v := range s.Data() {
		s.Data()[i] = float32(float64(v) - rng.Log(sums[i%n])/e.Beta)
	}
	return s
}

// Together returns the mean of Answer over models, such as those of several seeds: each
// errs in its own way (deep ensembles: Lakshminarayanan, Pritzel and Blundell 2017). It
// panics without models.
func (e Ensemble) Together(models []*CLIP, q Question) *tensor.Tensor {
	sum := e.Answer(models[0], q)
	for _, m := range models[1:] {
		add(sum, e.Answer(m, q))
	}
	return tensor.Scale(sum, 1/float32(len(models))).Detach()
}

// texts are the features of captions.
func (e Ensemble) texts(m *CLIP, captions []string) *tensor.Tensor {
	sum := m.TextFeatures(captions)
	said := make([]string, len(captions))
	for draw := range e.Texts {
		for i, c := range captions {
			said[i] = m.say(c, rng.New(e.Seed, "asked caption", uint64(draw), uint64(i)))
		}
		add(sum, m.TextFeatures(said))
	}
	return tensor.L2Normalize(sum, 1e-12)
}

// pictures are the features of a set's.
func (e Ensemble) pictures(m *CLIP, set *data.Set) *tensor.Tensor {
	sum := m.Embed(set, nil)
	x := tensor.New(set.Len(), m.in.Height, m.in.Width, m.in.Channels)
	size := x.Len() / set.Len()
	view := data.Image{H: m.in.Height, W: m.in.Width, C: m.in.Channels, Pix: make([]float32, size)}
	for draw := range e.Views {
		for i := range set.Len() {
			m.Augment.Draw(&view, set.Image(i), rng.New(e.Seed, "asked view", uint64(draw), uint64(i)))
			m.in.Normalise(x.Data()[i*size:(i+1)*size], view)
		}
		add(sum, m.ImageFeatures(x))
	}
	return tensor.L2Normalize(sum, 1e-12)
}

// add adds x to sum.
func add(sum, x *tensor.Tensor) {
	for i, v := range x.Data() {
		sum.Data()[i] += v
	}
}

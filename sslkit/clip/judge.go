package clip

import (
	"errors"
	"slices"

	"sslnotes/sslkit/data"
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

// Answer returns the similarities [M,N] of the pictures to the candidates, as
// the model sees them.
func (q Question) Answer(m *CLIP) *tensor.Tensor {
	return tensor.MatMulT(m.Embed(q.Pictures, nil), m.TextFeatures(q.Candidates))
}

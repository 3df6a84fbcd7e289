package clip

import (
	"fmt"
	"slices"
	"strings"

	"sslnotes/sslkit/data"
	"sslnotes/sslkit/rng"
)

// say draws a truthful text from a caption: each of its phrases with the
// probability Phrases, at least one, in their order.
func (m *CLIP) say(caption string, r *rng.Stream) string {
	phrases := strings.Split(caption, ", ")
	if m.Phrases == 1 || len(phrases) == 1 {
		return caption
	}
	sure := r.IntN(len(phrases))
	var kept []string
	for i, p := range phrases {
		if r.Float32() < m.Phrases || i == sure {
			kept = append(kept, p)
		}
	}
	return strings.Join(kept, ", ")
}

// written is a tokenizer as numbers: its pairs, then -1 to the size that a
// vocabulary of at most so many tokens needs.
func written(t *data.Tokenizer, vocabulary int) []float32 {
	merges := t.Merges()
	values := make([]float32, 0, 2*(vocabulary-t.Vocabulary()+len(merges)))
	for _, p := range merges {
		values = append(values, float32(p[0]), float32(p[1]))
	}
	for len(values) < cap(values) {
		values = append(values, -1)
	}
	return values
}

// Tokenizer returns the tokenizer, as it was learnt from the captions or loaded.
// It panics before Build, or if what was loaded is none.
func (m *CLIP) Tokenizer() *data.Tokenizer {
	var merges [][2]int
	for pair := range slices.Chunk(m.merges.Value, 2) {
		if pair[0] < 0 {
			break
		}
		merges = append(merges, [2]int{int(pair[0]), int(pair[1])})
	}
	t, err := data.NewTokenizer(merges)
	if err != nil {
		panic(fmt.Sprintf("clip: CLIP.Tokenizer: %v", err))
	}
	return t
}

// encode returns the tokens of texts, padded to the longest, and how many each
// has. What exceeds Context is lost, but not the end token.
func (m *CLIP) encode(texts []string) (ids, lengths []int) {
	t := m.Tokenizer()
	all, longest := make([][]int, len(texts)), 0
	lengths = make([]int, len(texts))
	for i, s := range texts {
		all[i] = t.Encode(s, m.Context)
		lengths[i] = slices.Index(all[i], data.EndToken) + 1
		longest = max(longest, lengths[i])
	}
	for _, a := range all {
		ids = append(ids, a[:longest]...)
	}
	return ids, lengths
}

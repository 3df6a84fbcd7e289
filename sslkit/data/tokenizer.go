package data

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"unicode"
)

// The tokens that stand for no text.
const (
	PadToken   = 0
	StartToken = 1
	EndToken   = 2

	specials = 3
	base     = specials + 2*256 // bytes within a word, then bytes that end one
)

// A Tokenizer cuts text into numbers by byte-pair encoding (Sennrich, Haddow and
// Birch 2016, on bytes as in GPT-2 and CLIP): words begin as bytes, of which the
// last is a symbol of its own, and pairs are joined in the order in which
// training found them most frequent. Any text can be encoded. Letters are made
// small.
type Tokenizer struct {
	merges [][2]int
	ranks  map[[2]int]int
}

// TrainTokenizer learns merges from texts until there are vocabulary tokens, or
// no pair occurs twice. Of equally frequent pairs the one with the smaller
// numbers comes first, so equal texts in any order give equal tokenizers.
func TrainTokenizer(texts []string, vocabulary int) (*Tokenizer, error) {
	if vocabulary < base {
		return nil, fmt.Errorf("data: a vocabulary of %d, want at least %d for all bytes", vocabulary, base)
	}
	counts := map[string]int{}
	for _, t := range texts {
		for _, w := range words(t) {
			counts[w]++
		}
	}
	type entry struct {
		symbols []int
		count   int
	}
	var all []entry
	for w, n := range counts {
		all = append(all, entry{symbols(w), n})
	}
	t := newTokenizer(nil)
	for base+len(t.merges) < vocabulary {
		pairs := map[[2]int]int{}
		for _, e := range all {
			for i := 1; i < len(e.symbols); i++ {
				pairs[[2]int{e.symbols[i-1], e.symbols[i]}] += e.count
			}
		}
		best, top := [2]int{}, 1
		for p, n := range pairs {
			if n > top || n == top && top > 1 && before(p, best) {
				best, top = p, n
			}
		}
		if top < 2 {
			break
		}
		t.add(best)
		for i, e := range all {
			all[i].symbols = join(e.symbols, best, base+len(t.merges)-1)
		}
	}
	return t, nil
}

func newTokenizer(merges [][2]int) *Tokenizer {
	t := &Tokenizer{ranks: map[[2]int]int{}}
	for _, m := range merges {
		t.add(m)
	}
	return t
}

func (t *Tokenizer) add(pair [2]int) {
	t.ranks[pair] = len(t.merges)
	t.merges = append(t.merges, pair)
}

func before(a, b [2]int) bool { return a[0] < b[0] || a[0] == b[0] && a[1] < b[1] }

// words splits text at spaces, and letters, digits and signs from each other.
func words(text string) (all []string) {
	kind := func(r rune) int {
		switch {
		case unicode.IsSpace(r):
			return 0
		case unicode.IsLetter(r) || unicode.IsMark(r):
			return 1
		case unicode.IsDigit(r):
			return 2
		}
		return 3
	}
	var word strings.Builder
	last := 0
	flush := func() {
		if word.Len() > 0 {
			all = append(all, word.String())
			word.Reset()
		}
	}
	for _, r := range strings.ToLower(text) {
		k := kind(r)
		if k != last {
			flush()
		}
		if last = k; k != 0 {
			word.WriteRune(r)
		}
	}
	flush()
	return all
}

// symbols is a word in bytes, the last one marked.
func symbols(word string) []int {
	s := make([]int, len(word))
	for i := range len(word) {
		s[i] = specials + int(word[i])
	}
	s[len(s)-1] += 256
	return s
}

// join replaces every occurrence of a pair by one symbol, from the left.
func join(s []int, pair [2]int, by int) []int {
	out := s[:0]
	for i := 0; i < len(s); i++ {
		if i+1 < len(s) && s[i] == pair[0] && s[i+1] == pair[1] {
			out = append(out, by)
			i++
			continue
		}
		out = append(out, s[i])
	}
	return out
}

// Vocabulary is the number of tokens.
func (t *Tokenizer) Vocabulary() int { return base + len(t.merges) }

// Tokens returns the tokens of a text, without start and end.
func (t *Tokenizer) Tokens(text string) (all []int) {
	for _, w := range words(text) {
		s := symbols(w)
		for len(s) > 1 {
			best := -1
			for i := 1; i < len(s); i++ {
				if r, ok := t.ranks[[2]int{s[i-1], s[i]}]; ok && (best < 0 || r < best) {
					best = r
				}
			}
			if best < 0 {
				break
			}
			s = join(s, t.merges[best], base+best)
		}
		all = append(all, s...)
	}
	return all
}

// Encode returns start, the tokens of a text, end, and padding, length in all.
// Text that is too long loses its end, not the end token. It panics if length
// is less than 2.
func (t *Tokenizer) Encode(text string, length int) []int {
	if length < 2 {
		panic(fmt.Sprintf("data: Encode into %d tokens, want at least 2", length))
	}
	tokens := t.Tokens(text)
	out := make([]int, length)
	out[0] = StartToken
	n := copy(out[1:length-1], tokens)
	out[1+n] = EndToken
	return out
}

// Decode returns the text of tokens, a space after each word.
func (t *Tokenizer) Decode(tokens []int) string {
	var b strings.Builder
	for _, v := range tokens {
		t.write(&b, v)
	}
	return strings.TrimSuffix(b.String(), " ")
}

func (t *Tokenizer) write(b *strings.Builder, v int) {
	switch {
	case v < specials:
	case v < specials+256:
		b.WriteByte(byte(v - specials))
	case v < base:
		b.WriteByte(byte(v - specials - 256))
		b.WriteByte(' ')
	case v < t.Vocabulary():
		t.write(b, t.merges[v-base][0])
		t.write(b, t.merges[v-base][1])
	}
}

// MarshalJSON writes the merges, from which all else follows.
func (t *Tokenizer) MarshalJSON() ([]byte, error) { return json.Marshal(t.merges) }

// UnmarshalJSON reads what MarshalJSON wrote.
func (t *Tokenizer) UnmarshalJSON(b []byte) error {
	var merges [][2]int
	if err := json.Unmarshal(b, &merges); err != nil {
		return fmt.Errorf("data: not a tokenizer: %w", err)
	}
	read, err := NewTokenizer(merges)
	if err == nil {
		*t = *read
	}
	return err
}

// Merges returns the pairs that are joined, in the order of their ranks: all
// that a tokenizer is. They must not be changed.
func (t *Tokenizer) Merges() [][2]int { return t.merges }

// NewTokenizer returns the tokenizer of these merges. It returns an error if one
// of them names a token that does not exist before it.
func NewTokenizer(merges [][2]int) (*Tokenizer, error) {
	for i, m := range merges {
		for _, v := range m {
			if v < specials || v >= base+i {
				return nil, errors.New("data: not a tokenizer: a merge names a token that comes later")
			}
		}
	}
	return newTokenizer(merges), nil
}

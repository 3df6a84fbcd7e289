package clip

import (
	"fmt"
	"slices"
	"strings"

	"sslnotes/sslkit/data"
)

// Colours asks for the colour of the emoji of one style, such as "twitter", among
// data.ColourNames. The answer is measured: asked are pictures in which
// data.Describe names one colour and no other. Said are those whose caption has
// that word, as the red heart's does; unsaid the others, whose colour must be seen.
// It returns an error if there is no such style.
func Colours(style string) (said, unsaid Question, err error) {
	e, err := data.LoadEmoji()
	if err != nil {
		return said, unsaid, err
	}
	s := slices.Index(e.Styles(), style)
	if s < 0 {
		return said, unsaid, fmt.Errorf("clip: Colours of the style %q, have %s", style, strings.Join(e.Styles(), ", "))
	}
	var pixels [2][]uint8
	for c, concept := range e.Concepts() {
		var named []int
		for _, phrase := range e.Describe(s, c) {
			if i := slices.Index(data.ColourNames, phrase); i >= 0 {
				named = append(named, i)
			}
		}
		if len(named) != 1 {
			continue
		}
		q, to := &unsaid, &pixels[1]
		words := wordsOf(concept.Caption())
		if name := data.ColourNames[named[0]]; words[name] || name == "gray" && words["grey"] {
			q, to = &said, &pixels[0]
		}
		q.Truth = append(q.Truth, named[0])
		*to = append(*to, e.Picture(s, c, [3]uint8{255, 255, 255})...)
	}
	spec := data.Spec{Height: data.EmojiSide, Width: data.EmojiSide, Channels: 3, Mean: make([]float32, 3), Std: []float32{1, 1, 1}}
	for i, q := range []*Question{&said, &unsaid} {
		q.Candidates = data.ColourNames
		split := []string{"colour said", "colour unsaid"}[i]
		if q.Pictures, err = data.FromPixels("emoji-"+style, split, spec, data.ColourNames, pixels[i], q.Truth); err != nil {
			return said, unsaid, err
		}
	}
	return said, unsaid, nil
}

package data

import (
	"bytes"
	"compress/gzip"
	_ "embed"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"image/color"
	"math"
	"slices"
	"strconv"
	"strings"
	"sync"

	"sslnotes/sslkit/rng"
)

// emojiPack holds what PackEmoji wrote.
//
//go:embed emoji.gz
var emojiPack []byte

// EmojiSide is the height and the width of the pictures of emoji.
const EmojiSide = 32

// An EmojiConcept is what a picture is of.
type EmojiConcept struct {
	Emoji    string   `json:"emoji"` // the character itself
	Name     string   `json:"name"`
	Keywords []string `json:"keywords"`
	Group    string   `json:"group"`
	Subgroup string   `json:"subgroup"`
}

// Caption is the name, and what else people look for it by.
func (c EmojiConcept) Caption() string {
	return strings.Join(c.phrases(), ", ")
}

func (c EmojiConcept) phrases() []string { return append([]string{c.Name}, c.Keywords...) }

// An EmojiStyle is one artist's pictures.
type EmojiStyle struct {
	Name     string
	Palette  [256][4]uint8 // red, green, blue and alpha, the first three multiplied by alpha
	Pictures [][]uint8     // of each concept 32×32 indices, nil where the style has none
}

// Emoji are pictures of the same concepts in several styles, with their names:
// pairs of image and text, and a set in colour for everything else.
//
// Near twins, such as clocks at each half hour, keep any method from naming all
// of them; arrows and shapes have no canonical way up; groups are unbalanced.
type Emoji struct {
	concepts []EmojiConcept
	styles   []EmojiStyle
	tones    []func() []tone // of each style's palette
}

var loadEmoji = sync.OnceValues(func() (*Emoji, error) { return unpackEmoji(emojiPack) })

// LoadEmoji returns the emoji that are a part of the program: google (Noto),
// twitter (Twemoji), fluent (Fluent 3D), flat (the same shapes in few colours),
// blobs (Noto as it was until 2017) and firefox (FxEmoji). The last four have
// hardly a country's flag, the last two only older emoji.
func LoadEmoji() (*Emoji, error) { return loadEmoji() }

// Concepts returns what there are pictures of. It must not be changed.
func (e *Emoji) Concepts() []EmojiConcept { return e.concepts }

// Styles returns the names of the styles.
func (e *Emoji) Styles() []string {
	var all []string
	for _, s := range e.styles {
		all = append(all, s.Name)
	}
	return all
}

// Groups returns the names of the concepts' groups, which are the classes of
// sets, in the order of their names.
func (e *Emoji) Groups() []string {
	var all []string
	for _, c := range e.concepts {
		all = append(all, c.Group)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// emojiFolds is the number of ways to hold out a tenth of the concepts.
const emojiFolds = 10

// Split divides the concepts into those to learn from and the tenth, of every
// subgroup of at least five, that is held out. There are ten ways to, 0 to 9;
// what the first five hold out has nothing in common. It panics if there is no
// such way.
func (e *Emoji) Split(fold int) (seen, held []int) {
	if fold < 0 || fold >= emojiFolds {
		panic(fmt.Sprintf("data: Split(%d) of emoji, which have the folds 0 to %d", fold, emojiFolds-1))
	}
	groups := map[string][]int{}
	for _, i := range rng.New(0, "emoji concepts").Perm(len(e.concepts)) {
		g := e.concepts[i].Group + "\n" + e.concepts[i].Subgroup
		groups[g] = append(groups[g], i)
	}
	for _, g := range groups {
		n := (len(g) + 5) / 10
		for i, c := range g {
			if from := fold * n % len(g); (i-from+len(g))%len(g) < n {
				held = append(held, c)
			} else {
				seen = append(seen, c)
			}
		}
	}
	slices.Sort(seen)
	slices.Sort(held)
	return seen, held
}

// Picture returns the pixels of a concept in a style, [32,32,3], on a background,
// or nil if the style has no such picture.
func (e *Emoji) Picture(style, concept int, background [3]uint8) []uint8 {
	s := &e.styles[style]
	if s.Pictures[concept] == nil {
		return nil
	}
	out := make([]uint8, 0, EmojiSide*EmojiSide*3)
	for _, i := range s.Pictures[concept] {
		p := s.Palette[i]
		for c, b := range background {
			out = append(out, uint8(min(255, int(p[c])+(int(b)*(255-int(p[3]))+127)/255)))
		}
	}
	return out
}

// Describe says what Describe measures of a concept's picture in a style, nil where
// the style has none.
func (e *Emoji) Describe(style, concept int) []string {
	return e.styles[style].describe(concept, e.tones[style]())
}

// tones are the palette's, in colour or gray.
func (s *EmojiStyle) tones(gray bool) []tone {
	tones := make([]tone, len(s.Palette))
	for i, p := range s.Palette {
		if p[3] < 128 {
			continue
		}
		var c [3]uint8
		for j := range c {
			c[j] = uint8(min(255, (int(p[j])*255+int(p[3])/2)/int(p[3])))
		}
		if gray {
			g := grayOf(c[0], c[1], c[2])
			c = [3]uint8{g, g, g}
		}
		tones[i] = toneOf(color.NRGBA{c[0], c[1], c[2], p[3]})
	}
	return tones
}

func (s *EmojiStyle) describe(concept int, palette []tone) []string {
	var tones []tone
	for _, i := range s.Pictures[concept] {
		tones = append(tones, palette[i])
	}
	return describe(tones, EmojiSide)
}

// openEmoji returns a set by its name: "emoji", all styles, or some, as in
// "emoji-google-fluent". The test split has the held-out concepts; with
// "/on-twitter" at the end it has the other concepts in that style instead, and
// "/fold-1" to "/fold-9" hold out other concepts. With
// "/coloured" every picture stands on a random colour, else all on white; with
// "/gray" every colour is the gray of its lightness, in all three channels, and
// images are normalised as those in colour are. Classes are the groups; captions
// are the concepts', and with "/described" what Describe says of each picture
// without its background, so that they differ between styles.
func openEmoji(name string) (train, test *Set, err error) {
	e, err := LoadEmoji()
	if err != nil {
		return nil, nil, err
	}
	o, err := e.parse(name)
	if err != nil {
		return nil, nil, err
	}
	seen, asked := e.Split(o.fold)
	on := o.styles
	if o.on != nil {
		on, asked = o.on, seen
	}
	train, test = e.set(name, "train", o.styles, seen, o), e.set(name, "test", on, asked, o)
	train.spec.Mean, train.spec.Std = statistics(train.pixels, 3)
	if o.gray {
		train, test = train.gray(), test.gray()
	}
	test.spec = train.spec
	return train, test, nil
}

// emojiSet is what the name of a set of emoji says.
type emojiSet struct {
	styles, on                []int // on is nil unless another style is asked about
	fold                      int
	coloured, gray, described bool
}

func (e *Emoji) parse(name string) (o emojiSet, err error) {
	parts := strings.Split(name, "/")
	if o.styles, err = e.chosen(parts[0]); err != nil {
		return o, err
	}
	for _, p := range parts[1:] {
		what, which, _ := strings.Cut(p, "-")
		fold, _ := strconv.Atoi(which) // 0 if it is no number, which is no fold's name either
		switch {
		case what == "on" && o.on == nil:
			if o.on, err = e.chosen("emoji-" + which); err != nil {
				return o, err
			}
		case what == "fold" && o.fold == 0 && 0 < fold && fold < emojiFolds && which == strconv.Itoa(fold):
			o.fold = fold
		case p == "coloured" && !o.coloured:
			o.coloured = true
		case p == "gray" && !o.gray:
			o.gray = true
		case p == "described" && !o.described:
			o.described = true
		default:
			return o, fmt.Errorf("data: %s ends in %q, have /on-STYLE, /fold-1 to /fold-%d, /coloured, /gray and /described, each once", name, "/"+p, emojiFolds-1)
		}
	}
	return o, nil
}

// chosen returns the styles that a name lists.
func (e *Emoji) chosen(name string) ([]int, error) {
	var styles []int
	for i, s := range e.Styles() {
		if name == "emoji" || slices.Contains(strings.Split(name, "-")[1:], s) {
			styles = append(styles, i)
		}
	}
	if want := strings.Count(name, "-"); len(styles) == 0 || want > 0 && want != len(styles) {
		return nil, fmt.Errorf("data: %s names a style that emoji does not have, or one twice; have %s", name, strings.Join(e.Styles(), ", "))
	}
	return styles, nil
}

// set returns the pictures of the concepts, style after style.
func (e *Emoji) set(name, split string, styles, concepts []int, o emojiSet) *Set {
	groups := e.Groups()
	var pixels []uint8
	var labels []int
	var captions []string
	for _, s := range styles {
		var palette []tone
		switch {
		case o.described && o.gray:
			palette = e.styles[s].tones(true)
		case o.described:
			palette = e.tones[s]()
		}
		for _, c := range concepts {
			background := [3]uint8{255, 255, 255}
			if o.coloured {
				r := rng.New(0, "emoji background", uint64(s), uint64(c))
				background = [3]uint8{uint8(r.IntN(256)), uint8(r.IntN(256)), uint8(r.IntN(256))}
			}
			p := e.Picture(s, c, background)
			if p == nil {
				continue
			}
			at, _ := slices.BinarySearch(groups, e.concepts[c].Group)
			phrases := e.concepts[c].phrases()
			if o.described {
				for _, d := range e.styles[s].describe(c, palette) {
					if !slices.Contains(phrases, d) {
						phrases = append(phrases, d)
					}
				}
			}
			pixels, labels, captions = append(pixels, p...), append(labels, at), append(captions, strings.Join(phrases, ", "))
		}
	}
	return newCaptioned(name, split, Spec{Height: EmojiSide, Width: EmojiSide, Channels: 3}, groups, pixels, labels, captions)
}

// gray returns the set with every colour replaced by the gray of its lightness.
func (s *Set) gray() *Set {
	pixels := slices.Clone(s.pixels)
	for i := 0; i < len(pixels); i += 3 {
		g := grayOf(pixels[i], pixels[i+1], pixels[i+2])
		pixels[i], pixels[i+1], pixels[i+2] = g, g, g
	}
	return newCaptioned(s.name, s.split, s.spec, s.classes, pixels, s.labels, s.captions)
}

// grayOf is the level of the gray that is as light as a colour.
func grayOf(red, green, blue uint8) uint8 {
	l, _, _ := Lab(float32(red)/255, float32(green)/255, float32(blue)/255)
	level, _, _ := FromLab(l, 0, 0)
	return uint8(math.Round(float64(255 * min(max(level, 0), 1))))
}

// PackEmoji writes what LoadEmoji reads: compressed, the length of a JSON head,
// the head, then for each style the palette, a byte for each concept that is 1
// if there is a picture, and the pictures.
func PackEmoji(concepts []EmojiConcept, styles []EmojiStyle) ([]byte, error) {
	var names []string
	for _, s := range styles {
		names = append(names, s.Name)
	}
	head, err := json.Marshal(emojiHead{concepts, names})
	if err != nil {
		return nil, err
	}
	raw := append(binary.LittleEndian.AppendUint32(nil, uint32(len(head))), head...)
	for _, s := range styles {
		if len(s.Pictures) != len(concepts) {
			return nil, fmt.Errorf("data: emoji style %s has %d pictures for %d concepts", s.Name, len(s.Pictures), len(concepts))
		}
		for _, p := range s.Palette {
			raw = append(raw, p[:]...)
		}
		for _, p := range s.Pictures {
			raw = append(raw, byte(min(1, len(p))))
		}
		for _, p := range s.Pictures {
			raw = append(raw, p...)
		}
	}
	var out bytes.Buffer
	z, err := gzip.NewWriterLevel(&out, gzip.BestCompression)
	if err != nil {
		return nil, err
	}
	if _, err := z.Write(raw); err != nil {
		return nil, err
	}
	err = z.Close()
	return out.Bytes(), err
}

type emojiHead struct {
	Concepts []EmojiConcept `json:"concepts"`
	Styles   []string       `json:"styles"`
}

const emojiDigest = "cd9ea6f802e40b2704a1730f2fd75e7e1070e6960730f1b386aa42e83c61e342" // of the unpacked content

// unpackEmoji reads what PackEmoji wrote.
func unpackEmoji(pack []byte) (*Emoji, error) {
	raw, err := gunzip(pack)
	if err != nil {
		return nil, fmt.Errorf("data: the embedded emoji are corrupt: %w", err)
	}
	if sum := digest(raw); sum != emojiDigest {
		return nil, fmt.Errorf("data: the embedded emoji are corrupt: SHA-256 %s, want %s", sum, emojiDigest)
	}
	n := 4 + int(binary.LittleEndian.Uint32(raw))
	var h emojiHead
	if err := json.Unmarshal(raw[4:n], &h); err != nil {
		return nil, fmt.Errorf("data: the embedded emoji are corrupt: %w", err)
	}
	e := &Emoji{concepts: h.Concepts}
	for _, name := range h.Styles {
		s := EmojiStyle{Name: name, Pictures: make([][]uint8, len(h.Concepts))}
		for i := range s.Palette {
			s.Palette[i] = [4]uint8(raw[n : n+4])
			n += 4
		}
		there := raw[n : n+len(h.Concepts)]
		n += len(h.Concepts)
		for i, has := range there {
			if has == 1 {
				s.Pictures[i] = raw[n : n+EmojiSide*EmojiSide : n+EmojiSide*EmojiSide]
				n += EmojiSide * EmojiSide
			}
		}
		e.styles = append(e.styles, s)
		e.tones = append(e.tones, sync.OnceValue(func() []tone { return s.tones(false) }))
	}
	return e, nil
}

package pack

import (
	"cmp"
	"encoding/json"
	"fmt"
	"image"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"sslnotes/sslkit/data"
)

// An iconSet is a set of drawings of Iconify: names to the insides of SVGs.
type iconSet struct {
	Icons   map[string]icon
	Aliases map[string]struct {
		Parent string
		HFlip  bool
	}
	Width, Height float64
	codes         map[string]string // of characters, to names
}

type icon struct {
	Body          string
	Width, Height float64 // If 0, those of the set.
}

func readIcons(dir string, in input) (*iconSet, error) {
	files, err := in.read(dir, "icons.json", "chars.json")
	if err != nil {
		return nil, err
	}
	set := &iconSet{codes: map[string]string{}}
	if err := json.Unmarshal(files["icons.json"], set); err != nil {
		return nil, fmt.Errorf("pack: %s: icons.json: %w", in.name, err)
	}
	var codes map[string]string
	if err := json.Unmarshal(files["chars.json"], &codes); err != nil {
		return nil, fmt.Errorf("pack: %s: chars.json: %w", in.name, err)
	}
	for code, name := range codes {
		set.codes[plain(code)] = squeezed(name)
	}
	return set, nil
}

// drawn returns the pictures of the concepts that the set has.
func drawn(dir string, in input, entries []entry, concepts []data.EmojiConcept) ([]*image.RGBA, error) {
	set, err := readIcons(dir, in)
	if err != nil {
		return nil, err
	}
	all := make([]*image.RGBA, len(entries))
	for i, name := range set.match(entries, concepts) {
		if name == "" {
			continue
		}
		if all[i], err = set.draw(name); err != nil {
			return nil, fmt.Errorf("pack: %s: %s: %w", in.name, name, err)
		}
	}
	return all, nil
}

// match finds the drawing of each concept, "" if there is none: by its character
// if the set lists them, else by its name, the name of its character, or, of
// faces, what chat programs call it, in this order. No drawing is of two concepts.
func (s *iconSet) match(entries []entry, concepts []data.EmojiConcept) []string {
	names, found := s.names(), make([]string, len(entries))
	taken := map[string]bool{}
	for rank := range 3 {
		for i, e := range entries {
			for _, called := range s.called(rank, e, concepts[i]) {
				if name := names[called]; name != "" && found[i] == "" && !taken[name] {
					found[i], taken[name] = name, true
				}
			}
		}
	}
	return found
}

// names maps what drawings are called, squeezed, to their names.
func (s *iconSet) names() map[string]string {
	all := map[string]string{}
	for name := range s.Aliases {
		all[squeezed(name)] = name
	}
	for name := range s.Icons {
		all[squeezed(name)] = name
	}
	return all
}

// called lists what a set may call a concept, at one of three ranks.
func (s *iconSet) called(rank int, e entry, c data.EmojiConcept) []string {
	switch {
	case len(s.codes) > 0:
		return []string{s.codes[plain(e.Unified)]}
	case rank == 0:
		return []string{squeezed(c.Name)}
	case rank == 1:
		return []string{squeezed(e.Name)}
	case e.Category != "Smileys & Emotion":
		return nil // such as "wave" for a hand, "bow" for a person and "up" for a button
	}
	all := make([]string, len(e.ShortNames))
	for i, n := range e.ShortNames {
		all[i] = squeezed(n)
	}
	return all
}

// squeezed is a name's letters and digits, small and without accents.
func squeezed(name string) string {
	return strings.Map(func(r rune) rune {
		if r = unicode.ToLower(r); r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
			return r
		}
		return -1
	}, norm.NFKD.String(name))
}

func (s *iconSet) draw(name string) (*image.RGBA, error) {
	alias := s.Aliases[name]
	i := s.Icons[cmp.Or(alias.Parent, name)]
	img, err := render(i.Body, cmp.Or(i.Width, s.Width), cmp.Or(i.Height, s.Height))
	if err != nil || !alias.HFlip {
		return img, err
	}
	out := image.NewRGBA(img.Bounds())
	for y := range img.Bounds().Dy() {
		for x := range img.Bounds().Dx() {
			out.SetRGBA(img.Bounds().Dx()-1-x, y, img.RGBAAt(x, y))
		}
	}
	return out, nil
}

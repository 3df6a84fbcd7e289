package data

import (
	"fmt"
	"strings"
)

// Names lists the sets that Open knows by name.
func Names() []string {
	var all []string
	for _, s := range sources {
		all = append(all, s.Name)
	}
	return append(all, "fashion-mini", "emoji")
}

// Open returns a set by its name, or the one in a folder by its path, which
// begins with "/" or "." (see ParseFolder). The emoji of some styles alone are
// named as in "emoji-google-fluent", on random colours as in "emoji/coloured",
// without colour as in "emoji/gray", asked about in another style as in
// "emoji-google/on-twitter", and with other concepts held out as in "emoji/fold-1",
// up to "emoji/fold-9". As "emoji/described" they have captions that say, beside
// name and keywords, what Describe measures of each picture: its colours and shape.
// The same concept then has other captions in other styles.
func Open(name string) (train, test *Set, err error) {
	if name == "fashion-mini" {
		return FashionMini()
	}
	if base, _, _ := strings.Cut(name, "/"); base == "emoji" || strings.HasPrefix(base, "emoji-") {
		return openEmoji(name)
	}
	for _, s := range sources {
		if s.Name == name {
			return s.Open()
		}
	}
	if f, ok := ParseFolder(name); ok {
		return f.Open()
	}
	return nil, nil, fmt.Errorf("data: no set %q, have %s; a folder's path begins with / or .", name, strings.Join(Names(), ", "))
}

// Part returns the part of a set that Split of the same set names, so that a
// record's data can be found again.
func Part(name, split string) (*Set, error) {
	train, test, err := Open(name)
	if err != nil {
		return nil, err
	}
	steps := strings.Split(split, "/")
	s, ok := map[string]*Set{"train": train, "test": test}[steps[0]]
	if !ok {
		return nil, fmt.Errorf("data: %s has no split %q, have train, test", name, steps[0])
	}
	for _, step := range steps[1:] {
		if s, err = s.take(step); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// Apart says whether two parts of one set have no sample in common by their
// descriptions: one is of the training images and the other of the test images,
// or one was held out of the other. Of two draws, say, they do not tell.
func Apart(a, b string) bool {
	x, y := strings.Split(a, "/"), strings.Split(b, "/")
	for i := range min(len(x), len(y)) {
		if x[i] != y[i] {
			return i == 0 || leftOf(x[i], y[i]) || leftOf(y[i], x[i])
		}
	}
	return false
}

// leftOf says whether one step takes what is left of the other or of more.
func leftOf(rest, held string) bool {
	var without, n, seed, same int
	_, err := fmt.Sscanf(rest, "rest(%d,%d)", &without, &seed)
	_, other := fmt.Sscanf(held, "held(%d,%d)", &n, &same)
	return err == nil && other == nil && seed == same && n <= without
}

// take follows one step of a split's description.
func (s *Set) take(step string) (*Set, error) {
	how, arguments, _ := strings.Cut(step, "(")
	var n, which int
	if c, err := fmt.Sscanf(arguments, "%d,%d)", &n, &which); c != 2 || err != nil || which < 0 {
		return nil, fmt.Errorf("data: %q does not say how to take a part of %s", step, s.split)
	}
	switch how {
	case "rest":
		rest, _, err := s.Divide(n, uint64(which))
		return rest, err
	case "held":
		_, held, err := s.Divide(n, uint64(which))
		return held, err
	case "per":
		return s.PerClass(n, which)
	}
	return nil, fmt.Errorf("data: %q does not say how to take a part of %s", step, s.split)
}

package pipeline

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"

	"sslnotes/sslkit/data"
)

// named is a part of a set: labelled images or unlabelled ones.
type named interface {
	Name() string
	Split() string
}

// learnable returns an error if the images are a test split: what has seen them,
// even without labels, is not tested by them.
func learnable(images named) error {
	if part, _, _ := strings.Cut(images.Split(), "/"); part == "test" {
		return fmt.Errorf("pipeline: nothing may learn from %s: they are test images", nameOf(images))
	}
	return nil
}

// nameOf says which part of which set.
func nameOf(images named) string {
	return images.Name() + ", " + images.Split()
}

// examinable returns an error that says what is wrong if test cannot tell what
// was learned from train: that there is nothing to tell apart, or that the
// answers are known.
func examinable(train, test *data.Set) error {
	if train == nil || test == nil {
		return errors.New("pipeline: training and test data are needed")
	}
	if train.Spec().Channels != test.Spec().Channels || !slices.Equal(train.Classes(), test.Classes()) {
		return fmt.Errorf("pipeline: %s and %s have other classes or channels", nameOf(train), nameOf(test))
	}
	if n := len(test.Classes()); n > mostClasses {
		return fmt.Errorf("pipeline: %s has %d classes, want at most %d", test.Name(), n, mostClasses)
	}
	if labels := train.Labels(); !slices.ContainsFunc(labels, func(c int) bool { return c != labels[0] }) {
		return fmt.Errorf("pipeline: all %d images of %s are of one class: there is nothing to tell apart", len(labels), nameOf(train))
	}
	if n := leaked(train, test); n > 0 {
		return fmt.Errorf("pipeline: %d of the %d test images, %s, are among those to learn from, %s", n, test.Len(), nameOf(test), nameOf(train))
	}
	return nil
}

// leaked counts the test images that are among the training images, to the byte,
// if those are parts of one set that are not apart. Two sets may share an image
// by chance, or a style of emoji: of these it counts none unless it is all.
func leaked(train, test *data.Set) (n int) {
	if train.Name() == test.Name() && !data.Apart(train.Split(), test.Split()) {
		known := map[string]bool{}
		for i := range train.Len() {
			known[string(train.Pixels(i))] = true
		}
		for i := range test.Len() {
			if known[string(test.Pixels(i))] {
				n++
			}
		}
		return n
	}
	for i := range test.Len() {
		if !holds(train, test.Pixels(i)) {
			return 0
		}
	}
	return test.Len()
}

// holds says whether an image is in a set.
func holds(s *data.Set, pixels []uint8) bool {
	for i := range s.Len() {
		if bytes.Equal(s.Pixels(i), pixels) {
			return true
		}
	}
	return false
}

// Package sslkittest has the suite that every self-supervised method passes.
//
// # Design
//
// A method's own test holds its loss against the paper, by closed forms and a
// plain float64 version. What is the same for all methods stands here, as
// testing/fstest does for file systems: that a method keeps the promises by
// which a run can be executed again, and that it cannot cheat. Most of these
// tests are bugs that real libraries had.
//
// The suite trains a tiny encoder on a few embedded images for a few steps, so
// that it takes seconds even with the portable arithmetic.
package sslkittest

import (
	"testing"

	"sslnotes/sslkit"
	"sslnotes/sslkit/data"
	"sslnotes/sslkit/nn"
)

// Options say what a method needs and what it promises beyond the interface.
type Options struct {
	Set       *data.Unlabelled // images to train on. If nil, 60 of fashion-mini.
	Plan      nn.Plan          // If nil, a ConvNet of 4 and 8 channels.
	BatchSize int              // If 0, 8.

	// Permutation bounds the share of the loss by which another order of the
	// batch may change it. If 0, the order may matter.
	Permutation float64

	// Stopped says that the loss holds some of what it computes from the
	// parameters constant, so that its gradient is not that of its value.
	Stopped bool

	// Trivial brings heads to where features that are all equal have the loss that
	// sslkit.Trivial states. If nil, they have it as they are built.
	Trivial func(heads nn.Module)

	// Bad holds methods with one bad field, by its name, such as
	// "SimCLR.Temperature"; Build must refuse each by that name.
	Bad map[string]sslkit.Method
}

// TestMethod runs the suite on the methods that make returns, each new with the
// same fields. At most one Options may be given.
func TestMethod(t *testing.T, make func() sslkit.Method, options ...Options) {
	s := &suite{make: make}
	if len(options) > 0 {
		s.Options = options[0]
	}
	s.resolve(t)
	for _, test := range []struct {
		name string
		run  func(*testing.T)
	}{
		{"Build is repeatable", s.repeatable}, {"Build forgets", s.forgets}, {"Build refuses", s.refuses},
		{"trivial loss", s.trivial}, {"loss is pure", s.pure}, {"gradient reaches all", s.reaches}, {"gradient is right", s.gradient},
		{"views are pure", s.views}, {"order of the batch", s.order},
		{"same bits", s.sameBits}, {"another seed", s.anotherSeed}, {"no labels", s.noLabels},
		{"not a number", s.notANumber}, {"resume", s.resume},
	} {
		t.Run(test.name, test.run)
	}
}

// suite is the method under test.
type suite struct {
	Options
	make func() sslkit.Method
}

func (s *suite) resolve(t *testing.T) {
	t.Helper()
	if s.Set == nil {
		train, _, err := data.FashionMini()
		if err != nil {
			t.Fatal(err)
		}
		if train, err = train.PerClass(6, 0); err != nil {
			t.Fatal(err)
		}
		s.Set = train.Unlabelled()
	}
	if s.Plan == nil {
		s.Plan = nn.ConvNet{Channels: []int{4, 8}}
	}
	if s.BatchSize == 0 {
		s.BatchSize = 8
	}
}

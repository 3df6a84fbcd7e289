package pretext

import (
	"testing"

	"sslnotes/sslkit"
	"sslnotes/sslkit/augment"
	"sslnotes/sslkit/nn"
	"sslnotes/sslkit/sslkittest"
)

// vision is a tiny network of patches of 4 pixels, for the suite.
var vision = nn.ViT{Width: 8, Depth: 1, Heads: 2}

func TestRotationSuite(t *testing.T) {
	sslkittest.TestMethod(t, func() sslkit.Method { return &Rotation{} }, sslkittest.Options{Permutation: 1e-6})
}

func TestJigsawSuite(t *testing.T) {
	sslkittest.TestMethod(t, func() sslkit.Method { return &Jigsaw{} }, sslkittest.Options{
		Bad: map[string]sslkit.Method{"Jigsaw.Side": &Jigsaw{Side: 9}, "Jigsaw.Permutations": &Jigsaw{Permutations: 1}},
	})
	sslkittest.TestMethod(t, func() sslkit.Method { return &Jigsaw{} }, sslkittest.Options{
		Set: emoji(t), Plan: vision,
		Bad: map[string]sslkit.Method{"Jigsaw.Tile": &Jigsaw{Tile: 7}},
	})
	sslkittest.TestMethod(t, func() sslkit.Method { return &Jigsaw{Augment: augment.Chain{augment.Grayscale{P: 0.3}}} }, sslkittest.Options{
		Set: emoji(t), Plan: vision,
		Bad: map[string]sslkit.Method{"Jigsaw.Augment: Grayscale.P": &Jigsaw{Augment: augment.Chain{augment.Grayscale{P: 2}}}},
	})
}

func TestContextSuite(t *testing.T) {
	sslkittest.TestMethod(t, func() sslkit.Method { return &Context{} }, sslkittest.Options{
		Permutation: 1e-5,
		Bad:         map[string]sslkit.Method{"Context.Hidden": &Context{Hidden: -1}},
	})
	sslkittest.TestMethod(t, func() sslkit.Method { return &Context{} }, sslkittest.Options{
		Set: emoji(t), Plan: vision, Permutation: 1e-5,
		Bad: map[string]sslkit.Method{"Context.Patch": &Context{Patch: 7}},
	})
	sslkittest.TestMethod(t, func() sslkit.Method { return &Context{Augment: augment.Chain{augment.DropColour{}}} }, sslkittest.Options{
		Set: emoji(t), Plan: vision, Permutation: 1e-5,
		Bad: map[string]sslkit.Method{"Context.Augment[0] is nil": &Context{Augment: augment.Chain{nil}}},
	})
}

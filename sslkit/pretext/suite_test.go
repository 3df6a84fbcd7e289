package pretext

import (
	"testing"

	"sslnotes/sslkit"
	"sslnotes/sslkit/sslkittest"
)

func TestRotationSuite(t *testing.T) {
	sslkittest.TestMethod(t, func() sslkit.Method { return &Rotation{} }, sslkittest.Options{Permutation: 1e-6})
}

func TestJigsawSuite(t *testing.T) {
	sslkittest.TestMethod(t, func() sslkit.Method { return &Jigsaw{} }, sslkittest.Options{
		Bad: map[string]sslkit.Method{"Jigsaw.Side": &Jigsaw{Side: 9}, "Jigsaw.Permutations": &Jigsaw{Permutations: 1}},
	})
}

func TestContextSuite(t *testing.T) {
	sslkittest.TestMethod(t, func() sslkit.Method { return &Context{} }, sslkittest.Options{
		Permutation: 1e-5,
		Bad:         map[string]sslkit.Method{"Context.Hidden": &Context{Hidden: -1}},
	})
}

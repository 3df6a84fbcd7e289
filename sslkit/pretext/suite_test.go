package pretext

import (
	"testing"

	"sslnotes/sslkit"
	"sslnotes/sslkit/sslkittest"
)

func TestRotationSuite(t *testing.T) {
	sslkittest.TestMethod(t, func() sslkit.Method { return &Rotation{} }, sslkittest.Options{Permutation: 1e-6})
}

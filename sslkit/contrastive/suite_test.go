package contrastive

import (
	"testing"

	"sslnotes/sslkit"
	"sslnotes/sslkit/sslkittest"
)

func TestSimCLRSuite(t *testing.T) {
	sslkittest.TestMethod(t, func() sslkit.Method { return &SimCLR{Dim: 8} }, sslkittest.Options{
		Permutation: 1e-6,
		Bad: map[string]sslkit.Method{
			"SimCLR.Temperature": &SimCLR{Temperature: -1},
			"SimCLR.Hidden":      &SimCLR{Hidden: -1},
			"Dim":                &SimCLR{Dim: -1},
		},
	})
}

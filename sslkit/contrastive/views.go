package contrastive

import (
	"fmt"

	"sslnotes/sslkit/augment"
	"sslnotes/sslkit/data"
)

// standard is how a view is drawn unless a method's field says otherwise: a crop
// of at least 30 % of the area, a flip, and jitter of brightness and contrast by
// 0.4. On gray images there is no colour to change.
func standard() augment.Chain {
	return augment.Chain{
		augment.Crop{MinArea: 0.3},
		augment.Flip{P: 0.5},
		augment.Jitter{Brightness: 0.4, Contrast: 0.4, P: 0.8},
	}
}

// multicrop lists two whole views and n small ones of the given size.
func multicrop(in data.Spec, n, size int) []data.Spec {
	small := in
	small.Height, small.Width = size, size
	specs := []data.Spec{in, in}
	for range n {
		specs = append(specs, small)
	}
	return specs
}

// local is how a small view is drawn: a crop of at most 30 % of the area.
func local() augment.Chain {
	return augment.Chain{
		augment.Crop{MinArea: 0.08, MaxArea: 0.3},
		augment.Flip{P: 0.5},
		augment.Jitter{Brightness: 0.4, Contrast: 0.4, P: 0.8},
	}
}

// between returns an error that names the field unless low ≤ v ≤ high.
func between(field string, v, low, high float32) error {
	if v >= low && v <= high {
		return nil
	}
	return fmt.Errorf("contrastive: %s is %g, want %g to %g", field, v, low, high)
}

// positive returns an error that names the field unless v > 0.
func positive[T int | float32](field string, v T) error {
	if v > 0 {
		return nil
	}
	return fmt.Errorf("contrastive: %s is %v, want > 0", field, v)
}

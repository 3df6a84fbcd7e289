package augment

import "fmt"

// A Checker is an Op that tells when it is misconfigured.
type Checker interface {
	Op
	// Check returns an error that names the field if one is out of range.
	Check() error
}

// Check returns an error that begins with the name of the chain's own field if an
// operation in it is nil, or is misconfigured and says so.
func Check(field string, c Chain) error {
	for i, op := range c {
		if op == nil {
			return fmt.Errorf("%s[%d] is nil", field, i)
		}
		if o, ok := op.(Checker); ok {
			if err := o.Check(); err != nil {
				return fmt.Errorf("%s: %w", field, err)
			}
		}
	}
	return nil
}

// within returns an error that names the field unless low ≤ v ≤ high.
func within(field string, v, low, high float32) error {
	if v >= low && v <= high {
		return nil
	}
	return fmt.Errorf("%s is %g, want %g to %g", field, v, low, high)
}

// first returns the first error there is.
func first(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

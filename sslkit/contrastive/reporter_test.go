package contrastive

import "fmt"

// A reporter is told what a check finds: a test, or a list for a check that is
// itself put to the test.
type reporter interface {
	Helper()
	Errorf(format string, args ...any)
}

// findings is a list of what a check found.
type findings []string

func (f *findings) Helper() {}

func (f *findings) Errorf(format string, args ...any) { *f = append(*f, fmt.Sprintf(format, args...)) }

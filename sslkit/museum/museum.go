// Package museum keeps faults of self-supervised losses, most of them found in
// published code, and tells of any loss whether it has one of them.
//
// # Design
//
// A loss that is wrong seldom fails: it falls, and the features are worse than
// they could be. So a loss is judged by what it computes. [WhichBug] runs it on
// small fixed inputs, takes its value and its gradient, and compares both with
// those of the right loss and of every exhibit. Some faults leave the value as
// it is and show in the gradient alone; some show only at a temperature at which
// exponentials overflow.
//
// The losses stand here in their plainest form, one term of the formula after
// the other, and share nothing with the methods of the course, which are found
// right like any other.
//
// An exhibit that is a function of rows alone is shown on one machine, even if
// it came from code for several.
package museum

import "slices"

// An Exhibit is a loss with one fault.
type Exhibit struct {
	Loss   string // the loss that was meant, such as "NT-Xent"
	Name   string // the fault, such as "temperature left out"
	Source string // where it was reported, or asked for by mistake, as owner/project#number; "" if no report is known to us
	Cure   string // what to do, in a sentence
	Func   any    // the faulty loss, with a signature that WhichBug takes
}

// Exhibits lists the faults of a loss ("NT-Xent", "InfoNCE", "BYOL's regression",
// "BYOL" or "masked error"), or of all if loss is "".
func Exhibits(loss string) []Exhibit {
	var all []Exhibit
	for _, s := range subjects() {
		if loss == "" || loss == s.name {
			all = append(all, s.bugs...)
		}
	}
	return slices.Clip(all)
}

// subjects lists the losses that are known.
func subjects() []subject {
	return []subject{ntXent(), infoNCE(), regression(), byol(), maskedError()}
}

// A subject is a loss that is known: how it is called, what it ought to compute,
// and how it went wrong elsewhere.
type subject struct {
	name   string
	takes  string // its signature
	forms  []form
	bugs   []Exhibit
	trials []trial
}

// A form is a right way to write a loss.
type form struct {
	note string // "" if there is nothing to say
	f    any
}

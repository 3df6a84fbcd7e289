package pipeline

import (
	"errors"
	"fmt"

	"sslnotes/sslkit/data"
)

// A Target is labelled data that features are judged on.
type Target struct {
	Name        string // If "", the set's.
	Train, Test *data.Set
}

// A Matrix is what each of some encoders is worth on each of some data: what
// plots.Transfer takes.
type Matrix struct {
	From, To []string
	Accuracy [][]float64 // of the test split, by encoder and data
	Runs     [][]*Run    // that gave it
}

// Transfer judges the encoders of runs on other data than they learned from, by
// the linear probe. The encoder stays as it is; features are standardised by all
// training images of the target, without their labels, whichever set the encoder
// comes from, so that every row of a column is treated alike. Images keep their
// size and are normalised as their own set is. Every judgement is a run of its own.
//
// Hold it against the diagonal, random weights and raw pixels, which are runs, too.
// It returns an error if an encoder takes other channels than a target has.
func Transfer(runs []*Run, to []Target) (*Matrix, error) {
	if len(runs) == 0 || len(to) == 0 {
		return nil, errors.New("pipeline: Transfer needs runs and targets")
	}
	m := &Matrix{}
	for _, t := range to {
		if t.Train == nil || t.Test == nil {
			return nil, fmt.Errorf("pipeline: the Target %q needs training and test data", t.Name)
		}
		if t.Name == "" {
			t.Name = t.Train.Name()
		}
		m.To = append(m.To, t.Name)
	}
	for _, r := range runs { // all are refused before one is recorded
		for _, t := range to {
			if err := r.judgeable(t.Train, t.Test); err != nil {
				return nil, err
			}
		}
	}
	for _, r := range runs {
		if err := m.add(r, to); err != nil {
			return nil, err
		}
	}
	return m, nil
}

// add judges one run on all targets.
func (m *Matrix) add(r *Run, to []Target) error {
	var values []float64
	var probes []*Run
	for _, t := range to {
		p, err := r.transferred(t)
		if err != nil {
			return err
		}
		v, err := p.Value("test_accuracy")
		if err != nil {
			return err
		}
		values, probes = append(values, v), append(probes, p)
	}
	m.From = append(m.From, r.origin())
	m.Accuracy, m.Runs = append(m.Accuracy, values), append(m.Runs, probes)
	return nil
}

// origin says by what and on which data a run's features were learned.
func (r *Run) origin() string {
	switch {
	case r.method == "random":
		return "random weights"
	case r.method == "pixels":
		return "raw pixels"
	case r.seen == nil:
		return r.method
	case r.teaching != nil:
		return r.method + " (teacher) on " + r.seen.Name()
	}
	return r.method + " on " + r.seen.Name()
}

// transferred probes a run's features on a target.
func (r *Run) transferred(t Target) (*Run, error) {
	p, err := Probe{}.resolve()
	if err != nil {
		return nil, err
	}
	return r.judgeIn(&p, sets{unlabelled: t.Train.Unlabelled(), train: t.Train, test: t.Test})
}

package pipeline

import (
	"errors"
	"fmt"

	"sslnotes/sslkit/data"
)

// Labels asks what labels are worth: the same judgement on few of them and on
// many. Few are drawn as data.Set.PerClass draws them, the subsets 0, 1, 2 …: the
// same for every method, and within one subset fewer labels are a part of more.
// The zero value is the house's protocol.
type Labels struct {
	// PerClass lists how many labels of each class there are, 0 standing for all
	// there are. If nil, those of 1, 10, 100 and 1000 that are fewer than the
	// smallest class has, and all.
	PerClass []int

	Subsets int    // draws for each of PerClass. If 0, 5. All labels are judged once.
	Tuning  Tuning // how the encoder is fine-tuned
}

// An Efficiency is how accuracy grows with labels. Labels and Values are what
// plots.Sweep takes.
type Efficiency struct {
	Labels []float64   // of each class; the mean of the classes where all are taken
	Values [][]float64 // test accuracies at each, one a subset
	Runs   [][]*Run    // that gave them
}

// LabelEfficiency judges a run by 1, 10, 100, 1000 and all labels a class, in five
// draws each: by a linear probe and by fine-tuning all weights. A run without an
// encoder, of raw pixels, is only probed, and tuned is nil. Every judgement is a
// run of its own.
func LabelEfficiency(r *Run, train, test *data.Set) (probe, tuned *Efficiency, err error) {
	return Labels{}.Judge(r, train, test)
}

// Judge is LabelEfficiency with these options.
func (l Labels) Judge(r *Run, train, test *data.Set) (probe, tuned *Efficiency, err error) {
	probe, err = l.Each(train, func(few *data.Set) (*Run, error) { return LinearProbe(r, few, test) })
	if err != nil || r.encoder == nil { // pixels cannot be tuned
		return probe, nil, err
	}
	tuned, err = l.Each(train, func(few *data.Set) (*Run, error) { return l.Tuning.Judge(r, few, test) })
	return probe, tuned, err
}

// Each calls judge with every set of labels, from few to many, and gathers the
// test accuracies of the runs that it returns. So whatever learns from labels can
// be asked, such as Supervised. It returns an error that names the field if there
// are no such subsets, or judge's first.
func (l Labels) Each(train *data.Set, judge func(few *data.Set) (*Run, error)) (*Efficiency, error) {
	if train == nil {
		return nil, errors.New("pipeline: labelled data are needed")
	}
	l, err := l.resolve(train)
	if err != nil {
		return nil, err
	}
	e := &Efficiency{}
	for _, n := range l.PerClass {
		sets, err := l.draw(train, n)
		if err != nil {
			return nil, err
		}
		if err := e.add(sets, judge); err != nil {
			return nil, err
		}
	}
	return e, nil
}

func (l Labels) resolve(train *data.Set) (Labels, error) {
	smallest := fewest(train)
	if l.PerClass == nil {
		for _, n := range []int{1, 10, 100, 1000} {
			if n < smallest {
				l.PerClass = append(l.PerClass, n)
			}
		}
		l.PerClass = append(l.PerClass, 0)
	}
	if l.Subsets == 0 {
		l.Subsets = 5
	}
	if l.Subsets < 0 {
		return l, fmt.Errorf("pipeline: Labels.Subsets is %d, want > 0", l.Subsets)
	}
	for _, n := range l.PerClass {
		if n < 0 || n > smallest {
			return l, fmt.Errorf("pipeline: Labels.PerClass holds %d, want 1 to %d, or 0 for all", n, smallest)
		}
	}
	return l, nil
}

// fewest is the number of samples of the smallest class.
func fewest(s *data.Set) int {
	count := make([]int, len(s.Classes()))
	for _, c := range s.Labels() {
		count[c]++
	}
	least := s.Len()
	for _, n := range count {
		least = min(least, n)
	}
	return least
}

// draw returns the subsets with n labels a class, or the whole set.
func (l Labels) draw(train *data.Set, n int) ([]*data.Set, error) {
	if n == 0 {
		return []*data.Set{train}, nil
	}
	var all []*data.Set
	for i := range l.Subsets {
		s, err := train.PerClass(n, i)
		if err != nil {
			return nil, err
		}
		all = append(all, s)
	}
	return all, nil
}

// add judges sets with as many labels each.
func (e *Efficiency) add(sets []*data.Set, judge func(*data.Set) (*Run, error)) error {
	var values []float64
	var runs []*Run
	for _, s := range sets {
		r, err := judge(s)
		if err != nil {
			return err
		}
		v, err := r.Value("test_accuracy")
		if err != nil {
			return err
		}
		values, runs = append(values, v), append(runs, r)
	}
	e.Labels = append(e.Labels, float64(sets[0].Len())/float64(len(sets[0].Classes())))
	e.Values, e.Runs = append(e.Values, values), append(e.Runs, runs)
	return nil
}

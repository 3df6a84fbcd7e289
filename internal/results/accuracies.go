package results

import (
	"math"
	"slices"
)

// accuracies are test accuracies by row, of all rows that are finished.
type accuracies struct {
	plan Plan
	by   map[Row]float64
	all  []Result
}

func (p Plan) accuracies(dir string) (accuracies, error) {
	a := accuracies{p.resolve(), map[Row]float64{}, nil}
	for _, row := range p.Rows() {
		r, ok, err := read(dir, row)
		if err != nil {
			return a, err
		}
		if !ok {
			continue
		}
		a.all = append(a.all, r)
		if v, ok := r.Metrics["test_accuracy"]; ok {
			row.Name, row.Epochs = "", 0
			a.by[row] = v
		}
	}
	return a, nil
}

// of returns the accuracies of an encoder's judgement by seed, each the mean
// over the draws of labels; seeds that lack one are left out.
func (a accuracies) of(encoder, judge string, labels int) map[uint64]float64 {
	means := map[uint64]float64{}
	for seed := range uint64(a.plan.Seeds + 1) {
		if v := a.draws(encoder, judge, labels, seed); len(v) > 0 {
			means[seed], _ = moments(v)
		}
	}
	return means
}

// draws returns the accuracies of all draws of labels, nil if one is missing.
func (a accuracies) draws(encoder, judge string, labels int, seed uint64) []float64 {
	n := 1
	if labels == a.plan.Labels {
		n = a.plan.Subsets
	}
	var v []float64
	for subset := range n {
		x, ok := a.by[Row{Encoder: encoder, Judge: judge, Seed: seed, Labels: labels, Subset: subset}]
		if !ok {
			return nil
		}
		v = append(v, x)
	}
	return v
}

// moments returns mean and standard deviation of the sample.
func moments(v []float64) (mean, sd float64) {
	for _, x := range v {
		mean += x / float64(len(v))
	}
	for _, x := range v {
		sd += (x - mean) * (x - mean)
	}
	if len(v) > 1 {
		return mean, math.Sqrt(sd / float64(len(v)-1))
	}
	return mean, 0
}

func values(bySeed map[uint64]float64) []float64 {
	var v []float64
	for _, x := range bySeed {
		v = append(v, x)
	}
	slices.Sort(v)
	return v
}

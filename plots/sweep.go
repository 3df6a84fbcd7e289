package plots

import (
	"fmt"
	"math"
)

// A Sweep is one thing measured at several settings, once or several times at
// each.
type Sweep struct {
	Name   string
	X      []float64   // the settings
	Values [][]float64 // at each, such as one a seed
}

// Line returns the means, with the standard deviations as a band.
func (s Sweep) Line() Line {
	l := Line{Name: s.Name, X: s.X}
	for _, v := range s.Values {
		mean, sd := moments(v)
		if math.IsNaN(sd) {
			sd = 0
		}
		l.Y, l.Spread = append(l.Y, mean), append(l.Spread, sd)
	}
	if len(s.X) != len(s.Values) {
		l.err = fmt.Errorf("plots: %s has %d settings and values at %d", s.Name, len(s.X), len(s.Values))
	}
	return l
}

func sweeps(all []Sweep) Curves {
	f := Curves{Marks: true, Smooth: -1, Percent: true, YLabel: "test accuracy"}
	for _, s := range all {
		f.Lines = append(f.Lines, s.Line())
	}
	return f
}

// LabelEfficiency shows accuracies, fractions, over the number of labelled
// samples of each class: means, and bands of one standard deviation.
func LabelEfficiency(all ...Sweep) Curves {
	f := sweeps(all)
	f.XLabel, f.LogX = "labels of each class", true
	return f
}

// BlockSweep shows accuracies, fractions, over the number of an encoder's
// blocks that were trained on, from the frozen encoder's probe to the whole, or
// over the block whose features were probed.
func BlockSweep(all ...Sweep) Curves {
	f := sweeps(all)
	f.XLabel = "block"
	return f
}

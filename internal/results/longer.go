package results

import (
	"fmt"
	"path/filepath"
	"strings"
)

// Longer is what a method gains by being trained for longer: accuracies of the linear
// probe on few labels, at each number of epochs one a seed.
type Longer struct {
	Title      string
	Epochs     []float64
	Accuracies [][]float64
}

// LongerFigure is the name of the figure of what Longer says, among the rows' files.
const LongerFigure = "longer.svg"

// Longer lists the methods that were trained for several lengths, and what raw pixels
// reach.
func (p Plan) Longer(dir string) (all []Longer, pixel float64, err error) {
	a, err := p.accuracies(dir)
	if err != nil {
		return nil, 0, err
	}
	pixel, _ = moments(values(a.of(pixels, "probe", a.plan.Labels)))
	return a.longer(), pixel, nil
}

func (a accuracies) longer() (all []Longer) {
	for _, m := range a.plan.methods() {
		if strings.Contains(m.name, "-") {
			continue // another length of a method
		}
		l := Longer{Title: m.title}
		for _, n := range a.plan.methods() {
			if name, _, _ := strings.Cut(n.name, "-"); name != m.name {
				continue
			}
			if v := values(a.of(n.name, "probe", a.plan.Labels)); len(v) > 0 {
				l.Epochs = append(l.Epochs, float64(a.plan.pretraining(n, 1).Epochs))
				l.Accuracies = append(l.Accuracies, v)
			}
		}
		if len(l.Epochs) > 1 {
			all = append(all, l)
		}
	}
	return all
}

// LongerLabel says how few the labels are.
func (p Plan) LongerLabel() string {
	return fmt.Sprintf("linear probe, %d labels a class", p.resolve().Labels)
}

// longerSection shows the figure, if there is anything in it.
func (a accuracies) longerSection(dir string) string {
	all := a.longer()
	if len(all) == 0 {
		return ""
	}
	var who []string
	for _, l := range all {
		who = append(who, l.Title)
	}
	return fmt.Sprintf("\n## Longer training\n\n![%s of %s over epochs of pre-training](%s/%s)\n", a.plan.LongerLabel(), strings.Join(who, " and "), filepath.Base(dir), LongerFigure)
}

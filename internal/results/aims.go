package results

import (
	"fmt"
	"math"
	"path/filepath"
	"slices"
	"strings"
)

// An aim is what was to be reached.
type aim struct {
	what  string
	floor float64   // of the mean
	beats bool      // the mean must be above floor by more than twice its standard error
	v     []float64 // fractions, one a seed, a draw or a choice of concepts
	pairs bool      // they are differences
	note  string    // on the values, if not ""
}

// verdict says whether the values there are reach the aim.
func (m aim) verdict() string {
	mean, se := standard(m.v)
	switch {
	case m.beats && len(m.v) < 3:
		return "open"
	case m.beats && mean-m.floor > 2*se, !m.beats && mean >= m.floor:
		return "met"
	}
	return "**missed**"
}

// standard returns the mean of values and its standard error.
func standard(v []float64) (mean, se float64) {
	mean, sd := moments(v)
	return mean, sd / math.Sqrt(float64(len(v)))
}

// aims lists those of the project's tables, and of the files that stand beside them in
// dir; none of other plans'.
func (a accuracies) aims(dir string) (all []aim, err error) {
	if usual := (Plan{}).resolve(); a.plan.Data != usual.Data || a.plan.Labels != usual.Labels {
		return nil, nil
	}
	few := fmt.Sprintf("%d labels a class", a.plan.Labels)
	title := func(name string) string { m, _ := methodOf(name); return m.title }
	for _, m := range a.plan.methods() {
		floors := map[string]float64{"simclr": 0.865, "moco": 0.865, "byol": 0.86, "swav": 0.86, "dino": 0.86}
		if floor, ok := floors[m.name]; ok {
			all = append(all, aim{what: m.title + ": linear probe, all labels", floor: floor, v: values(a.of(m.name, "probe", 0))})
		}
	}
	for _, m := range a.plan.methods() {
		if m.long {
			continue // one seed
		}
		all = append(all, aim{what: m.title + ": linear probe − that of random weights", beats: true, pairs: true, v: a.bySeed(m.name, "probe", 0, baseline(random, m.name), "probe")})
	}
	all = append(all, aim{what: title("simclr-long") + ": linear probe − supervised from scratch, all labels", floor: -0.025, pairs: true, v: a.bySeed("simclr-long", "probe", 0, supervised, "")})
	for _, name := range []string{"simclr", "simclr-mid", "simclr-long"} {
		note := ""
		if len(a.of(name, "probe", a.plan.Labels)) == 1 {
			note = ", one seed"
		}
		all = append(all,
			aim{what: title(name) + ": linear probe − raw pixels, " + few, floor: 0.04, pairs: true, note: note, v: a.byDraw(name, "probe", pixels, "probe")},
			aim{what: title(name) + ": linear probe − supervised from scratch, " + few, floor: 0.08, pairs: true, note: note, v: a.byDraw(name, "probe", supervised, "")})
	}
	scratch := baseline(supervised, "mae")
	all = append(all, aim{what: "MAE: fine-tuned − supervised from scratch, " + few, beats: true, pairs: true, v: a.byDraw("mae", "finetune", scratch, "")})
	for _, times := range []int{10, 100} {
		n := times * a.plan.Labels
		all = append(all, aim{what: fmt.Sprintf("MAE: fine-tuned − supervised from scratch, %d labels a class", n), beats: true, pairs: true, v: a.bySeed("mae", "finetune", n, scratch, "")})
	}
	emoji, err := Emoji().accuracies(filepath.Join(dir, EmojiDir))
	if err != nil {
		return nil, err
	}
	all = append(all, emoji.emojiAims()...)
	captioned, err := retrievalAims(filepath.Join(dir, "clip"))
	all = append(all, captioned...)
	return slices.DeleteFunc(all, func(m aim) bool { return len(m.v) == 0 }), err
}

// emojiAims are those of the table on emoji.
func (a accuracies) emojiAims() (all []aim) {
	for _, m := range a.plan.methods() {
		all = append(all, aim{what: m.title + ", emoji: linear probe − that of random weights, unseen concepts", beats: true, pairs: true, v: a.bySeed(m.name, "probe", 0, random, "probe")})
		if m.name == "colorization" {
			all = append(all, aim{what: m.title + ", emoji in gray, from which it learns: the same", beats: true, pairs: true, v: a.bySeed(m.name, inGray, 0, random, inGray)})
		}
	}
	const clip = "CLIP, emoji: linear probe − raw pixels' neighbours, "
	return append(all,
		aim{what: clip + "unseen concepts", beats: true, pairs: true, v: a.bySeed("clip", "probe", 0, pixels, "knn")},
		aim{what: clip + "unseen style", beats: true, pairs: true, v: a.bySeed("clip", onStyle, 0, pixels, onStyleKNN)})
}

// retrievalAims are those of CLIP's recipes that an ensemble asks, as it answers.
func retrievalAims(dir string) (all []aim, err error) {
	if !HasRetrieval(dir, "baselines") {
		return nil, nil
	}
	base, err := ReadRetrieval(dir, "baselines")
	if err != nil {
		return nil, err
	}
	for _, recipe := range moreRecipes {
		r, err := recipeIn(dir, recipe, base)
		if err != nil {
			return nil, err
		}
		more, _ := r.over()
		for over, runs := range [][]RetrievalFile{r.folds[0], more} {
			if len(runs) == 0 {
				continue
			}
			what := r.title + []string{"", ", over choices of concepts to hold out"}[over]
			if f := runs[0]; len(f.Answers) > 1 || len(f.Members) > 0 {
				what += ByEnsemble
			}
			what += ": "
			seen := aim{what: what + "R@1 of seen concepts", floor: 0.65}
			held := aim{what: what + "R@1 of held-out concepts", floor: 0.25}
			for _, f := range runs {
				last := f.Answers[len(f.Answers)-1]
				seen.v, held.v = append(seen.v, last.Seen1), append(held.v, last.Held1)
			}
			if r.name == WideName {
				seen.note, held.note = ", asked after the long one had missed", ", asked after the long one had missed"
			}
			all = append(all, seen, held)
		}
	}
	return all, nil
}

// aimsSection writes what was to be reached, and whether it was.
func (a accuracies) aimsSection(dir string) (string, error) {
	all, err := a.aims(dir)
	if err != nil || len(all) == 0 {
		return "", err
	}
	var b strings.Builder
	b.WriteString("\n## Aims\n\nWhat the rows were to show. In points or percent, the mean ± its standard error over seeds, draws of labels or choices of concepts; open: with fewer than three there is no error to judge by.\n\n| | aim | measured | |\n|---|---|---|---|\n")
	for _, m := range all {
		format, floor := "%.1f", fmt.Sprintf("≥ %.1f", 100*m.floor)
		if m.pairs {
			format, floor = "%+.1f", fmt.Sprintf("≥ %+.1f", 100*m.floor)
		}
		if m.beats {
			floor = "> twice the error"
		}
		mean, se := standard(m.v)
		measured := fmt.Sprintf(format, 100*mean)
		if len(m.v) > 1 {
			measured += fmt.Sprintf(" ± %.1f of %d", 100*se, len(m.v))
		}
		fmt.Fprintf(&b, "| %s | %s | %s%s | %s |\n", m.what, floor, measured, m.note, m.verdict())
	}
	return b.String(), nil
}

package results

import (
	"fmt"
	"math"
	"path/filepath"
	"slices"
	"strings"
)

// An aim is what was to be reached, set before the runs were made.
type aim struct {
	what  string
	floor float64   // of the mean
	beats bool      // the mean must be above floor by more than twice its standard error
	v     []float64 // fractions, one a seed, a draw or a choice of concepts
	pairs bool      // they are differences
}

// met says whether the values there are reach the aim.
func (m aim) met() bool {
	mean, se := standard(m.v)
	if m.beats {
		return len(m.v) > 1 && mean-m.floor > 2*se
	}
	return mean >= m.floor
}

// standard returns the mean of values and its standard error.
func standard(v []float64) (mean, se float64) {
	mean, sd := moments(v)
	return mean, sd / math.Sqrt(float64(len(v)))
}

// aims lists those of the plan's tables, and of the files that stand beside them in dir.
func (a accuracies) aims(dir string) (all []aim, err error) {
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
	for _, name := range []string{"simclr-mid", "simclr-long"} {
		all = append(all,
			aim{what: title(name) + ": linear probe − raw pixels, " + few, floor: 0.04, pairs: true, v: a.byDraw(name, "probe", pixels, "probe")},
			aim{what: title(name) + ": linear probe − supervised from scratch, " + few, floor: 0.08, pairs: true, v: a.byDraw(name, "probe", supervised, "")})
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
func (a accuracies) emojiAims() []aim {
	const than = " − raw pixels' neighbours, "
	return []aim{
		{what: "colorization: linear probe − that of random weights, unseen concepts in gray", beats: true, pairs: true, v: a.bySeed("colorization", inGray, 0, random, inGray)},
		{what: "CLIP: linear probe" + than + "unseen concepts", beats: true, pairs: true, v: a.bySeed("clip", "probe", 0, pixels, "knn")},
		{what: "CLIP: nearest neighbours" + than + "unseen concepts", beats: true, pairs: true, v: a.bySeed("clip", "knn", 0, pixels, "knn")},
		{what: "CLIP: linear probe" + than + "unseen style", beats: true, pairs: true, v: a.bySeed("clip", onStyle, 0, pixels, onStyleKNN)},
		{what: "CLIP: nearest neighbours" + than + "unseen style", beats: true, pairs: true, v: a.bySeed("clip", onStyleKNN, 0, pixels, onStyleKNN)},
	}
}

// retrievalAims are those of CLIP's recipes, as an ensemble answers.
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
		for over, runs := range [][]RetrievalFile{r.seeds, r.folds} {
			what := fmt.Sprintf("CLIP, %s%s, over %s: ", recipe, ByEnsemble, []string{"seeds", "choices of concepts to hold out"}[over])
			seen := aim{what: what + "R@1 of seen concepts", floor: 0.65}
			held := aim{what: what + "R@1 of held-out concepts", floor: 0.25}
			for _, f := range runs {
				last := f.Answers[len(f.Answers)-1]
				seen.v, held.v = append(seen.v, last.Seen1), append(held.v, last.Held1)
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
	b.WriteString("\n## Aims\n\nSet before the runs were made. In points or percent, the mean ± its standard error over seeds, draws of labels or choices of concepts.\n\n| | aim | measured | |\n|---|---|---|---|\n")
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
		verdict := "**missed**"
		if m.met() {
			verdict = "met"
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", m.what, floor, measured, verdict)
	}
	return b.String(), nil
}

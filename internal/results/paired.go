package results

import (
	"fmt"
	"math"
	"strings"
)

// pair is a difference with its standard error over pairs.
type pair struct {
	title string
	diffs []float64
}

// paired compares methods with what they are held against.
func (a accuracies) paired() string {
	labels := a.plan.Labels
	var all []pair
	for _, m := range a.plan.methods() {
		few := func(how, text string) string {
			return fmt.Sprintf("%s %s − %s, %d labels a class", m.title, how, text, labels)
		}
		scratch := baseline(supervised, m.name)
		all = append(all,
			pair{m.title + " − raw pixels, linear probe, all labels", a.bySeed(m.name, "probe", 0, pixels, "probe")},
			pair{few("linear probe", "raw pixels"), a.byDraw(m.name, "probe", pixels, "probe")},
			pair{few("linear probe", "supervised from scratch"), a.byDraw(m.name, "probe", scratch, "")},
			pair{few("fine-tuned", "raw pixels"), a.byDraw(m.name, "finetune", pixels, "probe")},
			pair{few("fine-tuned", "supervised from scratch"), a.byDraw(m.name, "finetune", scratch, "")},
			pair{m.title + " fine-tuned − supervised from scratch, all labels", a.bySeed(m.name, "finetune", 0, scratch, "")})
		if m.patches {
			for _, n := range []int{10 * labels, 100 * labels} {
				all = append(all, pair{fmt.Sprintf("%s fine-tuned − supervised from scratch, %d labels a class", m.title, n), a.bySeed(m.name, "finetune", n, scratch, "")})
			}
		}
	}
	return differences(all)
}

// differences shows pairs, those that have two or more.
func differences(all []pair) string {
	var b strings.Builder
	for _, p := range all {
		if len(p.diffs) < 2 {
			continue
		}
		if b.Len() == 0 {
			b.WriteString("\n| difference in points | mean | standard error | pairs |\n|---|---|---|---|\n")
		}
		mean, sd := moments(p.diffs)
		fmt.Fprintf(&b, "| %s | %+.1f | %.1f | %d |\n", p.title, 100*mean, 100*sd/math.Sqrt(float64(len(p.diffs))), len(p.diffs))
	}
	return b.String()
}

// bySeed pairs two encoders by their seeds; pixels have none and stand against
// every one.
func (a accuracies) bySeed(encoder, judge string, labels int, other, otherJudge string) []float64 {
	ours, theirs := a.of(encoder, judge, labels), a.of(other, otherJudge, labels)
	var v []float64
	for seed := range uint64(a.plan.Seeds + 1) {
		x, ok := ours[seed]
		if other == pixels {
			seed = 0
		}
		if y, has := theirs[seed]; ok && has {
			v = append(v, x-y)
		}
	}
	return v
}

// byDraw pairs a judgement of a method on few labels with another way by the draw of
// labels, each the mean over the seeds that have both.
func (a accuracies) byDraw(encoder, judge, other, otherJudge string) []float64 {
	var v []float64
	for subset := range a.plan.Subsets {
		var diffs []float64
		for seed := range uint64(a.plan.Seeds + 1) {
			ours := Row{Encoder: encoder, Judge: judge, Seed: seed, Labels: a.plan.Labels, Subset: subset}
			theirs := Row{Encoder: other, Judge: otherJudge, Seed: seed, Labels: a.plan.Labels, Subset: subset}
			if other == pixels {
				theirs.Seed = 0
			}
			x, ok := a.by[ours]
			if y, has := a.by[theirs]; ok && has {
				diffs = append(diffs, x-y)
			}
		}
		if mean, _ := moments(diffs); len(diffs) > 0 {
			v = append(v, mean)
		}
	}
	return v
}

package results

import (
	"fmt"
	"math"
	"os"
	"slices"
	"strings"
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
	if labels != 0 {
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

// cell shows accuracies in percent.
func cell(v []float64) string {
	switch mean, sd := moments(v); len(v) {
	case 0:
		return "–"
	case 1:
		return fmt.Sprintf("%.1f", 100*mean)
	default:
		return fmt.Sprintf("%.1f ± %.1f", 100*mean, 100*sd)
	}
}

// Table returns the results in dir as Markdown.
func (p Plan) Table(dir string) (string, error) {
	a, err := p.accuracies(dir)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	labels := a.plan.Labels
	fmt.Fprintf(&b, "| features of | linear probe, all labels | nearest neighbours, all labels | linear probe, %d labels a class | fine-tuned, %d labels a class |\n|---|---|---|---|---|\n", labels, labels)
	row := func(title, encoder string) {
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s |\n", title, cell(values(a.of(encoder, "probe", 0))), cell(values(a.of(encoder, "knn", 0))),
			cell(values(a.of(encoder, "probe", labels))), cell(values(a.of(encoder, "finetune", labels))))
	}
	for _, m := range methods {
		row(m.title, m.name)
	}
	row("random weights", "random")
	row("raw pixels", "pixels")
	fmt.Fprintf(&b, "| supervised from scratch | %s (all weights trained) | | | %s |\n\n", cell(values(a.of("supervised", "", 0))), cell(values(a.of("supervised", "", labels))))
	b.WriteString(a.caption())
	b.WriteString(a.paired())
	return b.String(), nil
}

// caption says what the table shows.
func (a accuracies) caption() string {
	var s strings.Builder
	fmt.Fprintf(&s, "Test accuracy in percent on %s, %d of %d rows finished. Mean ± standard deviation over %d seeds, where labels are few each the mean over %d draws of them.",
		a.plan.Data, len(a.all), len(a.plan.Rows()), a.plan.Seeds, a.plan.Subsets)
	for _, m := range methods {
		for _, r := range a.all {
			if r.Row.Encoder == m.name && r.Row.Judge == "" {
				fmt.Fprintf(&s, " Pre-training by %s: %d epochs, %.0f s.", m.title, r.Row.Epochs, r.Seconds)
				break
			}
		}
	}
	var versions []string
	for _, r := range a.all {
		if !slices.Contains(versions, r.Numerics) {
			versions = append(versions, r.Numerics)
		}
	}
	if len(versions) > 0 {
		fmt.Fprintf(&s, " Numerics %s.", strings.Join(versions, ", "))
	}
	return s.String() + "\n"
}

// pair is a difference with its standard error over pairs.
type pair struct {
	title string
	diffs []float64
}

// paired compares methods with what they are held against.
func (a accuracies) paired() string {
	labels := a.plan.Labels
	var all []pair
	for _, m := range methods {
		all = append(all, pair{m.title + " − random weights of the same seed, linear probe, all labels", a.bySeed(m.name, "probe", 0, "random", "probe")})
	}
	for _, m := range methods {
		few := func(text string) string {
			return fmt.Sprintf("%s fine-tuned − %s, %d labels a class", m.title, text, labels)
		}
		all = append(all,
			pair{m.title + " − raw pixels, linear probe, all labels", a.bySeed(m.name, "probe", 0, "pixels", "probe")},
			pair{few("raw pixels"), a.byDraw(m.name, "pixels", "probe")},
			pair{few("supervised from scratch"), a.byDraw(m.name, "supervised", "")})
	}
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
		if other == "pixels" {
			seed = 0
		}
		if y, has := theirs[seed]; ok && has {
			v = append(v, x-y)
		}
	}
	return v
}

// byDraw pairs a fine-tuned method with another way by the draw of labels, each
// the mean over the seeds that have both.
func (a accuracies) byDraw(encoder, other, otherJudge string) []float64 {
	var v []float64
	for subset := range a.plan.Subsets {
		var diffs []float64
		for seed := range uint64(a.plan.Seeds + 1) {
			ours := Row{Encoder: encoder, Judge: "finetune", Seed: seed, Labels: a.plan.Labels, Subset: subset}
			theirs := Row{Encoder: other, Judge: otherJudge, Seed: seed, Labels: a.plan.Labels, Subset: subset}
			if other == "pixels" {
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

// The table stands between these lines of a page.
const (
	begin = "<!-- results: written by make results -->"
	end   = "<!-- end of results -->"
)

// Insert writes the table of dir into the Markdown file at path, between the
// two lines that mark its place. Without these lines it returns an error.
func (p Plan) Insert(dir, path string) error {
	table, err := p.Table(dir)
	if err != nil {
		return err
	}
	page, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("results: %w", err)
	}
	before, rest, ok := strings.Cut(string(page), begin)
	_, after, closed := strings.Cut(rest, end)
	if !ok || !closed {
		return fmt.Errorf("results: %s lacks the lines %q and %q", path, begin, end)
	}
	return replace(path, []byte(before+begin+"\n"+table+end+after))
}

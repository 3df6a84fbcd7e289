package results

import (
	"fmt"
	"math"
	"os"
	"slices"
	"strings"
)

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

// A column is a way to judge.
type column struct {
	title  string
	judge  string
	labels int
}

// columns of the tables; the first four are the short one's.
func (p Plan) columns() []column {
	few := fmt.Sprintf("%d labels a class", p.Labels)
	return []column{
		{"linear probe, all labels", "probe", 0},
		{"nearest neighbours, all labels", "knn", 0},
		{"linear probe, " + few, "probe", p.Labels},
		{"fine-tuned, " + few, "finetune", p.Labels},
		{"fine-tuned, all labels", "finetune", 0},
		{"linear probe on " + p.Transfer, "transfer", 0},
	}
}

// A line is an encoder of the tables.
type line struct{ title, encoder string }

// lines lists the methods, then what they are held against.
func (p Plan) lines() (all []line) {
	for _, m := range p.methods() {
		title := m.title
		if m.patches {
			title += " (ViT)"
		}
		all = append(all, line{title, m.name})
	}
	for _, kind := range p.kinds() {
		title := "random weights"
		if kind != "" {
			title += " (ViT)"
		}
		all = append(all, line{title, random + kind})
	}
	all = append(all, line{"raw pixels", pixels})
	for _, kind := range p.kinds() {
		title := "supervised from scratch"
		if kind != "" {
			title += " (ViT)"
		}
		all = append(all, line{title, supervised + kind})
	}
	return all
}

// table shows the accuracies in some columns, of encoders that have any.
func (a accuracies) table(columns []column) string {
	var b strings.Builder
	b.WriteString("| features of |")
	for _, c := range columns {
		fmt.Fprintf(&b, " %s |", c.title)
	}
	b.WriteString(" probe above random weights |\n|---|" + strings.Repeat("---|", len(columns)) + "---|\n")
	for _, l := range a.plan.lines() {
		var cells strings.Builder
		any := false
		for _, c := range columns {
			judge := c.judge
			if strings.HasPrefix(l.encoder, supervised) && (judge == "finetune" || judge == "probe" && a.plan.Style != "") {
				judge = "" // it is its own judgement
			}
			v := values(a.of(l.encoder, judge, c.labels))
			any = any || len(v) > 0
			fmt.Fprintf(&cells, " %s |", cell(v))
		}
		if any {
			fmt.Fprintf(&b, "| %s |%s %s |\n", l.title, &cells, a.above(l.encoder))
		}
	}
	return b.String()
}

// above is how much better an encoder's probe is than that of random weights
// of the same seeds, with the standard error of the pairs.
func (a accuracies) above(encoder string) string {
	if _, ok := methodOf(encoder); !ok {
		return ""
	}
	v := a.bySeed(encoder, "probe", 0, baseline(random, encoder), "probe")
	mean, sd := moments(v)
	switch len(v) {
	case 0:
		return "–"
	case 1:
		return fmt.Sprintf("%+.1f (one seed)", 100*mean)
	}
	return fmt.Sprintf("%+.1f ± %.1f", 100*mean, 100*sd/math.Sqrt(float64(len(v))))
}

// Table returns the short table of the results in dir as Markdown.
func (p Plan) Table(dir string) (string, error) {
	a, err := p.accuracies(dir)
	if err != nil {
		return "", err
	}
	return a.table(a.plan.columns()[:4]) + "\n" + a.caption(), nil
}

// Report returns all of the results in dir as Markdown.
func (p Plan) Report(dir string) (string, error) {
	a, err := p.accuracies(dir)
	if err != nil {
		return "", err
	}
	beside, err := a.beside(dir)
	if err != nil {
		return "", err
	}
	chosen, err := choices(dir)
	if err != nil {
		return "", err
	}
	captioned, err := retrieval(dir)
	if err != nil {
		return "", err
	}
	onEmoji, err := Emoji().emojiSection(dir)
	if err != nil {
		return "", err
	}
	aims, err := a.aimsSection(dir)
	if err != nil {
		return "", err
	}
	return "# Results\n\n" + a.caption() + "\n" + a.table(a.plan.columns()) + aims + "\n## Pre-training\n\n" + a.costs() + a.longerSection(dir) + "\n## Differences\n" + a.paired() + beside + captioned + onEmoji + chosen, nil
}

// caption says what the tables show.
func (a accuracies) caption() string {
	var s strings.Builder
	times, least := passes("")
	timesViT, leastViT := passes(ofPatches)
	fmt.Fprintf(&s, "Test accuracy in percent on %s, %d of %d rows finished. Mean ± standard deviation over seeds (%d when all rows are finished), where labels are few each the mean over %d draws of them; above random weights ± the standard error over seeds. Fine-tuning and supervised training are %d passes over the images, or %d steps where those are more; of the ViT %d, or %d.",
		a.plan.Data, len(a.all), len(a.plan.Rows()), a.plan.Seeds, a.plan.Subsets, times, least, timesViT, leastViT)
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

// costs shows what the encoders took.
func (a accuracies) costs() string {
	var b strings.Builder
	b.WriteString("| method | seeds | epochs | CPU minutes | images a CPU second |\n|---|---|---|---|---|\n")
	for _, m := range a.plan.methods() {
		var cpu float64
		var runs, epochs, images int
		for _, r := range a.all {
			if r.Row.Encoder == m.name && r.Row.Judge == "" && r.CPU > 0 && len(r.Data) > 0 {
				cpu, runs, epochs = cpu+r.CPU, runs+1, r.Row.Epochs
				images += r.Row.Epochs * r.Data[0].Count
			}
		}
		if runs > 0 {
			fmt.Fprintf(&b, "| %s | %d | %d | %.1f | %.0f |\n", m.title, runs, epochs, cpu/60/float64(runs), float64(images)/cpu)
		}
	}
	return b.String()
}

// The table stands between these lines of a page.
const (
	begin = "<!-- results: written by make results -->"
	end   = "<!-- end of results -->"
)

// Write writes the table of dir into the Markdown file at page, between the two
// lines that mark its place, and all of the results into the one at report.
// Without these lines it returns an error.
func (p Plan) Write(dir, page, report string) error {
	all, err := p.Report(dir)
	if err != nil {
		return err
	}
	if err := replace(report, []byte(all)); err != nil {
		return err
	}
	table, err := p.Table(dir)
	if err != nil {
		return err
	}
	text, err := os.ReadFile(page)
	if err != nil {
		return fmt.Errorf("results: %w", err)
	}
	before, rest, ok := strings.Cut(string(text), begin)
	_, after, closed := strings.Cut(rest, end)
	if !ok || !closed {
		return fmt.Errorf("results: %s lacks the lines %q and %q", page, begin, end)
	}
	return replace(page, []byte(before+begin+"\n"+table+end+after))
}

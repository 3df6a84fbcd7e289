package pipeline

import (
	"bytes"
	"encoding/json"
	"fmt"
	"html"
	"math"
	"strings"
	"text/tabwriter"

	"sslnotes/tracker"
)

// A Comparison is a table of runs. Runs that differ in nothing but seeds and
// the draw of labels share a row. It shows itself as text and as HTML.
type Comparison struct{ Rows []Row }

// A Row sums up the runs of one recipe.
type Row struct {
	Name   string // of the first run
	Method string
	Kind   string // what was done, such as "probe"
	Labels int    // labelled training images, 0 if none
	Metric string // which value is compared: "test_accuracy", or "loss" for pre-training
	Values []float64
	Mean   float64
	Std    float64 // of the sample; NaN for one run
	Note   string  // why there is no value, or how the row stands to the first: difference ± standard error

	recipe string
	runs   []*Run
}

// Compare puts runs side by side: mean and standard deviation over seeds, and,
// where two rows judged the same test images, whether the difference from the
// first row is more than chance.
func Compare(runs ...*Run) *Comparison {
	c := &Comparison{}
	for _, r := range runs {
		c.add(r)
	}
	for i := range c.Rows {
		c.Rows[i].sum()
		if i > 0 {
			c.Rows[i].against(&c.Rows[0])
		}
	}
	return c
}

// add enters a run in the row of its recipe.
func (c *Comparison) add(r *Run) {
	if r == nil {
		c.Rows = append(c.Rows, Row{Name: "nil", Note: "no run"})
		return
	}
	rec, err := r.Record()
	var key string
	if err == nil {
		key, err = recipe(r.store, rec)
	}
	if err != nil {
		c.Rows = append(c.Rows, Row{Name: r.name, Method: r.method, Note: err.Error()})
		return
	}
	metric := "test_accuracy"
	m, ok := rec.Metrics[metric]
	if !ok {
		metric = "loss"
		m, ok = rec.Metrics[metric]
	}
	row := c.row(key)
	if row == nil {
		c.Rows = append(c.Rows, Row{Name: rec.Name(), Method: rec.Method, Kind: rec.Kind, recipe: key})
		row = &c.Rows[len(c.Rows)-1]
		for _, d := range rec.Data {
			if d.Role == "train" {
				row.Labels = d.Count
			}
		}
	}
	row.runs = append(row.runs, r)
	if rec.Status != tracker.Finished {
		row.Note = string(rec.Status)
	}
	if ok {
		row.Metric, row.Values = metric, append(row.Values, m.Value)
	}
}

func (c *Comparison) row(key string) *Row {
	for i := range c.Rows {
		if c.Rows[i].recipe == key {
			return &c.Rows[i]
		}
	}
	return nil
}

// recipe is what a run shares with its repetitions: kind, options and data of it
// and of what it builds on, without seeds and without which draw of labels.
func recipe(store *tracker.Store, r tracker.Run) (string, error) {
	var options any
	if err := json.Unmarshal(r.Config, &options); err != nil {
		return "", fmt.Errorf("run %s: its config is corrupt: %w", r.Name(), err)
	}
	text, err := json.Marshal(seedless(options))
	if err != nil {
		return "", err
	}
	key := fmt.Sprintf("%s %s %s", r.Kind, r.Method, text)
	for _, d := range r.Data {
		split := d.Split
		if at := strings.LastIndex(split, "/per("); at >= 0 {
			split = split[:at+strings.IndexByte(split[at:], ',')]
		}
		key += fmt.Sprintf(" %s %s %s", d.Role, d.Name, split)
	}
	if r.Parent == "" {
		return key, nil
	}
	p, err := store.Run(r.Parent)
	if err != nil {
		return "", err
	}
	of, err := recipe(store, p)
	return key + "\n" + of, err
}

// seedless takes every field Seed out of decoded JSON.
func seedless(v any) any {
	switch v := v.(type) {
	case map[string]any:
		delete(v, "Seed")
		for k, x := range v {
			v[k] = seedless(x)
		}
	case []any:
		for i, x := range v {
			v[i] = seedless(x)
		}
	}
	return v
}

// sum computes mean and standard deviation.
func (r *Row) sum() {
	r.Mean, r.Std = MeanStd(r.Values)
}

// MeanStd returns the mean of values and the standard deviation of the sample,
// which is NaN for fewer than two.
func MeanStd(values []float64) (mean, std float64) {
	if len(values) == 0 {
		return math.NaN(), math.NaN()
	}
	for _, v := range values {
		mean += v / float64(len(values))
	}
	for _, v := range values {
		std += float64((v - mean) * (v - mean))
	}
	if len(values) < 2 {
		return mean, math.NaN()
	}
	return mean, math.Sqrt(std / float64(len(values)-1))
}

// against notes how the row stands to the first, if each run of one has its
// like in the other, or the other is a single run. Two runs are compared over
// images, by McNemar's test; several by their differences, over runs.
func (r *Row) against(first *Row) {
	if r.Note != "" || r.Metric != "test_accuracy" || first.Metric != r.Metric || len(first.runs) != 1 && len(r.runs) != len(first.runs) {
		return
	}
	var last Pair
	var differences []float64
	for i := range r.runs {
		p, err := Paired(first.runs[min(i, len(first.runs)-1)], r.runs[i])
		if err != nil {
			return
		}
		last, differences = p, append(differences, p.Difference())
	}
	if len(differences) == 1 {
		r.Note = fmt.Sprintf("%+.2f ± %.2f pt, p = %.2g", 100*last.Difference(), 100*last.Error(), last.P())
		return
	}
	mean, std := MeanStd(differences)
	r.Note = fmt.Sprintf("%+.2f ± %.2f pt over %d runs", 100*mean, 100*std/math.Sqrt(float64(len(differences))), len(differences))
}

// value is the cell of a row's value.
func (r *Row) value() string {
	switch {
	case len(r.Values) == 0:
		return ""
	case r.Metric == "test_accuracy" && len(r.Values) == 1:
		return fmt.Sprintf("%.2f %%", 100*r.Mean)
	case r.Metric == "test_accuracy":
		return fmt.Sprintf("%.2f ± %.2f %%", 100*r.Mean, 100*r.Std)
	case len(r.Values) == 1:
		return fmt.Sprintf("%.4f", r.Mean)
	}
	return fmt.Sprintf("%.4f ± %.4f", r.Mean, r.Std)
}

// cells are the table with its head.
func (c *Comparison) cells() [][]string {
	all := [][]string{{"run", "method", "kind", "labels", "runs", "value", "against the first"}}
	for i := range c.Rows {
		r := &c.Rows[i]
		labels, value := "", r.value()
		if r.Labels > 0 {
			labels = fmt.Sprint(r.Labels)
		}
		if value != "" {
			value = strings.ReplaceAll(r.Metric, "_", " ") + " " + value
		}
		all = append(all, []string{r.Name, r.Method, r.Kind, labels, fmt.Sprint(max(1, len(r.runs))), value, r.Note})
	}
	return all
}

// String shows the table as text.
func (c *Comparison) String() string {
	var b bytes.Buffer
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	for _, row := range c.cells() {
		fmt.Fprintln(w, strings.Join(row, "\t"))
	}
	w.Flush()
	return b.String()
}

// HTML shows the table in a notebook.
func (c *Comparison) HTML() string {
	var b strings.Builder
	b.WriteString("<table>\n")
	for i, row := range c.cells() {
		tag := "td"
		if i == 0 {
			tag = "th"
		}
		b.WriteString("<tr>")
		for _, cell := range row {
			fmt.Fprintf(&b, "<%s style=\"text-align:left\">%s</%s>", tag, html.EscapeString(cell), tag)
		}
		b.WriteString("</tr>\n")
	}
	b.WriteString("</table>")
	return b.String()
}

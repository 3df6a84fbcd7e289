package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"sslnotes/tracker"
)

// comparison is what compare prints.
type comparison struct {
	Runs        []tracker.Run `json:"runs"`
	Groups      []group       `json:"groups"`
	Differences []difference  `json:"differences"`
}

// A group is the runs that differ in nothing but seed and draw of labels.
type group struct {
	Runs    []string          `json:"runs"`
	Metrics map[string]spread `json:"metrics"` // of computed metrics' last values
	recipe  string
}

// spread is a mean and the standard deviation of the sample, 0 for one value.
type spread struct {
	N    int     `json:"n"`
	Mean float64 `json:"mean"`
	Std  float64 `json:"std"`
}

// A difference is an option that is not the same in all runs.
type difference struct {
	Field  string            `json:"field"`
	Values map[string]string `json:"values"` // by run
}

func (a *app) compare() *cobra.Command {
	var asJSON bool
	var metrics []string
	c := &cobra.Command{
		Use:   "compare RUN RUN…",
		Short: "Compare runs: their metrics, and the options that differ",
		Long: `Compare runs side by side: the last value of every computed metric, and every
option, seed, data set and version that is not the same in all of them. Runs that
differ in nothing but the seed or the draw of labels are one group, shown by mean
± standard deviation over its runs.`,
		Example:           "  sslnotes compare simclr-probe-1 random-probe-1 pixels-probe-1\n  sslnotes compare a b c --metric test_accuracy --json",
		Args:              cobra.MinimumNArgs(2),
		ValidArgsFunction: a.completeRuns,
		RunE: a.reading(func(s *tracker.Store, args []string) error {
			cmp, err := compareRuns(s, args)
			if err != nil {
				return err
			}
			if asJSON {
				return a.json(cmp)
			}
			return a.printComparison(cmp, metrics)
		}),
	}
	c.Flags().StringSliceVar(&metrics, "metric", nil, "metrics to show (default: all that a run computed once, and the loss)")
	c.Flags().BoolVar(&asJSON, "json", false, "print as JSON")
	return c
}

func compareRuns(s *tracker.Store, refs []string) (comparison, error) {
	var cmp comparison
	var errs []error
	for _, ref := range refs {
		r, err := s.Run(ref)
		errs = append(errs, err)
		cmp.Runs = append(cmp.Runs, r)
	}
	if err := errors.Join(errs...); err != nil {
		return cmp, err
	}
	flat := map[string]map[string]string{} // run, field
	for _, r := range cmp.Runs {
		f, err := facts(s, r)
		if err != nil {
			return cmp, err
		}
		flat[r.Name()] = f
		cmp.Groups = insert(cmp.Groups, r, recipe(f))
	}
	for i := range cmp.Groups {
		cmp.Groups[i].sum(cmp.Runs)
	}
	cmp.Differences = differences(flat)
	return cmp, nil
}

// facts are all inputs of a run and of those it builds on, by dotted names.
func facts(s *tracker.Store, r tracker.Run) (map[string]string, error) {
	f := map[string]string{}
	var inputs any
	if err := json.Unmarshal(r.Inputs, &inputs); err != nil {
		return nil, fmt.Errorf("run %s: its inputs are corrupt: %w", r.Name(), err)
	}
	flatten(f, "", inputs)
	delete(f, "parent") // a digest, which says less than what follows
	if r.Parent == "" {
		return f, nil
	}
	p, err := s.Run(r.Parent)
	if err != nil {
		return nil, err
	}
	of, err := facts(s, p)
	for k, v := range of {
		f["parent."+k] = v
	}
	return f, err
}

// flatten enters a JSON value's scalars; data sets are named by their role.
func flatten(to map[string]string, path string, v any) {
	switch v := v.(type) {
	case map[string]any:
		for k, x := range v {
			flatten(to, strings.TrimPrefix(path+"."+k, "."), x)
		}
	case []any:
		for i, x := range v {
			at := fmt.Sprintf("%s[%d]", path, i)
			if m, ok := x.(map[string]any); ok && m["role"] != nil {
				at = fmt.Sprintf("%s.%v", path, m["role"])
			}
			flatten(to, at, x)
		}
	default:
		b, _ := json.Marshal(v) // it came from JSON
		to[path] = strings.Trim(string(b), `"`)
	}
}

// recipe is what a run shares with its repetitions: all but seeds and which
// draw of labels it was given.
func recipe(f map[string]string) string {
	var b strings.Builder
	for _, k := range slices.Sorted(maps.Keys(f)) {
		v := f[k]
		switch {
		case strings.EqualFold(k[strings.LastIndexByte(k, '.')+1:], "seed"), strings.Contains(k, "data.") && strings.HasSuffix(k, ".digest"):
			continue
		case strings.HasSuffix(k, ".split"):
			if at := strings.LastIndex(v, "/per("); at >= 0 {
				v = v[:strings.LastIndexByte(v, ',')]
			}
		}
		fmt.Fprintf(&b, "%s=%s\n", k, v)
	}
	return b.String()
}

// insert adds a run to the group of its recipe.
func insert(groups []group, r tracker.Run, recipe string) []group {
	for i := range groups {
		if groups[i].recipe == recipe {
			groups[i].Runs = append(groups[i].Runs, r.Name())
			return groups
		}
	}
	return append(groups, group{Runs: []string{r.Name()}, recipe: recipe})
}

// sum fills in the metrics that all runs of the group have.
func (g *group) sum(runs []tracker.Run) {
	values := map[string][]float64{}
	for _, r := range runs {
		if !slices.Contains(g.Runs, r.Name()) {
			continue
		}
		for k, m := range r.Metrics {
			if !m.Observed {
				values[k] = append(values[k], m.Value)
			}
		}
	}
	g.Metrics = map[string]spread{}
	for k, v := range values {
		if s := spreadOf(v); len(v) == len(g.Runs) && !math.IsNaN(s.Mean) && !math.IsInf(s.Mean, 0) {
			g.Metrics[k] = s
		}
	}
}

func spreadOf(v []float64) spread {
	s := spread{N: len(v)}
	for _, x := range v {
		s.Mean += x / float64(len(v))
	}
	if len(v) < 2 {
		return s
	}
	for _, x := range v {
		s.Std += (x - s.Mean) * (x - s.Mean) / float64(len(v)-1)
	}
	s.Std = math.Sqrt(s.Std)
	return s
}

// differences lists the fields that are not the same in all runs.
func differences(flat map[string]map[string]string) []difference {
	fields := map[string]bool{}
	for _, f := range flat {
		for k := range f {
			fields[k] = true
		}
	}
	all := []difference{}
	for _, k := range slices.Sorted(maps.Keys(fields)) {
		d, seen := difference{k, map[string]string{}}, map[string]bool{}
		for name, f := range flat {
			d.Values[name] = f[k]
			seen[f[k]] = true
		}
		if len(seen) > 1 {
			all = append(all, d)
		}
	}
	return all
}

func (a *app) printComparison(cmp comparison, metrics []string) error {
	if len(metrics) == 0 {
		metrics = shown(cmp.Runs)
	}
	w := table(a.out)
	fmt.Fprintf(w, "RUN\tN\t%s\n", strings.ToUpper(strings.Join(metrics, "\t")))
	for _, g := range cmp.Groups {
		fmt.Fprintf(w, "%s\t%d", groupName(g.Runs), len(g.Runs))
		for _, k := range metrics {
			fmt.Fprintf(w, "\t%s", g.cell(k))
		}
		fmt.Fprintln(w)
	}
	fmt.Fprint(w, "\nDIFFERS IN")
	for _, r := range cmp.Runs {
		fmt.Fprintf(w, "\t%s", r.Name())
	}
	fmt.Fprintln(w)
	for _, d := range cmp.Differences {
		if strings.HasSuffix(d.Field, ".digest") {
			continue // said by the split
		}
		fmt.Fprint(w, d.Field)
		for _, r := range cmp.Runs {
			fmt.Fprintf(w, "\t%s", d.Values[r.Name()])
		}
		fmt.Fprintln(w)
	}
	return w.Flush()
}

// shown are the metrics a table begins with: the loss and all scores.
func shown(runs []tracker.Run) []string {
	keys := map[string]bool{}
	for _, r := range runs {
		for k, m := range r.Metrics {
			if !m.Observed && (m.N == 1 || k == "loss") {
				keys[k] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(keys))
}

// groupName names a group by its first run and how many more there are.
func groupName(runs []string) string {
	if len(runs) == 1 {
		return runs[0]
	}
	return fmt.Sprintf("%s + %d", runs[0], len(runs)-1)
}

func (g group) cell(key string) string {
	s, ok := g.Metrics[key]
	switch {
	case !ok:
		return "-"
	case s.N == 1:
		return fmt.Sprintf("%.4g", s.Mean)
	}
	return fmt.Sprintf("%.4g ± %.2g", s.Mean, s.Std)
}

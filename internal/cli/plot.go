package cli

import (
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"sslnotes/plots"
	"sslnotes/tracker"
)

// plotOptions are the flags of plot.
type plotOptions struct {
	metric, out, title string
	logY               bool
	smooth             int
}

func (a *app) plot() *cobra.Command {
	var o plotOptions
	c := &cobra.Command{
		Use:   "plot RUN…",
		Short: "Draw a metric of runs as SVG or PNG",
		Long: `Draw a metric of one or more runs, and write the figure to a file whose ending,
.svg or .png, says the format. A metric with many values is drawn as curves over
the steps, one of a single value as bars; runs that differ in nothing but the
seed or the draw of labels share a bar, with one standard deviation.`,
		Example: `  sslnotes plot simclr-1 rotation-1
  sslnotes plot simclr-1 --metric pair_accuracy --out pairs.png
  sslnotes plot simclr-probe-1 random-probe-1 --metric test_accuracy`,
		Args:              cobra.MinimumNArgs(1),
		ValidArgsFunction: a.completeRuns,
		RunE: a.reading(func(s *tracker.Store, args []string) error {
			cmp, err := compareRuns(s, args)
			if err != nil {
				return err
			}
			if o.metric == "" {
				o.metric = firstMetric(cmp.Runs)
			}
			return a.draw(cmp, o)
		}),
	}
	f := c.Flags()
	f.StringVar(&o.metric, "metric", "", "metric to draw (default: loss, or test_accuracy where there is none)")
	f.StringVar(&o.out, "out", "", "file to write, .svg or .png (default: RUN-METRIC.svg)")
	f.StringVar(&o.title, "title", "", "title of the figure")
	f.BoolVar(&o.logY, "log", false, "logarithmic axis of values")
	f.IntVar(&o.smooth, "smooth", 0, "points in the moving average of a curve (default: chosen by its noise; negative: none)")
	return c
}

func firstMetric(runs []tracker.Run) string {
	for _, r := range runs {
		if _, ok := r.Metrics["loss"]; ok {
			return "loss"
		}
	}
	return "test_accuracy"
}

func (a *app) draw(cmp comparison, o plotOptions) error {
	most := 0
	for _, r := range cmp.Runs {
		most = max(most, r.Metrics[o.metric].N)
	}
	if most == 0 {
		return fmt.Errorf("no run has a metric %s, have %s", o.metric, strings.Join(metricsOf(cmp.Runs), ", "))
	}
	figure := bars(cmp, o)
	if most > 1 {
		figure = curves(cmp.Runs, o)
	}
	if o.out == "" {
		o.out = cmp.Runs[0].Name() + "-" + o.metric + ".svg"
	}
	var b []byte
	switch strings.ToLower(filepath.Ext(o.out)) {
	case ".svg":
		b = []byte(figure.SVG())
	case ".png":
		b = figure.PNG()
	default:
		return fmt.Errorf("--out %s: want a name that ends in .svg or .png", o.out)
	}
	if err := writeFile(o.out, b); err != nil {
		return err
	}
	_, err := fmt.Fprintln(a.out, o.out)
	return err
}

func metricsOf(runs []tracker.Run) []string {
	keys := map[string]bool{}
	for _, r := range runs {
		for k := range r.Metrics {
			keys[k] = true
		}
	}
	return slices.Sorted(maps.Keys(keys))
}

func curves(runs []tracker.Run, o plotOptions) plots.Figure {
	all := make([]plots.Run, len(runs))
	for i, r := range runs {
		all[i] = r
	}
	f := plots.Metric(o.metric, all...)
	f.Title, f.LogY, f.Smooth = o.title, o.logY, o.smooth
	return f
}

// bars draws a bar a group.
func bars(cmp comparison, o plotOptions) plots.Figure {
	f := plots.Finals(o.metric)
	f.Title = o.title
	for _, g := range cmp.Groups {
		b := plots.Bar{Name: g.Runs[0]}
		for _, r := range cmp.Runs {
			if m, ok := r.Metrics[o.metric]; ok && slices.Contains(g.Runs, r.Name()) {
				b.Values = append(b.Values, m.Value)
			}
		}
		f.Bars = append(f.Bars, b)
	}
	return f
}

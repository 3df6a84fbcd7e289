package cli

import (
	"fmt"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"sslnotes/sslkit/pipeline"
	"sslnotes/tracker"
)

func (a *app) runs() *cobra.Command {
	var f tracker.Filter
	var status string
	var asJSON bool
	c := &cobra.Command{
		Use:     "runs",
		Short:   "List the runs, oldest first",
		Long:    `List the runs of the store, oldest first, with the last loss and the test accuracy where there is one. A crashed run is one whose process is gone.`,
		Example: "  sslnotes runs\n  sslnotes runs --kind probe --limit 10\n  sslnotes runs --status failed --json",
		Args:    cobra.NoArgs,
		RunE: a.reading(func(s *tracker.Store, _ []string) error {
			f.Status = tracker.Status(status)
			all, err := s.Runs(f)
			if err != nil {
				return err
			}
			if asJSON {
				return a.json(append([]tracker.Run{}, all...))
			}
			return a.printRuns(s, all)
		}),
	}
	l := c.Flags()
	l.StringVar(&f.Kind, "kind", "", "only runs of this kind: pretrain, probe, knn, finetune, supervised, random, pixels, imported")
	offer(c, "kind", []string{"pretrain", "probe", "knn", "finetune", "supervised", "random", "pixels", "imported"})
	l.StringVar(&f.Method, "method", "", "only runs of this method")
	l.StringVar(&status, "status", "", "only runs that are running, finished, failed, interrupted, diverged or crashed")
	offer(c, "status", []string{"running", "finished", "failed", "interrupted", "diverged", "crashed"})
	l.IntVar(&f.Limit, "limit", 0, "only the newest so many")
	l.BoolVar(&asJSON, "json", false, "print as JSON")
	return c
}

func (a *app) printRuns(s *tracker.Store, all []tracker.Run) error {
	names := map[string]string{}
	for _, r := range all {
		names[r.ID] = r.Name()
	}
	w := table(a.out)
	fmt.Fprintln(w, "NAME\tID\tKIND\tMETHOD\tSTATUS\tSEED\tLOSS\tACCURACY\tPARENT\tMADE")
	for _, r := range all {
		parent := names[r.Parent]
		if parent == "" {
			parent = r.Parent
			if p, err := s.Run(r.Parent); err == nil {
				parent = p.Name()
			}
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%d\t%s\t%s\t%s\t%s\n", r.Name(), r.ID, r.Kind, r.Method, r.Status, r.Seed,
			lastValue(r, "loss"), lastValue(r, "test_accuracy"), parent, age(time.Since(r.Created)))
	}
	return w.Flush()
}

// lastValue shows a metric's last value, or nothing.
func lastValue(r tracker.Run, key string) string {
	m, ok := r.Metrics[key]
	if !ok {
		return ""
	}
	return strconv.FormatFloat(m.Value, 'f', 4, 64)
}

// age is a duration in one unit.
func age(d time.Duration) string {
	switch {
	case d < time.Minute:
		return "just now"
	case d < time.Hour:
		return fmt.Sprintf("%d min ago", int(d.Minutes()))
	case d < 48*time.Hour:
		return fmt.Sprintf("%d h ago", int(d.Hours()))
	}
	return fmt.Sprintf("%d days ago", int(d.Hours()/24))
}

// printRun tells what became of a run that was made now. Next is the command
// that one would go on with, or "".
func (a *app) printRun(r *pipeline.Run, asJSON bool, next string) error {
	rec, err := r.Record()
	if err != nil {
		return err
	}
	if asJSON {
		return a.json(rec)
	}
	fmt.Fprintf(a.out, "%s (%s): %s after %s", rec.Name(), rec.ID, rec.Status, rec.Ended.Sub(rec.Created).Round(10*time.Millisecond))
	for _, key := range []string{"loss", "train_accuracy", "test_accuracy"} {
		if v := lastValue(rec, key); v != "" {
			fmt.Fprintf(a.out, ", %s %s", key, v)
		}
	}
	fmt.Fprintf(a.out, "\ndigest %s\n", rec.Digest)
	switch {
	case rec.Message != "":
		fmt.Fprintln(a.out, rec.Message)
	case next != "":
		fmt.Fprintf(a.out, "next: sslnotes %s %s\n", next, rec.Name())
	}
	return nil
}

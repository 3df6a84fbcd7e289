package cli

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"github.com/spf13/cobra"

	"sslnotes/internal/results"
	"sslnotes/plots"
)

// results is hidden: it serves this project's own table.
func (a *app) results() *cobra.Command {
	var p results.Plan
	var dir, page, report, peers, tried string
	var epochs map[string]int
	var tableOnly, emoji bool
	c := &cobra.Command{
		Use:    "results",
		Hidden: true,
		Short:  "Make the runs of the results table, and write it",
		Long: `Make the runs behind the table of results that are not finished yet, and write
the table. A finished row is one file in --dir; delete it to make the row again.
Ctrl-C or a kill loses the row that is being made, no other: the same command
goes on from there.`,
		Example: "  sslnotes results\n  sslnotes results --epochs simclr=16,rotation=8\n  sslnotes results --table",
		Args:    cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			p.Epochs = epochs
			q := results.Emoji()
			if emoji { // the options are this plan's, the page has the whole of the other
				q.Seeds, q.Methods = p.Seeds, p.Methods
				p.Seeds, p.Methods = 0, nil
			}
			write := func() error { return errors.Join(p.Write(dir, page, report), drawLonger(p, dir), drawSteps(dir)) }
			if tableOnly {
				return write()
			}
			s, err := a.session(c.Context())
			if err != nil {
				return err
			}
			if tried != "" {
				store, err := s.Open()
				if err != nil {
					return err
				}
				return errors.Join(results.KeepTried(store, tried, dir), write())
			}
			switch {
			case peers != "":
				err = errors.Join(p.JudgePeers(s, peers, dir, a.out), write())
			case emoji:
				err = q.Execute(s, filepath.Join(dir, results.EmojiDir), a.out, write)
			default:
				err = p.Execute(s, dir, a.out, write)
			}
			if errors.Is(err, context.Canceled) {
				fmt.Fprintln(a.err, "interrupted: the same command goes on from here")
			}
			return err
		},
	}
	f := c.Flags()
	dataFlag(c, &p.Data, "fashion-mnist", dataUsage)
	f.IntVar(&p.Seeds, "seeds", 3, "seeds")
	f.IntVar(&p.Subsets, "subsets", 5, "draws of few labels")
	f.IntVar(&p.Labels, "labels", 10, "labelled images a class where they are few")
	f.StringToIntVar(&epochs, "epochs", nil, "epochs of pre-training by method, as simclr=16,rotation=8 (default: two to ten minutes of one core each)")
	f.StringVar(&dir, "dir", "sslkit/results", "folder of the rows' files")
	f.StringVar(&page, "page", "README.md", "Markdown file that holds the short table")
	f.StringVar(&report, "report", "sslkit/RESULTS.md", "Markdown file for all of it")
	f.StringSliceVar(&p.Methods, "methods", nil, "only these methods and what they are held against (default: all)")
	f.StringVar(&peers, "peers", "", "instead judge the encoders that sslkit/bench/peers/parity.py left in this folder, and write the table")
	f.StringVar(&tried, "tried", "", "instead keep this training, judged on validation images, among what was tried, and write the table")
	f.BoolVar(&emoji, "emoji", false, "instead make the rows on emoji, where methods that need colour are judged")
	f.BoolVar(&tableOnly, "table", false, "only write the table from the finished rows")
	c.MarkFlagsMutuallyExclusive("table", "emoji", "peers", "tried")
	c.MarkFlagsMutuallyExclusive("emoji", "epochs")
	return c
}

// drawLonger draws what longer training gains, if there is any.
func drawLonger(p results.Plan, dir string) error {
	all, pixels, err := p.Longer(dir)
	if err != nil || len(all) == 0 {
		return err
	}
	f := plots.Curves{XLabel: "epochs of pre-training", YLabel: p.LongerLabel(), Percent: true, LogX: true, Marks: true, Smooth: -1}
	for _, l := range all {
		f.Lines = append(f.Lines, plots.Sweep{Name: l.Title, X: l.Epochs, Values: l.Accuracies}.Line())
	}
	if pixels > 0 {
		f.References = []plots.Reference{{Name: "raw pixels", Value: pixels}}
	}
	return f.Save(filepath.Join(dir, results.LongerFigure))
}

// drawSteps draws what more steps of CLIP gain, if there is any.
func drawSteps(dir string) error {
	all, err := results.TriedSteps(dir)
	if err != nil || len(all) == 0 {
		return err
	}
	seen := plots.Curves{Title: "seen concepts", XLabel: "steps", YLabel: "R@1", Percent: true, LogX: true, Marks: true, Smooth: -1}
	held := seen
	held.Title = "held-out concepts"
	for _, s := range all {
		seen.Lines = append(seen.Lines, plots.Line{Name: s.Title, X: s.Steps, Y: s.Seen})
		held.Lines = append(held.Lines, plots.Line{Name: s.Title, X: s.Steps, Y: s.Held})
	}
	return plots.Beside(seen, held).Save(filepath.Join(dir, results.StepsFigure))
}

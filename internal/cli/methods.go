package cli

import (
	"fmt"
	"io"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"sslnotes/internal/catalog"
	"sslnotes/sslkit"
)

// method is what methods prints of one.
type method struct {
	catalog.Method
	Schedule sslkit.Schedule `json:"schedule"`
}

func describe(m catalog.Method) method {
	d := method{Method: m}
	if s, ok := m.New().(sslkit.Scheduler); ok {
		d.Schedule = s.Schedule()
	}
	return d
}

func methodNames() []string {
	var names []string
	for _, m := range catalog.Methods() {
		names = append(names, m.Name+"\t"+m.Summary)
	}
	return names
}

func (a *app) methods() *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:   "methods [METHOD]",
		Short: "List the methods, or one with its paper, schedule and options",
		Long: `List the methods by section of the course. With METHOD, show its paper, its own
schedule, and every option that train --set can change, with its default.`,
		Example: "  sslnotes methods\n  sslnotes methods simclr\n  sslnotes methods --json",
		Args:    cobra.MaximumNArgs(1),
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			return methodNames(), cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(_ *cobra.Command, args []string) error {
			if len(args) == 1 {
				m, err := catalog.FindMethod(args[0])
				if err != nil {
					return err
				}
				if asJSON {
					return a.json(describe(m))
				}
				return a.printMethod(describe(m))
			}
			var all []method
			for _, m := range catalog.Methods() {
				all = append(all, describe(m))
			}
			if asJSON {
				return a.json(all)
			}
			return a.printMethods(all)
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print as JSON")
	return c
}

func (a *app) printMethods(all []method) error {
	w := table(a.out)
	fmt.Fprintln(w, "METHOD\tSECTION\tEPOCHS\tBATCH\tRATE\tPAPER")
	for _, m := range all {
		fmt.Fprintf(w, "%s\t%s\t%d\t%d\t%g\t%s\n", m.Name, m.Section, m.Schedule.Epochs, m.Schedule.BatchSize, m.Schedule.LearningRate, m.Paper)
	}
	return w.Flush()
}

func (a *app) printMethod(m method) error {
	w := table(a.out)
	fmt.Fprintf(w, "%s (%s)\n%s\n\npaper\t%s\nschedule\t%d epochs, %d images a step, peak rate %g\n\n",
		m.Name, m.Type, m.Summary, m.Paper, m.Schedule.Epochs, m.Schedule.BatchSize, m.Schedule.LearningRate)
	printFields(w, m.Fields)
	return w.Flush()
}

func printFields(w io.Writer, fields []catalog.Field) {
	for _, f := range fields {
		fmt.Fprintf(w, "%s\t%s\t%s\n", f.Name, f.Type, f.Doc)
	}
}

func table(to io.Writer) *tabwriter.Writer { return tabwriter.NewWriter(to, 0, 0, 2, ' ', 0) }

func (a *app) encoders() *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:     "encoders",
		Short:   "List the architectures and their options",
		Long:    `List the architectures that train and baseline can use, with every option that --set Encoder.Field=value can change, and its default.`,
		Example: "  sslnotes encoders\n  sslnotes train simclr --encoder resnet --set Encoder.Blocks=2",
		Args:    cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			if asJSON {
				return a.json(catalog.Encoders())
			}
			for _, e := range catalog.Encoders() {
				w := table(a.out)
				fmt.Fprintf(w, "%s (%s)\n%s\n", e.Name, e.Type, e.Summary)
				printFields(w, e.Fields)
				fmt.Fprintln(w)
				if err := w.Flush(); err != nil {
					return err
				}
			}
			return nil
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print as JSON")
	return c
}

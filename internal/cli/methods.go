package cli

import (
	"fmt"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"sslnotes/sslkit"
	"sslnotes/sslkit/contrastive"
	"sslnotes/sslkit/pretext"
)

// methods lists every method; each call makes new ones.
func methods() []sslkit.Method {
	return []sslkit.Method{&pretext.Rotation{}, &contrastive.SimCLR{}}
}

func findMethod(name string) (sslkit.Method, error) {
	var names []string
	for _, m := range methods() {
		if m.Name() == name {
			return m, nil
		}
		names = append(names, m.Name())
	}
	return nil, fmt.Errorf("no method %q, have %v", name, names)
}

func (a *app) methods() *cobra.Command {
	return &cobra.Command{
		Use:   "methods",
		Short: "List the methods and their default schedules",
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			w := tabwriter.NewWriter(a.out, 0, 0, 2, ' ', 0)
			fmt.Fprintln(w, "METHOD\tEPOCHS\tBATCH\tRATE")
			for _, m := range methods() {
				var s sslkit.Schedule
				if d, ok := m.(sslkit.Scheduler); ok {
					s = d.Schedule()
				}
				fmt.Fprintf(w, "%s\t%d\t%d\t%g\n", m.Name(), s.Epochs, s.BatchSize, s.LearningRate)
			}
			return w.Flush()
		},
	}
}

package cli

import (
	"fmt"
	"runtime"

	"github.com/spf13/cobra"

	"sslnotes/sslkit/tensor"
)

func (a *app) version() *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:   "version",
		Short: "Print the numerics version and the instruction set in use",
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			v := map[string]string{"numerics": tensor.Numerics, "isa": tensor.ISA(), "go": runtime.Version(), "arch": runtime.GOARCH}
			if asJSON {
				return a.json(v)
			}
			_, err := fmt.Fprintf(a.out, "sslnotes: numerics %s, %s on %s, %s\n", v["numerics"], v["isa"], v["arch"], v["go"])
			return err
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print as JSON")
	return c
}

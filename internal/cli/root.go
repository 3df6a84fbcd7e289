// Package cli is the command line, one file a command.
package cli

import (
	"encoding/json"
	"io"

	"github.com/spf13/cobra"
)

// app is what all commands share.
type app struct{ out, err io.Writer }

// Root returns the command tree, writing results to out and progress to err.
func Root(out, err io.Writer) *cobra.Command {
	a := &app{out, err}
	root := &cobra.Command{
		Use:   "sslnotes",
		Short: "A laboratory for self-supervised learning",
		Long: `A laboratory for self-supervised learning: methods that train on real images,
on an engine whose results are the same bits on any number of threads and any
instruction set. SSLKIT_ISA (generic, avx2, avx512) and GOMAXPROCS change speed,
never a bit.`,
		SilenceUsage: true,
	}
	root.SetOut(out)
	root.SetErr(err)
	root.AddCommand(a.methods(), a.train(), a.version())
	return root
}

// json prints one value as indented JSON.
func (a *app) json(v any) error {
	e := json.NewEncoder(a.out)
	e.SetIndent("", "  ")
	return e.Encode(v)
}

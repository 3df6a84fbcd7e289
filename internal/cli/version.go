package cli

import (
	"fmt"
	"os"
	"runtime"
	"strings"

	"github.com/spf13/cobra"

	"sslnotes/sslkit/tensor"
)

// Version is the program's version; the numerics version is the engine's.
const Version = "0.1.0"

// versions is what version prints.
type versions struct {
	Version  string `json:"version"`
	Numerics string `json:"numerics"`
	Source   string `json:"source"`
	Go       string `json:"go"`
	OS       string `json:"os"`
	Arch     string `json:"arch"`
	ISA      string `json:"isa"`
	CPU      string `json:"cpu"`
}

func (a *app) version() *cobra.Command {
	var asJSON bool
	var archive string
	c := &cobra.Command{
		Use:   "version",
		Short: "Print the version, the source's digest and the instruction set in use",
		Long: `Print what identifies this program. The numerics version changes with any change
that changes a bit of any result. The source is the SHA-256 of the source that
this program carries, which runs refer to; --source writes it as a tar file.`,
		Example: "  sslnotes version --json\n  sslnotes version --source source.tar",
		Args:    cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			b, digest, err := a.source.Bytes()
			if err != nil {
				return err
			}
			if archive != "" {
				if err := writeFile(archive, b); err != nil {
					return err
				}
			}
			v := versions{Version, tensor.Numerics, digest, runtime.Version(), runtime.GOOS, runtime.GOARCH, tensor.ISA(), processor()}
			if asJSON {
				return a.json(v)
			}
			w := table(a.out)
			fmt.Fprintf(w, "sslnotes\t%s\nnumerics\t%s\nsource\t%s\ngo\t%s, %s/%s\nisa\t%s\ncpu\t%s\n", v.Version, v.Numerics, v.Source, v.Go, v.OS, v.Arch, v.ISA, v.CPU)
			return w.Flush()
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print as JSON")
	c.Flags().StringVar(&archive, "source", "", "also write the source to this tar file")
	return c
}

// processor is the processor's name, or "" where the system does not tell.
func processor() string {
	b, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		return ""
	}
	for line := range strings.Lines(string(b)) {
		if key, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(key) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

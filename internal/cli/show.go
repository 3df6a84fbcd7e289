package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"sslnotes/tracker"
)

func (a *app) show() *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:   "show RUN",
		Short: "Show all that is known of a run",
		Long: `Show a run's record: options as resolved, data with their digests, the code and
machine, the last, lowest and highest value of every metric, the files, and the
runs that build on it. Observed metrics, marked so, are not functions of the
run's inputs and stand outside its digest.`,
		Example:           "  sslnotes show simclr-1\n  sslnotes show simclr-1 --json",
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: a.completeRuns,
		RunE: a.reading(func(s *tracker.Store, args []string) error {
			r, err := s.Run(args[0])
			if err != nil {
				return err
			}
			if asJSON {
				return a.json(r)
			}
			return a.printRecord(s, r)
		}),
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print as JSON")
	return c
}

func (a *app) printRecord(s *tracker.Store, r tracker.Run) error {
	w := table(a.out)
	row := func(key, format string, args ...any) { fmt.Fprintf(w, "%s\t%s\n", key, fmt.Sprintf(format, args...)) }
	row("name", "%s", r.Name())
	row("id", "%s", r.ID)
	row("kind", "%s, %s", r.Kind, r.Method)
	row("status", "%s", strings.TrimSuffix(string(r.Status)+": "+r.Message, ": "))
	if r.Parent != "" {
		row("parent", "%s", r.Parent)
	}
	row("seed", "%d", r.Seed)
	row("made", "%s", r.Created.Local().Format(time.DateTime))
	if !r.Ended.IsZero() {
		row("took", "%s", r.Ended.Sub(r.Created).Round(10*time.Millisecond))
	}
	row("digest", "%s", r.Digest)
	row("numerics", "%s", r.Numerics)
	row("source", "%s, %s on %s/%s", r.Source.Digest, r.Source.Go, r.Source.OS, r.Source.Arch)
	for _, k := range slices.Sorted(maps.Keys(r.Machine)) {
		row(k, "%s", r.Machine[k])
	}
	if r.Session != "" {
		row("cell", "%d of notebook session %s", r.Cell, r.Session)
	}
	for _, d := range r.Data {
		row(d.Role+" data", "%s, %s: %d samples, %s", d.Name, d.Split, d.Count, d.Digest)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	a.printConfig(r.Config)
	if err := a.printMetrics(r); err != nil {
		return err
	}
	return a.printRelated(s, r)
}

func (a *app) printConfig(config json.RawMessage) {
	var b bytes.Buffer
	if json.Indent(&b, config, "", "  ") == nil {
		fmt.Fprintf(a.out, "\noptions %s\n", &b)
	}
}

func (a *app) printMetrics(r tracker.Run) error {
	if len(r.Metrics) == 0 {
		return nil
	}
	w := table(a.out)
	fmt.Fprintln(w, "\nMETRIC\tLAST\tSTEP\tVALUES\tLOWEST\tHIGHEST\t")
	for _, key := range slices.Sorted(maps.Keys(r.Metrics)) {
		m := r.Metrics[key]
		mark := ""
		if m.Observed {
			mark = "observed"
		}
		fmt.Fprintf(w, "%s\t%.6g\t%d\t%d\t%.6g\t%.6g\t%s\n", key, m.Value, m.Step, m.N, m.Low, m.High, mark)
	}
	return w.Flush()
}

// printRelated lists the run's files and the runs that build on it.
func (a *app) printRelated(s *tracker.Store, r tracker.Run) error {
	files, err := s.Artifacts(r.ID)
	if err != nil {
		return err
	}
	w := table(a.out)
	for i, f := range files {
		if i == 0 {
			fmt.Fprintln(w, "\nFILE\tSTEP\tBYTES\tSHA-256")
		}
		fmt.Fprintf(w, "%s\t%d\t%d\t%s\n", f.Name, f.Step, f.Size, f.Digest)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	children, err := s.Children(r.ID)
	if err != nil || len(children) == 0 {
		return err
	}
	fmt.Fprintln(a.out)
	return a.printRuns(s, children)
}

func (a *app) export() *cobra.Command {
	var file string
	c := &cobra.Command{
		Use:   "export RUN [PATH]",
		Short: "Write a file of a run, such as its encoder, to disk",
		Long: `Write a file that a run left to PATH, or to standard output. Without --file it is
the encoder's weights in safetensors format, which PyTorch and others read.`,
		Example:           "  sslnotes export simclr-1 encoder.safetensors\n  sslnotes export simclr-probe-1 --file predictions.bin >predictions.bin",
		Args:              cobra.RangeArgs(1, 2),
		ValidArgsFunction: a.completeRuns,
		RunE: a.reading(func(s *tracker.Store, args []string) error {
			r, err := s.Run(args[0])
			if err != nil {
				return err
			}
			b, err := s.Read(r.ID, file)
			if err != nil {
				return err
			}
			if len(args) == 2 {
				return writeFile(args[1], b)
			}
			_, err = io.Copy(a.out, bytes.NewReader(b))
			return err
		}),
	}
	c.Flags().StringVar(&file, "file", "encoder.safetensors", "the file's name, as show lists it")
	return c
}

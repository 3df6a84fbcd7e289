package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/spf13/cobra"

	"sslnotes/internal/source"
	"sslnotes/sslkit/pipeline"
	"sslnotes/sslkit/tensor"
	"sslnotes/tracker"
)

// The exit codes of reproduce.
const (
	codeDiverged        exitCode = 3
	codeNotReproducible exitCode = 4
)

// verdict is what reproduce prints.
type verdict struct {
	pipeline.Verdict
	Source      string `json:"source,omitempty"`       // digest of the recorded source, if that was built and run
	OtherSource string `json:"other_source,omitempty"` // digest of it, if this program diverged and is not built from it
}

func (a *app) reproduce() *cobra.Command {
	var asJSON, rebuild, all bool
	c := &cobra.Command{
		Use:   "reproduce RUN",
		Short: "Execute a run again and compare every bit",
		Long: `Execute a finished run again from its record alone, and compare every computed
value and every checkpoint with what was recorded. The verdict, and the exit code:

  BIT-EXACT         0  all are equal, bit for bit
  DIVERGED          3  the first step and metric that differ are named
  NOT REPRODUCIBLE  4  what is missing is named

The encoder that a probe judges is read from the checkpoint of its parent, whose
record must be whole; with --all, the runs that RUN builds on are executed too,
the oldest first, up to the first that is not bit-exact.

A run of another numerics version is executed by its own source, which the store
keeps: it is built in a scratch folder with the Go toolchain found here.`,
		Example:           "  sslnotes reproduce simclr-1\n  SSLKIT_ISA=avx2 GOMAXPROCS=1 sslnotes reproduce simclr-1 --json\n  sslnotes reproduce simclr-probe-1 --all",
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: a.completeRuns,
		RunE: func(c *cobra.Command, args []string) error {
			if all {
				return a.reproduceAll(c.Context(), args[0], rebuild, asJSON)
			}
			v, err := a.runReproduce(c.Context(), args[0], rebuild)
			if err != nil {
				return err
			}
			if asJSON {
				err = a.json(v)
			} else {
				a.sayVerdict(v)
			}
			return errors.Join(err, v.code())
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print the verdict as JSON; with --all, a list")
	c.Flags().BoolVar(&all, "all", false, "also execute the runs that RUN builds on")
	c.Flags().BoolVar(&rebuild, "rebuild", false, "build and run the recorded source even if its numerics version is this one's")
	return c
}

func (a *app) runReproduce(ctx context.Context, ref string, rebuild bool) (verdict, error) {
	r, err := a.found(ref)
	if err != nil {
		return verdict{}, err
	}
	if rebuild || r.Numerics != tensor.Numerics {
		return a.byRecordedSource(ctx, r)
	}
	s, err := a.session(ctx)
	if err != nil {
		return verdict{}, err
	}
	p, err := s.Reproduce(r.ID)
	v := verdict{Verdict: p}
	if p.Verdict == pipeline.DidDiverge && r.Source.Digest != s.Source.Digest {
		v.OtherSource = r.Source.Digest
	}
	return v, err
}

// byRecordedSource lets the program that made the run reproduce it.
func (a *app) byRecordedSource(ctx context.Context, r tracker.Run) (verdict, error) {
	v := verdict{Verdict: pipeline.Verdict{Run: r.ID, Name: r.Name(), Digest: r.Digest, Verdict: pipeline.NotReproducible}}
	s, err := a.store()
	if err != nil {
		return v, err
	}
	defer s.Close()
	if r.Source.Digest == "" {
		v.Reason = fmt.Sprintf("missing the source: numerics version %s made the run, this program has %s, and the record names no source", r.Numerics, tensor.Numerics)
		return v, nil
	}
	archive, err := s.Blob(r.Source.Digest)
	if err != nil {
		v.Reason = fmt.Sprintf("missing the source of numerics version %s: %v", r.Numerics, err)
		return v, nil
	}
	dir, err := os.MkdirTemp("", "sslnotes-source-")
	if err != nil {
		return v, err
	}
	defer os.RemoveAll(dir)
	fmt.Fprintf(a.err, "building the source of numerics version %s, %.12s\n", r.Numerics, r.Source.Digest)
	program, err := source.Build(ctx, archive, dir)
	if err != nil {
		v.Reason = "missing what builds the recorded source: " + err.Error()
		return v, ctx.Err()
	}
	path, err := filepath.Abs(s.Path())
	if err != nil {
		return v, err
	}
	v.Source = r.Source.Digest
	return a.delegate(ctx, v, exec.CommandContext(ctx, program, "reproduce", r.ID, "--json", "--db", path))
}

// delegate reads the verdict of the program that made the run.
func (a *app) delegate(ctx context.Context, v verdict, c *exec.Cmd) (verdict, error) {
	var out bytes.Buffer
	c.Stdout, c.Stderr = &out, a.err
	err := c.Run()
	if ctx.Err() != nil {
		return v, ctx.Err()
	}
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		return v, err
	}
	if e := json.Unmarshal(out.Bytes(), &v.Verdict); e != nil {
		return v, fmt.Errorf("the recorded source gave no verdict: %w", errors.Join(err, e))
	}
	return v, nil
}

// reproduceAll executes a run after all that it builds on.
func (a *app) reproduceAll(ctx context.Context, ref string, rebuild, asJSON bool) error {
	ids, err := a.lineage(ref)
	if err != nil {
		return err
	}
	var all []verdict
	var code error
	for _, id := range ids {
		v, err := a.runReproduce(ctx, id, rebuild)
		if err != nil {
			return err
		}
		if all = append(all, v); !asJSON {
			a.sayVerdict(v)
		}
		if code = v.code(); code != nil {
			break
		}
	}
	if asJSON {
		err = a.json(all)
	}
	return errors.Join(err, code)
}

// lineage lists a run after all that it builds on.
func (a *app) lineage(ref string) (ids []string, err error) {
	s, err := a.store()
	if err != nil {
		return nil, err
	}
	defer s.Close()
	for ref != "" {
		r, err := s.Run(ref)
		if err != nil {
			return nil, err
		}
		ids = append([]string{r.ID}, ids...)
		ref = r.Parent
	}
	return ids, nil
}

// code is the exit code that a verdict asks for, nil for 0.
func (v verdict) code() error {
	switch v.Verdict.Verdict {
	case pipeline.BitExact:
		return nil
	case pipeline.DidDiverge:
		return codeDiverged
	}
	return codeNotReproducible
}

func (a *app) sayVerdict(v verdict) {
	switch v.Verdict.Verdict {
	case pipeline.BitExact:
		fmt.Fprintf(a.out, "%s: %s: %d values and checkpoints are equal (%s, %.1f s)\n", v.Verdict.Verdict, v.Name, v.Values, v.ISA, v.Seconds)
	case pipeline.DidDiverge:
		fmt.Fprintf(a.out, "%s: %s: %s (%d values before it are equal)\n", v.Verdict.Verdict, v.Name, v.Reason, v.Values)
	default:
		fmt.Fprintf(a.out, "%s: %s: %s\n", v.Verdict.Verdict, v.Name, v.Reason)
	}
	if v.Source != "" {
		fmt.Fprintf(a.out, "executed by the recorded source %s\n", v.Source)
	}
	if v.OtherSource != "" {
		fmt.Fprintf(a.out, "made by another build, source %.12s: --rebuild executes that\n", v.OtherSource)
	}
}

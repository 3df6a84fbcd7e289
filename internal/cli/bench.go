package cli

import (
	"fmt"
	"io"
	"os"
	"runtime"
	"strings"

	"github.com/spf13/cobra"

	"sslnotes/sslkit/bench"
	"sslnotes/sslkit/tensor"
)

func (a *app) bench() *cobra.Command {
	var o bench.Options
	var asJSON bool
	var peer, page string
	var rounds int
	c := &cobra.Command{
		Use:   "bench [mae|clip|simclr|gemm]",
		Short: "Measure the speed of training, and compare it with PyTorch's",
		Long: `Measure training steps of three reference models, or matrix products. Without an
argument all of them run.

With --peer, the path of sslkit/bench/peers/peer, the models also run in PyTorch
by turns, and --write makes a page of the ratios; threads are then 1 and 2
unless --threads says otherwise.`,
		Example:   "  sslnotes bench mae --threads 1\n  sslnotes bench --json\n  sslnotes bench --peer sslkit/bench/peers/peer --write sslkit/BENCHMARKS.md",
		ValidArgs: append(bench.Models(), "gemm"),
		Args:      cobra.MatchAll(cobra.MaximumNArgs(1), cobra.OnlyValidArgs),
		RunE: func(c *cobra.Command, args []string) error {
			switch {
			case peer != "":
				return a.benchAgainst(c, o, args, peer, page, rounds)
			case len(args) == 1 && args[0] == "gemm":
				return a.benchGEMM(o, asJSON)
			case len(args) == 1:
				return a.benchModels(o, args, asJSON)
			case asJSON:
				return a.benchModels(o, bench.Models(), asJSON)
			}
			if err := a.benchModels(o, bench.Models(), asJSON); err != nil {
				return err
			}
			return a.benchGEMM(o, asJSON)
		},
	}
	c.Flags().IntVar(&o.Threads, "threads", 0, "threads (default: GOMAXPROCS)")
	c.Flags().IntVar(&o.Batch, "batch", 256, "images a step")
	c.Flags().IntVar(&o.Steps, "steps", 8, "steps timed")
	c.Flags().IntVar(&o.Warmup, "warmup", 2, "steps before these")
	c.Flags().BoolVar(&asJSON, "json", false, "print as JSON")
	c.Flags().StringVar(&peer, "peer", "", "also run PyTorch by this program")
	c.Flags().StringVar(&page, "write", "", "with --peer, write the page to this file")
	c.Flags().IntVar(&rounds, "rounds", 5, "with --peer, rounds of every model")
	return c
}

func (a *app) benchModels(o bench.Options, models []string, asJSON bool) error {
	peak := bench.Peak(o.Threads)
	var all []bench.Result
	for _, m := range models {
		r, err := bench.Run(m, o, peak)
		if err != nil {
			return err
		}
		all = append(all, r)
	}
	if asJSON {
		return a.json(all)
	}
	w := table(a.out)
	fmt.Fprintln(w, "MODEL\tTHREADS\tIMAGES/S\tMS A STEP\tGFLOPS\tOF PEAK\tPEAK MEMORY\tALLOCATIONS A STEP")
	for _, r := range all {
		fmt.Fprintf(w, "%s\t%d\t%.0f\t%.1f\t%.0f\t%.0f %%\t%d MB\t%d\n", r.Model, r.Threads, r.ImagesPerSecond, r.StepMilliseconds, r.GFLOPS, 100*r.ShareOfPeak, r.PeakRSSBytes>>20, r.AllocsPerStep)
	}
	return w.Flush()
}

func (a *app) benchGEMM(o bench.Options, asJSON bool) error {
	all := bench.GEMM(o, bench.Peak(o.Threads))
	if asJSON {
		return a.json(all)
	}
	w := table(a.out)
	fmt.Fprintln(w, "M×N×K\tTHREADS\tGFLOPS\tOF PEAK")
	for _, p := range all {
		fmt.Fprintf(w, "%d×%d×%d\t%d\t%.0f\t%.0f %%\n", p.M, p.N, p.K, p.Threads, p.GFLOPS, 100*p.ShareOfPeak)
	}
	return w.Flush()
}

// benchAgainst compares with PyTorch and prints the page, or writes it to a
// file.
func (a *app) benchAgainst(c *cobra.Command, o bench.Options, models []string, peer, page string, rounds int) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	switch {
	case len(models) == 0:
		models = bench.Models()
	case models[0] == "gemm": // which is compared in any case
		models = nil
	}
	threads := []int{1, 2}
	if o.Threads > 0 {
		threads = []int{o.Threads}
	}
	how := bench.Comparison{Self: self, Peer: peer, Models: models, Threads: threads, Rounds: rounds, Steps: o.Steps, Batch: o.Batch, Progress: a.err}
	products, err := bench.CompareGEMM(c.Context(), how)
	if err != nil {
		return err
	}
	rows, err := bench.Compare(c.Context(), how)
	if err != nil {
		return err
	}
	peak := bench.Peak(1)
	machine := fmt.Sprintf("%s, %d processors, %s/%s, %s; our kernels are those for %s", processor(), runtime.NumCPU(), runtime.GOOS, runtime.GOARCH, runtime.Version(), tensor.ISA())
	command := "sslnotes " + strings.Join(os.Args[1:], " ")
	for _, name := range []string{"PEER_ISA", "SSLKIT_ISA"} { // they hold both sides to an instruction set
		if v := os.Getenv(name); v != "" {
			command = name + "=" + v + " " + command
		}
	}
	if page == "" {
		return bench.Write(a.out, rows, products, peak, machine, command)
	}
	var b strings.Builder
	if err := bench.Write(io.Writer(&b), rows, products, peak, machine, command); err != nil {
		return err
	}
	return writeFile(page, []byte(b.String()))
}

package bench

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"slices"
	"strconv"
	"strings"
)

// A Rival is one way to run a model in PyTorch.
type Rival struct {
	Name  string
	Run   string   // of peers/peer: "run", or "old" for an older version
	Args  []string // of peers/models.py
	Plain bool     // with glibc's malloc as it is, not told to keep memory
}

// rivals are the settings that were fastest somewhere.
var rivals = []Rival{{Name: "eager", Run: "run"}, {Name: "compiled", Run: "run", Args: []string{"--compile"}}, {Name: "old, eager", Run: "old"}}

// rivalsOf adds for convolutions the layout that suits them, and then those that
// were fastest as they are without being told to keep their memory.
func rivalsOf(model string) []Rival {
	all := slices.Clone(rivals)
	if model == "simclr" {
		for _, r := range rivals {
			all = append(all, Rival{Name: r.Name + ", channels last", Run: r.Run, Args: append([]string{"--channels-last"}, r.Args...)})
		}
	}
	for _, r := range all[len(all)-len(rivals):] {
		r.Name, r.Run, r.Plain = r.Name+", plain malloc", r.Run+"-plain", true
		all = append(all, r)
	}
	return all
}

// A Row is one model on one number of threads: all times of ours and of each
// rival, one a round.
type Row struct {
	Model   string
	Threads int
	Batch   int
	Ours    Series
	Rivals  []Series
}

// A Series is the median step times of one program, a round each, and its
// largest memory.
type Series struct {
	Name         string
	Milliseconds []float64
	PeakRSS      int64
	Version      string
	Plain        bool // as Rival.Plain
	out          bool // takes no part any more
}

func (s *Series) add(ms float64, rss int64) {
	s.Milliseconds, s.PeakRSS = append(s.Milliseconds, ms), max(s.PeakRSS, rss)
}

// Median is that of the rounds.
func (s *Series) Median() float64 { return median(s.Milliseconds) }

// best is the rival of the smallest median, of those that keep their memory or of
// those with a plain malloc.
func (r *Row) best(plain bool) *Series {
	var best *Series
	for i := range r.Rivals {
		if s := &r.Rivals[i]; s.Plain == plain && !s.out && (best == nil || s.Median() < best.Median()) {
			best = s
		}
	}
	return best
}

// hopeless is how many times slower than the best rival of its kind in the first round
// one must be to be left out of the others: a run of all takes hours otherwise.
const hopeless = 1.3

// leaveOut drops the hopeless rivals from the next rounds.
func (r *Row) leaveOut() {
	for _, plain := range []bool{false, true} {
		best := r.best(plain).Median()
		for i := range r.Rivals {
			if s := &r.Rivals[i]; s.Plain == plain {
				s.out = s.Median() > hopeless*best
			}
		}
	}
}

// Ratios are, round by round, how many times faster ours was than the best rival that
// keeps its memory, or than the best with a plain malloc. Both ran within moments of each
// other.
func (r *Row) Ratios(plain bool) []float64 {
	var all []float64
	best := r.best(plain)
	for i, ms := range r.Ours.Milliseconds {
		all = append(all, best.Milliseconds[i]/ms)
	}
	return all
}

// Comparison says how Compare runs.
type Comparison struct {
	Self, Peer string // paths of this program and of peers/peer
	Models     []string
	Threads    []int
	Rounds     int // If 0, 5.
	Steps      int // timed, a round. If 0, 8.
	Batch      int // If 0, 256.
	Progress   io.Writer
}

// Compare runs each model in this program and in every rival by turns, each in
// a process of its own, so that all of a round meet the same machine.
func Compare(ctx context.Context, c Comparison) ([]Row, error) {
	o := Options{Steps: c.Steps, Batch: c.Batch}
	o.begin()()
	c.Steps, c.Batch = o.Steps, o.Batch
	if c.Rounds <= 0 {
		c.Rounds = 5
	}
	var rows []Row
	for _, model := range c.Models {
		for _, threads := range c.Threads {
			row := Row{Model: model, Threads: threads, Batch: c.Batch, Ours: Series{Name: "sslnotes"}}
			for _, r := range rivalsOf(model) {
				row.Rivals = append(row.Rivals, Series{Name: r.Name, Plain: r.Plain})
			}
			for round := range c.Rounds {
				fmt.Fprintf(c.Progress, "%s on %d threads, round %d of %d\n", model, threads, round+1, c.Rounds)
				if err := c.round(ctx, &row); err != nil {
					return rows, err
				}
				if round == 0 {
					row.leaveOut()
				}
			}
			rows = append(rows, row)
		}
	}
	return rows, nil
}

func (c Comparison) round(ctx context.Context, row *Row) error {
	common := []string{"--batch", strconv.Itoa(c.Batch), "--steps", strconv.Itoa(c.Steps)}
	threads := strconv.Itoa(row.Threads)
	var ours []Result
	if err := output(ctx, &ours, c.Self, append([]string{"bench", row.Model, "--json", "--threads", threads}, common...)...); err != nil {
		return err
	}
	row.Ours.add(ours[0].StepMilliseconds, ours[0].PeakRSSBytes)
	row.Ours.Version = ours[0].ISA
	for i, r := range rivalsOf(row.Model) {
		if row.Rivals[i].out {
			continue
		}
		var theirs struct {
			Torch   string  `json:"torch"`
			StepMS  float64 `json:"step_ms"`
			PeakRSS int64   `json:"peak_rss_bytes"`
		}
		args := append(append([]string{r.Run, threads, row.Model}, common...), r.Args...)
		if err := output(ctx, &theirs, c.Peer, args...); err != nil {
			return err
		}
		row.Rivals[i].add(theirs.StepMS, theirs.PeakRSS)
		row.Rivals[i].Version = theirs.Torch
	}
	return nil
}

// A Match is the rate of a matrix product of ours and PyTorch's, round by round
// in GFLOPS.
type Match struct {
	Shape        [3]int // m, n, k
	Threads      int
	Ours, Theirs []float64
}

// Ratios are, round by round, how many times faster ours was.
func (m *Match) Ratios() (all []float64) {
	for i, ours := range m.Ours {
		all = append(all, ours/m.Theirs[i])
	}
	return all
}

// CompareGEMM measures the matrix products of Shapes here and in PyTorch by
// turns.
func CompareGEMM(ctx context.Context, c Comparison) ([]Match, error) {
	var shapes []string
	for _, s := range Shapes {
		shapes = append(shapes, fmt.Sprintf("%dx%dx%d", s[0], s[1], s[2]))
	}
	var all []Match
	for _, threads := range c.Threads {
		matches := make([]Match, len(Shapes))
		for round := range max(1, c.Rounds) {
			fmt.Fprintf(c.Progress, "matrix products on %d threads, round %d of %d\n", threads, round+1, c.Rounds)
			var ours []Product
			if err := output(ctx, &ours, c.Self, "bench", "gemm", "--json", "--threads", strconv.Itoa(threads)); err != nil {
				return all, err
			}
			var theirs struct {
				GFLOPS []float64 `json:"gflops"`
			}
			if err := output(ctx, &theirs, c.Peer, "run", strconv.Itoa(threads), "gemm", "--shapes", strings.Join(shapes, ",")); err != nil {
				return all, err
			}
			if len(ours) != len(Shapes) || len(theirs.GFLOPS) != len(Shapes) {
				return all, fmt.Errorf("bench: %d and %d matrix products were measured, want %d", len(ours), len(theirs.GFLOPS), len(Shapes))
			}
			for i := range matches {
				m := &matches[i]
				m.Shape, m.Threads = Shapes[i], threads
				m.Ours, m.Theirs = append(m.Ours, ours[i].GFLOPS), append(m.Theirs, theirs.GFLOPS[i])
			}
		}
		all = append(all, matches...)
	}
	return all, nil
}

// output runs a command and reads the JSON it prints.
func output(ctx context.Context, v any, name string, args ...string) error {
	c := exec.CommandContext(ctx, name, args...)
	var errs bytes.Buffer
	c.Stderr = &errs
	out, err := c.Output()
	if err == nil {
		err = json.Unmarshal(out, v)
	}
	if err != nil {
		return fmt.Errorf("bench: %s %s: %w", name, strings.Join(args, " "), errors.Join(err, errors.New(strings.TrimSpace(errs.String()))))
	}
	return nil
}

// Write writes rows as a page in Markdown. Machine describes where they were
// measured, command how.
func Write(w io.Writer, rows []Row, products []Match, peak float64, machine, command string) error {
	var b strings.Builder
	fmt.Fprintf(&b, "# Benchmarks\n\nWritten by `%s`.\n\nMachine: %s. Peak of fused multiply-adds on one thread: %.0f GFLOPS.\n\n", command, machine, peak)
	b.WriteString(`A step is all of it: batch, forward, backward, optimizer. Programs run by turns, each
in a process of its own; a time is the median over rounds of the median over steps, and
beside it stand the fastest and the slowest round. The ratio is that to the best rival,
median, least and largest of the rounds. PyTorch has OpenBLAS with OpenMP, and keeps
its memory on huge pages, which is mostly faster (see peers/peer). With glibc's plain
malloc it gives memory back to the system and asks for it again, as it does unless told
otherwise. The 3×3 convolutions of stride 1 in our
SimCLR are Winograd's, by choice of its plan (nn.ResNet.Winograd).

`)
	b.WriteString("| model | threads | batch | ours, ms | images/s | best PyTorch | its ms | ratio | our peak memory | its | best with plain malloc | its ms | ratio |\n|---|---|---|---|---|---|---|---|---|---|---|---|---|\n")
	for i := range rows {
		r := &rows[i]
		best, other := r.best(false), r.best(true)
		fmt.Fprintf(&b, "| %s | %d | %d | %s | %.0f | %s, %s | %s | %s | %d MB | %d MB | %s, %s | %s | %s |\n", r.Model, r.Threads, r.Batch,
			spread(r.Ours), 1e3*float64(r.Batch)/r.Ours.Median(), best.Version, best.Name, spread(*best),
			ratio(r.Ratios(false)), r.Ours.PeakRSS>>20, best.PeakRSS>>20,
			other.Version, strings.TrimSuffix(other.Name, ", plain malloc"), spread(*other), ratio(r.Ratios(true)))
	}
	b.WriteString(scaling(rows))
	fmt.Fprintf(&b, "\nAll rivals, ms a step; one that was %.1f times slower than the best of its kind in the first round ran no other:", hopeless)
	b.WriteString("\n\n| model | threads | rival | ms |\n|---|---|---|---|\n")
	for _, r := range rows {
		for _, s := range r.Rivals {
			fmt.Fprintf(&b, "| %s | %d | PyTorch %s, %s | %s |\n", r.Model, r.Threads, s.Version, s.Name, spread(s))
		}
	}
	b.WriteString("\nMatrix products, GFLOPS:\n\n| m×n×k | threads | ours | PyTorch's | ratio |\n|---|---|---|---|---|\n")
	for _, p := range products {
		fmt.Fprintf(&b, "| %d×%d×%d | %d | %.0f | %.0f | %s |\n", p.Shape[0], p.Shape[1], p.Shape[2], p.Threads,
			median(p.Ours), median(p.Theirs), ratio(p.Ratios()))
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// scaling says how many times faster each model is on more threads than one, round
// by round.
func scaling(rows []Row) string {
	var b strings.Builder
	for _, one := range rows {
		for _, more := range rows {
			if one.Model != more.Model || one.Threads != 1 || more.Threads == 1 {
				continue
			}
			var ratios []float64
			for i := range min(len(one.Ours.Milliseconds), len(more.Ours.Milliseconds)) {
				ratios = append(ratios, one.Ours.Milliseconds[i]/more.Ours.Milliseconds[i])
			}
			fmt.Fprintf(&b, "| %s | %d | %s |\n", one.Model, more.Threads, ratio(ratios))
		}
	}
	if b.Len() == 0 {
		return ""
	}
	return "\nOurs on more threads, times the speed on one:\n\n| model | threads | ratio |\n|---|---|---|\n" + b.String()
}

func spread(s Series) string {
	return fmt.Sprintf("%.0f (%.0f–%.0f)", s.Median(), slices.Min(s.Milliseconds), slices.Max(s.Milliseconds))
}

func ratio(rounds []float64) string {
	return fmt.Sprintf("**%.2f** (%.2f–%.2f)", median(rounds), slices.Min(rounds), slices.Max(rounds))
}

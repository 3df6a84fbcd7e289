package results

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sslnotes/internal/catalog"
	"sslnotes/sslkit/nn"
	"sslnotes/sslkit/pipeline"
	"sslnotes/tracker"
)

// small is a plan of seconds.
func small() Plan {
	return Plan{Data: "fashion-mini", Transfer: "fashion-mini", Seeds: 1, Subsets: 2, Labels: 2, Methods: []string{"simclr", "mae"},
		Epochs:  map[string]int{"simclr": 1, "mae": 1},
		Patches: nn.ViT{PatchSize: 7, Width: 8, Depth: 1, Heads: 2},
		Encoder: nn.ConvNet{Channels: []int{4, 8}}, Tuning: pipeline.Tuning{Steps: 3, BatchSize: 8}}
}

func session(t *testing.T, ctx context.Context) *pipeline.Session {
	store, err := tracker.Open(filepath.Join(t.TempDir(), "runs.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	return &pipeline.Session{Store: store, Types: catalog.Types(), Context: func() context.Context { return ctx }}
}

// TestGoesOn stops a plan after some rows, goes on in the same store, then in
// an empty one, and wants every row made once, from equal encoders.
func TestGoesOn(t *testing.T) {
	p, dir := small(), t.TempDir()
	page := filepath.Join(dir, "page.md")
	if err := os.WriteFile(page, []byte("above\n"+begin+"\nold\n"+end+"\nbelow\n"), 0o666); err != nil {
		t.Fatal(err)
	}
	made := 0
	stopAt := func(n int) error {
		ctx, stop := context.WithCancel(context.Background())
		defer stop()
		var out strings.Builder
		err := p.Execute(session(t, ctx), dir, &out, func() error {
			if made++; made == n {
				stop()
			}
			return p.Write(dir, page, filepath.Join(dir, "report.md"))
		})
		if !strings.Contains(out.String(), "rows, ") {
			t.Errorf("no plan was printed: %s", &out)
		}
		return err
	}
	// Row 8 is a judgement of SimCLR, in the middle of its group.
	if err := stopAt(8); !errors.Is(err, context.Canceled) || made != 8 {
		t.Fatalf("stopped after %d rows with %v", made, err)
	}
	first, _, err := read(dir, p.Rows()[5])
	if err != nil || first.Row.Name != "simclr-1" {
		t.Fatalf("row 5 is %s, %v", first.Row.Name, err)
	}
	if err := stopAt(-1); err != nil {
		t.Fatal(err)
	}
	if made != len(p.Rows()) {
		t.Errorf("%d rows were made, the plan has %d", made, len(p.Rows()))
	}
	again, _, err := read(dir, p.Rows()[5])
	if err != nil || again.Digest != first.Digest || again.Run == first.Run {
		t.Errorf("the encoder made again has digest %s, was %s (%v)", again.Digest, first.Digest, err)
	}
	b, err := os.ReadFile(page)
	if err != nil || !strings.HasPrefix(string(b), "above\n"+begin) || !strings.HasSuffix(string(b), end+"\nbelow\n") || strings.Contains(string(b), "old") {
		t.Errorf("the page is %s (%v)", b, err)
	}
	report, err := os.ReadFile(filepath.Join(dir, "report.md"))
	if err != nil || !strings.Contains(string(report), "MAE (ViT)") {
		t.Errorf("the report is %s (%v)", report, err)
	}
	if n := strings.Count(string(b), "–"); n > 9 {
		t.Errorf("%d places are empty:\n%s", n, b)
	}
}

func TestRowsAreDistinct(t *testing.T) {
	for _, p := range []Plan{{}, Emoji()} {
		seen := map[string]bool{}
		for _, r := range p.Rows() {
			if seen[r.Name] {
				t.Errorf("two rows are called %s", r.Name)
			}
			seen[r.Name] = true
		}
	}
}

// TestTable holds the table's arithmetic against numbers worked out by hand.
func TestTable(t *testing.T) {
	dir := t.TempDir()
	p := Plan{Seeds: 2, Subsets: 2, Methods: []string{"simclr"}}
	put(t, dir, p, map[string]float64{
		"simclr-1-probe": 0.8, "simclr-2-probe": 0.9, "random-1-probe": 0.7, "random-2-probe": 0.75, "pixels-probe": 0.6,
		"simclr-1-finetune-10-labels-0": 0.5, "simclr-1-finetune-10-labels-1": 0.6,
		"pixels-probe-10-labels-0": 0.4, "pixels-probe-10-labels-1": 0.3,
	})
	have, err := p.Report(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"| SimCLR | 85.0 ± 7.1 | – | – | 55.0 | – | – | +12.5 ± 2.5 |",
		"| raw pixels | 60.0 | – | 35.0 | – | – | – |  |",
		"9 of 42 rows", "Numerics " + pipeline.Numerics + ".",
		"| SimCLR − raw pixels, linear probe, all labels | +25.0 | 5.0 | 2 |",
		"| SimCLR fine-tuned − raw pixels, 10 labels a class | +20.0 | 10.0 | 2 |",
		"| SimCLR: linear probe, all labels | ≥ 86.5 | 85.0 ± 5.0 of 2 | **missed** |",
		"| SimCLR: linear probe − that of random weights | > twice the error | +12.5 ± 2.5 of 2 | open |",
	} {
		if !strings.Contains(have, want) {
			t.Errorf("no %q in\n%s", want, have)
		}
	}
}

// TestAims: a mean meets an aim that it reaches, or that it beats by more than twice its
// error, which fewer than three values do not tell.
func TestAims(t *testing.T) {
	for _, c := range []struct {
		aim  aim
		want string
	}{
		{aim{floor: 0.64, v: []float64{0.6, 0.7}}, "met"}, {aim{floor: 0.66, v: []float64{0.6, 0.7}}, "**missed**"}, {aim{floor: 0.5, v: []float64{0.6}}, "met"},
		{aim{beats: true, v: []float64{0.01, 0.03, 0.08}}, "**missed**"}, {aim{beats: true, v: []float64{0.02, 0.03, 0.03}}, "met"},
		{aim{beats: true, v: []float64{0.5, 0.5}}, "open"}, {aim{beats: true, v: []float64{-0.2, -0.21, -0.2}}, "**missed**"},
	} {
		if got := c.aim.verdict(); got != c.want {
			t.Errorf("%+v: %s, want %s", c.aim, got, c.want)
		}
	}
	dir := t.TempDir()
	p := Plan{Data: "mnist", Transfer: "fashion-mnist", Seeds: 1, Methods: []string{"simclr"}}
	put(t, dir, p, map[string]float64{"simclr-1-probe": 0.8})
	if text, err := p.Report(dir); err != nil || strings.Contains(text, "Aims") {
		t.Errorf("another set of images has this one's aims, %v:\n%s", err, text)
	}
}

// TestLonger: another length of a method stands in its line.
func TestLonger(t *testing.T) {
	dir, p := t.TempDir(), Plan{Seeds: 2, Subsets: 1, Methods: []string{"simclr", "simclr-long", "moco"}, Epochs: map[string]int{"simclr": 3}}
	put(t, dir, p, map[string]float64{
		"simclr-1-probe-10-labels-0": 0.5, "simclr-2-probe-10-labels-0": 0.6, "simclr-long-1-probe-10-labels-0": 0.7,
		"moco-1-probe-10-labels-0": 0.4, "pixels-probe-10-labels-0": 0.3,
	})
	all, pixel, err := p.Longer(dir)
	if want := "[{SimCLR [3 60] [[0.5 0.6] [0.7]]}]"; err != nil || fmt.Sprint(all) != want || pixel != 0.3 {
		t.Errorf("%v, pixels %g, %v; want %s and 0.3", all, pixel, err, want)
	}
	if text, err := p.Report(dir); err != nil || !strings.Contains(text, "![linear probe, 10 labels a class of SimCLR over epochs") {
		t.Errorf("the report shows no figure, %v:\n%s", err, text)
	}
}

// put writes rows of a plan that have these accuracies.
func put(t *testing.T, dir string, p Plan, accuracy map[string]float64) {
	t.Helper()
	if err := os.MkdirAll(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	found := 0
	for _, row := range p.Rows() {
		if v, ok := accuracy[row.Name]; ok {
			found++
			if err := write(dir, Result{Row: row, Metrics: map[string]float64{"test_accuracy": v}, Numerics: pipeline.Numerics}); err != nil {
				t.Fatal(err)
			}
		}
	}
	if found != len(accuracy) {
		t.Fatalf("the plan has %d of the rows %v", found, accuracy)
	}
}

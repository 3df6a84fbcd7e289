package pipeline

import (
	"encoding/json"
	"math"
	"slices"
	"strings"
	"testing"

	"sslnotes/sslkit/contrastive"
	"sslnotes/sslkit/nn"
	"sslnotes/tracker"
)

// TestBlockSweep judges every encoder of the house block by block: the last is
// judged as the encoder is, each record names its block, and each is executed
// again from its record.
func TestBlockSweep(t *testing.T) {
	s := session(t)
	s.Types.Add(nn.ResNet{}, nn.ViT{})
	train, held := mini(t)
	few, err := train.PerClass(5, 0)
	must(t, err)
	for _, plan := range []nn.Plan{nn.ConvNet{Channels: []int{4, 6, 8}}, nn.ResNet{Channels: []int{4, 8}}, nn.ViT{PatchSize: 14, Width: 8, Depth: 2, Heads: 2}} {
		r, err := s.Pretrain(plan, &contrastive.SimCLR{Dim: 8}, train.Unlabelled(), Schedule{Steps: 4, BatchSize: 40, Seed: 7, Watch: -1})
		must(t, err)
		probe, err := LinearProbe(r, few, held)
		must(t, err)
		knn, err := KNN(r, few, held)
		must(t, err)
		for _, c := range []struct {
			sweep func() (*Depths, error)
			whole *Run
		}{
			{func() (*Depths, error) { return BlockSweep(r, few, held) }, probe},
			{func() (*Depths, error) { return Neighbours{}.Sweep(r, few, held) }, knn},
		} {
			d, err := c.sweep()
			must(t, err)
			n := len(r.Encoder().(nn.Staged).Blocks())
			if len(d.Runs) != n || len(d.Values) != n || len(d.Blocks) != n {
				t.Fatalf("%T: %d runs, want %d", plan, len(d.Runs), n)
			}
			for i, run := range d.Runs {
				rec, err := run.Record()
				must(t, err)
				var o struct{ Block int }
				must(t, json.Unmarshal(rec.Config, &o))
				if v, err := run.Value("test_accuracy"); err != nil || o.Block != i+1 || d.Blocks[i] != float64(i+1) || !slices.Equal(d.Values[i], []float64{v}) || rec.Parent != r.ID() {
					t.Errorf("%T: block %g has %v, its record block %d and %g, %v", plan, d.Blocks[i], d.Values[i], o.Block, v, err)
				}
				if v, err := s.Reproduce(run.ID()); err != nil || v.Verdict != BitExact {
					t.Errorf("%T: block %d: %+v %v", plan, i+1, v, err)
				}
				if same := slices.EqualFunc(chain(t, s, run), chain(t, s, c.whole), tracker.Link.Equal); same != (i == n-1) {
					t.Errorf("%T: block %d of %d is judged as the encoder is: %v", plan, i+1, n, same)
				}
			}
			rec, err := c.whole.Record()
			must(t, err)
			if strings.Contains(string(rec.Config), "Block") {
				t.Errorf("without a block the record says %s", rec.Config)
			}
		}
	}
}

func chain(t *testing.T, s *Session, r *Run) []tracker.Link {
	t.Helper()
	links, err := s.Store.Chain(r.ID())
	must(t, err)
	return links
}

// TestBlockIsStandardised: the features after a block are standardised by theirs
// of the unlabelled images.
func TestBlockIsStandardised(t *testing.T) {
	s := session(t)
	train, _ := mini(t)
	r := pretrained(t, s, train)
	x := &execution{fitting: fitting{ctx: t.Context()}, parent: r}
	for block, dim := range []int{8, 4, 8} {
		scale, err := x.scaling(block)
		must(t, err)
		f, err := r.standardised(t.Context(), scale, train, block)
		must(t, err)
		if f.Dim(1) != dim {
			t.Fatalf("block %d has %d features, want %d", block, f.Dim(1), dim)
		}
		for j := range dim {
			var sum, square float64
			for i := range f.Dim(0) {
				v := float64(f.Data()[i*dim+j])
				sum, square = sum+v, square+v*v
			}
			if n := float64(f.Dim(0)); math.Abs(sum/n) > 1e-3 || math.Abs(square/n-1) > 1e-3 && square != 0 {
				t.Errorf("block %d: feature %d has mean %g and variance %g", block, j, sum/n, square/n)
			}
		}
	}
}

func TestBlockRefuses(t *testing.T) {
	s := session(t)
	train, held := mini(t)
	r := pretrained(t, s, train)
	pixels, err := s.Pixels(train.Unlabelled())
	must(t, err)
	depths := func(_ *Depths, err error) error { return err }
	for want, err := range map[string]error{
		"Probe.Block is 3, want 1 to 2":             refusal(Probe{Block: 3}.Judge(r, train, held)),
		"Probe.Block is -1, want 1 to 2":            refusal(Probe{Block: -1}.Judge(r, train, held)),
		"Neighbours.Block is 3, want 1 to 2":        refusal(Neighbours{Block: 3}.Judge(r, train, held)),
		"Probe.Block is 1, but run pixels-1 has no": refusal(Probe{Block: 1}.Judge(pixels, train, held)),
		"Neighbours.Block is 1, but run nil has no": depths(Neighbours{}.Sweep(nil, train, held)),
		"Probe.Block is 2, want 0":                  depths(Probe{Block: 2}.Sweep(r, train, held)),
		"run, training and test data are needed":    depths(BlockSweep(r, train, nil)),
	} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want one that says %q", err, want)
		}
	}
	if runs, err := s.Store.Runs(tracker.Filter{}); err != nil || len(runs) != 2 {
		t.Errorf("%d runs %v, want those that were made", len(runs), err)
	}
}

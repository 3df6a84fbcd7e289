package pipeline

import (
	"fmt"

	"sslnotes/sslkit/data"
)

// Depths is how accuracy grows with depth. Blocks and Values are what plots.Sweep
// takes.
type Depths struct {
	Blocks []float64   // 1, 2 … from the input on
	Values [][]float64 // test accuracy after each, one value
	Runs   []*Run      // that gave it
}

// BlockSweep judges a run's features after each of its blocks by the linear probe,
// the last of which are the encoder's. Every judgement is a run of its own, whose
// record names the block.
//
// It returns an error if the run's encoder is not of blocks (see nn.Blocked).
func BlockSweep(r *Run, train, test *data.Set) (*Depths, error) { return Probe{}.Sweep(r, train, test) }

// Sweep is BlockSweep with these options, of which Block must be 0.
func (p Probe) Sweep(r *Run, train, test *data.Set) (*Depths, error) {
	return r.sweep("Probe", p.Block, func(block int) (*Run, error) {
		p.Block = block
		return p.Judge(r, train, test)
	})
}

// Sweep is BlockSweep by nearest neighbours. Block must be 0.
func (k Neighbours) Sweep(r *Run, train, test *data.Set) (*Depths, error) {
	return r.sweep("Neighbours", k.Block, func(block int) (*Run, error) {
		k.Block = block
		return k.Judge(r, train, test)
	})
}

// sweep calls judge with each block and gathers the test accuracies.
func (r *Run) sweep(of string, given int, judge func(block int) (*Run, error)) (*Depths, error) {
	if given != 0 {
		return nil, fmt.Errorf("pipeline: %s.Block is %d, want 0: a sweep has every block", of, given)
	}
	if err := r.hasBlock(of, 1); err != nil {
		return nil, err
	}
	d := &Depths{}
	for block := 1; block <= r.blocks(); block++ {
		j, err := judge(block)
		if err != nil {
			return nil, err
		}
		v, err := j.Value("test_accuracy")
		if err != nil {
			return nil, err
		}
		d.Blocks, d.Values, d.Runs = append(d.Blocks, float64(block)), append(d.Values, []float64{v}), append(d.Runs, j)
	}
	return d, nil
}

// hasBlock returns an error that names the option if the run has no features
// after such a block.
func (r *Run) hasBlock(of string, block int) error {
	switch n := r.blocks(); {
	case block == 0:
		return nil
	case n == 0:
		return fmt.Errorf("pipeline: %s.Block is %d, but run %s has no encoder of blocks", of, block, r.Name())
	case block < 0 || block > n:
		return fmt.Errorf("pipeline: %s.Block is %d, want 1 to %d, or 0 for the last", of, block, n)
	}
	return nil
}

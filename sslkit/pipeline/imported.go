package pipeline

import (
	"bytes"
	"errors"
	"fmt"
	"os"

	"sslnotes/sslkit/data"
	"sslnotes/sslkit/nn"
	"sslnotes/tracker"
)

// imported is the record of Import.
type imported struct {
	Encoder nn.Plan
	Weights string // path of the file
	Digest  string // SHA-256 of its content in hex
}

// Import makes a run of an encoder that was trained elsewhere, so that what
// judges ours judges it: the planned architecture with the weights and buffers
// in the file at path, which is in the form of nn.Save. The images are those it
// was trained on; their statistics standardise its features. To reproduce the
// run the file must still be there. It returns an error that names the tensor if
// the file is that of another architecture.
func Import(plan nn.Plan, path string, set *data.Unlabelled) (*Run, error) {
	return Default.Import(plan, path, set)
}

// Import is the function of that name, recording in this session.
func (s *Session) Import(plan nn.Plan, path string, set *data.Unlabelled) (*Run, error) {
	if plan == nil || set == nil {
		return nil, errors.New("pipeline: Import needs an encoder and data")
	}
	if err := learnable(set); err != nil {
		return nil, err
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("pipeline: %w", err)
	}
	return s.execute(&imported{plan.Resolve(), path, tracker.DigestOf(b)}, nil, sets{unlabelled: set})
}

func (t *imported) kind() string          { return "imported" }
func (t *imported) method(*Run) string    { return "imported" }
func (t *imported) seed(*Run) uint64      { return 0 }
func (t *imported) steps() int            { return 0 }
func (t *imported) architecture() nn.Plan { return t.Encoder }

// read returns the file's content, or an error if it is not what it was.
func (t *imported) read() ([]byte, error) {
	b, err := os.ReadFile(t.Weights)
	if err != nil {
		return nil, fmt.Errorf("the weights: %w", err)
	}
	if d := tracker.DigestOf(b); d != t.Digest {
		return nil, fmt.Errorf("the weights: %s has digest %s, the record says %s", t.Weights, d, t.Digest)
	}
	return b, nil
}

// ready implements requiring.
func (t *imported) ready() error {
	_, err := t.read()
	return err
}

func (t *imported) do(x *execution) error {
	b, err := t.read()
	if err != nil {
		return fmt.Errorf("pipeline: %w", err)
	}
	e, err := build(t.Encoder, x.sets.unlabelled.Spec(), 0)
	if err != nil {
		return err
	}
	if err := nn.Load(bytes.NewReader(b), e); err != nil {
		return fmt.Errorf("pipeline: %s: %w", t.Weights, err)
	}
	x.out.encoder, x.out.plan = e, t.Encoder
	return x.saveEncoder(0, e)
}

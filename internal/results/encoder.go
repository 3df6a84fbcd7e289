package results

import (
	"fmt"
	"time"

	"sslnotes/sslkit/pipeline"
	"sslnotes/tracker"
)

// encode makes an encoder's row and keeps the encoder for those that follow.
func (x *executor) encode(row Row) (*pipeline.Run, error) {
	r, err := x.pretrain(row)
	if err == nil {
		x.encoder, x.name = r, row.Name
	}
	return r, err
}

func (x *executor) pretrain(row Row) (*pipeline.Run, error) {
	architecture := x.plan.architecture(row.Encoder)
	switch row.Encoder {
	case pixels:
		return x.session.Pixels(x.unlabelled)
	case random, random + ofPatches:
		return x.session.Random(architecture, x.unlabelled, row.Seed)
	}
	m, ok := methodOf(row.Encoder)
	if !ok {
		return nil, fmt.Errorf("results: there is no encoder %q", row.Encoder)
	}
	return x.session.Pretrain(architecture, m.make(), x.unlabelled, pipeline.Schedule{Epochs: row.Epochs, Seed: row.Seed})
}

// parent returns the encoder that a row judges: the one at hand, the one in the
// store, or, if its weights are gone, the same trained again.
func (x *executor) parent(row Row) (*pipeline.Run, error) {
	of, err := x.rowOf(row)
	if err != nil {
		return nil, err
	}
	if x.name == of.Name {
		return x.encoder, nil
	}
	known, ok, err := read(x.dir, of)
	if err != nil {
		return nil, err
	}
	if !ok {
		return nil, fmt.Errorf("results: %s.json, the encoder's row, is missing", of.Name)
	}
	if known.Status != tracker.Finished {
		return nil, fmt.Errorf("results: its encoder %s ended as %s", of.Name, known.Status)
	}
	store, err := x.session.Open()
	if err != nil {
		return nil, err
	}
	if _, err := store.Run(known.Run); err == nil {
		if x.encoder, err = x.session.Load(known.Run); err == nil {
			x.name = of.Name
			return x.encoder, nil
		}
	}
	return x.again(of, known)
}

// rowOf finds the row of the encoder that a row judges.
func (x *executor) rowOf(row Row) (Row, error) {
	for _, r := range x.plan.Rows() {
		if r.Judge == "" && r.Encoder == row.Encoder && r.Seed == row.Seed {
			return r, nil
		}
	}
	return Row{}, fmt.Errorf("results: the plan has no encoder for row %s", row.Name)
}

// again trains an encoder whose weights are in no store.
func (x *executor) again(row Row, known Result) (*pipeline.Run, error) {
	fmt.Fprintf(x.out, "%s is not in the store: training it again\n", row.Name)
	cpu := cpuTime()
	r, err := x.encode(row)
	if err != nil {
		return nil, err
	}
	rec, err := r.Record()
	if err != nil {
		return nil, err
	}
	if rec.Digest != known.Digest {
		return nil, fmt.Errorf("results: %s came out with digest %s under numerics %s, its file says %s under %s: delete %s*.json to make these rows anew",
			row.Name, rec.Digest, rec.Numerics, known.Digest, known.Numerics, row.Name)
	}
	fmt.Fprintf(x.out, "%s: every value as on the %s of its file, here on %s\n", row.Name, known.Machine["isa"], rec.Machine["isa"])
	result := resultOf(row, rec)
	used := cpuTime() - cpu
	result.CPU, x.cpu = used.Round(10*time.Millisecond).Seconds(), x.cpu+used
	return r, write(x.dir, result)
}

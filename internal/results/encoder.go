package results

import (
	"errors"
	"fmt"
	"strings"
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
	schedule := m.schedule
	schedule.Epochs, schedule.Seed, schedule.Diagnostics = row.Epochs, row.Seed, -1 // the last as in the rows there are
	return x.session.Pretrain(architecture, m.make(), x.unlabelled, schedule)
}

// parent returns the encoder that a row judges: the one at hand, the one in the
// store, or, if its weights are gone, the same trained again.
func (x *executor) parent(row Row) (*pipeline.Run, error) {
	of, known, err := x.rowOf(row)
	if err != nil {
		return nil, err
	}
	if x.name == of.Name {
		return x.encoder, nil
	}
	if known.Status != tracker.Finished {
		return nil, fmt.Errorf("results: its encoder %s ended as %s", of.Name, known.Status)
	}
	if stored, err := x.stored(known); err != nil {
		return nil, err
	} else if stored {
		if x.encoder, err = x.session.Load(known.Run); err == nil {
			x.name = of.Name
			return x.encoder, nil
		}
	}
	return x.retrain(of, known)
}

// again says whether a row needs an encoder trained again.
func (x *executor) again(row Row) (bool, error) {
	if row.Judge == "" || strings.HasPrefix(row.Encoder, supervised) {
		return false, nil
	}
	of, known, err := x.rowOf(row)
	if err != nil || x.name == of.Name {
		return false, err
	}
	stored, err := x.stored(known)
	return !stored, err
}

// stored says whether the run of a result is in the session's store.
func (x *executor) stored(known Result) (bool, error) {
	store, err := x.session.Open()
	if err != nil {
		return false, err
	}
	_, err = store.Run(known.Run)
	return err == nil, nil
}

var errNoEncoder = errors.New("results: the encoder's row is missing")

// rowOf finds the row of the encoder that a row judges, and its result.
func (x *executor) rowOf(row Row) (of Row, known Result, err error) {
	for _, r := range x.plan.Rows() {
		if r.Judge == "" && r.Encoder == row.Encoder && r.Seed == row.Seed {
			known, ok, err := read(x.dir, r)
			if err == nil && !ok {
				err = fmt.Errorf("%w: %s.json", errNoEncoder, r.Name)
			}
			return r, known, err
		}
	}
	return of, known, fmt.Errorf("results: the plan has no encoder for row %s", row.Name)
}

// retrain trains an encoder whose weights are in no store.
func (x *executor) retrain(row Row, known Result) (*pipeline.Run, error) {
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

// Package tracker keeps runs in one SQLite file: what was asked, what came of
// it, step by step, and the weights it left.
//
// # Design
//
// A call that logs returns after the commit, so a killed process loses nothing
// that was acknowledged. The file is in write-ahead mode with normal
// synchronisation: losing power may lose the last moments but never corrupts
// it; checkpoints and the end of a run are synchronised fully. Many processes
// may write one file.
//
// Values are computed or observed. Computed ones are a function of the run's
// inputs and enter its digest [Chain]; observed ones (rates, times) do not.
// Two runs of equal inputs have equal digests on any machine, and the first
// link that differs names the step and the metric.
package tracker

import (
	"encoding/json"
	"math"
	"strconv"
	"time"
)

// Status is how a run stands.
type Status string

// The states of a run. Crashed is never stored: it is a running run whose
// process is gone.
const (
	Running     Status = "running"
	Finished    Status = "finished"
	Failed      Status = "failed"
	Interrupted Status = "interrupted"
	Diverged    Status = "diverged"
	Crashed     Status = "crashed"
)

// A DataRef names a set that a run used.
type DataRef struct {
	Role   string `json:"role"` // such as "train"
	Name   string `json:"name"`
	Split  string `json:"split"`
	Digest string `json:"digest"`
	Count  int    `json:"count"`
}

// Source identifies the code that ran.
type Source struct {
	Digest string `json:"digest"` // of the embedded source
	Go     string `json:"go"`
	OS     string `json:"os"`
	Arch   string `json:"arch"`
}

// NewRun is what is known when a run starts.
type NewRun struct {
	Name     string // If "", the method with the first free number.
	Kind     string // such as "pretrain" or "probe"
	Method   string
	Parent   string // id of the run it builds on. If "", none.
	Seed     uint64
	Config   json.RawMessage // every option, resolved
	Data     []DataRef
	Numerics string // version of the arithmetic
	Source   Source
	Machine  map[string]string
	Session  string // of the notebook. If "", none.
	Cell     int
}

// Record is a run's row.
type Record struct {
	ID, Name, Kind, Method string
	Status                 Status
	Message                string // of an error
	Parent                 string
	Seed                   uint64
	Config                 json.RawMessage
	Data                   []DataRef
	Numerics               string
	Source                 Source
	Machine                map[string]string
	Session                string
	Cell                   int
	Created, Ended         time.Time // Ended is zero while it runs
	Inputs                 json.RawMessage
	Digest                 string // "" until the run has ended
	Metrics                map[string]Metric
}

// A Metric sums up one key of a run.
type Metric struct {
	Observed  bool
	N, Step   int     // number of values, step of the last
	Value     float64 // the last
	Low, High float64 // of the finite values; NaN if there are none
}

// A Value is logged under a key.
type Value struct {
	Key      string
	Value    float64
	Observed bool // not a function of the run's inputs, such as a time
}

// Run is a run as stored. Its curves are read when asked for.
type Run struct {
	Record
	number int64
	store  *Store
}

// Name returns the run's name, so that plots can label its curves.
func (r Run) Name() string { return r.Record.Name }

// Curve returns the steps and values of a metric, both empty if there are none.
func (r Run) Curve(key string) (steps, values []float64) {
	s, v, err := r.store.Series(r.ID, key)
	if err != nil {
		return nil, nil
	}
	for _, at := range s {
		steps = append(steps, float64(at))
	}
	return steps, v
}

// MarshalJSON writes the run as commands print it, metrics by their last value.
// NaN and the infinities are strings, as JSON has no numbers for them.
func (r Run) MarshalJSON() ([]byte, error) {
	metrics := map[string]any{}
	steps := 0
	for key, m := range r.Metrics {
		metrics[key] = jsonNumber(m.Value)
		steps = max(steps, m.N)
	}
	var ended *time.Time
	if !r.Ended.IsZero() {
		ended = &r.Ended
	}
	return json.Marshal(struct {
		ID       string            `json:"id"`
		Name     string            `json:"name"`
		Kind     string            `json:"kind"`
		Method   string            `json:"method"`
		Status   Status            `json:"status"`
		Message  string            `json:"message,omitempty"`
		Parent   string            `json:"parent"`
		Seed     uint64            `json:"seed"`
		Digest   string            `json:"digest"`
		Metrics  map[string]any    `json:"metrics"`
		Steps    int               `json:"steps"`
		Config   json.RawMessage   `json:"config"`
		Data     []DataRef         `json:"data"`
		Numerics string            `json:"numerics"`
		Source   Source            `json:"source"`
		Machine  map[string]string `json:"machine"`
		Created  time.Time         `json:"created"`
		Ended    *time.Time        `json:"ended,omitempty"`
	}{r.ID, r.Name(), r.Kind, r.Method, r.Status, r.Message, r.Parent, r.Seed, r.Digest, metrics, steps,
		r.Config, r.Data, r.Numerics, r.Source, r.Machine, r.Created, ended})
}

func jsonNumber(v float64) any {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return strconv.FormatFloat(v, 'g', -1, 64)
	}
	return v
}

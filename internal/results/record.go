package results

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"sslnotes/sslkit/pipeline"
	"sslnotes/tracker"
)

// A Result is what is kept of a row's run.
type Result struct {
	Row      Row                `json:"row"`
	Run      string             `json:"run"` // its id in the store that made it
	Kind     string             `json:"kind"`
	Status   tracker.Status     `json:"status"`
	Digest   string             `json:"digest"` // of its chain
	Metrics  map[string]float64 `json:"metrics"`
	Config   json.RawMessage    `json:"config"`
	Data     []tracker.DataRef  `json:"data"`
	Numerics string             `json:"numerics"`
	Source   tracker.Source     `json:"source"`
	Machine  map[string]string  `json:"machine"`
	Seconds  float64            `json:"seconds"`
	CPU      float64            `json:"cpu_seconds,omitempty"` // of all threads, observed
}

// resultOf sums up a run; only computed metrics are kept.
func resultOf(row Row, r tracker.Run) Result {
	metrics := map[string]float64{}
	for key, m := range r.Metrics {
		if !m.Observed && m.Value-m.Value == 0 {
			metrics[key] = m.Value
		}
	}
	return Result{Row: row, Run: r.ID, Kind: r.Kind, Status: r.Status, Digest: r.Digest, Metrics: metrics, Config: r.Config, Data: r.Data,
		Numerics: r.Numerics, Source: r.Source, Machine: r.Machine, Seconds: r.Ended.Sub(r.Created).Round(time.Millisecond).Seconds()}
}

// read returns a row's result from dir, with ok false if it is not there or is
// one of another plan or of other numerics.
func read(dir string, row Row) (r Result, ok bool, err error) {
	path := filepath.Join(dir, row.Name+".json")
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return r, false, nil
	}
	if err == nil {
		err = json.Unmarshal(b, &r)
	}
	if err != nil {
		return r, false, fmt.Errorf("results: %s: %w", path, err)
	}
	return r, r.Row == row && r.Numerics == pipeline.Numerics, nil
}

// write puts a result into dir, whole or not at all.
func write(dir string, r Result) error {
	b, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return fmt.Errorf("results: %w", err)
	}
	return replace(filepath.Join(dir, r.Row.Name+".json"), append(b, '\n'))
}

// replace writes a file by renaming a temporary one.
func replace(path string, b []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".part-*")
	if err != nil {
		return fmt.Errorf("results: %w", err)
	}
	defer os.Remove(f.Name())
	_, err = f.Write(b)
	err = errors.Join(err, f.Chmod(0o644), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return fmt.Errorf("results: %w", err)
	}
	return nil
}

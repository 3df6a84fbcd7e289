// Package bench measures training steps of three reference models and matrix
// products of typical shapes.
//
// # Design
//
// A model is a step without arguments, built from a seed; the scripts beside,
// in peers, train the same models with PyTorch. [Run] times whole steps, from
// drawing the batch to the optimizer, and takes the median, so that a burst of
// other work on the machine weighs little. What a step costs in arithmetic is
// counted from the shapes: the products of the forward pass, three times, since
// each has two gradients; a convolution counts as if each of its taps were
// multiplied, also where Winograd's takes fewer products, so that its rate may
// exceed the peak. [Peak] measures what the processor can do at most.
package bench

import (
	"fmt"
	"runtime"
	"runtime/debug"
	"slices"
	"time"

	"sslnotes/sslkit/nn"
	"sslnotes/sslkit/tensor"
)

// Options are what a measurement depends on.
type Options struct {
	Threads int    // If 0, GOMAXPROCS.
	Batch   int    // images a step. If 0, 256.
	Steps   int    // timed. If 0, 8.
	Warmup  int    // steps before. If 0, 2.
	Seed    uint64 // of the weights and the data
}

// A Result is one measured model.
type Result struct {
	Model             string  `json:"model"`
	ISA               string  `json:"isa"`
	Threads           int     `json:"threads"`
	Batch             int     `json:"batch"`
	StepMilliseconds  float64 `json:"step_ms"` // median
	FastestStep       float64 `json:"step_ms_min"`
	ImagesPerSecond   float64 `json:"images_per_second"` // of the median step
	GFLOPS            float64 `json:"gflops"`
	ShareOfPeak       float64 `json:"share_of_peak"`
	PeakRSSBytes      int64   `json:"peak_rss_bytes"` // 0 where the system does not tell
	AllocsPerStep     int64   `json:"allocs_per_step"`
	AllocBytesPerStep int64   `json:"alloc_bytes_per_step"`
	FirstLoss         float32 `json:"first_loss"`
	LastLoss          float32 `json:"last_loss"`
	Digest            string  `json:"digest"` // of the weights and buffers after all steps
}

// A model is one training step, which returns the loss, its cost, and what it
// trains.
type model struct {
	step  func() float32
	flops int
	all   nn.Module
}

var models = map[string]func(batch int, seed uint64) (model, error){"mae": newMAE, "clip": newCLIP, "simclr": newSimCLR}

// Models lists the names Run knows, in order.
func Models() []string { return []string{"mae", "clip", "simclr"} }

// Run measures one model. Peak is the machine's, as Peak measures it.
func Run(name string, o Options, peak float64) (Result, error) {
	build, ok := models[name]
	if !ok {
		return Result{}, fmt.Errorf("bench: no model %q, have %v", name, Models())
	}
	defer o.begin()()
	resetPeakRSS()
	m, err := build(o.Batch, o.Seed)
	if err != nil {
		return Result{}, err
	}
	r := Result{Model: name, ISA: tensor.ISA(), Threads: o.Threads, Batch: o.Batch}
	for range o.Warmup {
		m.step()
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	var ms []float64
	for i := range o.Steps {
		start := time.Now()
		r.LastLoss = m.step()
		ms = append(ms, float64(time.Since(start).Nanoseconds())/1e6)
		if i == 0 {
			r.FirstLoss = r.LastLoss
		}
	}
	runtime.ReadMemStats(&after)
	r.StepMilliseconds, r.FastestStep = median(ms), slices.Min(ms)
	r.ImagesPerSecond = float64(o.Batch) / r.StepMilliseconds * 1e3
	r.GFLOPS = float64(m.flops) / r.StepMilliseconds / 1e6
	r.ShareOfPeak = r.GFLOPS / peak
	r.PeakRSSBytes = peakRSS()
	r.Digest = nn.Digest(m.all)
	r.AllocsPerStep = int64(after.Mallocs-before.Mallocs) / int64(o.Steps)
	r.AllocBytesPerStep = int64(after.TotalAlloc-before.TotalAlloc) / int64(o.Steps)
	return r, nil
}

// begin resolves defaults and sets the number of threads; what it returns sets
// it back.
func (o *Options) begin() (end func()) {
	if o.Threads <= 0 {
		o.Threads = runtime.GOMAXPROCS(0)
	}
	if o.Batch <= 0 {
		o.Batch = 256
	}
	if o.Steps <= 0 {
		o.Steps = 8
	}
	if o.Warmup <= 0 {
		o.Warmup = 2
	}
	debug.FreeOSMemory()
	was := runtime.GOMAXPROCS(o.Threads)
	return func() { runtime.GOMAXPROCS(was) }
}

func median(x []float64) float64 {
	x = slices.Sorted(slices.Values(x))
	n := len(x)
	return (x[(n-1)/2] + x[n/2]) / 2
}

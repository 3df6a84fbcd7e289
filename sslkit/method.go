package sslkit

import (
	"sslnotes/sslkit/data"
	"sslnotes/sslkit/nn"
	"sslnotes/sslkit/rng"
	"sslnotes/sslkit/tensor"
)

// A Method is a self-supervised task: what it builds on top of an encoder, and
// its loss on a batch.
type Method interface {
	// Name is the method's name in the field, as records and plots show it.
	Name() string

	// Build resolves the method's default fields, forgets all state of an
	// earlier training, and returns the heads trained beside the encoder. It
	// returns an error that names the field if one is out of range.
	Build(e nn.Encoder, in data.Spec, s Setup) (heads nn.Module, err error)

	// Loss is the paper's algorithm on one batch: a scalar to be minimised.
	Loss(b data.Batch, s Step) *tensor.Tensor
}

// A Viewer is a Method that trains on augmented views. Views are drawn ahead
// of the step, on other threads: View must be a pure function of its arguments.
type Viewer interface {
	Method

	// Views lists the spec of each view of a sample, in the order of
	// data.Batch.Views. It is asked after Build, whose encoder must be able to
	// take each.
	Views(in data.Spec) []data.Spec

	// View draws view v of src into dst, whose size is that of Views()[v].
	View(dst *data.Image, src data.Image, v int, r *rng.Stream)
}

// An AfterStepper has state that moves after the optimizer: momentum encoders,
// queues, centres.
type AfterStepper interface {
	AfterStep(s Step)
}

// A Stateful method keeps state besides the encoder and the heads: momentum
// networks, queues, centres. The pipeline commits its buffers at a step's end
// and stores it in checkpoints.
type Stateful interface {
	State() nn.Module
}

// A Keeper has heads that are of use after training, as CLIP's text encoder is.
// The pipeline stores them, and State, with the encoder when training ends, and
// a run that is loaded has them back.
type Keeper interface {
	Method

	// Keep returns what is worth keeping. It is asked after Build.
	Keep() nn.Module
}

// A Teacher is a method that trains a second encoder beside the first: a slow
// average of it. The pipeline stores it when training ends, so that it can be
// judged in the first one's place.
type Teacher interface {
	Method

	// Teacher returns the second encoder, of the first one's plan and input.
	// BatchNorm's running statistics in it are those of its own batches. It is
	// asked after Build.
	Teacher() nn.Encoder
}

// A Steadier has heads whose learning rate does not fall with that of all else: after
// the warm-up it stays at its peak, as that of SimSiam's predictor does.
type Steadier interface {
	Method

	// Steady returns them, which are some of those that Build returned, or nil if
	// there are none. It is asked after Build.
	Steady() nn.Module
}

// A Trivial method knows what its loss is when the features are the same for
// every input: a loss that stays there has learnt nothing, or has collapsed.
// TrivialLoss is asked after Build.
type Trivial interface {
	TrivialLoss() float64
}

// A Reporter tells more of its training than its loss does.
type Reporter interface {
	// Report returns diagnostics of the last step by key. They are recorded with
	// what is seen of the features every Schedule.Watch steps. It returns nil before
	// the first step.
	Report() map[string]float64
}

// A Diagnoser sees in the values that it logs or reports that its training goes
// wrong in a way that the features do not show, or not yet.
type Diagnoser interface {
	// Diagnose names what is wrong, such as the mode of collapse, or returns "".
	// Values are those of a step after the first tenth of training.
	Diagnose(values map[string]float64) string
}

// A Scheduler states the schedule a method wants where the caller says nothing: its
// length, batch, rate, decay and the bounds of the gradient.
type Scheduler interface {
	Schedule() Schedule
}

// Setup is what a method may know before training starts.
type Setup struct {
	Seed      uint64 // of every random stream of the run
	Steps     int    // optimizer steps in all
	BatchSize int    // samples a step
}

// Stream returns the random stream of the given purpose, a pure function of
// the run's seed.
func (s Setup) Stream(purpose string) *rng.Stream { return rng.New(s.Seed, purpose) }

// Step is one optimizer step as a method sees it.
type Step struct {
	Index, Total int // 0 ≤ Index < Total
	Epoch        int
	Seed         uint64

	log func(key string, value float32)
}

// NewStep returns the step with the given place in training. Values logged by
// the method go to log, which may be nil.
func NewStep(index, total, epoch int, seed uint64, log func(key string, value float32)) Step {
	return Step{Index: index, Total: total, Epoch: epoch, Seed: seed, log: log}
}

// Log records a value computed in this step under the run's metric key.
func (s Step) Log(key string, value float32) {
	if s.log != nil {
		s.log(key, value)
	}
}

// Stream returns this step's random stream of the given purpose.
func (s Step) Stream(purpose string) *rng.Stream {
	return rng.New(s.Seed, purpose, uint64(s.Index))
}

// MethodFuncs makes a Method from closures, for methods written in a notebook
// cell. Runs of such a method record their cell; their fields alone cannot
// re-execute them.
type MethodFuncs struct {
	MethodName string // If "", "custom".
	BuildFunc  func(e nn.Encoder, in data.Spec, s Setup) (nn.Module, error)
	LossFunc   func(b data.Batch, s Step) *tensor.Tensor
}

// Name implements Method.
func (m MethodFuncs) Name() string {
	if m.MethodName == "" {
		return "custom"
	}
	return m.MethodName
}

// Build implements Method. If BuildFunc is nil the method has no heads.
func (m MethodFuncs) Build(e nn.Encoder, in data.Spec, s Setup) (nn.Module, error) {
	if m.BuildFunc == nil {
		return nil, nil
	}
	return m.BuildFunc(e, in, s)
}

// Loss implements Method.
func (m MethodFuncs) Loss(b data.Batch, s Step) *tensor.Tensor { return m.LossFunc(b, s) }

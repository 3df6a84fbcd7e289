package sslkit

import (
	"errors"
	"fmt"
	"math"
)

// Schedule says how long and how fast to train. A zero field means the
// method's own default.
type Schedule struct {
	Epochs    int    // passes over the data. If 0, the method's.
	Steps     int    // optimizer steps; wins over Epochs. If 0, from Epochs.
	BatchSize int    // samples a step. If 0, the method's, or 256.
	Seed      uint64 // of weights, order, views and the method's own draws

	LearningRate float32 // peak rate. If 0, the method's, or 2e-3.
	WeightDecay  float32 // decoupled (AdamW). If 0, the method's, or 1e-4; negative: none.
	Warmup       int     // steps of linear warm-up before the cosine, fewer than all. If 0, 5 % of all; negative: none.

	// FinalDecay is the WeightDecay of the last step, to which half a cosine leads, as
	// DINO's authors do from 0.04 to 0.4. If 0, WeightDecay stays.
	FinalDecay float32 `config:"omitzero"`

	// Beta1, Beta2 and Epsilon are those of AdamW. If 0, 0.9, 0.999 and 1e-8. MAE's
	// authors take a Beta2 of 0.95, CLIP's of 0.98 and an Epsilon of 1e-6.
	Beta1   float32 `config:"omitzero"`
	Beta2   float32 `config:"omitzero"`
	Epsilon float32 `config:"omitzero"`

	// SGD descends by the gradient with momentum Beta1 (negative: none), WeightDecay
	// added to it, as MoCo's and SimSiam's authors do, rather than by AdamW. It needs a
	// LearningRate, such as 0.03 for a batch of 256.
	SGD bool `config:"omitzero"`

	// ClipNorm is the length to which the gradient of all parameters together is
	// scaled down where it is longer (Pascanu, Mikolov and Bengio 2013,
	// algorithm 1). ClipEach is that of each parameter's own gradient, as DINO's
	// authors clip, at 3. If 0, the method's, or none; negative: none. Only one
	// may be given.
	ClipNorm float32 `config:"omitzero"`
	ClipEach float32 `config:"omitzero"`

	Checkpoint int // steps between checkpoints to resume from. If 0, an epoch's, at least 100; negative: none.
	Watch      int // steps between looks at the features. If 0, a twentieth of all, at least 50; negative: none.

	// Monitor is the number of labelled images in such a look, where the session
	// monitors training. If 0, as many that all looks together take a twentieth
	// of the images trained on, but 200 to 2000; negative: none. A twentieth costs
	// less than 2 % of training, in which an image passes the encoder forward and,
	// at twice the cost, back.
	Monitor int `config:"omitzero"`

	// Diagnostics says what such a look records: with 1 all that there is. If 0, 1;
	// negative: what records without this field hold.
	Diagnostics int `config:"omitzero"`
}

// Resolve fills zero fields from the method's defaults, then from the house's,
// and turns epochs into steps for a set of n samples. It returns an error that
// names the field if one is out of range.
func (s Schedule) Resolve(m Method, n int) (Schedule, error) {
	if err := s.finite(); err != nil {
		return s, err
	}
	var d Schedule
	if c, ok := m.(Scheduler); ok {
		d = c.Schedule()
	}
	if s.SGD && s.LearningRate == 0 {
		return s, errors.New("schedule: SGD needs a LearningRate: the usual ones are AdamW's")
	}
	s.BatchSize = first(s.BatchSize, d.BatchSize, 256)
	s.LearningRate = first(s.LearningRate, d.LearningRate, 2e-3)
	s.WeightDecay = max(0, first(s.WeightDecay, d.WeightDecay, 1e-4))
	if err := s.clip(d); err != nil {
		return s, err
	}
	switch {
	case s.Epochs < 0:
		return s, fmt.Errorf("schedule: Epochs is %d, want > 0", s.Epochs)
	case s.Steps < 0:
		return s, fmt.Errorf("schedule: Steps is %d, want > 0", s.Steps)
	case s.BatchSize < 2:
		return s, fmt.Errorf("schedule: BatchSize is %d, want ≥ 2", s.BatchSize)
	case s.BatchSize > n:
		return s, fmt.Errorf("schedule: BatchSize is %d, but the set has only %d samples", s.BatchSize, n)
	case s.FinalDecay < 0:
		return s, fmt.Errorf("schedule: FinalDecay is %g, want ≥ 0", s.FinalDecay)
	case s.Beta1 < 0 && !s.SGD || s.Beta1 >= 1:
		return s, fmt.Errorf("schedule: Beta1 is %g, want 0 to below 1", s.Beta1)
	case s.Beta2 < 0 || s.Beta2 >= 1:
		return s, fmt.Errorf("schedule: Beta2 is %g, want 0 to below 1", s.Beta2)
	case s.Epsilon < 0:
		return s, fmt.Errorf("schedule: Epsilon is %g, want > 0", s.Epsilon)
	case s.SGD && (s.Beta2 != 0 || s.Epsilon != 0):
		return s, errors.New("schedule: Beta2 and Epsilon are of AdamW, and SGD is set")
	case s.Diagnostics > 1:
		return s, fmt.Errorf("schedule: Diagnostics is %d, want 1, or negative", s.Diagnostics)
	case s.LearningRate < 0:
		return s, fmt.Errorf("schedule: LearningRate is %g, want > 0", s.LearningRate)
	}
	if s.Steps == 0 {
		s.Epochs = first(s.Epochs, d.Epochs, 10)
		s.Steps = s.Epochs * (n / s.BatchSize)
	}
	s.Epochs = 0 // Steps alone says it now
	switch {
	case s.Warmup == 0:
		s.Warmup = max(1, s.Steps/20)
	case s.Warmup < 0:
		s.Warmup = 0
	case s.Warmup > max(1, s.Steps-1): // one step has the peak rate in any case
		return s, fmt.Errorf("schedule: Warmup is %d, want fewer than the %d steps", s.Warmup, s.Steps)
	}
	s.Diagnostics = max(0, first(s.Diagnostics, 1))
	s.Checkpoint = max(0, first(s.Checkpoint, max(100, n/s.BatchSize)))
	s.Watch = max(0, first(s.Watch, max(50, s.Steps/20)))
	return s, nil
}

// finite returns an error that names the first field that is no number.
func (s Schedule) finite() error {
	for _, f := range []struct {
		name  string
		value float32
	}{{"LearningRate", s.LearningRate}, {"WeightDecay", s.WeightDecay}, {"FinalDecay", s.FinalDecay}, {"Beta1", s.Beta1}, {"Beta2", s.Beta2}, {"Epsilon", s.Epsilon}, {"ClipNorm", s.ClipNorm}, {"ClipEach", s.ClipEach}} {
		if v := float64(f.value); math.IsNaN(v) || math.IsInf(v, 0) {
			return fmt.Errorf("schedule: %s is %g, want a finite number", f.name, v)
		}
	}
	return nil
}

// clip fills in the bounds of the gradient. A bound of the caller stands against
// the other one of the method.
func (s *Schedule) clip(d Schedule) error {
	if s.ClipNorm <= 0 && s.ClipEach <= 0 {
		s.ClipNorm, s.ClipEach = first(s.ClipNorm, d.ClipNorm), first(s.ClipEach, d.ClipEach)
	}
	s.ClipNorm, s.ClipEach = max(0, s.ClipNorm), max(0, s.ClipEach)
	if s.ClipNorm > 0 && s.ClipEach > 0 {
		return fmt.Errorf("schedule: ClipNorm is %g and ClipEach %g, want one of them", s.ClipNorm, s.ClipEach)
	}
	return nil
}

// first returns the first value that is not zero.
func first[T int | float32](values ...T) T {
	for _, v := range values {
		if v != 0 {
			return v
		}
	}
	return 0
}

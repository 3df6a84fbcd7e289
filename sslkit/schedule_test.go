package sslkit

import (
	"math"
	"strings"
	"testing"
)

// A field out of range is named.
func TestScheduleRefuses(t *testing.T) {
	nan, inf := float32(math.NaN()), float32(math.Inf(1))
	for _, c := range []struct {
		s    Schedule
		want string // "": accepted
	}{
		{Schedule{Steps: 100, Warmup: 99}, ""}, {Schedule{Steps: 1}, ""}, {Schedule{Steps: 1, Warmup: 1}, ""}, {Schedule{Steps: 2}, ""}, {Schedule{Steps: 100, Warmup: -1, WeightDecay: -1}, ""},
		{Schedule{Steps: 100, Warmup: 100}, "Warmup is 100, want fewer than the 100 steps"}, {Schedule{Steps: 10, Warmup: 1000}, "Warmup is 1000"}, {Schedule{Steps: 1, Warmup: 2}, "Warmup is 2"},
		{Schedule{Epochs: 2, Warmup: 20}, "Warmup is 20, want fewer than the 20 steps"},
		{Schedule{WeightDecay: nan}, "WeightDecay is NaN"}, {Schedule{WeightDecay: inf}, "WeightDecay is +Inf"}, {Schedule{WeightDecay: -inf}, "WeightDecay is -Inf"},
		{Schedule{LearningRate: nan}, "LearningRate is NaN"}, {Schedule{LearningRate: inf}, "LearningRate is +Inf"}, {Schedule{LearningRate: -1}, "LearningRate is -1"},
		{Schedule{Beta1: 0.5, Beta2: 0.95, Epsilon: 1e-6}, ""}, {Schedule{SGD: true, LearningRate: 0.1, Beta1: 0.5}, ""}, {Schedule{SGD: true, LearningRate: 0.1, Beta1: -1}, ""}, {Schedule{SGD: true}, "SGD needs a LearningRate"}, {Schedule{Beta1: -1}, "Beta1 is -1"}, {Schedule{Beta1: 1}, "Beta1 is 1"}, {Schedule{Beta1: nan}, "Beta1 is NaN"},
		{Schedule{FinalDecay: -1}, "FinalDecay is -1"}, {Schedule{FinalDecay: nan}, "FinalDecay is NaN"},
		{Schedule{Beta2: -1}, "Beta2 is -1"}, {Schedule{Beta2: 1}, "Beta2 is 1"}, {Schedule{Epsilon: -1}, "Epsilon is -1"}, {Schedule{Epsilon: inf}, "Epsilon is +Inf"},
		{Schedule{SGD: true, LearningRate: 0.1, Beta2: 0.9}, "Beta2 and Epsilon are of AdamW"},
		{Schedule{BatchSize: 1}, "BatchSize is 1"}, {Schedule{BatchSize: 101}, "BatchSize is 101"}, {Schedule{Epochs: -1}, "Epochs is -1"}, {Schedule{Steps: -1}, "Steps is -1"},
	} {
		if c.s.BatchSize == 0 {
			c.s.BatchSize = 10
		}
		_, err := c.s.Resolve(MethodFuncs{}, 100)
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), "schedule: "+c.want)) {
			t.Errorf("%+v: error %v, want %q", c.s, err, c.want)
		}
	}
}

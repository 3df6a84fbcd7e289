package contrastive

import (
	"testing"

	"sslnotes/sslkit"
	"sslnotes/sslkit/sslkittest"
)

func TestSimCLRSuite(t *testing.T) {
	sslkittest.TestMethod(t, func() sslkit.Method { return &SimCLR{Dim: 8} }, sslkittest.Options{
		Permutation: 1e-6,
		Bad: map[string]sslkit.Method{
			"SimCLR.Temperature": &SimCLR{Temperature: -1},
			"SimCLR.Hidden":      &SimCLR{Hidden: -1},
			"Dim":                &SimCLR{Dim: -1},
		},
	})
}

func TestBYOLSuite(t *testing.T) {
	sslkittest.TestMethod(t, func() sslkit.Method { return &BYOL{Dim: 8, Hidden: 12} }, sslkittest.Options{
		Permutation: 1e-5,
		Bad:         map[string]sslkit.Method{"BYOL.Momentum": &BYOL{Momentum: 2}, "BYOL.Hidden": &BYOL{Hidden: -1}, "BYOL.Dim": &BYOL{Dim: -1}},
	})
}

func TestSimSiamSuite(t *testing.T) {
	sslkittest.TestMethod(t, func() sslkit.Method { return &SimSiam{Dim: 8, Hidden: 12} }, sslkittest.Options{
		Permutation: 1e-5, Stopped: true,
		Bad: map[string]sslkit.Method{"SimSiam.Hidden": &SimSiam{Hidden: -1}, "SimSiam.Dim": &SimSiam{Dim: -1}, "SimSiam.Bottleneck": &SimSiam{Bottleneck: -1}},
	})
}

func TestMoCoSuite(t *testing.T) {
	sslkittest.TestMethod(t, func() sslkit.Method { return &MoCo{Dim: 8, Queue: 16} }, sslkittest.Options{
		Permutation: 1e-5,
		Bad:         map[string]sslkit.Method{"MoCo.Temperature": &MoCo{Temperature: -1}, "MoCo.Queue": &MoCo{Queue: 7}, "MoCo.ShuffleGroups": &MoCo{ShuffleGroups: 3}},
	})
}

func TestSwAVSuite(t *testing.T) {
	sslkittest.TestMethod(t, func() sslkit.Method { return &SwAV{Dim: 8, Hidden: 12, Prototypes: 6, Local: 1, Freeze: -1} }, sslkittest.Options{
		Permutation: 1e-4, Stopped: true,
		Bad: map[string]sslkit.Method{"SwAV.Temperature": &SwAV{Temperature: -1}, "SwAV.Epsilon": &SwAV{Epsilon: -1}, "SwAV.Prototypes": &SwAV{Prototypes: -1}},
	})
}

func TestDINOSuite(t *testing.T) {
	sslkittest.TestMethod(t, func() sslkit.Method { return &DINO{Outputs: 10, Hidden: 12, Bottleneck: 6, Local: 1, Freeze: -1} }, sslkittest.Options{
		Permutation: 1e-4,
		Bad:         map[string]sslkit.Method{"DINO.TeacherTemperature": &DINO{TeacherTemperature: -1}, "DINO.Outputs": &DINO{Outputs: -1}, "DINO.CentreMomentum": &DINO{CentreMomentum: 2}},
	})
}

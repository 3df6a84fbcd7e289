package contrastive

import (
	"slices"
	"strings"
	"testing"

	"sslnotes/internal/config"
	"sslnotes/sslkit"
	"sslnotes/sslkit/augment"
	"sslnotes/sslkit/data"
	"sslnotes/sslkit/nn"
	"sslnotes/sslkit/rng"
	"sslnotes/sslkit/sslkittest"
)

// vision is a tiny network of patches of 4 pixels, for the suite.
var vision = nn.ViT{Width: 8, Depth: 1, Heads: 2}

// emoji returns six pictures of 32×32 of every group.
func emoji(t *testing.T) *data.Unlabelled {
	t.Helper()
	train, _, err := data.Open("emoji-google")
	if err != nil {
		t.Fatal(err)
	}
	if train, err = train.PerClass(6, 0); err != nil {
		t.Fatal(err)
	}
	return train.Unlabelled()
}

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
	sslkittest.TestMethod(t, func() sslkit.Method { return &SimSiam{Dim: 8, Hidden: 12, SteadyPredictor: true} }, sslkittest.Options{Permutation: 1e-5, Stopped: true})
}

func TestMoCoSuite(t *testing.T) {
	sslkittest.TestMethod(t, func() sslkit.Method { return &MoCo{Dim: 8, Queue: 16} }, sslkittest.Options{
		Permutation: 1e-5,
		Bad:         map[string]sslkit.Method{"MoCo.Temperature": &MoCo{Temperature: -1}, "MoCo.Queue": &MoCo{Queue: 7}, "MoCo.ShuffleGroups": &MoCo{ShuffleGroups: 3}, "MoCo.NoShuffle": &MoCo{NoShuffle: true}},
	})
	sslkittest.TestMethod(t, func() sslkit.Method { return &MoCo{Dim: 8, Queue: 16, Symmetric: true, ShuffleGroups: 2} }, sslkittest.Options{
		Bad: map[string]sslkit.Method{"MoCo.Queue": &MoCo{Queue: 24, Symmetric: true}},
	})
}

func TestSwAVSuite(t *testing.T) {
	method := func() sslkit.Method { return &SwAV{Dim: 8, Hidden: 12, Prototypes: 6, Local: 1, Freeze: -1} }
	sslkittest.TestMethod(t, method, sslkittest.Options{
		Permutation: 1e-4, Stopped: true,
		Bad: map[string]sslkit.Method{"SwAV.Temperature": &SwAV{Temperature: -1}, "SwAV.Epsilon": &SwAV{Epsilon: -1}, "SwAV.Prototypes": &SwAV{Prototypes: -1}},
	})
	queued := func() sslkit.Method {
		m := method().(*SwAV)
		m.Queue = 16
		return m
	}
	sslkittest.TestMethod(t, queued, sslkittest.Options{
		Set: emoji(t), Plan: vision, Permutation: 1e-4, Stopped: true,
		Bad: map[string]sslkit.Method{"SwAV.LocalSize": &SwAV{LocalSize: 18}, "SwAV.Queue": &SwAV{Queue: 12}, "SwAV.Unbalanced": &SwAV{Queue: 16, Unbalanced: true}},
	})
}

func TestDINOSuite(t *testing.T) {
	method := func() sslkit.Method { return &DINO{Outputs: 10, Hidden: 12, Bottleneck: 6, Local: 1, Freeze: -1} }
	sslkittest.TestMethod(t, method, sslkittest.Options{
		Permutation: 1e-4,
		Bad:         map[string]sslkit.Method{"DINO.TeacherTemperature": &DINO{TeacherTemperature: -1}, "DINO.Outputs": &DINO{Outputs: -1}, "DINO.CentreMomentum": &DINO{CentreMomentum: 2}},
	})
	asymmetric := func() sslkit.Method {
		m := method().(*DINO)
		m.SecondAugment = append(standard(), augment.Grayscale{}, augment.Blur{P: 0.1}, augment.Solarize{}, augment.Erase{})
		return m
	}
	sslkittest.TestMethod(t, asymmetric, sslkittest.Options{
		Set: emoji(t), Plan: vision, Permutation: 1e-4,
		Bad: map[string]sslkit.Method{"DINO.LocalSize": &DINO{LocalSize: 18}},
	})
}

// A small view is 4/7 of the image, or as many patches as are no more. Without
// small views nothing needs their size.
func TestLocalSize(t *testing.T) {
	for _, c := range []struct {
		plan               nn.Plan
		side, local, given int
		want               int // 0: refused
	}{
		{nn.ConvNet{}, 28, 4, 0, 16}, {nn.ConvNet{}, 32, 4, 0, 18}, {vision, 28, 4, 0, 16}, {vision, 32, 4, 0, 16}, {vision, 32, 4, 12, 12},
		{nn.ViT{PatchSize: 7}, 28, 4, 0, 14}, {nn.ViT{PatchSize: 2}, 32, 4, 0, 18}, {nn.ViT{PatchSize: 14}, 14, 4, 0, 14},
		{vision, 32, 4, 18, 0}, {vision, 32, -1, 0, 18}, {vision, 32, -1, 18, 18},
	} {
		in := data.Spec{Height: c.side, Width: c.side, Channels: 1, Mean: []float32{0}, Std: []float32{1}}
		e, err := c.plan.Build(nn.Input{Height: c.side, Width: c.side, Channels: 1}, rng.New(1, "weights"))
		if err != nil {
			t.Fatal(err)
		}
		dino, swav := &DINO{Local: c.local, LocalSize: c.given}, &SwAV{Local: c.local, LocalSize: c.given}
		for field, m := range map[string]sslkit.Viewer{"DINO.LocalSize": dino, "SwAV.LocalSize": swav} {
			_, err := m.Build(e, in, sslkit.Setup{Seed: 1, Steps: 4, BatchSize: 6})
			if c.want == 0 {
				if err == nil || !strings.Contains(err.Error(), field+" is 18, want a multiple of the encoder's patch of 4") {
					t.Errorf("%+v: error %v, want one that names %s", c, err, field)
				}
				continue
			}
			if err != nil || max(dino.LocalSize, swav.LocalSize) != c.want {
				t.Errorf("%+v: %s %d and %d, error %v", c, field, dino.LocalSize, swav.LocalSize, err)
			}
		}
	}
}

// The second whole view is drawn by a chain of its own, where there is one; a
// record of a method without one is what it was.
func TestSecondAugment(t *testing.T) {
	set := emoji(t)
	src, own := set.Image(3), augment.Chain{augment.Solarize{P: 1}}
	for _, c := range []struct {
		alike, apart sslkit.Viewer
	}{{&BYOL{}, &BYOL{SecondAugment: own}}, {&DINO{}, &DINO{SecondAugment: own}}} {
		views := func(m sslkit.Viewer) (all [][]float32) {
			e, err := vision.Build(nn.Input{Height: 32, Width: 32, Channels: 3}, rng.New(1, "weights"))
			if err != nil {
				t.Fatal(err)
			}
			if _, err := m.Build(e, set.Spec(), sslkit.Setup{Seed: 1, Steps: 4, BatchSize: 6}); err != nil {
				t.Fatal(err)
			}
			for v, spec := range m.Views(set.Spec()) {
				img := data.Image{H: spec.Height, W: spec.Width, C: 3, Pix: make([]float32, spec.Height*spec.Width*3)}
				m.View(&img, src, v, rng.New(1, "view", uint64(v)))
				all = append(all, img.Pix)
			}
			return all
		}
		before, after := views(c.alike), views(c.apart)
		want := data.Image{H: 32, W: 32, C: 3, Pix: make([]float32, 32*32*3)}
		own.Draw(&want, src, rng.New(1, "view", 1))
		for v := range before {
			if v == 1 {
				before[v] = want.Pix
			}
			if !slices.Equal(after[v], before[v]) {
				t.Errorf("%s: view %d is drawn by another chain", c.apart.Name(), v)
			}
		}
		first, err := config.Encode(c.alike)
		if second, err2 := config.Encode(c.apart); err != nil || err2 != nil || strings.Contains(string(first), "SecondAugment") || !strings.Contains(string(second), "Solarize") {
			t.Errorf("recorded as %s and %s, errors %v, %v", first, second, err, err2)
		}
	}
}

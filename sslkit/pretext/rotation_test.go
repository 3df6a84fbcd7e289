package pretext

import (
	"math"
	"slices"
	"strings"
	"testing"

	"sslnotes/sslkit"
	"sslnotes/sslkit/data"
	"sslnotes/sslkit/nn"
	"sslnotes/sslkit/rng"
	"sslnotes/sslkit/tensor"
)

func images(n, h, w int) *tensor.Tensor {
	t := tensor.New(n, h, w, 1)
	r := rng.New(1, "images")
	for i := range t.Data() {
		t.Data()[i] = r.Float32()
	}
	return t
}

// The course's demo: five images give 20 samples in 4 classes.
func TestRotationTask(t *testing.T) {
	x := images(5, 6, 6)
	turned, labels := RotationTask(x)
	if turned.Dim(0) != 20 || len(labels) != 20 {
		t.Fatalf("%d samples and %d labels, want 20", turned.Dim(0), len(labels))
	}
	var counts [4]int
	for i, l := range labels {
		counts[l]++
		if l != i%4 {
			t.Fatalf("labels %v are not image-major", labels)
		}
		original, copied := x.Data()[i/4*36:(i/4+1)*36], turned.Data()[i*36:(i+1)*36]
		back := tensor.Rot90(tensor.FromSlice(copied, 1, 6, 6, 1), 4-l)
		if !slices.Equal(back.Data(), original) {
			t.Errorf("copy %d is not image %d turned %d times", i, i/4, l)
		}
	}
	if counts != [4]int{5, 5, 5, 5} {
		t.Errorf("counts %v", counts)
	}
}

func TestRotationNeedsSquares(t *testing.T) {
	spec := data.Spec{Height: 6, Width: 8, Channels: 1}
	e, err := nn.ConvNet{}.Build(nn.Input{Height: 6, Width: 8, Channels: 1}, rng.New(1, "e"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := (&Rotation{}).Build(e, spec, sslkit.Setup{}); err == nil || !strings.Contains(err.Error(), "square") {
		t.Errorf("error %v", err)
	}
}

// A head of zeros knows nothing: the loss is ln 4.
func TestRotationStartsAtChance(t *testing.T) {
	e, err := nn.ConvNet{}.Build(nn.Input{Height: 8, Width: 8, Channels: 1}, rng.New(1, "e"))
	if err != nil {
		t.Fatal(err)
	}
	m := &Rotation{}
	heads, err := m.Build(e, data.Spec{Height: 8, Width: 8, Channels: 1}, sslkit.Setup{Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	clear(heads.Params()[0].Value.Data())
	b := data.Batch{Views: []*tensor.Tensor{images(6, 8, 8)}}
	loss := m.Loss(b, sslkit.NewStep(0, 1, 0, 1, nil)).Item()
	if math.Abs(float64(loss)-math.Log(4)) > 1e-6 {
		t.Errorf("loss %g, want ln 4", loss)
	}
}

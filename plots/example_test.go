package plots_test

import (
	"math"

	"sslnotes/plots"
)

func ExampleLoss() {
	simclr := training("simclr", 4000, 5.5, 4.2)
	rotation := training("rotation", 3000, 1.4, 0.4)
	show("loss", plots.Loss(simclr, rotation))
	// Output: loss against step: simclr, rotation
}

func ExampleMetric() {
	f := plots.Metric("knn_accuracy", training("simclr", 400, 5, 4), training("moco", 300, 5, 4), training("byol", 240, 1, 0))
	f.References = []plots.Reference{{Name: "raw pixels", Value: 0.81}, {Name: "chance", Value: 0.1}}
	show("metric", f)
	// Output: knn accuracy against step: simclr, moco, byol
}

func ExampleCurves() {
	steps, values := training("", 1000, 100, 0.2).Curve("loss")
	for i := 400; i < 450; i++ {
		values[i] = math.NaN() // it diverged, and recovered
	}
	show("curves", plots.Curves{
		Title:  "A loss that leaves the numbers for a while",
		Lines:  []plots.Line{{Name: "inpainting", X: steps, Y: values}},
		YLabel: "squared error",
		LogY:   true,
	})
	// Output: squared error against step: inpainting
}

func ExampleImages() {
	images, classes := photographs(16)
	f := plots.Images(images...)
	f.Captions = classes
	show("images", f)
	// Output: 16 images: T-shirt/top, Ankle boot, Trouser, Ankle boot, Sneaker, T-shirt/top, Sandal, Sandal, Sandal, T-shirt/top, Ankle boot, Ankle boot, Bag, Ankle boot, Trouser, Sandal
}

func ExampleRotations() {
	images, _ := photographs(3)
	show("rotations", plots.Rotations(images...))
	// Output: 12 images
}

func ExamplePairs() {
	images, _ := photographs(14)
	show("pairs", plots.Pairs(images[:7], images[7:]))
	// Output: 14 images
}

func ExampleBars() {
	f := plots.Bars(
		plots.Bar{Name: "Rotation", Values: []float64{0.838, 0.842, 0.835}},
		plots.Bar{Name: "SimCLR", Values: []float64{0.866, 0.871, 0.864}},
		plots.Bar{Name: "BYOL", Values: []float64{0.861, 0.858, 0.867}},
		plots.Bar{Name: "random weights", Values: []float64{0.801, 0.812, 0.807}},
	)
	f.Percent, f.Label = true, "linear probe accuracy"
	f.References = []plots.Reference{{Name: "raw pixels", Value: 0.844}, {Name: "chance", Value: 0.1}}
	show("bars", f)
	// Output: linear probe accuracy compared: Rotation 83.8 ± 0.4, SimCLR 86.7 ± 0.4, BYOL 86.2 ± 0.5, random weights 80.7 ± 0.6
}

func ExampleBarChart() {
	show("barchart", plots.BarChart{
		Title: "Ten labels a class",
		Label: "test accuracy", Percent: true, From: 0.5,
		Bars: []plots.Bar{
			{Name: "masked autoencoder, fine-tuned", Values: []float64{0.752, 0.741, 0.760}, Group: "masked"},
			{Name: "SimCLR, linear probe", Values: []float64{0.758, 0.764, 0.749}, Group: "contrastive"},
			{Name: "SimCLR, fine-tuned", Values: []float64{0.771, 0.768, 0.779}, Group: "contrastive"},
			{Name: "supervised from scratch", Values: []float64{0.647, 0.655, 0.633}, Group: "labels only"},
			{Name: "did not finish"},
		},
		References: []plots.Reference{{Name: "raw pixels", Value: 0.71}},
	})
	// Output: test accuracy compared: masked autoencoder, fine-tuned 75.1 ± 1.0, SimCLR, linear probe 75.7 ± 0.8, SimCLR, fine-tuned 77.3 ± 0.6, supervised from scratch 64.5 ± 1.1, did not finish no values
}

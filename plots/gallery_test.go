package plots_test

import (
	"image"
	"math"

	"sslnotes/plots"
)

func ExampleReconstructions() {
	images, _ := photographs(6)
	var masked, guesses []image.Image
	for i, img := range images {
		mask := make([]bool, 49)
		for j := range mask {
			mask[j] = (j*31+i*17)%4 != 0
		}
		masked = append(masked, plots.Masked(img, 4, mask))
		guesses = append(guesses, plots.Masked(img, 1, make([]bool, 28*28)))
	}
	show("reconstructions", plots.Reconstructions(images, masked, guesses))
	// Output: 18 images
}

func ExampleBeforeAfter() {
	images, _ := photographs(8)
	f := plots.BeforeAfter(images[:4], images[4:])
	f.Title = "A puzzle and its solution"
	show("beforeafter", f)
	// Output: A puzzle and its solution: 8 images
}

func ExampleNeighbours() {
	images, classes := photographs(18)
	var nearest [][]image.Image
	var right [][]bool
	for q := range 3 {
		nearest, right = append(nearest, images[3+5*q:8+5*q]), append(right, nil)
		for _, c := range classes[3+5*q : 8+5*q] {
			right[q] = append(right[q], c == classes[q])
		}
	}
	show("neighbours", plots.Neighbours(images[:3], nearest, right))
	// Output: 18 images
}

func ExampleAttention() {
	images, _ := photographs(2)
	maps := array{shape: []int{2, 4, 7, 7}}
	for i := range 2 * 4 * 49 {
		x, y, head := float64(i%7), float64(i/7%7), float64(i/49%4)
		maps.data = append(maps.data, float32(math.Round(1e4*math.Exp(-(x-1-head)*(x-1-head)/4-(y-3)*(y-3)/6))))
	}
	show("attention", plots.Attention(images, maps))
	// Output: 10 images
}

func ExampleLabelEfficiency() {
	labels := []float64{1, 10, 100, 1000, 6000}
	show("labelefficiency", plots.LabelEfficiency(
		plots.Sweep{Name: "SimCLR", X: labels, Values: [][]float64{{0.52, 0.57, 0.49}, {0.75, 0.76, 0.74}, {0.82, 0.822, 0.817}, {0.855, 0.857, 0.856}, {0.87, 0.871, 0.869}}},
		plots.Sweep{Name: "masked autoencoder", X: labels, Values: [][]float64{{0.44, 0.39, 0.47}, {0.69, 0.71, 0.68}, {0.80, 0.81, 0.805}, {0.86, 0.859, 0.862}, {0.90, 0.901, 0.902}}},
		plots.Sweep{Name: "supervised from scratch", X: labels, Values: [][]float64{{0.35, 0.41, 0.3}, {0.64, 0.66, 0.65}, {0.79, 0.785, 0.78}, {0.87, 0.869, 0.872}, {0.92, 0.918, 0.921}}},
	))
	// Output: test accuracy against labels of each class: SimCLR, masked autoencoder, supervised from scratch
}

func ExampleBlockSweep() {
	f := plots.BlockSweep(
		plots.Sweep{Name: "rotation", X: []float64{1, 2, 3, 4}, Values: [][]float64{{0.81}, {0.85}, {0.84}, {0.79}}},
		plots.Sweep{Name: "random weights", X: []float64{1, 2, 3, 4}, Values: [][]float64{{0.80}, {0.79}, {0.77}, {0.74}}},
	)
	f.References = []plots.Reference{{Name: "raw pixels", Value: 0.844}}
	show("blocksweep", f)
	// Output: test accuracy against block: rotation, random weights
}

func ExampleConfusion() {
	names := []string{"T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"}
	state := uint64(1)
	var truth, predicted []int
	for i := range 2000 {
		t := i % 10
		p := t
		if v := noise(&state); v > 0.75 {
			p = []int{6, 3, 4, 0, 2, 7, 0, 9, 0, 7}[t]
		} else if v < -0.97 {
			p = (t + 3) % 10
		}
		truth, predicted = append(truth, t), append(predicted, p)
	}
	show("confusion", plots.Confusion(names, truth, predicted))
	// Output: 86.3 % of 2000 samples right; shares of each class (%), 10×10, from 0.0 to 91.0
}

func ExampleTransfer() {
	show("transfer", plots.Transfer(
		[]string{"Fashion-MNIST", "MNIST", "emoji", "random weights"}, []string{"Fashion-MNIST", "MNIST", "emoji"},
		[][]float64{{0.871, 0.952, 0.412}, {0.803, 0.978, 0.371}, {0.812, 0.941, 0.534}, {0.801, 0.921, math.NaN()}},
	))
	// Output: accuracy (%), 4×3, from 37.1 to 97.8
}

func ExampleSimilarity() {
	state := uint64(3)
	images, texts := array{shape: []int{6, 8}}, array{shape: []int{6, 8}}
	for range 48 {
		v := noise(&state)
		images.data = append(images.data, float32(v))
		texts.data = append(texts.data, float32(v+0.7*noise(&state)))
	}
	names := []string{"a red heart", "a cat's face", "a green tree", "an old clock", "a slice of pizza", "the sun"}
	show("similarity", plots.Similarity([]string{"heart", "cat", "tree", "clock", "pizza", "sun"}, names, images, texts))
	// Output: cosine similarity, 6×6, from -0.714 to 0.918
}

func ExamplePCA() {
	vectors, labels, classes := embeddings(400)
	show("pca", plots.PCA(vectors, labels, classes))
	// Output: 400 points of 10 classes
}

func ExampleTSNE() {
	vectors, labels, classes := embeddings(400)
	show("tsne", plots.TSNE(vectors, 0, labels, classes))
	// Output: 400 points of 10 classes
}

func ExampleHistograms() {
	state := uint64(5)
	var positive, negative []float64
	for range 3000 {
		positive = append(positive, 0.7+0.15*(noise(&state)+noise(&state)))
		negative = append(negative, 0.3*(noise(&state)+noise(&state)+noise(&state)))
	}
	show("histograms", plots.Histograms("similarity", plots.Sample{Name: "positive pairs", Values: positive}, plots.Sample{Name: "negative pairs", Values: negative}))
	// Output: similarity distributed: positive pairs 0.696 ± 0.12, negative pairs -0.00116 ± 0.3
}

func ExampleBeside() {
	simclr := training("simclr", 300, 5, 4)
	loss, accuracy := plots.Loss(simclr), plots.Metric("knn_accuracy", simclr)
	loss.Width, accuracy.Width = 300, 300
	show("beside", plots.Beside(loss, accuracy))
	// Output: loss against step: simclr; knn accuracy against step: simclr
}

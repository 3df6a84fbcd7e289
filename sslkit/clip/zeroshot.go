package clip

import (
	"fmt"
	"strings"

	"sslnotes/sslkit/tensor"
)

// ZeroShot is the course's function: the cosine similarities of the embedding of
// one image, [D] or [1,D], and those of K texts, [K,D], and the softmax of scale
// times these, both of length K. Sums run in float64, in order. It panics if the
// widths differ.
func ZeroShot(image, texts *tensor.Tensor, scale float64) (similarities, probabilities []float64) {
	d := image.Len()
	if len(texts.Shape()) != 2 || texts.Dim(1) != d {
		panic(fmt.Sprintf("clip: ZeroShot of shapes %v and %v", image.Shape(), texts.Shape()))
	}
	x := unit(image.Data())
	for k := range texts.Dim(0) {
		similarities = append(similarities, dot(x, unit(texts.Data()[k*d:(k+1)*d])))
	}
	return similarities, softmax(similarities, scale)
}

// Templates are sentences in which {} stands for a class.
var Templates = []string{"{}", "a picture of {}", "an emoji of {}"}

// Classify returns one unit embedding of each class, [K,Dim]: that of each
// template with the class's name, averaged after normalising, and normalised
// again. If templates is nil, the names alone. It panics before Build, or if a
// template has no {}.
func (m *CLIP) Classify(names, templates []string) *tensor.Tensor {
	if templates == nil {
		templates = []string{"{}"}
	}
	sum := tensor.New(len(names), m.Dim)
	for _, t := range templates {
		if !strings.Contains(t, "{}") {
			panic(fmt.Sprintf("clip: Classify with the template %q, want {} where the class goes", t))
		}
		said := make([]string, len(names))
		for i, n := range names {
			said[i] = strings.ReplaceAll(t, "{}", n)
		}
		for i, v := range m.TextFeatures(said).Data() {
			sum.Data()[i] += v
		}
	}
	return tensor.L2Normalize(sum, 1e-12)
}

// Retrieval returns R@k: the share of rows of similarities [M,N] whose right
// column, truth[i] of row i, is among the k most similar. Of equals the right one
// comes last, so that constant features find nothing.
func Retrieval(similarities *tensor.Tensor, truth []int, k int) float64 {
	n := similarities.Dim(1)
	hits := 0
	for i, t := range truth {
		row, above := similarities.Data()[i*n:(i+1)*n], 0
		for j, v := range row {
			if j != t && !(v < row[t]) {
				above++
			}
		}
		if above < k {
			hits++
		}
	}
	return float64(hits) / float64(len(truth))
}

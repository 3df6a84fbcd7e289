package museum

import (
	"sslnotes/sslkit/rng"
	"sslnotes/sslkit/tensor"
)

// infoNCEFunc is CLIP's symmetric loss of images and texts [B,D] at a scale of
// their cosines (Radford and others 2021, figure 3).
type infoNCEFunc = func(images, texts, scale *tensor.Tensor) *tensor.Tensor

// chosen is the mean over rows of finding the diagonal.
func chosen(logits *tensor.Tensor) *tensor.Tensor {
	return tensor.CrossEntropy(logits, numbers(logits.Dim(0)))
}

// bothWays is the mean of finding the caption and of finding the image.
func bothWays(logits *tensor.Tensor) *tensor.Tensor {
	return tensor.Scale(tensor.Add(chosen(logits), chosen(tensor.Transpose(logits))), 0.5)
}

// crossed are the scaled products of rows.
func crossed(images, texts, scale *tensor.Tensor) *tensor.Tensor {
	return tensor.ScaleBy(tensor.MatMulT(images, texts), scale)
}

// centred returns rows less their mean over their deviation.
func centred(x *tensor.Tensor) *tensor.Tensor {
	d := x.Dim(1)
	mean := tensor.Scale(tensor.MatMulT(x, full(1, d, d)), 1/float32(d))
	return tensor.Scale(normalised(tensor.Sub(x, mean)), float32(root(d)))
}

func infoNCE() subject {
	right := infoNCEFunc(func(a, b, s *tensor.Tensor) *tensor.Tensor {
		return bothWays(crossed(normalised(a), normalised(b), s))
	})
	images := random("images", 6, 8)
	texts := near("texts", images)
	apart := at(2, 6, 6, func(i int) int { return i })
	on := func(name string, a, b *tensor.Tensor, scale float32, cold bool) trial {
		return trial{name, []*tensor.Tensor{a, b, full(scale, 1)}, 3, func(loss any, x []*tensor.Tensor) *tensor.Tensor {
			return as[infoNCEFunc](loss)(x[0], x[1], x[2])
		}, cold}
	}
	return subject{
		name:   "InfoNCE",
		takes:  "func(images, texts, scale *tensor.Tensor) *tensor.Tensor",
		forms:  []form{{"", right}},
		bugs:   infoNCEBugs(right),
		trials: []trial{on("scale 2", images, texts, 2, false), on("scale 4", images, texts, 4, false), on("scale 100, pairs equal", apart, apart, 100, true)},
	}
}

func infoNCEBugs(right infoNCEFunc) []Exhibit {
	bug := func(name, source, cure string, f infoNCEFunc) Exhibit {
		return Exhibit{"InfoNCE", name, source, cure, f}
	}
	scaled := func(f func(s *tensor.Tensor) *tensor.Tensor) infoNCEFunc {
		return func(a, b, s *tensor.Tensor) *tensor.Tensor { return right(a, b, f(s)) }
	}
	inverse := func(s *tensor.Tensor) *tensor.Tensor { return tensor.Exp(tensor.Scale(tensor.Log(s), -1)) }
	return []Exhibit{
		bug("images look for captions only", "lucidrains/DALLE-pytorch#32",
			"Add the cross-entropy of the transposed logits and halve the sum.",
			func(a, b, s *tensor.Tensor) *tensor.Tensor {
				return chosen(crossed(normalised(a), normalised(b), s))
			}),
		bug("captions look for images only", "",
			"Add the cross-entropy of the logits as they are and halve the sum.",
			func(a, b, s *tensor.Tensor) *tensor.Tensor {
				return chosen(crossed(normalised(b), normalised(a), s))
			}),
		bug("both directions added, not averaged", "",
			"Halve the sum of both directions.",
			func(a, b, s *tensor.Tensor) *tensor.Tensor { return tensor.Scale(right(a, b, s), 2) }),
		bug("rows not normalised", "moein-shariatnia/OpenAI-CLIP#16",
			"Compare by the cosine: tensor.L2Normalize both first.",
			func(a, b, s *tensor.Tensor) *tensor.Tensor { return bothWays(crossed(a, b, s)) }),
		bug("rows standardised, not normalised", "lucidrains/CoCa-pytorch#10",
			"Divide rows by their length: LayerNorm leaves them longer by √D.",
			func(a, b, s *tensor.Tensor) *tensor.Tensor { return bothWays(crossed(centred(a), centred(b), s)) }),
		bug("logarithm of the scale used", "BAAI-DCAI/M3D#64",
			"What is learned is the logarithm: multiply the cosines by its exponential.",
			scaled(tensor.Log)),
		bug("scale exponentiated twice", "Imageomics/bioclip#39",
			"Exponentiate the learned logarithm once.",
			scaled(tensor.Exp)),
		bug("divided by the scale", "",
			"Multiply by the scale; it is the inverse of a temperature.",
			scaled(inverse)),
		bug("no gradient to the scale", "",
			"Multiply by the scale as a tensor (tensor.ScaleBy), not by its value.",
			scaled((*tensor.Tensor).Detach)),
		bug("each side's gradient stops at the other", "facebookresearch/SLIP#31",
			"Let the gradient flow into both factors of the similarities, in both directions.",
			func(a, b, s *tensor.Tensor) *tensor.Tensor {
				a, b = normalised(a), normalised(b)
				return tensor.Scale(tensor.Add(chosen(crossed(a, b.Detach(), s)), chosen(crossed(b, a.Detach(), s))), 0.5)
			}),
		bug("exponentials without their maximum", "Lightning-Universe/lightning-bolts#320",
			"Subtract a row's largest logit before exp, as tensor.CrossEntropy does.",
			func(a, b, s *tensor.Tensor) *tensor.Tensor {
				l := crossed(normalised(a), normalised(b), s)
				n := l.Dim(0)
				diagonal := rowSums(tensor.Mul(l, at(1, n, n, func(i int) int { return i })))
				sums := tensor.Add(tensor.Log(rowSums(tensor.Exp(l))), tensor.Log(rowSums(tensor.Exp(tensor.Transpose(l)))))
				return tensor.Mean(tensor.Sub(tensor.Scale(sums, 0.5), diagonal))
			}),
	}
}

// root is the square root of n.
func root(n int) float64 { return tensor.Exp64(rng.Log(float64(n)) / 2) }

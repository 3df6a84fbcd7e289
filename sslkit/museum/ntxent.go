package museum

import (
	"sslnotes/sslkit/rng"
	"sslnotes/sslkit/tensor"
)

// ntXentFunc is NT-Xent of two views [N,D] at a temperature: SimCLR's equation 1
// (Chen, Kornblith, Norouzi and Hinton 2020).
type ntXentFunc = func(z1, z2 *tensor.Tensor, temperature float32) *tensor.Tensor

// A pairing is 2N rows of which i and i+N are views of one image.
type pairing struct {
	z    *tensor.Tensor // [2N,D], of length one
	s    *tensor.Tensor // [2N,2N], their cosines over the temperature
	n    int            // N
	heat float32        // the temperature
}

func pair(z1, z2 *tensor.Tensor, temperature float32) pairing {
	return pairing{n: z1.Dim(0), heat: temperature}.of(normalised(tensor.Concat(z1, z2)))
}

// of is the pairing of other rows.
func (p pairing) of(z *tensor.Tensor) pairing {
	p.z = z
	return p.compared(tensor.MatMulT(z, z), 1/p.heat)
}

// compared is the pairing with other similarities, by a factor.
func (p pairing) compared(similarities *tensor.Tensor, by float32) pairing {
	p.s = tensor.Scale(similarities, by)
	return p
}

func (p pairing) partner(i int) int { return (i + p.n) % (2 * p.n) }

// partners lists the partner of every row.
func (p pairing) partners() []int {
	all := numbers(2 * p.n)
	for i := range all {
		all[i] = p.partner(i)
	}
	return all
}

// loss is the right one: which of the 2N-1 others is the partner?
func (p pairing) loss() *tensor.Tensor {
	return tensor.CrossEntropy(tensor.MaskDiagonal(p.s, never), p.partners())
}

// right are the similarities of the partners [2N,1].
func (p pairing) right() *tensor.Tensor {
	return rowSums(tensor.Mul(p.s, at(1, 2*p.n, 2*p.n, p.partner)))
}

// all is the sum of every row's exponentials, its own among them [2N,1].
func (p pairing) all() *tensor.Tensor { return rowSums(tensor.Exp(p.s)) }

// others is all without the row's own.
func (p pairing) others() *tensor.Tensor {
	return rowSums(tensor.Mul(tensor.Exp(p.s), tensor.MaskDiagonal(full(1, 2*p.n, 2*p.n), 0)))
}

// over is the loss with the given denominators [2N,1].
func (p pairing) over(sums *tensor.Tensor) *tensor.Tensor {
	return tensor.Mean(tensor.Sub(tensor.Log(sums), p.right()))
}

// anotherShard masks for the second half of the rows the wrong half of the
// columns: what is left as their partner are they themselves.
func (p pairing) anotherShard() *tensor.Tensor {
	targets := p.partners()
	for i := p.n; i < 2*p.n; i++ {
		targets[i] = i
	}
	mask := at(never, 2*p.n, 2*p.n, func(i int) int { return i % p.n })
	return tensor.CrossEntropy(tensor.Add(p.s, mask), targets)
}

// gathered has the rows in the order in which two processes deliver them, each
// with both views of its images, and takes them for the order of one.
func (p pairing) gathered() *tensor.Tensor {
	half := p.n / 2
	var order []int
	for _, from := range [][2]int{{0, half}, {p.n, p.n + half}, {half, p.n}, {p.n + half, 2 * p.n}} {
		for i := from[0]; i < from[1]; i++ {
			order = append(order, i)
		}
	}
	return p.of(tensor.Rows(p.z, order)).loss()
}

// constantLength normalises by lengths through which no gradient flows.
func constantLength(x *tensor.Tensor) *tensor.Tensor {
	inverse := tensor.New(x.Shape()...)
	d := x.Dim(1)
	unit := normalised(x).Detach()
	for r := range x.Dim(0) {
		var along, square float64
		for j := r * d; j < (r+1)*d; j++ {
			along += float64(float64(unit.Data()[j]) * float64(x.Data()[j]))
			square += float64(float64(x.Data()[j]) * float64(x.Data()[j]))
		}
		for j := r * d; j < (r+1)*d; j++ {
			inverse.Data()[j] = float32(along / square)
		}
	}
	return tensor.Mul(x, inverse)
}

// wholeBatch normalises all rows together to length one.
func wholeBatch(x *tensor.Tensor) *tensor.Tensor {
	return tensor.Reshape(normalised(tensor.Reshape(x, 1, x.Len())), x.Shape()...)
}

func ntXent() subject {
	z1 := random("z1", 6, 8)
	z2 := near("z2", z1)
	axes := at(2, 8, 8, func(i int) int { return i })
	up, down := tensor.Rows(axes, numbers(4)), tensor.Rows(axes, []int{4, 5, 6, 7})
	on := func(name string, a, b *tensor.Tensor, temperature float32, cold bool) trial {
		return trial{name, []*tensor.Tensor{a, b}, 2, func(loss any, x []*tensor.Tensor) *tensor.Tensor {
			return as[ntXentFunc](loss)(x[0], x[1], temperature)
		}, cold}
	}
	return subject{
		name:  "NT-Xent",
		takes: "func(z1, z2 *tensor.Tensor, temperature float32) *tensor.Tensor",
		forms: []form{{"", ntXentFunc(func(a, b *tensor.Tensor, t float32) *tensor.Tensor { return pair(a, b, t).loss() })}},
		bugs:  ntXentBugs(),
		trials: []trial{
			on("temperature 0.5", z1, z2, 0.5, false), on("temperature 0.3", z1, z2, 0.3, false),
			on("temperature 0.05, all at right angles", up, down, 0.05, true), on("temperature 0.01, partners equal", up, up, 0.01, true),
		},
	}
}

func ntXentBugs() []Exhibit {
	bug := func(name, source, cure string, f func(p pairing) *tensor.Tensor) Exhibit {
		return Exhibit{"NT-Xent", name, source, cure, ntXentFunc(func(a, b *tensor.Tensor, t float32) *tensor.Tensor { return f(pair(a, b, t)) })}
	}
	rows := func(name, source, cure string, normalise func(x *tensor.Tensor) *tensor.Tensor) Exhibit {
		return Exhibit{"NT-Xent", name, source, cure, ntXentFunc(func(a, b *tensor.Tensor, t float32) *tensor.Tensor {
			return pairing{n: a.Dim(0), heat: t}.of(normalise(tensor.Concat(a, b))).loss()
		})}
	}
	return []Exhibit{
		bug("own similarity subtracted, not masked", "Lightning-Universe/lightning-bolts#695",
			"Set the diagonal to -Inf before the softmax: the sum less e^(1/τ) is right on paper, but at a low temperature e^(1/τ) swallows the other terms. (The gradient of the rows through it points along them, and normalising takes it out.)",
			func(p pairing) *tensor.Tensor {
				return p.over(plus(p.all(), -float32(tensor.Exp64(float64(1/p.heat)))))
			}),
		bug("e subtracted for the own similarity", "Lightning-Universe/lightning-bolts#609",
			"A row's own exponential is e^(1/τ), not e; better set the diagonal to -Inf.",
			func(p pairing) *tensor.Tensor { return p.over(plus(p.all(), -float32(tensor.Exp64(1)))) }),
		bug("own similarity left in", "",
			"Exclude a row from its own choices: set the diagonal to -Inf.",
			func(p pairing) *tensor.Tensor { return tensor.CrossEntropy(p.s, p.partners()) }),
		bug("another shard's diagonal masked", "vturrisi/solo-learn#206",
			"Shift the masked diagonal by the place of the rows among all columns.",
			pairing.anotherShard),
		bug("pairs in another order than the rows", "Spijkervet/SimCLR#37",
			"Row i of one view and row i of the other are the pair: gather all first views, then all second ones.",
			pairing.gathered),
		bug("no gradient through the others", "facebookresearch/vissl#123",
			"Let the gradient flow into both factors of the similarities: the rows compared with are not constants.",
			func(p pairing) *tensor.Tensor {
				return p.compared(tensor.MatMulT(p.z, p.z.Detach()), 1/p.heat).loss()
			}),
		bug("one view's rows as anchors", "tensorflow/similarity#262",
			"Average over the 2N rows of both views, not over N.",
			func(p pairing) *tensor.Tensor {
				return tensor.CrossEntropy(tensor.Rows(tensor.MaskDiagonal(p.s, never), numbers(p.n)), p.partners()[:p.n])
			}),
		bug("divided by 2(N-1)", "lucidrains/contrastive-learner#2",
			"Divide the sum over the 2N rows by 2N.",
			func(p pairing) *tensor.Tensor { return tensor.Scale(p.loss(), float32(p.n)/float32(p.n-1)) }),
		bug("partner left out of the sum", "Lightning-Universe/lightning-bolts#252",
			"The softmax is over all 2N-1 others, and the partner is one of them.",
			func(p pairing) *tensor.Tensor { return p.over(tensor.Sub(p.others(), tensor.Exp(p.right()))) }),
		bug("partner among the negatives", "zhirongw/lemniscate.pytorch#13",
			"Count the partner once: it must not be drawn as a negative as well.",
			func(p pairing) *tensor.Tensor { return p.over(tensor.Add(p.others(), tensor.Exp(p.right()))) }),
		bug("temperature inside the logarithm", "drboog/Lafite#25",
			"Divide the similarities by τ and nothing else; -log(τ·share) is off by -log τ, which no gradient shows.",
			func(p pairing) *tensor.Tensor { return plus(p.loss(), -float32(rng.Log(float64(p.heat)))) }),
		bug("multiplied by the temperature", "bowang-lab/BLEEP#5",
			"Divide the similarities by τ.",
			func(p pairing) *tensor.Tensor { return p.compared(tensor.MatMulT(p.z, p.z), p.heat).loss() }),
		bug("temperature applied twice", "",
			"Divide the similarities by τ once.",
			func(p pairing) *tensor.Tensor {
				return p.compared(tensor.MatMulT(p.z, p.z), 1/p.heat/p.heat).loss()
			}),
		bug("temperature left out", "huiserwang/ContrastMask#4",
			"Divide the similarities by τ.",
			func(p pairing) *tensor.Tensor { return p.compared(tensor.MatMulT(p.z, p.z), 1).loss() }),
		rows("rows not normalised", "moein-shariatnia/OpenAI-CLIP#16",
			"Compare by the cosine: tensor.L2Normalize(z, 1e-12) first.",
			func(x *tensor.Tensor) *tensor.Tensor { return x }),
		rows("normalised over the whole batch", "tensorflow/similarity#237",
			"Divide every row by its own length.",
			wholeBatch),
		rows("length taken as a constant", "",
			"Let the gradient flow through the length, too: what is left along the row only makes it longer.",
			constantLength),
		bug("exponentials without their maximum", "Lightning-Universe/lightning-bolts#320",
			"Subtract a row's largest logit before exp, as tensor.CrossEntropy does: e^(1/τ) overflows at a low temperature.",
			func(p pairing) *tensor.Tensor { return p.over(p.others()) }),
	}
}

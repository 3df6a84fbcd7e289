package museum

import "sslnotes/sslkit/tensor"

// regressionFunc is one direction of BYOL's loss of a prediction and its target,
// both [N,D] (Grill and others 2020, equation 2).
type regressionFunc = func(p, z *tensor.Tensor) *tensor.Tensor

// byolFunc is the whole of it: p1 predicts z2, and p2 predicts z1.
type byolFunc = func(p1, p2, z1, z2 *tensor.Tensor) *tensor.Tensor

// distance is the mean over rows of |p-z|².
func distance(p, z *tensor.Tensor) *tensor.Tensor {
	d := tensor.Sub(p, z)
	return tensor.Mean(rowSums(tensor.Mul(d, d)))
}

// regressed is distance of normalised rows.
func regressed(p, z *tensor.Tensor) *tensor.Tensor { return distance(normalised(p), normalised(z)) }

// minusCosine is regressed without its constant, halved.
func minusCosine(p, z *tensor.Tensor) *tensor.Tensor {
	return plus(tensor.Scale(regressed(p, z), 0.5), -1)
}

func regression() subject {
	p := random("p", 6, 8)
	z := near("z", p)
	on := func(name string, p, z *tensor.Tensor) trial {
		return trial{name, []*tensor.Tensor{p, z}, 2, func(loss any, x []*tensor.Tensor) *tensor.Tensor {
			return as[regressionFunc](loss)(x[0], x[1])
		}, false}
	}
	return subject{
		name:  "BYOL's regression",
		takes: "func(p, z *tensor.Tensor) *tensor.Tensor",
		forms: []form{
			{"", regressionFunc(regressed)},
			{"with the gradient stopped at the target", regressionFunc(func(p, z *tensor.Tensor) *tensor.Tensor { return regressed(p, z.Detach()) })},
		},
		bugs:   regressionBugs(),
		trials: []trial{on("alike", p, z), on("unlike", p, random("other", 6, 8))},
	}
}

func regressionBugs() []Exhibit {
	bug := func(name, source, cure string, f regressionFunc) Exhibit {
		return Exhibit{"BYOL's regression", name, source, cure, f}
	}
	return []Exhibit{
		bug("rows not normalised", "",
			"Normalise prediction and target first.", distance),
		bug("mean over values, not rows", "",
			"Sum the squares of a row, then average over rows.",
			func(p, z *tensor.Tensor) *tensor.Tensor {
				return tensor.Scale(regressed(p, z), 1/float32(p.Dim(1)))
			}),
		bug("-2·cosine without the constant", "",
			"Add 2, so that 0 is perfect; the gradient is right as it is.",
			func(p, z *tensor.Tensor) *tensor.Tensor { return plus(regressed(p, z), -2) }),
		bug("sign turned", "",
			"Distances are to fall: turn the sign.",
			func(p, z *tensor.Tensor) *tensor.Tensor { return tensor.Scale(regressed(p, z), -1) }),
		bug("gradient stopped at the prediction", "",
			"Stop it at the target: the prediction is what learns.",
			func(p, z *tensor.Tensor) *tensor.Tensor { return regressed(p.Detach(), z) }),
	}
}

// swapped is both directions, added, with no gradient into the targets.
func swapped(p1, p2, z1, z2 *tensor.Tensor) *tensor.Tensor {
	return tensor.Add(regressed(p1, z2.Detach()), regressed(p2, z1.Detach()))
}

func byol() subject {
	p1 := random("p1", 6, 8)
	p2, z1, z2 := near("p2", p1), near("z1", p1), near("z2", p1)
	on := func(name string, inputs ...*tensor.Tensor) trial {
		return trial{name, inputs, 4, func(loss any, x []*tensor.Tensor) *tensor.Tensor {
			return as[byolFunc](loss)(x[0], x[1], x[2], x[3])
		}, false}
	}
	return subject{
		name:  "BYOL",
		takes: "func(p1, p2, z1, z2 *tensor.Tensor) *tensor.Tensor",
		forms: []form{
			{"", byolFunc(swapped)},
			{"in SimSiam's form, half the negative cosines", byolFunc(func(p1, p2, z1, z2 *tensor.Tensor) *tensor.Tensor {
				return plus(tensor.Scale(swapped(p1, p2, z1, z2), 0.25), -1)
			})},
		},
		bugs:   byolBugs(),
		trials: []trial{on("alike", p1, p2, z1, z2), on("unlike", p1, p2, random("z3", 6, 8), random("z4", 6, 8))},
	}
}

func byolBugs() []Exhibit {
	bug := func(name, source, cure string, f byolFunc) Exhibit { return Exhibit{"BYOL", name, source, cure, f} }
	return []Exhibit{
		bug("gradient not stopped at the targets", "google-deepmind/optax#1531",
			"Detach the targets: z1.Detach(), z2.Detach(). With the gradient let through, all features may become one.",
			func(p1, p2, z1, z2 *tensor.Tensor) *tensor.Tensor {
				return tensor.Add(regressed(p1, z2), regressed(p2, z1))
			}),
		bug("gradient not stopped, in SimSiam's form", "lightly-ai/lightly#559",
			"Detach the targets: z1.Detach(), z2.Detach(). With the gradient let through, all features become one.",
			func(p1, p2, z1, z2 *tensor.Tensor) *tensor.Tensor {
				return tensor.Scale(tensor.Add(minusCosine(p1, z2), minusCosine(p2, z1)), 0.5)
			}),
		bug("gradient stopped at the predictions", "",
			"Stop it at the targets: the predictions are what learns.",
			func(p1, p2, z1, z2 *tensor.Tensor) *tensor.Tensor {
				return tensor.Add(regressed(p1.Detach(), z2), regressed(p2.Detach(), z1))
			}),
		bug("each view predicts itself", "",
			"p1 is to predict z2, and p2 z1: what one view says of the other.",
			func(p1, p2, z1, z2 *tensor.Tensor) *tensor.Tensor { return swapped(p1, p2, z2, z1) }),
		bug("one direction only", "",
			"Add the other direction, p2 against z1.",
			func(p1, _, _, z2 *tensor.Tensor) *tensor.Tensor { return regressed(p1, z2.Detach()) }),
		bug("averaged over directions", "",
			"Add both directions; or double the learning rate.",
			func(p1, p2, z1, z2 *tensor.Tensor) *tensor.Tensor {
				return tensor.Scale(swapped(p1, p2, z1, z2), 0.5)
			}),
		bug("rows not normalised", "",
			"Normalise predictions and targets first.",
			func(p1, p2, z1, z2 *tensor.Tensor) *tensor.Tensor {
				return tensor.Add(distance(p1, z2.Detach()), distance(p2, z1.Detach()))
			}),
		bug("-2·cosine without the constant", "",
			"Add 2 for each direction, so that 0 is perfect; the gradient is right as it is.",
			func(p1, p2, z1, z2 *tensor.Tensor) *tensor.Tensor { return plus(swapped(p1, p2, z1, z2), -4) }),
	}
}

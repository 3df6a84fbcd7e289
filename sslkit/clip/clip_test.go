package clip

import (
	"fmt"
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

func random(seed uint64, n, d int) *tensor.Tensor {
	t := tensor.New(n, d)
	r := rng.New(seed, "test")
	for i := range t.Data() {
		t.Data()[i] = r.Norm()
	}
	return t
}

// naive is the symmetric loss of figure 3 of the paper, in float64, as a
// function of the scale's logarithm.
func naive(images, texts *tensor.Tensor, same []int, s float64) float64 {
	n, d := images.Dim(0), images.Dim(1)
	cosine := func(i, j int) float64 {
		return dot(unit(images.Data()[i*d:(i+1)*d]), unit(texts.Data()[j*d:(j+1)*d]))
	}
	var total float64
	for i := range n {
		var row, column, right, partners float64
		for j := range n {
			row += math.Exp(math.Exp(s) * cosine(i, j))
			column += math.Exp(math.Exp(s) * cosine(j, i))
			if same[i] == same[j] {
				right += math.Exp(s) * (cosine(i, j) + cosine(j, i))
				partners++
			}
		}
		total += math.Log(row) + math.Log(column) - right/partners
	}
	return total / float64(2*n)
}

func loss(images, texts *tensor.Tensor, same []int, s *tensor.Tensor) *tensor.Tensor {
	return Symmetric(tensor.ScaleBy(Similarity(images, texts), tensor.Exp(s)), same)
}

func numbers(n int) []int {
	all := make([]int, n)
	for i := range all {
		all[i] = i
	}
	return all
}

func value(v float32) *tensor.Tensor { return tensor.FromSlice([]float32{v}, 1) }

// A reporter is told what a check finds: a test, or a list for a check that is
// itself put to the test.
type reporter interface {
	Helper()
	Errorf(format string, args ...any)
}

func near(t reporter, what string, got, want, tolerance float64) {
	t.Helper()
	if !(math.Abs(got-want) <= tolerance) {
		t.Errorf("%s: %.9g, want %.9g", what, got, want)
	}
}

// pairLoss is the loss of embeddings, those of equal numbers belonging together,
// at the scale e^s.
type pairLoss = func(images, texts *tensor.Tensor, same []int, s *tensor.Tensor) *tensor.Tensor

func TestLossEqualsNaive(t *testing.T) {
	equalsNaive(t, loss, func(n int) [][]int {
		return [][]int{numbers(n), make([]int, n), append([]int{1}, numbers(n)[1:]...)}
	})
	a, b := random(1, 6, 8), random(2, 6, 8)
	order := []int{3, 1, 5, 0, 2, 4}
	want := float64(InfoNCE(a, b, value(10)).Item())
	near(t, "pairs in another order", float64(InfoNCE(tensor.Rows(a, order), tensor.Rows(b, order), value(10)).Item()), want, 1e-6*want)
	if v := float64(InfoNCE(a, tensor.Rows(b, order), value(10)).Item()); math.Abs(v-want) < 0.1 {
		t.Errorf("other pairs have the loss %g of the right ones", v)
	}
}

func equalsNaive(t reporter, loss pairLoss, sames func(n int) [][]int) {
	for _, n := range []int{2, 5, 40} {
		for _, s := range []float32{0, 1, 2.6593} {
			a, b := random(1, n, 8), random(2, n, 8)
			for _, same := range sames(n) {
				want := naive(a, b, same, float64(s))
				near(t, "loss", float64(loss(a, b, same, value(s)).Item()), want, 3e-6*(1+want))
				near(t, "towers swapped", float64(loss(b, a, same, value(s)).Item()), want, 3e-6*(1+want))
			}
		}
	}
}

func TestLossClosedForms(t *testing.T) {
	const n = 16
	closedForms(t, InfoNCE)
	// All captions equal: with all images right, equal features are the best.
	near(t, "one caption", float64(Symmetric(tensor.New(n, n), make([]int, n)).Item()), math.Log(n), 2e-6)
	// SigLIP: logits of zero cost ln 2 each. The sum adds N² equal values in
	// float32: as many roundings of half an ulp.
	near(t, "pairwise", float64(Pairwise(tensor.New(n, n), numbers(n)).Item()), n*math.Ln2, n*n*n*math.Ln2*0x1p-24)
}

func closedForms(t reporter, loss func(images, texts, scale *tensor.Tensor) *tensor.Tensor) {
	const n = 16
	apart, equal := tensor.New(n, n), tensor.New(n, n)
	for i := range n {
		apart.Data()[i*(n+1)] = 2
	}
	for i := range equal.Data() {
		equal.Data()[i] = 3
	}
	for _, scale := range []float64{1, 5, 100} {
		near(t, "orthonormal", float64(loss(apart, apart, value(float32(scale))).Item()), math.Log(1+(n-1)*math.Exp(-scale)), 1e-6)
		near(t, "all equal", float64(loss(equal, equal, value(float32(scale))).Item()), math.Log(n), 2e-6)
	}
	near(t, "one pair", float64(loss(random(1, 1, 4), random(2, 1, 4), value(10)).Item()), 0, 1e-6)
}

func TestPairwiseEqualsNaive(t *testing.T) {
	const n = 7
	logits, same := random(3, n, n), []int{0, 1, 0, 3, 4, 1, 6}
	var want float64
	for i := range n {
		for j := range n {
			z := -1.0
			if same[i] == same[j] {
				z = 1
			}
			want += math.Log(1+math.Exp(-z*float64(logits.Data()[i*n+j]))) / n
		}
	}
	near(t, "pairwise", float64(Pairwise(logits, same).Item()), want, 1e-5)
}

// The gradient equals central differences of the naive loss, and is orthogonal
// to the embedding, whose length does not matter.
func TestLossGradient(t *testing.T) { gradientIsRight(t, loss, []int{0, 1, 2, 1, 4}) }

func gradientIsRight(t reporter, loss pairLoss, same []int) {
	a, b, s := random(1, 5, 6).RequireGrad(), random(2, 5, 6).RequireGrad(), value(1.5).RequireGrad()
	tensor.Backward(loss(a, b, same, s))
	for _, x := range []*tensor.Tensor{a, b, s} {
		if x.Grad() == nil {
			t.Errorf("no gradient")
			continue
		}
		for i, at := range x.Data() {
			const h = 1.0 / 1024
			x.Data()[i] = at + h
			up := naive(a, b, same, float64(s.Item()))
			x.Data()[i] = at - h
			down := naive(a, b, same, float64(s.Item()))
			x.Data()[i] = at
			near(t, "gradient", float64(x.Grad()[i]), (up-down)/(2*h), 1e-5)
		}
	}
	for _, x := range []*tensor.Tensor{a, b} {
		if x.Grad() == nil {
			continue
		}
		for r := range 5 {
			near(t, "gradient along the embedding", dot(wide(tensor.FromSlice(x.Data()[r*6:r*6+6], 6)), wide(tensor.FromSlice(x.Grad()[r*6:r*6+6], 6))), 0, 1e-6)
		}
	}
}

// built is a small CLIP on random weights.
func built(t *testing.T, m *CLIP) *CLIP {
	t.Helper()
	e, err := nn.ConvNet{Channels: []int{4, 8}}.Build(nn.Input{Height: 8, Width: 8, Channels: 3}, rng.New(1, "e"))
	if err != nil {
		t.Fatal(err)
	}
	in := data.Spec{Height: 8, Width: 8, Channels: 3, Captions: []string{"a red apple, fruit", "a green tree", "a red car"}}
	if _, err := m.Build(e, in, sslkit.Setup{Seed: 1, Steps: 10, BatchSize: 3}); err != nil {
		t.Fatal(err)
	}
	return m
}

func small() *CLIP {
	return &CLIP{Text: nn.Transformer{Width: 16, Depth: 1, Heads: 2}, Dim: 8, Vocabulary: 530, Context: 24}
}

func TestScaleStartsAndStaysInBounds(t *testing.T) {
	m := built(t, small())
	near(t, "first scale", float64(m.scale.Value.Item()), math.Log(1/0.07), 1e-6)
	if m.scale.Decay {
		t.Error("weight decays on the scale")
	}
	for _, c := range [][2]float32{{9, maxScale}, {-3, 0}, {2, 2}, {maxScale, maxScale}} {
		m.scale.Value.Data()[0] = c[0]
		m.AfterStep(sslkit.Step{})
		if got := m.scale.Value.Item(); got != c[1] {
			t.Errorf("after a step to %g the scale is e^%g, want e^%g", c[0], got, c[1])
		}
	}
	if s := m.Scale(); math.Abs(float64(s)-100) > 1e-4 {
		t.Errorf("the largest scale is %g", s)
	}
}

// The loss of a batch is that of its features at the exponential of what is
// learned.
func TestLossScalesByTheExponential(t *testing.T) {
	m := small()
	m.Phrases = 1
	built(t, m)
	scaledByExponential(t, m, m.Loss)
}

func scaledByExponential(t reporter, m *CLIP, loss func(data.Batch, sslkit.Step) *tensor.Tensor) {
	x := tensor.Reshape(random(4, 3, 8*8*3), 3, 8, 8, 3)
	texts := []string{"a red apple, fruit", "a green tree", "a red car"}
	b := data.Batch{Views: []*tensor.Tensor{x}, Index: numbers(3), Texts: texts}
	for _, s := range []float32{0.5, 2} {
		m.scale.Value.Data()[0] = s
		got := loss(b, sslkit.NewStep(0, 10, 0, 1, nil)).Item()
		near(t, "loss", float64(got), naive(m.images(x, true), m.texts(texts), numbers(3), float64(s)), 1e-5)
	}
}

// A text's feature does not depend on what follows its end, nor on padding, nor
// on the other texts; it does depend on each of its tokens.
func TestTextFeatures(t *testing.T) {
	m := built(t, small())
	paddingIsIgnored(t, m.TextFeatures)
	alone := m.TextFeatures([]string{"a red car"}).Data()
	if other := m.TextFeatures([]string{"a red cat"}).Data(); slices.Equal(other, alone) {
		t.Error("another last letter has the same feature")
	}
	if other := m.TextFeatures([]string{"i red car"}).Data(); slices.Equal(other, alone) {
		t.Error("another first letter has the same feature")
	}
	ids, lengths := m.encode([]string{"a red car"})
	full := make([]int, m.Context)
	copy(full, ids)
	for _, after := range []int{0, 7, 400} { // without lengths, only the causal mask
		for i := lengths[0]; i < len(full); i++ {
			full[i] = after
		}
		tokens := m.text.Tokens(full, 1, nil)
		got, want := tensor.SliceTokens(tokens, lengths[0]-1, lengths[0]).Data(), m.text.Forward(ids, 1, nil).Data()
		for i := range want {
			near(t, "after the end", float64(got[i]), float64(want[i]), 1e-5)
		}
	}
}

func paddingIsIgnored(t reporter, features func(texts []string) *tensor.Tensor) {
	alone := features([]string{"a red car"}).Data()
	among := features([]string{"a green tree and more words", "a red car"}).Data()[len(alone):]
	for i := range alone {
		near(t, "padded", float64(among[i]), float64(alone[i]), 1e-6)
	}
}

// With Map the projection sees every place of the encoder's map.
func TestMap(t *testing.T) {
	m := small()
	m.Map = true
	built(t, m)
	x := random(3, 2*8*8, 3)
	x = tensor.Reshape(x, 2, 8, 8, 3)
	want := m.encoder.(nn.Mapper).Map(x, false)
	if got := m.features(x, false); got.Dim(1) != 2*2*8 || !slices.Equal(got.Data(), want.Data()) {
		t.Errorf("features %v of the map %v", got.Shape(), want.Shape())
	}
	in := data.Spec{Height: 8, Width: 8, Channels: 3, Captions: []string{"a"}}
	if _, err := m.Build(pooled{m.encoder}, in, sslkit.Setup{BatchSize: 3}); err == nil || !strings.Contains(err.Error(), "CLIP.Map") {
		t.Errorf("an encoder without a map: error %v", err)
	}
}

// pooled hides the map of an encoder.
type pooled struct{ nn.Encoder }

// Texts in groups have the features and give the gradients of texts at once.
func TestGroups(t *testing.T) {
	texts := []string{"a red apple, fruit", "car", "a green tree and some more words", "tree", "a red car", "fruit, apple", "zebra"}
	features := func(groups int) (features []float32, gradient [][]float32) {
		m := built(t, small())
		m.Groups = groups
		x := m.texts(texts)
		tensor.Backward(tensor.Sum(tensor.Mul(x, random(5, x.Dim(0), x.Dim(1)))))
		for _, p := range m.text.Params() {
			gradient = append(gradient, slices.Clone(p.Value.Grad()))
		}
		return x.Data(), gradient
	}
	want, slopes := features(0)
	for _, groups := range []int{1, 2, 3, 7, 20} {
		got, grad := features(groups)
		for i, v := range got {
			near(t, "feature", float64(v), float64(want[i]), 1e-5)
		}
		for p, g := range grad {
			for i, v := range g {
				near(t, "gradient", float64(v), float64(slopes[p][i]), 1e-4)
			}
		}
	}
}

func TestLongTextKeepsItsEnd(t *testing.T) {
	m := built(t, small())
	ids, lengths := m.encode([]string{strings.Repeat("unknown ", 20)})
	if lengths[0] != m.Context || ids[len(ids)-1] != data.EndToken {
		t.Errorf("%d tokens, the last one %d", lengths[0], ids[len(ids)-1])
	}
}

func TestClassify(t *testing.T) {
	m := built(t, small())
	names := []string{"apple", "tree"}
	plain, one := m.TextFeatures(names), m.Classify(names, nil)
	for i, v := range plain.Data() {
		near(t, "one template", float64(one.Data()[i]), float64(v), 1e-6)
	}
	two := m.Classify(names, []string{"a red {}", "{}, fruit"})
	a, b := m.TextFeatures([]string{"a red apple"}).Data(), m.TextFeatures([]string{"apple, fruit"}).Data()
	mean := make([]float32, 8)
	for i := range mean {
		mean[i] = (a[i] + b[i]) / 2
	}
	for i, v := range unit(mean) {
		near(t, "two templates", float64(two.Data()[i]), v, 1e-6)
	}
	defer func() {
		if recover() == nil {
			t.Error("a template without {} passes")
		}
	}()
	m.Classify(names, []string{"a picture"})
}

func TestZeroShot(t *testing.T) {
	texts := tensor.FromSlice([]float32{2, 0, 0, 3, -1, 0}, 3, 2)
	s, p := ZeroShot(tensor.FromSlice([]float32{5, 0}, 1, 2), texts, 2)
	for i, want := range []float64{1, 0, -1} {
		near(t, "similarity", s[i], want, 1e-12)
		near(t, "probability", p[i], math.Exp(2*want)/(math.Exp(2)+1+math.Exp(-2)), 1e-12)
	}
	s2, p2 := ZeroShot(tensor.FromSlice([]float32{0.5, 0}, 2), texts, 2)
	if !slices.Equal(s, s2) || !slices.Equal(p, p2) {
		t.Error("the length of the image's embedding matters")
	}
	if _, p := ZeroShot(tensor.FromSlice([]float32{1, 0}, 2), texts, 1000); p[0] != 1 {
		t.Errorf("a large scale: %v", p)
	}
}

// The course's example as notebook 04 shows it: of vectors that NumPy draws from
// seed 42, one picture's and then five names', the second name, cat, is the most
// similar, by 0.071.
func TestZeroShotOfTheCourse(t *testing.T) {
	numpy := rng.NumPy(42)
	draw := func(n int) *tensor.Tensor {
		out := tensor.New(n, 512)
		for i, v := range numpy.Randn(n * 512) {
			out.Data()[i] = float32(v)
		}
		return out
	}
	picture, names := draw(1), draw(5)
	similarities, shares := ZeroShot(picture, names, 1)
	if got := fmt.Sprintf("%.3f", similarities[1]); got != "0.071" {
		t.Errorf("the cat's similarity is %s, the course has 0.071", got)
	}
	for i := range similarities {
		if i != 1 && !(similarities[i] < similarities[1] && shares[i] < shares[1]) {
			t.Errorf("name %d is as near as the cat: %v, %v", i, similarities, shares)
		}
	}
}

func TestRetrieval(t *testing.T) {
	s := tensor.FromSlice([]float32{3, 1, 2, 1, 1, 0, 0, 5, 4}, 3, 3)
	for k, want := range map[int]float64{1: 1.0 / 3, 2: 1, 3: 1} {
		near(t, "R@k", Retrieval(s, []int{0, 1, 2}, k), want, 0)
	}
	near(t, "of constant features", Retrieval(tensor.New(4, 4), []int{0, 1, 2, 3}, 3), 0, 0)
}

// What is said of a picture is a part of its caption, another in each epoch.
func TestSayIsTruthful(t *testing.T) {
	m := built(t, small())
	caption := "one, two, three"
	seen := map[string]bool{}
	for e := range uint64(200) {
		seen[m.say(caption, rng.New(1, "caption", e, 3))] = true
	}
	if len(seen) != 7 {
		t.Errorf("%d texts of three phrases, want the 7 parts that are not empty", len(seen))
	}
	for s := range seen {
		if !slices.Contains([]string{"one", "two", "three", "one, two", "one, three", "two, three", caption}, s) {
			t.Errorf("said %q", s)
		}
	}
	m.Phrases = 1
	if got := m.say(caption, rng.New(1, "caption")); got != caption {
		t.Errorf("whole: %q", got)
	}
}

// A model that is loaded has the tokenizer and the features of the one saved.
func TestKeptHeads(t *testing.T) {
	m, other := built(t, small()), built(t, small())
	other.merges.Value[0] = 5 // as if learnt from other captions
	other.scale.Value.Data()[0] = 1
	nn.Copy(other.Keep(), m.Keep())
	for i := range m.merges.Value {
		if m.merges.Value[i] != other.merges.Value[i] {
			t.Fatal("the tokenizer is not kept")
		}
	}
	if nn.Digest(other.Keep()) != nn.Digest(m.Keep()) || other.Scale() != m.Scale() {
		t.Error("the heads are not kept")
	}
}

// The recipes' crops may be larger than the picture, which is no mistake.
func TestRecipesCrops(t *testing.T) {
	for _, recipe := range []func() (nn.Plan, *CLIP, sslkit.Schedule){Recipe, LongRecipe} {
		if _, m, _ := recipe(); m.resolve() != nil {
			t.Errorf("%+v: %v", m.Augment, m.resolve())
		}
	}
}

package pretext

import (
	"math"
	"slices"
	"strings"
	"testing"

	"sslnotes/sslkit"
	"sslnotes/sslkit/augment"
	"sslnotes/sslkit/data"
	"sslnotes/sslkit/nn"
	"sslnotes/sslkit/rng"
	"sslnotes/sslkit/sslkittest"
	"sslnotes/sslkit/tensor"
)

// emoji returns six pictures of every group.
func emoji(t *testing.T) *data.Unlabelled {
	t.Helper()
	train, _, err := data.Open("emoji-google/coloured")
	if err != nil {
		t.Fatal(err)
	}
	if train, err = train.PerClass(6, 0); err != nil {
		t.Fatal(err)
	}
	return train.Unlabelled()
}

func TestColorizationSuite(t *testing.T) {
	bad := map[string]sslkit.Method{
		"Colorization.Grid": &Colorization{Grid: 1}, "Colorization.Neighbours": &Colorization{Neighbours: -1}, "Colorization.Sigma": &Colorization{Sigma: -1},
		"Colorization.Lambda": &Colorization{Lambda: 2}, "Colorization.Temperature": &Colorization{Temperature: -1},
		"Colorization.Cell": &Colorization{Cell: 3}, "Colorization.Hidden": &Colorization{Hidden: -1},
	}
	for _, plan := range []nn.Plan{nn.ConvNet{Channels: []int{4, 8}}, nn.ViT{Width: 8, Depth: 1, Heads: 2, PatchSize: 8}} {
		sslkittest.TestMethod(t, func() sslkit.Method { return &Colorization{Hidden: 6, Grid: 40} },
			sslkittest.Options{Set: emoji(t), Plan: plan, Permutation: 1e-4, Bad: bad})
	}
}

func TestColorizationNeedsColour(t *testing.T) {
	e, err := nn.ConvNet{Channels: []int{4}}.Build(nn.Input{Height: 28, Width: 28, Channels: 1}, rng.New(1, "e"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := (&Colorization{}).Build(e, gray28, sslkit.Setup{Seed: 1, Steps: 4, BatchSize: 4}); err == nil || !strings.Contains(err.Error(), "needs colour") {
		t.Errorf("gray images: error %v, want one that says that it needs colour", err)
	}
}

// colorization returns the method built on a small encoder of a map of 8×8.
func colorization(t *testing.T, m *Colorization, in data.Spec) *Colorization {
	t.Helper()
	e, err := nn.ConvNet{Channels: []int{4, 6}}.Build(nn.Input{Height: in.Height, Width: in.Width, Channels: 3}, rng.New(1, "e"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := m.Build(e, in, sslkit.Setup{Seed: 1, Steps: 4, BatchSize: 4}); err != nil {
		t.Fatal(err)
	}
	return m
}

// Each colour of the cube lies in the square of a bin, one of which is gray.
func TestBinsCoverColours(t *testing.T) {
	m := colorization(t, &Colorization{}, emoji(t).Spec())
	bins := m.Bins()
	if len(bins) != 51 || !slices.Contains(bins, [2]float32{}) {
		t.Fatalf("%d bins %v, want 51 with gray", len(bins), bins)
	}
	const levels = 23
	outside := 0
	for i := range levels * levels * levels {
		_, a, b := data.Lab(float32(i/levels/levels)/(levels-1), float32(i/levels%levels)/(levels-1), float32(i%levels)/(levels-1))
		if !slices.ContainsFunc(bins, func(o [2]float32) bool { return max(a-o[0], o[0]-a, b-o[1], o[1]-b) <= 12.5 }) {
			outside++
		}
	}
	if outside > 0 {
		t.Errorf("%d of %d colours are in no bin", outside, levels*levels*levels)
	}
}

// naiveCode is the soft code of a colour by sorting all bins, in float64.
func naiveCode(bins [][2]float32, ab [2]float64, neighbours int, sigma float64) []float64 {
	d, order := make([]float64, len(bins)), make([]int, len(bins))
	for i, o := range bins {
		d[i], order[i] = math.Pow(ab[0]-float64(o[0]), 2)+math.Pow(ab[1]-float64(o[1]), 2), i
	}
	slices.SortStableFunc(order, func(i, j int) int {
		switch {
		case d[i] < d[j]:
			return -1
		case d[i] > d[j]:
			return 1
		}
		return 0
	})
	q, sum := make([]float64, len(bins)), 0.0
	for _, i := range order[:neighbours] {
		q[i] = math.Exp(-d[i] / (2 * sigma * sigma))
		sum += q[i]
	}
	for i := range q {
		q[i] /= sum
	}
	return q
}

func TestSoftCode(t *testing.T) {
	p := newPalette(25, 12.5, 5)
	r := rng.New(3, "colours")
	for range 200 {
		ab := [2]float32{r.Uniform(-90, 90), r.Uniform(-90, 90)}
		var c code
		p.encode(&c, ab)
		got, sum := make([]float64, len(p.centres)), 0.0
		for j, i := range c.bins {
			got[i] = float64(c.shares[j])
			sum += got[i]
		}
		if math.Abs(sum-1) > 1e-6 {
			t.Errorf("the code of %v sums to %g", ab, sum)
		}
		for i, want := range naiveCode(p.centres, [2]float64{float64(ab[0]), float64(ab[1])}, 5, 12.5) {
			if math.Abs(got[i]-want) > 1e-5 {
				t.Fatalf("bin %v has the share %g of %v, want %g", p.centres[i], got[i], ab, want)
			}
		}
	}
	// Looking at candidates alone gives the bits of looking at all bins.
	for _, neighbours := range []int{1, 5, 9} {
		p := newPalette(25, 12.5, neighbours)
		whole := *p
		whole.near = nil
		for range 5000 {
			var c, all code
			ab := [2]float32{r.Uniform(-90, 90), r.Uniform(-90, 90)}
			p.encode(&c, ab)
			whole.encode(&all, ab)
			if !slices.Equal(c.bins, all.bins) || !slices.Equal(c.shares, all.shares) {
				t.Fatalf("%v has the code %v, among all bins %v", ab, c, all)
			}
		}
	}
	// One neighbour is a hard choice, and a colour far from all bins still has a code.
	p = newPalette(25, 1, 1)
	for _, ab := range [][2]float32{{3, -4}, {-400, 400}} {
		var c code
		p.encode(&c, ab)
		if len(c.bins) != 1 || c.shares[0] != 1 || ab[0] == 3 && p.centres[c.bins[0]] != [2]float32{} {
			t.Errorf("%v alone goes to %+v", ab, c)
		}
	}
}

func TestRebalance(t *testing.T) {
	p := []float32{0.7, 0.2, 0.1, 0}
	for _, lambda := range []float32{0.01, 0.5, 1} {
		w := Rebalance(p, lambda)
		var mean float64
		for j := range p {
			mean += float64(p[j]) * float64(w[j])
		}
		if math.Abs(mean-1) > 1e-6 {
			t.Errorf("λ %g: the mean weight is %g, want 1", lambda, mean)
		}
		if rising := w[0] < w[1] && w[1] < w[2] && w[2] < w[3]; rising != (lambda < 1) {
			t.Errorf("λ %g: weights %v of frequencies %v", lambda, w, p)
		}
		// w₃/w₀ = (1 + (1-λ)·0.7·4/λ) by equation 4, for a colour that never was
		if want := 1 + (1-float64(lambda))*0.7*4/float64(lambda); math.Abs(float64(w[3]/w[0])-want) > 1e-5*want {
			t.Errorf("λ %g: the rarest weighs %g times the commonest, want %g", lambda, w[3]/w[0], want)
		}
	}
	for _, w := range Rebalance(p, 1) {
		if w != 1 {
			t.Errorf("λ 1 gives the weight %g", w)
		}
	}
}

// As T falls the annealed mean goes from the mean to the likeliest bin.
func TestAnnealedMean(t *testing.T) {
	p := &palette{centres: [][2]float32{{-50, 0}, {0, 25}, {75, 50}}}
	logits := []float32{float32(math.Log(0.5)), float32(math.Log(0.3)), float32(math.Log(0.2))}
	for _, c := range []struct {
		t, a, b float32
	}{{1, -25 + 15, 7.5 + 10}, {1e-4, -50, 0}, {1e6, 25.0 / 3, 25}} {
		if got := p.mean(logits, c.t); math.Abs(float64(got[0]-c.a)) > 1e-3 || math.Abs(float64(got[1]-c.b)) > 1e-3 {
			t.Errorf("T %g: %v, want %g %g", c.t, got, c.a, c.b)
		}
	}
}

// views are what the method makes of the first n pictures.
func views(m *Colorization, set *data.Unlabelled, n int) *tensor.Tensor {
	in := set.Spec()
	x := tensor.New(n, in.Height, in.Width, 3)
	size := x.Len() / n
	for i := range n {
		m.View(&data.Image{H: in.Height, W: in.Width, C: 3, Pix: x.Data()[i*size : (i+1)*size]}, set.Image(i), 0, rng.New(1, "view", uint64(i)))
	}
	return x
}

// What the encoder sees is a function of L alone: other colours of the same
// lightness give the same bits, and a gray picture is seen as it is.
func TestColourIsHidden(t *testing.T) {
	set := emoji(t)
	m := colorization(t, &Colorization{Augment: augment.Chain{}}, set.Spec())
	x := views(m, set, 3)
	seen := m.predict(m.gray(x), true)
	other := tensor.New(x.Shape()...)
	for i, v := range x.Data() {
		if other.Data()[i] = v; i%3 != 0 {
			other.Data()[i] = -v / 2
		}
	}
	if !slices.Equal(seen.Data(), m.predict(m.gray(other), true).Data()) {
		t.Error("colour changes the prediction")
	}
	pix := []float32{0.2, 0.2, 0.2, 0.9, 0.9, 0.9, 1, 0, 0}
	parted(pix)
	l, _, _ := data.Lab(1, 0, 0)
	back, _, _ := data.Lab(pix[6], pix[6], pix[6])
	if math.Abs(float64(pix[0]-0.2)) > 1e-6 || math.Abs(float64(pix[3]-0.9)) > 1e-6 || math.Abs(float64(l-back)) > 1e-4 {
		t.Errorf("grays 0.2 and 0.9 and red, of lightness %g, are seen as %g, %g and %g", l, pix[0], pix[3], pix[6])
	}
}

// The loss is Zhang's, computed plainly from the pictures: the weighted mean of
// cross-entropies, weights by the frequencies of both steps so far.
func TestColorizationLoss(t *testing.T) {
	set := emoji(t)
	for _, lambda := range []float32{0.5, 1} {
		m := colorization(t, &Colorization{Augment: augment.Chain{}, Lambda: lambda}, set.Spec())
		logged := map[string]float32{}
		var frequencies [][]float64
		for step, n := range []int{4, 4} {
			view := views(m, set, n)
			if step == 1 { // other pictures
				view = tensor.Rows(views(m, set, 9), []int{5, 6, 7, 8})
			}
			got := float64(m.Loss(data.Batch{Views: []*tensor.Tensor{view}, Index: make([]int, n)},
				sslkit.NewStep(step, 4, 0, 9, func(k string, v float32) { logged[k] = v })).Item())
			nn.Commit(m.State())
			targets := naiveTargets(m, set, 5*step, n)
			frequencies = append(frequencies, average(targets))
			p := average(frequencies)
			for j, v := range m.frequency.Value {
				if math.Abs(float64(v)-p[j]) > 1e-6 {
					t.Fatalf("after step %d bin %d has the frequency %g, want %g", step, j, v, p[j])
				}
			}
			want, accuracy, common := naiveLoss(m.predict(m.gray(view), true), targets, p, float64(lambda))
			if math.Abs(got-want) > 1e-5*want {
				t.Errorf("λ %g, step %d: loss %.8g, want %.8g", lambda, step, got, want)
			}
			if math.Abs(float64(logged["pretext_accuracy"])-accuracy) > 1e-6 || math.Abs(float64(logged["commonest_accuracy"])-common) > 1e-6 {
				t.Errorf("logged %v, want accuracy %g and commonest %g", logged, accuracy, common)
			}
		}
	}
}

// naiveTargets are the colours of the cells of pictures from the given one on.
func naiveTargets(m *Colorization, set *data.Unlabelled, from, n int) (all [][]float64) {
	in := set.Spec()
	for i := range n {
		img := set.Image(from + i)
		for y := 0; y < in.Height; y += m.Cell {
			for x := 0; x < in.Width; x += m.Cell {
				var codes [][]float64
				for p := range m.Cell * m.Cell {
					at := ((y+p/m.Cell)*in.Width + x + p%m.Cell) * 3
					_, a, b := data.Lab(img.Pix[at], img.Pix[at+1], img.Pix[at+2])
					codes = append(codes, naiveCode(m.Bins(), [2]float64{float64(a), float64(b)}, m.Neighbours, float64(m.Sigma)))
				}
				all = append(all, average(codes))
			}
		}
	}
	return all
}

func average(rows [][]float64) []float64 {
	mean := make([]float64, len(rows[0]))
	for _, r := range rows {
		for j, v := range r {
			mean[j] += v / float64(len(rows))
		}
	}
	return mean
}

func naiveLoss(logits *tensor.Tensor, targets [][]float64, p []float64, lambda float64) (loss, accuracy, common float64) {
	var total float64
	counts := map[int]int{}
	for i, q := range targets {
		z := logits.Data()[i*len(q) : (i+1)*len(q)]
		var sum, entropy float64
		for _, v := range z {
			sum += math.Exp(float64(v))
		}
		for j, v := range z {
			entropy -= q[j] * math.Log(math.Exp(float64(v))/sum)
		}
		best, likeliest := slices.Index(q, slices.Max(q)), slices.Index(z, slices.Max(z))
		w := 1 / ((1-lambda)*p[best] + lambda/float64(len(p)))
		loss, total = loss+w*entropy, total+w
		if counts[best]++; best == likeliest {
			accuracy += 1 / float64(len(targets))
		}
		common = max(common, float64(counts[best])/float64(len(targets)))
	}
	return loss / total, accuracy, common
}

// Where nothing but frequencies can be learnt, rebalancing pulls the prediction
// from the common colour towards the rare one: the optimum is p·w, which is the
// point without gradient.
func TestRebalancingLiftsRareColours(t *testing.T) {
	right := []int{0, 0, 0, 0, 0, 0, 0, 1, 1, 2}
	q, p := tensor.New(len(right), 3), []float32{0.7, 0.2, 0.1}
	for i, c := range right {
		q.Data()[i*3+c] = 1
	}
	for lambda, rare := range map[float32]float64{1: 0.1, 0.5: 0.1 / (0.05 + 1.0/6) / (0.7/(0.35+1.0/6) + 0.2/(0.1+1.0/6) + 0.1/(0.05+1.0/6))} {
		w := Rebalance(p, lambda)
		logits := tensor.New(len(right), 3)
		for i := range logits.Data() {
			logits.Data()[i] = float32(math.Log(float64(p[i%3] * w[i%3])))
		}
		logits.RequireGrad()
		tensor.Backward(tensor.SoftCrossEntropy(logits, weighted(q, right, w)))
		var along [3]float64
		for i, g := range logits.Grad() {
			along[i%3] += float64(g)
		}
		if got := float64(p[2] * w[2]); math.Abs(got-rare) > 1e-6 || max(math.Abs(along[0]), math.Abs(along[1]), math.Abs(along[2])) > 1e-6 {
			t.Errorf("λ %g: the rare colour's share %g, want %g; the gradient there is %v", lambda, got, rare, along)
		}
	}
}

// A picture keeps its lightness, and where the prediction is sure it has the
// bin's colour.
func TestColorize(t *testing.T) {
	set := emoji(t)
	m := colorization(t, &Colorization{}, set.Spec())
	in := set.Spec()
	x := tensor.New(2, in.Height, in.Width, 3)
	for i := range 2 {
		in.Normalise(x.Data()[i*x.Len()/2:(i+1)*x.Len()/2], set.Image(i))
	}
	clear(m.bins.Params()[0].Value.Data())
	bias := m.bins.Params()[1].Value.Data()
	if m.split != 1 || len(bias) != 51 {
		t.Fatalf("%d cells a place, %d biases", m.split, len(bias))
	}
	bias[slices.Index(m.Bins(), [2]float32{0, 25})] = 50
	gray, painted := m.Colorize(x)
	denormal := func(y *tensor.Tensor, i, c int) float32 { return y.Data()[3*i+c]*in.Std[c] + in.Mean[c] }
	inside := 0
	for i := range x.Len() / 3 {
		l, _, _ := data.Lab(denormal(x, i, 0), denormal(x, i, 1), denormal(x, i, 2))
		lg, ag, bg := data.Lab(denormal(gray, i, 0), denormal(gray, i, 1), denormal(gray, i, 2))
		if math.Abs(float64(l-lg)) > 1e-3 || max(ag, -ag, bg, -bg) > 1e-3 {
			t.Fatalf("pixel %d of lightness %g is gray as %g %g %g", i, l, lg, ag, bg)
		}
		if r, g, b := data.FromLab(l, 0, 25); min(r, g, b) < 0 || max(r, g, b) > 1 {
			continue // no screen has that colour
		}
		lp, ap, bp := data.Lab(denormal(painted, i, 0), denormal(painted, i, 1), denormal(painted, i, 2))
		if math.Abs(float64(l-lp)) > 1e-3 || math.Abs(float64(ap)) > 1e-2 || math.Abs(float64(bp)-25) > 1e-2 {
			t.Fatalf("pixel %d of lightness %g is painted %g %g %g, want a 0 and b 25", i, l, lp, ap, bp)
		}
		inside++
	}
	if inside == 0 {
		t.Error("no pixel can have the colour")
	}
}

// Cells stand in reading order, also where a place of the map has several.
func TestCellsOfAPlace(t *testing.T) {
	in := emoji(t).Spec()
	e, err := nn.ResNet{Channels: []int{4, 4, 6}}.Build(nn.Input{Height: in.Height, Width: in.Width, Channels: 3}, rng.New(1, "e"))
	if err != nil {
		t.Fatal(err)
	}
	m := &Colorization{}
	if _, err := m.Build(e, in, sslkit.Setup{Seed: 1, Steps: 4, BatchSize: 4}); err != nil {
		t.Fatal(err)
	}
	clear(m.bins.Params()[0].Value.Data())
	for quarter := range 4 {
		m.bins.Params()[1].Value.Data()[quarter*51+10+quarter] = 1
	}
	logits := m.predict(tensor.New(2, in.Height, in.Width, 3), false)
	if m.Cell != 4 || logits.Dim(0) != 2*8*8 {
		t.Fatalf("cells of %d pixels, %v logits", m.Cell, logits.Shape())
	}
	for i, got := range tensor.Argmax(logits) {
		if y, x := i/8%8, i%8; got != 10+y%2*2+x%2 {
			t.Errorf("cell %d, %d has the bin %d", y, x, got)
		}
	}
}

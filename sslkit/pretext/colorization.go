package pretext

import (
	"fmt"
	"maps"
	"slices"

	"sslnotes/sslkit"
	"sslnotes/sslkit/augment"
	"sslnotes/sslkit/data"
	"sslnotes/sslkit/nn"
	"sslnotes/sslkit/rng"
	"sslnotes/sslkit/tensor"
)

// Colorization predicts the colours of an image from its lightness (Zhang,
// Isola and Efros 2016). Colours are places in the plane of a and b of CIE
// L*a*b*, cut into bins; each square cell of the image gets a distribution over
// them, since an apple may be red or green and the mean of both is neither. Most
// of most pictures is nearly gray, so rare colours weigh more (section 2.2). The
// set must have colour, and the encoder must keep places, as nn.ResNet,
// nn.ConvNet and nn.ViT do. It learns from gray pictures, and is best judged on
// them, as in section 3.2 of the paper: what it makes of colours it never learnt.
//
// Two things differ from the paper. Bins' frequencies are the mean over the
// batches so far, for a method sees no more of the data. The loss is divided by
// the batch's mean weight, so that it is ln Q where all Q bins are equally
// likely.
//
// Beside the loss stand pretext_accuracy, the share of cells whose likeliest bin
// is right, and commonest_accuracy, that of naming the batch's commonest bin
// everywhere.
type Colorization struct {
	Grid        float32 // distance of neighbouring bins, in a and in b. If 0, 25, which gives 51 bins.
	Neighbours  int     // bins that share a colour. If 0, 5; 1: the nearest alone.
	Sigma       float32 // of the Gaussian of the distance by which they do. If 0, half of Grid.
	Lambda      float32 // share of even frequencies in those that weights are the inverse of. If 0, 0.5; 1: all colours weigh alike.
	Temperature float32 // of the mean that pictures show, from the mode near 0 to the mean at 1. If 0, 0.38.
	Cell        int     // pixels of a cell's side. If 0, 4, or what a place of the encoder's map covers if that is no multiple.
	Hidden      int     // channels of the decoder. If 0, 64.

	// Augment draws the image. If nil, a flip and a crop of at least half the
	// area; an empty chain: none.
	Augment augment.Chain

	encoder   nn.Mapper
	decoder   nn.Sequential
	bins      *nn.Linear
	in        data.Spec
	palette   *palette
	frequency *nn.Buffer // [Q], of the steps so far
	split     int        // cells of the side of one place of the map
}

// Name implements sslkit.Method.
func (m *Colorization) Name() string { return "colorization" }

// Schedule implements sslkit.Scheduler.
func (m *Colorization) Schedule() sslkit.Schedule {
	return sslkit.Schedule{Epochs: 20, BatchSize: 128, LearningRate: 2e-3}
}

// Build implements sslkit.Method: a 3×3 convolution with BatchNorm and ReLU on
// the encoder's map, and a linear layer from each place to its cells' bins.
func (m *Colorization) Build(e nn.Encoder, in data.Spec, s sslkit.Setup) (nn.Module, error) {
	mapper, ok := e.(nn.Mapper)
	switch {
	case in.Channels != 3:
		return nil, fmt.Errorf("pretext: Colorization needs colour: images of 3 channels, not %d", in.Channels)
	case !ok:
		return nil, fmt.Errorf("pretext: Colorization needs an encoder that keeps places, not %T", e.Plan())
	}
	place := mapper.Map(tensor.New(1, in.Height, in.Width, in.Channels), false)
	side := in.Height / place.Dim(1)
	if place.Dim(1)*side != in.Height || place.Dim(2)*side != in.Width {
		return nil, fmt.Errorf("pretext: Colorization of images of %d×%d from a map of %d×%d, want a divisor", in.Height, in.Width, place.Dim(1), place.Dim(2))
	}
	if err := m.resolve(side); err != nil {
		return nil, err
	}
	m.encoder, m.in, m.split = mapper, in, side/m.Cell
	m.palette = newPalette(m.Grid, m.Sigma, m.Neighbours)
	q := len(m.palette.centres)
	m.frequency = &nn.Buffer{Name: "frequency", Value: make([]float32, q)}
	r := s.Stream("decoder")
	m.decoder = nn.Sequential{nn.NewConv2D("decoder.conv", e.Dim(), m.Hidden, 3, 1, r), nn.NewBatchNorm("decoder.norm", m.Hidden), nn.ReLU{}}
	m.bins = nn.NewLinear("bins", m.Hidden, m.split*m.split*q, true, r)
	return nn.Modules{m.decoder, m.bins}, nil
}

// resolve fills in the defaults for an encoder whose map has a place for each
// square of the given side.
func (m *Colorization) resolve(side int) error {
	if m.Cell == 0 {
		m.Cell = side
		if side%4 == 0 {
			m.Cell = 4
		}
	}
	m.Grid, m.Neighbours, m.Lambda = or(m.Grid, 25), or(m.Neighbours, 5), or(m.Lambda, 0.5)
	m.Sigma, m.Temperature, m.Hidden = or(m.Sigma, m.Grid/2), or(m.Temperature, 0.38), or(m.Hidden, 64)
	if m.Augment == nil {
		m.Augment = augment.Chain{augment.Crop{MinArea: 0.5}, augment.Flip{P: 0.5}}
	}
	switch {
	case !(m.Grid >= 5 && m.Grid <= 100):
		return fmt.Errorf("pretext: Colorization.Grid is %g, want 5 to 100", m.Grid)
	case m.Neighbours < 1:
		return fmt.Errorf("pretext: Colorization.Neighbours is %d, want > 0", m.Neighbours)
	case !(m.Sigma > 0):
		return fmt.Errorf("pretext: Colorization.Sigma is %g, want > 0", m.Sigma)
	case !(m.Lambda > 0 && m.Lambda <= 1):
		return fmt.Errorf("pretext: Colorization.Lambda is %g, want above 0, at most 1", m.Lambda)
	case !(m.Temperature > 0):
		return fmt.Errorf("pretext: Colorization.Temperature is %g, want > 0", m.Temperature)
	case m.Cell < 1 || side%m.Cell != 0:
		return fmt.Errorf("pretext: Colorization.Cell is %d, want a divisor of the %d pixels that a place of the map covers", m.Cell, side)
	case m.Hidden < 1:
		return fmt.Errorf("pretext: Colorization.Hidden is %d, want > 0", m.Hidden)
	}
	return augment.Check("pretext: Colorization.Augment", m.Augment)
}

// or is v, or the default if v is 0.
func or[T int | float32](v, d T) T {
	if v == 0 {
		return d
	}
	return v
}

// Views implements sslkit.Viewer: not levels of red, green and blue, but what
// View says.
func (m *Colorization) Views(in data.Spec) []data.Spec {
	return []data.Spec{{Height: in.Height, Width: in.Width, Channels: 3, Mean: make([]float32, 3), Std: []float32{1, 1, 1}}}
}

// View implements sslkit.Viewer: of each pixel of the augmented image the gray
// of its lightness, in [0,1], and its a and b.
func (m *Colorization) View(dst *data.Image, src data.Image, _ int, r *rng.Stream) {
	m.Augment.Draw(dst, src, r)
	parted(dst.Pix)
}

// parted replaces pixels of red, green and blue by the gray of the same
// lightness, a and b. That gray is a function of L alone: no colour leaks.
func parted(pix []float32) {
	var was, is [3]float32 // black is 0, 0, 0 in both
	for i := 0; i < len(pix); i += 3 {
		if p := [3]float32(pix[i:]); p != was { // much of a picture repeats
			l, a, b := data.Lab(p[0], p[1], p[2])
			gray, _, _ := data.FromLab(l, 0, 0)
			was, is = p, [3]float32{gray, a, b}
		}
		copy(pix[i:], is[:])
	}
}

// Loss implements sslkit.Method.
func (m *Colorization) Loss(b data.Batch, s sslkit.Step) *tensor.Tensor {
	// 1. A distribution over bins for each cell of the gray image.
	logits := m.predict(m.gray(b.Views[0]), true)
	// 2. The cell's colours, each shared among the nearest bins.
	targets := m.targets(b.Views[0])
	right := tensor.Argmax(targets)
	s.Log("pretext_accuracy", tensor.Accuracy(logits, right))
	s.Log("commonest_accuracy", commonest(right, logits.Dim(1)))
	// 3. The rarer a cell's main colour, the more the cell weighs.
	weights := Rebalance(m.count(targets, s), m.Lambda)
	return tensor.SoftCrossEntropy(logits, weighted(targets, right, weights))
}

// TrivialLoss implements sslkit.Trivial: all bins are equally likely.
func (m *Colorization) TrivialLoss() float64 { return rng.Log(float64(len(m.palette.centres))) }

// State implements sslkit.Stateful.
func (m *Colorization) State() nn.Module { return buffers{m.frequency} }

// buffers is a module that only remembers.
type buffers []*nn.Buffer

// Params implements nn.Module.
func (buffers) Params() []*nn.Param { return nil }

// Buffers implements nn.Module.
func (b buffers) Buffers() []*nn.Buffer { return b }

// gray returns what the encoder sees of views [N,H,W,3]: the gray picture in all
// three channels, normalised as colours are. So the encoder's input is the set's,
// and afterwards it takes the same images in colour.
func (m *Colorization) gray(view *tensor.Tensor) *tensor.Tensor {
	x := tensor.New(view.Shape()...)
	for i := range x.Data() {
		x.Data()[i] = (view.Data()[i-i%3] - m.in.Mean[i%3]) / m.in.Std[i%3]
	}
	return x
}

// predict returns the logits of the bins of all cells, [N·h·w,Q], an image's
// cells in reading order.
func (m *Colorization) predict(x *tensor.Tensor, train bool) *tensor.Tensor {
	f := m.decoder.Forward(m.encoder.Map(x, train), train)
	n, h, w := f.Dim(0), f.Dim(1), f.Dim(2)
	z := m.bins.Forward(tensor.Reshape(f, n, h*w, m.Hidden), train)
	z = tensor.Unpatchify(z, m.split, h*m.split, w*m.split)
	return tensor.Reshape(z, z.Len()/len(m.palette.centres), len(m.palette.centres))
}

// targets returns the mean of the soft codes of every cell's pixels, [N·h·w,Q]:
// at an edge that is both colours, and not the one between them.
func (m *Colorization) targets(view *tensor.Tensor) *tensor.Tensor {
	n, h, w := view.Dim(0), view.Dim(1), view.Dim(2)
	rows, cols, bins := h/m.Cell, w/m.Cell, len(m.palette.centres)
	q, part := tensor.New(n*rows*cols, bins), 1/float32(m.Cell*m.Cell)
	var code code
	for i := range n * h * w {
		ab := [2]float32(view.Data()[3*i+1:])
		if i == 0 || ab != code.of {
			m.palette.encode(&code, ab)
		}
		cell := (i/w/m.Cell)*cols + i%w/m.Cell // rows of all images, one below the other
		for j, bin := range code.bins {
			q.Data()[cell*bins+bin] += float32(code.shares[j] * part)
		}
	}
	return q
}

// count returns the bins' mean frequencies of all steps to this one, and
// remembers them at its end.
func (m *Colorization) count(targets *tensor.Tensor, s sslkit.Step) []float32 {
	now := slices.Clone(m.frequency.Value)
	sums := make([]float64, len(now))
	for i, v := range targets.Data() {
		sums[i%len(sums)] += float64(v)
	}
	for j, sum := range sums {
		now[j] += (float32(sum/float64(targets.Dim(0))) - now[j]) / float32(s.Index+1)
	}
	m.frequency.Set(now)
	return now
}

// commonest is the share of the commonest of k classes.
func commonest(classes []int, k int) float32 {
	counts := make([]int, k)
	for _, c := range classes {
		counts[c]++
	}
	return float32(slices.Max(counts)) / float32(len(classes))
}

// Rebalance returns the weight of each of Q colours of frequencies p, which sum
// to 1: inversely as (1-λ)·p + λ/Q, with a mean over the data, Σ p·w, of 1
// (equation 4 of Zhang and others). If λ is 1 all weights are 1.
func Rebalance(p []float32, lambda float32) []float32 {
	w, mean := make([]float64, len(p)), 0.0
	for j, v := range p {
		w[j] = 1 / (float64((1-float64(lambda))*float64(v)) + float64(lambda)/float64(len(p)))
		mean += float64(float64(v) * w[j])
	}
	out := make([]float32, len(p))
	for j := range out {
		out[j] = float32(w[j] / mean)
	}
	return out
}

// weighted returns the rows of q times the weights of their classes over the
// mean of these.
func weighted(q *tensor.Tensor, classes []int, weights []float32) *tensor.Tensor {
	var sum float64
	for _, c := range classes {
		sum += float64(weights[c])
	}
	out, by := tensor.New(q.Shape()...), float64(len(classes))/sum
	for i, v := range q.Data() {
		out.Data()[i] = float32(float64(v) * float64(by*float64(weights[classes[i/q.Dim(1)]])))
	}
	return out
}

// Colorize takes the colour of normalised images [N,H,W,3] away and returns them
// gray, and as the method paints them: every cell in the annealed mean of its
// distribution (equation 5 of Zhang and others), blurred into its neighbours, at
// the lightness that was there. It panics before Build.
func (m *Colorization) Colorize(x *tensor.Tensor) (gray, painted *tensor.Tensor) {
	n, h, w := x.Dim(0), x.Dim(1), x.Dim(2)
	view := tensor.New(x.Shape()...)
	for i, v := range x.Data() {
		view.Data()[i] = float32(v*m.in.Std[i%3]) + m.in.Mean[i%3]
	}
	parted(view.Data())
	gray, painted = m.gray(view), tensor.New(x.Shape()...)
	logits := m.predict(gray, false).Data()
	size := len(logits) / n
	for i := range n {
		one := data.Image{H: h, W: w, C: 3, Pix: view.Data()[i*h*w*3 : (i+1)*h*w*3]}
		m.tint(one, logits[i*size:(i+1)*size])
		m.in.Normalise(painted.Data()[i*h*w*3:(i+1)*h*w*3], one)
	}
	return gray, painted
}

// tint replaces a view of one image by its colours as the logits have them.
func (m *Colorization) tint(view data.Image, logits []float32) {
	cells := data.Image{H: view.H / m.Cell, W: view.W / m.Cell, C: 2}
	bins := len(m.palette.centres)
	for i := 0; i < len(logits); i += bins {
		ab := m.palette.mean(logits[i:i+bins], m.Temperature)
		cells.Pix = append(cells.Pix, ab[:]...)
	}
	large := data.Image{H: view.H, W: view.W, C: 2, Pix: make([]float32, view.H*view.W*2)}
	augment.Chain{}.Draw(&large, cells, nil)
	for i := 0; i < len(view.Pix); i += 3 {
		l, _, _ := data.Lab(view.Pix[i], view.Pix[i], view.Pix[i])
		red, green, blue := data.FromLab(l, large.Pix[i/3*2], large.Pix[i/3*2+1])
		for c, v := range [3]float32{red, green, blue} {
			view.Pix[i+c] = min(max(v, 0), 1)
		}
	}
}

// Bins returns a and b of the Q bins' centres, sorted. It panics before Build.
func (m *Colorization) Bins() [][2]float32 { return slices.Clone(m.palette.centres) }

// A palette is the plane of a and b in bins.
type palette struct {
	centres     [][2]float32
	grid, sigma float32
	neighbours  int
	near        map[[2]int][]int // by square of the grid, the bins that may be neighbours of its colours
}

// newPalette lays a grid through gray and keeps the squares that hold a colour
// of sRGB. The colours on the faces of its cube, of 52 levels a side, are all
// there are: along L every colour can be moved to a face.
func newPalette(grid, sigma float32, neighbours int) *palette {
	const levels = 51
	p := &palette{grid: grid, sigma: sigma, near: map[[2]int][]int{}}
	for face := range 6 {
		for i := range (levels + 1) * (levels + 1) {
			var c [3]float32
			c[face%3], c[(face+1)%3], c[(face+2)%3] = float32(face/3), float32(i/(levels+1))/levels, float32(i%(levels+1))/levels
			_, a, b := data.Lab(c[0], c[1], c[2])
			p.near[p.square([2]float32{a, b})] = nil
		}
	}
	squares := slices.SortedFunc(maps.Keys(p.near), func(s, t [2]int) int { return slices.Compare(s[:], t[:]) })
	for _, s := range squares {
		p.centres = append(p.centres, [2]float32{float32(s[0]) * grid, float32(s[1]) * grid})
	}
	p.neighbours = min(neighbours, len(p.centres))
	for i, s := range squares {
		p.near[s] = p.candidates(p.centres[i])
	}
	return p
}

// square is where on the grid a colour lies.
func (p *palette) square(ab [2]float32) [2]int {
	return [2]int{int(ab[0]/p.grid+1000.5) - 1000, int(ab[1]/p.grid+1000.5) - 1000}
}

// candidates lists the bins that may be among the nearest of a colour in the
// square around a centre: those no farther from its nearest point than enough
// others are from its farthest.
func (p *palette) candidates(centre [2]float32) (all []int) {
	half := p.grid * 0.501 // a little more, for rounding
	distance := func(o [2]float32, by float32) float32 {
		da, db := max(centre[0]-o[0], o[0]-centre[0])+by, max(centre[1]-o[1], o[1]-centre[1])+by
		return float32(max(da, 0)*max(da, 0)) + float32(max(db, 0)*max(db, 0))
	}
	var farthest []float32
	for _, o := range p.centres {
		farthest = append(farthest, distance(o, half))
	}
	slices.Sort(farthest)
	for i, o := range p.centres {
		if distance(o, -half) <= farthest[p.neighbours-1] {
			all = append(all, i)
		}
	}
	return all
}

// A code is how bins share a colour.
type code struct {
	of     [2]float32
	bins   []int // the nearest first
	shares []float32
}

// encode shares a colour among its nearest bins by a Gaussian of their distance;
// the shares sum to 1. Of equally near bins the earlier is taken.
func (p *palette) encode(c *code, ab [2]float32) {
	c.of, c.bins, c.shares = ab, c.bins[:0], c.shares[:0] // shares are squared distances at first
	if near := p.near[p.square(ab)]; near != nil {
		for _, i := range near {
			p.consider(c, i)
		}
	} else {
		for i := range p.centres {
			p.consider(c, i)
		}
	}
	var sum float64
	first := float64(c.shares[0]) // the nearest's share is 1 before the division, however far it is
	for j, d := range c.shares {
		e := tensor.Exp64((first - float64(d)) / float64(2*float64(p.sigma)*float64(p.sigma)))
		c.shares[j] = float32(e)
		sum += e
	}
	for j := range c.shares {
		c.shares[j] = float32(float64(c.shares[j]) / sum)
	}
}

// consider puts bin i among the nearest if it is.
func (p *palette) consider(c *code, i int) {
	da, db := c.of[0]-p.centres[i][0], c.of[1]-p.centres[i][1]
	d := float32(da*da) + float32(db*db)
	n := len(c.bins)
	switch {
	case n < p.neighbours:
		c.bins, c.shares = append(c.bins, i), append(c.shares, d)
	case d < c.shares[n-1]:
		n--
	default:
		return
	}
	for ; n > 0 && d < c.shares[n-1]; n-- {
		c.bins[n], c.shares[n] = c.bins[n-1], c.shares[n-1]
	}
	c.bins[n], c.shares[n] = i, d
}

// mean is the expectation of a and b under the softmax of logits over t.
func (p *palette) mean(logits []float32, t float32) [2]float32 {
	top := slices.Max(logits)
	var sum, a, b float64
	for j, v := range logits {
		e := tensor.Exp64(float64(v-top) / float64(t))
		sum += e
		a += float64(e * float64(p.centres[j][0]))
		b += float64(e * float64(p.centres[j][1]))
	}
	return [2]float32{float32(a / sum), float32(b / sum)}
}

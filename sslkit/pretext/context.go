package pretext

import (
	"fmt"

	"sslnotes/sslkit"
	"sslnotes/sslkit/augment"
	"sslnotes/sslkit/data"
	"sslnotes/sslkit/nn"
	"sslnotes/sslkit/rng"
	"sslnotes/sslkit/tensor"
)

// Context predicts where one patch lies from another: which of the eight
// neighbours of the middle patch it is (Doersch, Gupta and Efros 2015). Both
// pass one encoder. Every image gives all eight pairs, each used both ways.
//
// Gaps with a random offset keep continuing edges from giving the answer, and
// standardised patches their level; both can be switched off to see it. In photographs
// the fringes of colour that a lens leaves tell where a patch lies; Augment can take
// them away.
type Context struct {
	Patch  int // pixels of a patch's side. If 0, three quarters of its cell, a third of the image, cut down to a multiple of the encoder's patch; as large as the cell: no gap.
	Jitter int // pixels by which a patch's place varies. If 0, all that leaves a pixel between patches; negative: none.
	Hidden int // width of the hidden layer on the joined features. If 0, 256.

	RawPatches bool // leave the patches' mean and contrast

	// Augment changes each patch by itself, after it is cut out and before it is
	// standardised, as augment.DropColour and augment.ProjectColour do, the authors'
	// two ways. If nil or empty, not at all.
	Augment augment.Chain `config:"omitzero"`

	encoder nn.Encoder
	head    nn.Sequential
	in      data.Spec
	cut     grid
}

// Name implements sslkit.Method.
func (m *Context) Name() string { return "context" }

// Schedule implements sslkit.Scheduler.
func (m *Context) Schedule() sslkit.Schedule {
	return sslkit.Schedule{Epochs: 20, BatchSize: 128, LearningRate: 2e-3}
}

// Build implements sslkit.Method: two layers on the joined features of two
// patches.
func (m *Context) Build(e nn.Encoder, in data.Spec, s sslkit.Setup) (nn.Module, error) {
	cell := min(in.Height, in.Width) / 3
	if m.Patch == 0 {
		m.Patch = defaultTile(cell, e)
	}
	if m.Jitter == 0 {
		m.Jitter = widest(cell, m.Patch)
	}
	if m.Hidden == 0 {
		m.Hidden = 256
	}
	m.cut = grid{side: 3, cell: cell, tile: m.Patch, jitter: max(0, m.Jitter), standardise: !m.RawPatches, colours: m.Augment}
	if err := m.cut.check("Context", "Patch", e); err != nil {
		return nil, err
	}
	if m.Hidden < 1 {
		return nil, fmt.Errorf("pretext: Context.Hidden is %d, want > 0", m.Hidden)
	}
	m.encoder, m.in = e, in
	m.head = nn.NewMLP("context", 2*e.Dim(), m.Hidden, 8, s.Stream("context head"))
	return m.head, nil
}

// Views implements sslkit.Viewer: the nine patches in reading order.
func (m *Context) Views(in data.Spec) []data.Spec { return m.cut.views(in) }

// View implements sslkit.Viewer.
func (m *Context) View(dst *data.Image, src data.Image, v int, r *rng.Stream) {
	m.cut.draw(dst, src, v, r)
}

// TrivialLoss implements sslkit.Trivial: all places are equally likely.
func (m *Context) TrivialLoss() float64 { return rng.Log(8) }

// Loss implements sslkit.Method.
func (m *Context) Loss(b data.Batch, s sslkit.Step) *tensor.Tensor {
	n := b.Views[0].Dim(0)
	// 1. Features of every patch.
	features := tileFeatures(m.encoder, b.Views)
	// 2. Pair the middle with each neighbour, both ways.
	first, second, labels := pairs(n)
	joined := tensor.ConcatColumns(tensor.Rows(features, first), tensor.Rows(features, second))
	// 3. Where is the second, seen from the first?
	logits := m.head.Forward(joined, true)
	s.Log("pretext_accuracy", tensor.Accuracy(logits, labels))
	return tensor.CrossEntropy(logits, labels)
}

// pairs lists the rows of the first and the second patch of every pair of n
// images' patches, which stand patch-major, and where the second is: 0 to 7 in
// reading order without the middle.
func pairs(n int) (first, second, labels []int) {
	const middle = 4
	for i := range n {
		for k := range 8 {
			patch := k + k/middle // skips the middle
			first = append(first, middle*n+i, patch*n+i)
			second = append(second, patch*n+i, middle*n+i)
			labels = append(labels, k, 7-k)
		}
	}
	return first, second, labels
}

// Place asks about one pair of each of normalised images [N,H,W,C], the middle
// patch and a neighbour drawn by the seed, and returns pictures of the two alone:
// the neighbour where it lies, and where the method puts it. Patches are shown
// with the mean and the contrast that they have in the image, and the set's mean
// around them. It panics before Build.
func (m *Context) Place(x *tensor.Tensor, seed uint64) (lying, placed *tensor.Tensor) {
	const middle = 4
	n := x.Dim(0)
	seen, plain := m.cut.tiles(x, m.in, seed)
	features := m.encoder.Forward(tensor.Concat(seen...), false)
	var first, second, cells []int
	for i := range n {
		k := rng.New(seed, "place", uint64(i)).IntN(8)
		cells = append(cells, k+k/middle) // skips the middle
		first, second = append(first, middle*n+i), append(second, cells[i]*n+i)
	}
	logits := m.head.Forward(tensor.ConcatColumns(tensor.Rows(features, first), tensor.Rows(features, second)), false)
	lying, placed = tensor.New(x.Shape()...), tensor.New(x.Shape()...)
	for i, answer := range tensor.Argmax(logits) {
		for _, to := range []*tensor.Tensor{lying, placed} {
			m.cut.lay(to, i, middle, plain[middle])
		}
		m.cut.lay(lying, i, cells[i], plain[cells[i]])
		m.cut.lay(placed, i, answer+answer/middle, plain[cells[i]])
	}
	return lying, placed
}

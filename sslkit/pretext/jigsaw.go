package pretext

import (
	"errors"
	"fmt"

	"sslnotes/sslkit"
	"sslnotes/sslkit/augment"
	"sslnotes/sslkit/data"
	"sslnotes/sslkit/nn"
	"sslnotes/sslkit/rng"
	"sslnotes/sslkit/tensor"
)

// Jigsaw cuts an image into tiles, shuffles them, and predicts which of a fixed
// list of permutations was used (Noroozi and Favaro 2016). All tiles pass one
// encoder; their features are joined in the shuffled order.
//
// The puzzle has short cuts that teach nothing: edges that continue from tile to
// tile, and tiles whose level betrays their place. A gap with a random offset
// and standardised tiles take them away; both can be switched off to see it. In
// photographs there is a third, the fringes of colour that a lens leaves, which Augment
// can take away.
type Jigsaw struct {
	Side         int // tiles a side. If 0, 3.
	Permutations int // in the list. If 0, 64, or all if there are fewer.
	Tile         int // pixels of a tile's side. If 0, three quarters of its cell, cut down to a multiple of the encoder's patch; as large as the cell: no gap.
	Jitter       int // pixels by which a tile's place varies. If 0, all that leaves a pixel between tiles; negative: none.
	Shuffles     int // puzzles made of each image in a step. If 0, 2.
	Hidden       int // width of the hidden layer on the joined features. If 0, 256.

	RawTiles bool // leave the tiles' mean and contrast

	// Augment changes each tile by itself, after it is cut out and before it is
	// standardised, as augment.Grayscale does. If nil or empty, not at all.
	Augment augment.Chain `config:"omitzero"`

	encoder nn.Encoder
	head    nn.Sequential
	in      data.Spec
	cut     grid
	list    [][]int
}

// Name implements sslkit.Method.
func (m *Jigsaw) Name() string { return "jigsaw" }

// Schedule implements sslkit.Scheduler.
func (m *Jigsaw) Schedule() sslkit.Schedule {
	return sslkit.Schedule{Epochs: 20, BatchSize: 128, LearningRate: 2e-3}
}

// Build implements sslkit.Method: two layers on the joined features.
func (m *Jigsaw) Build(e nn.Encoder, in data.Spec, s sslkit.Setup) (nn.Module, error) {
	if m.Side == 0 {
		m.Side = 3
	}
	if m.Side < 2 || m.Side > 4 {
		return nil, fmt.Errorf("pretext: Jigsaw.Side is %d, want 2 to 4", m.Side)
	}
	cell := min(in.Height, in.Width) / m.Side
	all := factorial(m.Side * m.Side)
	for _, f := range []struct {
		field *int
		value int
	}{{&m.Permutations, min(64, all)}, {&m.Tile, defaultTile(cell, e)}, {&m.Shuffles, 2}, {&m.Hidden, 256}} {
		if *f.field == 0 {
			*f.field = f.value
		}
	}
	if m.Jitter == 0 {
		m.Jitter = widest(cell, m.Tile)
	}
	m.cut = grid{side: m.Side, cell: cell, tile: m.Tile, jitter: max(0, m.Jitter), standardise: !m.RawTiles, colours: m.Augment}
	err := m.cut.check("Jigsaw", "Tile", e)
	switch {
	case err != nil:
		return nil, err
	case m.Permutations < 2 || m.Permutations > all:
		return nil, fmt.Errorf("pretext: Jigsaw.Permutations is %d, want 2 to %d", m.Permutations, all)
	case m.Shuffles < 1 || m.Hidden < 1:
		return nil, errors.New("pretext: Jigsaw.Shuffles and Hidden must be > 0")
	}
	m.list = Permutations(m.Side*m.Side, m.Permutations, s.Stream("permutations"))
	m.encoder, m.in = e, in
	m.head = nn.NewMLP("jigsaw", m.Side*m.Side*e.Dim(), m.Hidden, m.Permutations, s.Stream("jigsaw head"))
	return m.head, nil
}

// Views implements sslkit.Viewer: one tile a cell, in reading order.
func (m *Jigsaw) Views(in data.Spec) []data.Spec { return m.cut.views(in) }

// View implements sslkit.Viewer.
func (m *Jigsaw) View(dst *data.Image, src data.Image, v int, r *rng.Stream) {
	m.cut.draw(dst, src, v, r)
}

// TrivialLoss implements sslkit.Trivial: all permutations are equally likely.
func (m *Jigsaw) TrivialLoss() float64 { return rng.Log(float64(m.Permutations)) }

// Loss implements sslkit.Method.
func (m *Jigsaw) Loss(b data.Batch, s sslkit.Step) *tensor.Tensor {
	n, tiles := b.Views[0].Dim(0), len(b.Views)
	// 1. Features of every tile.
	features := tileFeatures(m.encoder, b.Views)
	// 2. Join them in a random order of the list.
	r := s.Stream("shuffle")
	index, labels := make([]int, 0, n*m.Shuffles*tiles), make([]int, n*m.Shuffles)
	for i := range labels {
		labels[i] = r.IntN(len(m.list))
		for _, t := range m.list[labels[i]] {
			index = append(index, t*n+i%n)
		}
	}
	joined := tensor.Reshape(tensor.Rows(features, index), len(labels), tiles*features.Dim(1))
	// 3. Which order was it?
	logits := m.head.Forward(joined, true)
	s.Log("pretext_accuracy", tensor.Accuracy(logits, labels))
	return tensor.CrossEntropy(logits, labels)
}

// Solve makes a puzzle of each of normalised images [N,H,W,C] by the seed and
// returns pictures of them: the tiles in the order in which the method gets them,
// and where it puts them. Tiles are shown with the mean and the contrast that
// they have in the image, and the set's mean around them. It panics before Build.
func (m *Jigsaw) Solve(x *tensor.Tensor, seed uint64) (shuffled, solved *tensor.Tensor) {
	n, tiles := x.Dim(0), m.Side*m.Side
	seen, plain := m.cut.tiles(x, m.in, seed)
	features := m.encoder.Forward(tensor.Concat(seen...), false)
	var index []int
	orders := make([][]int, n)
	for i := range orders {
		orders[i] = m.list[rng.New(seed, "solve", uint64(i)).IntN(len(m.list))]
		for _, t := range orders[i] {
			index = append(index, t*n+i)
		}
	}
	joined := tensor.Reshape(tensor.Rows(features, index), n, tiles*features.Dim(1))
	shuffled, solved = tensor.New(x.Shape()...), tensor.New(x.Shape()...)
	for i, answer := range tensor.Argmax(m.head.Forward(joined, false)) {
		for place, t := range orders[i] {
			m.cut.lay(shuffled, i, place, plain[t])
			m.cut.lay(solved, i, m.list[answer][place], plain[t])
		}
	}
	return shuffled, solved
}

// factorial is n!, bounded.
func factorial(n int) int {
	f := 1
	for i := 2; i <= n && f < 1<<30; i++ {
		f *= i
	}
	return f
}

// Permutations chooses count different orders of n places, far apart: starting
// from a random one, each next is, of 200 random candidates, the one whose
// smallest Hamming distance to those chosen is largest. If count is n!, all are
// taken.
func Permutations(n, count int, r *rng.Stream) [][]int {
	if count == factorial(n) {
		return every(n)
	}
	chosen := [][]int{r.Perm(n)}
	for len(chosen) < count {
		var best []int
		far := 0
		for range 200 {
			p := r.Perm(n)
			near := n
			for _, q := range chosen {
				near = min(near, hamming(p, q))
			}
			if near > far {
				best, far = p, near
			}
		}
		if best != nil {
			chosen = append(chosen, best)
		}
	}
	return chosen
}

// hamming counts the places at which two orders differ.
func hamming(p, q []int) (d int) {
	for i, v := range p {
		if v != q[i] {
			d++
		}
	}
	return d
}

// every lists all orders of n places.
func every(n int) (all [][]int) {
	order := make([]int, 0, n)
	used := make([]bool, n)
	var extend func()
	extend = func() {
		if len(order) == n {
			all = append(all, append([]int(nil), order...))
			return
		}
		for i := range n {
			if used[i] {
				continue
			}
			used[i], order = true, append(order, i)
			extend()
			used[i], order = false, order[:len(order)-1]
		}
	}
	extend()
	return all
}

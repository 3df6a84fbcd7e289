package f32

import "runtime"

// Block is a pre-LN transformer block (Xiong and others 2020): x + Attention of
// LayerNorm, then that + MLP of LayerNorm, the MLP being Linear–GELU–Linear.
//
// It runs in leaves of 32 samples, each cut into chunks whose intermediate
// values stay in the second cache. An element's arithmetic does not depend on
// the cut; gradients of weights are sums over samples by the leaf tree, over the
// rows of a leaf in order.
type Block struct {
	Attention
	Samples, Width, Hidden int // Width = Heads·Dim
	Eps                    float32
	Lengths                []int // tokens seen in each sample; nil: all
}

// Weights are a block's parameters, or their gradients; all matrices are
// [in,out].
type Weights struct {
	Gamma1, Beta1, QKV, QKVBias, Proj, ProjBias []float32
	Gamma2, Beta2, FC1, FC1Bias, FC2, FC2Bias   []float32
}

// all lists the weights in the order of the fields.
func (w *Weights) all() [12]*[]float32 {
	return [...]*[]float32{&w.Gamma1, &w.Beta1, &w.QKV, &w.QKVBias, &w.Proj, &w.ProjBias, &w.Gamma2, &w.Beta2, &w.FC1, &w.FC1Bias, &w.FC2, &w.FC2Bias}
}

// vectors lists the weights that are no matrices.
func (w *Weights) vectors() [8][]float32 {
	return [...][]float32{w.Gamma1, w.Beta1, w.QKVBias, w.ProjBias, w.Gamma2, w.Beta2, w.FC1Bias, w.FC2Bias}
}

// matrices are rows and columns of a block's weights in the order of the fields,
// a vector's being one column.
func (b *Block) matrices() [12][2]int {
	d, h := b.Width, b.Hidden
	return [...][2]int{{d, 1}, {d, 1}, {d, 3 * d}, {3 * d, 1}, {d, d}, {d, 1}, {d, 1}, {d, 1}, {d, h}, {h, 1}, {h, d}, {d, 1}}
}

// Sizes are the lengths of a block's weights, in the order of the fields.
func (b *Block) Sizes() (sizes [12]int) {
	for i, m := range b.matrices() {
		sizes[i] = m[0] * m[1]
	}
	return sizes
}

// Saved is what a backward pass needs of the forward pass besides input and
// output. P and O are empty for long sequences: what attention gives takes much
// memory there, and costs little to compute again.
type Saved struct{ QKV, P, O, H, U, Stats1, Stats2 []float32 }

// SavedSizes are the lengths of the fields of Saved for n samples.
func (b *Block) SavedSizes(n int) [7]int {
	rows := n * b.Tokens
	p, o := n*b.Attention.Saved(), rows*b.Width
	if b.long() {
		p, o = 0, 0
	}
	return [...]int{rows * 3 * b.Width, p, o, rows * b.Width, rows * b.Hidden, 2 * rows, 2 * rows}
}

// long says whether attention is computed again on the way back.
func (b *Block) long() bool { return b.Tokens > 32 }

// Fields lists the fields in order.
func (s *Saved) Fields() [7]*[]float32 {
	return [...]*[]float32{&s.QKV, &s.P, &s.O, &s.H, &s.U, &s.Stats1, &s.Stats2}
}

// at is the part of what was saved that begins at sample i.
func (s *Saved) at(b *Block, i int) (part Saved) {
	sizes := b.SavedSizes(1)
	from, to := s.Fields(), part.Fields()
	for f := range from {
		*to[f] = (*from[f])[i*sizes[f]:]
	}
	return part
}

// near is how many values between the layers of a block a chunk may have: about
// what the second cache holds.
const near = 136 << 10

// chunk is the number of samples taken at a time.
func (b *Block) chunk() int {
	return max(1, min(Leaf, near/((3*b.Width+2*b.Hidden)*b.Tokens)))
}

// Keys is the number of tokens that are seen in sample i.
func (b *Block) Keys(i int) int {
	if b.Lengths == nil {
		return b.Tokens
	}
	return b.Lengths[i]
}

// packedWeights are the four matrices as right sides.
type packedWeights struct{ qkv, proj, fc1, fc2 Packed }

func (p *packedWeights) release() {
	p.qkv.Release()
	p.proj.Release()
	p.fc1.Release()
	p.fc2.Release()
}

// A packing is the work of pack.
type packing struct {
	Block
	Weights
	transposed bool
	packed     packedWeights
}

// pack packs the four matrices, or their transposes.
func (b *Block) pack(w *Weights, transposed bool) packedWeights {
	p := Take[packing]()
	defer Give(p)
	*p = packing{*b, *w, transposed, packedWeights{}}
	Parallel(4, p, func(p *packing, i int) {
		d, h := p.Width, p.Hidden
		one := func(w []float32, in, out int) Packed {
			if p.transposed {
				return PackTransposed(w, out, in)
			}
			return Pack(w, in, out)
		}
		switch i { // large ones first
		case 0:
			p.packed.fc1 = one(p.FC1, d, h)
		case 1:
			p.packed.fc2 = one(p.FC2, h, d)
		case 2:
			p.packed.qkv = one(p.QKV, d, 3*d)
		case 3:
			p.packed.proj = one(p.Proj, d, d)
		}
	})
	packed := p.packed
	*p = packing{}
	return packed
}

// Forward computes y from x, both [Samples,Tokens,Width]. If s is nil nothing
// is kept.
func (b *Block) Forward(y, x []float32, w *Weights, s *Saved) {
	p := pass{Block: *b, y: y, x: x, w: *w, packed: b.pack(w, false)}
	if s != nil {
		p.saved, p.keep = *s, true
	}
	size := b.chunk()
	Parallel((b.Samples+size-1)/size, p, pass.forward)
	p.packed.release()
}

// A pass is what the chunks of a forward or the leaves of a backward pass share.
type pass struct {
	Block
	y, x, dy, dx []float32
	w            Weights
	packed       packedWeights
	saved        Saved
	keep         bool // what is saved
}

// forward runs a chunk.
func (p pass) forward(i int) {
	b, size := &p.Block, p.chunk()
	from := i * size
	n := min(size, b.Samples-from)
	var s Saved
	if p.keep {
		s = p.saved.at(b, from)
	} else {
		var held *[]float32
		s, held = takeSaved(b, n)
		defer release(held)
	}
	at, length := from*b.Tokens*b.Width, n*b.Tokens*b.Width
	next := min(at+runtime.GOMAXPROCS(0)*size*b.Tokens*b.Width, len(p.x)) // of this thread, if all are as fast
	b.forward(n, from, p.y[at:at+length], p.x[at:at+length], p.x[next:min(next+length, len(p.x))], &p.w, &p.packed, &s)
}

// takeSaved returns a Saved for n samples in one scratch buffer.
func takeSaved(b *Block, n int) (s Saved, held *[]float32) {
	sizes, total := b.SavedSizes(n), 0
	for _, v := range sizes {
		total += v
	}
	held = scratch(total)
	rest := *held
	for i, f := range s.Fields() {
		*f, rest = rest[:sizes[i]], rest[sizes[i]:]
	}
	return s, held
}

// forward runs one chunk of n samples, the first being sample from. While it computes
// products it asks for memory that it will read or write, and for the next x.
func (b *Block) forward(n, from int, y, x, next []float32, w *Weights, p *packedWeights, s *Saved) {
	d, h, rows := b.Width, b.Hidden, n*b.Tokens
	work := scratch(2*rows*d + rows*max(d, h))
	defer release(work)
	normed, biased, g := (*work)[:rows*d], (*work)[rows*d:2*rows*d], (*work)[2*rows*d:]
	o := s.O
	if b.long() {
		o = g // which is used later
	}
	LayerNorm(normed, x, w.Gamma1, w.Beta1, s.Stats1, b.Eps)
	p.qkv.Mul(rows, normed, d, s.QKV, 3*d, w.QKVBias, 0, s.P[:min(len(s.P), n*b.Attention.Saved())], s.O[:min(len(s.O), rows*d)])
	b.attend(n, from, o, s.P, s.QKV)
	p.proj.Mul(rows, o, d, y, d, w.ProjBias, 0, s.H[:rows*d])
	AddLayerNorm(normed, s.H[:rows*d], biased, y, x, w.FC2Bias, w.Gamma2, w.Beta2, s.Stats2, b.Eps)
	p.fc1.Mul(rows, normed, d, s.U, h, w.FC1Bias, 0)
	GELU(g, s.U[:rows*h])
	p.fc2.Mul(rows, g, h, y, d, biased, d, next)
}

// attend runs the attention of n samples, the first being sample from. If p is
// empty the probabilities are not kept.
func (b *Block) attend(n, from int, o, p, qkv []float32) {
	for i := range n {
		at, r := []float32(nil), i*b.Tokens*b.Width
		if len(p) > 0 {
			at = p[i*b.Attention.Saved():]
		}
		b.Attention.Forward(o[r:], at, qkv[3*r:], b.Keys(from+i))
	}
}

// Backward adds the gradients of the weights to grads, and computes dx from dy,
// x and what Forward saved. A nil field of grads gets none.
func (b *Block) Backward(dx, dy, x []float32, w, grads *Weights, s *Saved) {
	p := pass{Block: *b, dx: dx, dy: dy, x: x, w: *w, saved: *s, packed: b.pack(w, true)}
	total := 0
	for _, v := range b.Sizes() {
		total += v
	}
	sums := scratch(total)
	defer release(sums)
	sumLeaves(b.Samples, total, *sums, false, p, pass.backward)
	p.packed.release()
	type adding struct {
		Block
		into, got Weights
	}
	Parallel(12, adding{*b, *grads, b.weights(*sums)}, func(a adding, i int) {
		into, got, size := *a.into.all()[i], *a.got.all()[i], a.matrices()[i]
		switch {
		case into == nil:
		case turned(size[0], size[1]):
			addTransposed(into, got, size[0], size[1])
		default:
			Add(into, into, got, false)
		}
	})
}

// backward runs a leaf in chunks, adding to the gradients of the weights in sum.
func (p pass) backward(from, to int, sum []float32) {
	b := &p.Block
	leaf := b.weights(sum)
	for _, v := range leaf.vectors() {
		clear(v)
	}
	size := b.chunk()
	for i := from; i < to; i += size {
		n := min(size, to-i)
		part := p.saved.at(b, i)
		at, length := i*b.Tokens*b.Width, n*b.Tokens*b.Width
		next := p.dy[at+length : min(at+2*length, len(p.dy))]
		b.backward(n, i, p.dx[at:at+length], p.dy[at:at+length], p.x[at:at+length], next, &p.w, &leaf, i > from, &p.packed, &part)
	}
}

// weights cuts one buffer into all weights.
func (b *Block) weights(buffer []float32) (w Weights) {
	sizes := b.Sizes()
	for i, f := range w.all() {
		*f, buffer = buffer[:sizes[i]:sizes[i]], buffer[sizes[i]:]
	}
	return w
}

// backward runs one chunk, adding to the gradients of its leaf; those of matrices
// it sets, unless add is true. While it computes products it asks for memory that it
// will read or write, and for the next dy.
func (b *Block) backward(n, from int, dx, dy, x, next []float32, w, g *Weights, add bool, p *packedWeights, s *Saved) {
	d, h, rows := b.Width, b.Hidden, n*b.Tokens
	ldh := h + 16 // columns of rows a power of two apart meet in few sets of the first cache
	work := scratch(3*rows*d + 2*rows*ldh)
	defer release(work)
	normed, dh, do := (*work)[:rows*d], (*work)[rows*d:2*rows*d], (*work)[2*rows*d:3*rows*d]
	act, du := (*work)[3*rows*d:3*rows*d+rows*ldh], (*work)[3*rows*d+rows*ldh:]
	// The MLP.
	Sums(g.FC2Bias, dy)
	p.fc2.Mul(rows, dy, d, du, ldh, nil, 0, s.U[:rows*h])
	for r := range rows {
		du := du[r*ldh : r*ldh+h]
		GELUGrad(act[r*ldh:r*ldh+h], du, s.U[r*h:(r+1)*h])
		Sums(g.FC1Bias, du)
	}
	outer(rows, h, d, act, ldh, dy, d, g.FC2, add, s.H[:rows*d])
	LayerNormAgain(normed, s.H[:rows*d], w.Gamma2, w.Beta2, s.Stats2)
	outer(rows, d, h, normed, d, du, ldh, g.FC1, add, s.QKV[:rows*3*d])
	p.fc1.Mul(rows, du, ldh, do, d, nil, 0, s.P[:min(len(s.P), n*b.Attention.Saved())], s.O[:min(len(s.O), rows*d)])
	LayerNormGrad(dh, do, dy, s.H[:rows*d], w.Gamma2, s.Stats2, g.Gamma2, g.Beta2)
	// The attention.
	o, probabilities := s.O, s.P
	if b.long() {
		again := scratch(rows*d + n*b.Attention.Saved())
		defer release(again)
		o, probabilities = (*again)[:rows*d], (*again)[rows*d:]
		b.attend(n, from, o, probabilities, s.QKV)
	}
	Sums(g.ProjBias, dh)
	outer(rows, d, d, o, d, dh, d, g.Proj, add, x)
	p.proj.Mul(rows, dh, d, do, d, nil, 0, dx)
	dqkv := act
	if 3*d > ldh {
		extra := scratch(rows * 3 * d)
		defer release(extra)
		dqkv = *extra
	}
	dqkv = dqkv[:rows*3*d]
	for i := range n {
		r := i * b.Tokens
		b.Attention.Backward(dqkv[r*3*d:], do[r*d:], probabilities[i*b.Attention.Saved():], s.QKV[r*3*d:], b.Keys(from+i))
	}
	Sums(g.QKVBias, dqkv)
	LayerNormAgain(normed, x, w.Gamma1, w.Beta1, s.Stats1)
	outer(rows, d, 3*d, normed, d, dqkv, 3*d, g.QKV, add)
	p.qkv.Mul(rows, dqkv, 3*d, do, d, nil, 0, next)
	LayerNormGrad(dx, do, dh, x, w.Gamma1, s.Stats1, g.Gamma1, g.Beta1)
}

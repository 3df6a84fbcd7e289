// Package clip learns images and what is said of them together.
package clip

import (
	"errors"
	"fmt"
	"slices"

	"sslnotes/sslkit"
	"sslnotes/sslkit/augment"
	"sslnotes/sslkit/data"
	"sslnotes/sslkit/nn"
	"sslnotes/sslkit/rng"
	"sslnotes/sslkit/tensor"
)

// maxScale is ln 100, the largest logarithm of the scale of similarities.
const maxScale = 4.6051702

// CLIP finds the caption of every image of a batch among all of its captions,
// and the image of every caption (Radford and others 2021). Images pass the
// encoder, captions a transformer, both a projection onto one unit sphere; the
// similarities are multiplied by a learned scale of 1 to 100. The set must have
// captions.
//
// A caption may be several phrases parted by commas. A class whose name stood in
// a training caption is learnt with supervision: judge by others.
type CLIP struct {
	Text        nn.Transformer // the text encoder
	Dim         int            // width of the common space. If 0, 64.
	Vocabulary  int            // tokens at most, learnt from the captions. If 0, 1024.
	Context     int            // tokens of a text, with start and end. If 0, 32.
	Temperature float32        // inverse of the scale at the start. If 0, 0.07, or 0.1 with Sigmoid.
	Phrases     float32        // probability that a phrase of a caption is said. If 0, 0.5; 1: whole captions.

	// MultiPositive takes all images of equal captions for right, each to the
	// same share; else they are taken for wrong.
	MultiPositive bool

	// Sigmoid judges every pair alone, right or wrong, with a learned bias of -10
	// at the start (SigLIP; Zhai and others 2023, algorithm 1).
	Sigmoid bool

	// Map projects all places of the encoder's map, each by weights of its own,
	// rather than their mean: for pictures that show their subject alike, in the
	// middle. The encoder must be an nn.Mapper.
	Map bool `config:"omitzero"`
	// Groups is the number of groups, of texts of like length, that are encoded one
	// after the other, each padded to its own longest. If 0, 1.
	Groups int `config:"omitzero"`
	// Augment draws the image. If nil, a crop of at least 60 % of the area.
	Augment augment.Chain

	in                  data.Spec // of the images that training sees
	encoder             nn.Encoder
	text                *nn.TextEncoder
	imageHead, textHead *nn.Linear
	scale, bias         *nn.Param
	merges              *nn.Buffer // the tokenizer's pairs, one after the other, then -1
	trivial             float64
}

// Name implements sslkit.Method.
func (m *CLIP) Name() string { return "clip" }

// Schedule implements sslkit.Scheduler.
func (m *CLIP) Schedule() sslkit.Schedule {
	return sslkit.Schedule{Epochs: 30, BatchSize: 128, LearningRate: 1e-3, WeightDecay: 0.1}
}

// Build implements sslkit.Method: a tokenizer learnt from the captions, the text
// encoder, a projection without bias on either side, and the scale.
func (m *CLIP) Build(e nn.Encoder, in data.Spec, s sslkit.Setup) (nn.Module, error) {
	if err := m.resolve(); err != nil {
		return nil, err
	}
	if len(in.Captions) == 0 {
		return nil, errors.New("clip: CLIP needs a set with captions, and Spec.Captions is empty")
	}
	tokenizer, err := data.TrainTokenizer(in.Captions, m.Vocabulary)
	if err != nil {
		return nil, fmt.Errorf("clip: CLIP.Vocabulary: %w", err)
	}
	text, err := m.Text.Build(m.Vocabulary, m.Context, s.Stream("text"))
	if err != nil {
		return nil, fmt.Errorf("clip: CLIP.Text: %w", err)
	}
	r := s.Stream("projections")
	m.in, m.encoder, m.text = in, e, text
	width := e.Dim()
	if m.Map {
		p, ok := e.(nn.Mapper)
		if !ok {
			return nil, fmt.Errorf("clip: CLIP.Map with a %T, which has no map", e.Plan())
		}
		width = p.Map(tensor.New(1, in.Height, in.Width, in.Channels), false).Len()
	}
	m.imageHead = nn.NewLinear("image projection", width, m.Dim, false, r)
	m.textHead = nn.NewLinear("text projection", text.Dim(), m.Dim, false, r)
	m.scale = scalar("logit scale", -float32(rng.Log(float64(m.Temperature))))
	m.bias = nil
	m.trivial = rng.Log(float64(s.BatchSize))
	if m.Sigmoid {
		m.bias = scalar("logit bias", -10)
		b := float64(s.BatchSize)
		m.trivial = rng.Log(b) + float64((b-1)*rng.Log(b/(b-1)))
	}
	m.merges = &nn.Buffer{Name: "tokenizer", Value: written(tokenizer, m.Vocabulary)}
	return m.heads(), nil
}

func (m *CLIP) resolve() error {
	m.Text = m.Text.Resolve()
	for _, f := range []struct {
		field *int
		value int
	}{{&m.Dim, 64}, {&m.Vocabulary, 1024}, {&m.Context, 32}} {
		if *f.field == 0 {
			*f.field = f.value
		}
	}
	switch {
	case m.Temperature == 0 && m.Sigmoid:
		m.Temperature = 0.1
	case m.Temperature == 0:
		m.Temperature = 0.07
	}
	if m.Phrases == 0 {
		m.Phrases = 0.5
	}
	if m.Augment == nil {
		m.Augment = augment.Chain{augment.Crop{MinArea: 0.6}}
	}
	switch {
	case m.Dim < 1:
		return fmt.Errorf("clip: CLIP.Dim is %d, want > 0", m.Dim)
	case m.Context < 3:
		return fmt.Errorf("clip: CLIP.Context is %d, want at least 3: a token between start and end", m.Context)
	case !(m.Temperature >= 0.01 && m.Temperature <= 1):
		return fmt.Errorf("clip: CLIP.Temperature is %g, want 0.01 to 1", m.Temperature)
	case m.Groups < 0:
		return fmt.Errorf("clip: CLIP.Groups is %d, want at least 1", m.Groups)
	case !(m.Phrases > 0 && m.Phrases <= 1):
		return fmt.Errorf("clip: CLIP.Phrases is %g, want above 0, at most 1", m.Phrases)
	}
	return augment.Check("clip: CLIP.Augment", m.Augment)
}

// scalar is a parameter of one value, on which weight does not decay.
func scalar(name string, v float32) *nn.Param {
	return &nn.Param{Name: name, Value: tensor.FromSlice([]float32{v}, 1).RequireGrad()}
}

// scalars is a module of single values.
type scalars []*nn.Param

// Params implements nn.Module.
func (s scalars) Params() []*nn.Param { return s }

// Buffers implements nn.Module.
func (s scalars) Buffers() []*nn.Buffer { return nil }

// heads is what is trained beside the encoder.
func (m *CLIP) heads() nn.Module {
	values := scalars{m.scale}
	if m.bias != nil {
		values = append(values, m.bias)
	}
	return nn.Modules{nn.Named("text.", m.text), m.imageHead, m.textHead, values}
}

// vocabulary is the module of the tokenizer alone.
type vocabulary struct{ b *nn.Buffer }

// Params implements nn.Module.
func (v vocabulary) Params() []*nn.Param { return nil }

// Buffers implements nn.Module.
func (v vocabulary) Buffers() []*nn.Buffer { return []*nn.Buffer{v.b} }

// State implements sslkit.Stateful: the tokenizer.
func (m *CLIP) State() nn.Module { return vocabulary{m.merges} }

// Keep implements sslkit.Keeper: all but the image encoder.
func (m *CLIP) Keep() nn.Module { return nn.Modules{m.heads(), m.State()} }

// Views implements sslkit.Viewer.
func (m *CLIP) Views(in data.Spec) []data.Spec { return []data.Spec{in} }

// View implements sslkit.Viewer.
func (m *CLIP) View(dst *data.Image, src data.Image, _ int, r *rng.Stream) {
	m.Augment.Draw(dst, src, r)
}

// TrivialLoss implements sslkit.Trivial: ln B, the loss if all features are
// equal; with Sigmoid, that of the bias that suits such features best, under which
// a pair is right with probability 1/B, if no two captions are equal.
func (m *CLIP) TrivialLoss() float64 { return m.trivial }

// Loss implements sslkit.Method. It panics if the batch has no captions.
func (m *CLIP) Loss(b data.Batch, s sslkit.Step) *tensor.Tensor {
	x := b.Views[0]
	if len(b.Texts) != x.Dim(0) {
		panic(fmt.Sprintf("clip: Batch.Texts has %d captions for %d images", len(b.Texts), x.Dim(0)))
	}
	// 1. Say some phrases of each caption.
	said := make([]string, len(b.Texts))
	for i, t := range b.Texts {
		said[i] = m.say(t, rng.New(s.Seed, "caption", uint64(s.Epoch), uint64(b.Index[i])))
	}
	// 2. Embed both on one sphere.
	image, text := m.images(x, true), m.texts(said)
	// 3. Which caption is whose?
	logits := tensor.ScaleBy(tensor.MatMulT(image, text), tensor.Exp(m.scale.Value))
	same := m.same(b.Texts)
	s.Log("logit_scale", float32(tensor.Exp64(float64(m.scale.Value.Item()))))
	s.Log("pair_accuracy", found(logits, same))
	if m.Sigmoid {
		return Pairwise(tensor.AddScalar(logits, m.bias.Value), same)
	}
	return Symmetric(logits, same)
}

// same numbers the captions so that those that count as equal have one number.
func (m *CLIP) same(texts []string) []int {
	first, number := map[string]int{}, make([]int, len(texts))
	for i, t := range texts {
		number[i] = i
		if j, ok := first[t]; ok && m.MultiPositive {
			number[i] = j
		} else {
			first[t] = i
		}
	}
	return number
}

// found is the share of rows whose largest logit is of a right column.
func found(logits *tensor.Tensor, same []int) float32 {
	right := 0
	for i, j := range tensor.Argmax(logits) {
		if same[i] == same[j] {
			right++
		}
	}
	return float32(right) / float32(len(same))
}

// AfterStep implements sslkit.AfterStepper: it keeps the scale within 1 to 100.
func (m *CLIP) AfterStep(sslkit.Step) {
	v := m.scale.Value.Data()
	v[0] = max(0, min(maxScale, v[0]))
}

// images embeds normalised images [N,H,W,C] as unit rows [N,Dim].
func (m *CLIP) images(x *tensor.Tensor, train bool) *tensor.Tensor {
	features := m.features(x, train)
	return tensor.L2Normalize(m.imageHead.Forward(features, train), 1e-12)
}

// features are the encoder's, or all of its map as one row.
func (m *CLIP) features(x *tensor.Tensor, train bool) *tensor.Tensor {
	if !m.Map {
		return m.encoder.Forward(x, train)
	}
	f := m.encoder.(nn.Mapper).Map(x, train)
	return tensor.Reshape(f, x.Dim(0), f.Len()/x.Dim(0))
}

// texts embeds texts as unit rows [N,Dim].
func (m *CLIP) texts(texts []string) *tensor.Tensor {
	ids, lengths := m.encode(texts)
	return tensor.L2Normalize(m.textHead.Forward(m.grouped(ids, lengths), true), 1e-12)
}

// grouped returns the features of texts by the text encoder, in Groups.
func (m *CLIP) grouped(ids, lengths []int) *tensor.Tensor {
	n := len(lengths)
	if m.Groups <= 1 || n < m.Groups {
		return m.text.Forward(ids, n, lengths)
	}
	order, place := make([]int, n), make([]int, n)
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return lengths[a] - lengths[b] })
	for at, i := range order {
		place[i] = at
	}
	var parts []*tensor.Tensor
	for g := range m.Groups {
		group := order[g*n/m.Groups : (g+1)*n/m.Groups]
		longest := lengths[group[len(group)-1]]
		var some, long []int
		for _, i := range group {
			from := i * len(ids) / n
			some, long = append(some, ids[from:from+longest]...), append(long, lengths[i])
		}
		parts = append(parts, m.text.Forward(some, len(group), long))
	}
	return tensor.Rows(tensor.Concat(parts...), place)
}

// atOnce is how many features are computed together.
const atOnce = 256

// ImageFeatures returns the unit features [N,Dim] of normalised images
// [N,H,W,C], as pipeline.Images gives them, without gradients. It panics before
// Build.
func (m *CLIP) ImageFeatures(x *tensor.Tensor) *tensor.Tensor {
	n := x.Dim(0)
	out := tensor.New(n, m.Dim)
	size := x.Len() / n
	for from := 0; from < n; from += atOnce {
		to := min(n, from+atOnce)
		part := tensor.FromSlice(x.Data()[from*size:to*size], append([]int{to - from}, x.Shape()[1:]...)...)
		copy(out.Data()[from*m.Dim:], m.images(part, false).Data())
	}
	return out
}

// Embed returns the unit features [N,Dim] of the pictures of a set at index, or
// of all of them if it is nil. They are normalised as those of training were,
// which need not be as the set's own spec says. It panics before Build, or if
// they are of another size.
func (m *CLIP) Embed(set *data.Set, index []int) *tensor.Tensor {
	if s := set.Spec(); s.Height != m.in.Height || s.Width != m.in.Width || s.Channels != m.in.Channels {
		panic(fmt.Sprintf("clip: Embed of images of %d×%d×%d, trained on %d×%d×%d", s.Height, s.Width, s.Channels, m.in.Height, m.in.Width, m.in.Channels))
	}
	if index == nil {
		index = make([]int, set.Len())
		for i := range index {
			index[i] = i
		}
	}
	x := tensor.New(len(index), m.in.Height, m.in.Width, m.in.Channels)
	size := x.Len() / len(index)
	for i, at := range index {
		m.in.Normalise(x.Data()[i*size:(i+1)*size], set.Image(at))
	}
	return m.ImageFeatures(x)
}

// TextFeatures returns the unit features [N,Dim] of texts, whole, without
// gradients. It panics before Build.
func (m *CLIP) TextFeatures(texts []string) *tensor.Tensor {
	out := tensor.New(len(texts), m.Dim)
	for from := 0; from < len(texts); from += atOnce {
		copy(out.Data()[from*m.Dim:], m.texts(texts[from:min(len(texts), from+atOnce)]).Data())
	}
	return out
}

// Scale is what similarities are multiplied by. It panics before Build.
func (m *CLIP) Scale() float32 {
	return float32(tensor.Exp64(float64(m.scale.Value.Item())))
}

// Symmetric is the symmetric cross-entropy of logits [B,B], row i being image i
// and column j caption j: the mean over rows of finding the caption and over
// columns of finding the image, halved (Radford and others 2021, figure 3). Of
// equal numbers in same, [B], all are right to the same share.
//
// If all logits are equal it is ln B.
func Symmetric(logits *tensor.Tensor, same []int) *tensor.Tensor {
	q := shares(same)
	both := tensor.Add(tensor.SoftCrossEntropy(logits, q), tensor.SoftCrossEntropy(tensor.Transpose(logits), q))
	return tensor.Scale(both, 0.5)
}

// shares is the distribution over right partners of each of B samples, [B,B].
// It is its own transpose.
func shares(same []int) *tensor.Tensor {
	n := len(same)
	count := map[int]int{}
	for _, s := range same {
		count[s]++
	}
	q := tensor.New(n, n)
	for i := range n {
		for j := range n {
			if same[i] == same[j] {
				q.Data()[i*n+j] = 1 / float32(count[same[i]])
			}
		}
	}
	return q
}

// Pairwise is SigLIP's loss of logits [B,B]: the sum over all pairs of -ln σ of
// the logit, its sign turned where the numbers in same differ, over B (Zhai and
// others 2023, equation 2).
func Pairwise(logits *tensor.Tensor, same []int) *tensor.Tensor {
	n := len(same)
	sign := tensor.New(n, n)
	for i := range n {
		for j := range n {
			sign.Data()[i*n+j] = 1
			if same[i] == same[j] {
				sign.Data()[i*n+j] = -1
			}
		}
	}
	return tensor.Scale(tensor.Sum(tensor.Softplus(tensor.Mul(logits, sign))), 1/float32(n))
}

// InfoNCE is the course's loss of embeddings of images and their captions, both
// [B,D], row i of one belonging to row i of the other, at a scale of the cosine
// similarities. Rows need not be normalised; it is differentiable in all three.
func InfoNCE(images, texts, scale *tensor.Tensor) *tensor.Tensor {
	same := make([]int, images.Dim(0))
	for i := range same {
		same[i] = i
	}
	return Symmetric(tensor.ScaleBy(Similarity(images, texts), scale), same)
}

// Similarity returns the cosines of rows of a [M,D] and b [N,D], as [M,N].
func Similarity(a, b *tensor.Tensor) *tensor.Tensor {
	return tensor.MatMulT(tensor.L2Normalize(a, 1e-12), tensor.L2Normalize(b, 1e-12))
}

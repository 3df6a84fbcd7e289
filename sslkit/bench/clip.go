package bench

import (
	"sslnotes/sslkit/nn"
	"sslnotes/sslkit/rng"
	"sslnotes/sslkit/tensor"
)

// A clip pairs 32×32 colour images, 64 patches through 4 blocks of width 128,
// with texts of 16 tokens through 2 blocks.
type clip struct {
	pictures                   *tensor.Tensor // [pool,32,32,3]
	texts                      []int          // [pool·16]
	embed, imageOut, textOut   *nn.Linear
	vision, language           *nn.Stack
	places, words, spots, heat *nn.Param
	all                        nn.Modules
	batch                      clipBatch // the one drawn last
	r                          *rng.Stream
}

// A clipBatch is pictures, the words of each, and each one's own place.
type clipBatch struct {
	pictures *tensor.Tensor // [batch,32,32,3]
	words    []int          // [batch·16]
	pairs    []int          // [batch]
}

func newClipBatch(pictures *tensor.Tensor, words []int) clipBatch {
	b := clipBatch{pictures: pictures, words: words}
	for i := range pictures.Dim(0) {
		b.pairs = append(b.pairs, i)
	}
	return b
}

const (
	clipPool              = 2048
	clipTokens, clipWords = 64, 16
	clipVocabulary        = 1024
)

func newCLIP(batch int, seed uint64) (model, error) {
	m := buildCLIP(batch, seed)
	flops := batch * 3 * (2*clipTokens*48*128 + 4*128*128 + 2*batch*128 + blockFLOPs(4, clipTokens, 128, 512) + blockFLOPs(2, clipWords, 128, 512))
	return model{trainer(m.all, &nn.AdamW{WeightDecay: 0.05}, 1e-3, func() *tensor.Tensor { m.draw(); return m.loss(m.batch) }), flops, m.all}, nil
}

func buildCLIP(batch int, seed uint64) *clip {
	r := rng.New(seed, "clip")
	m := &clip{
		pictures: images(seed, clipPool, 32, 3), texts: make([]int, clipPool*clipWords), r: r,
		batch: newClipBatch(tensor.New(batch, 32, 32, 3), make([]int, 0, batch*clipWords)),
		embed: nn.NewLinear("embed", 48, 128, true, r), imageOut: nn.NewLinear("image", 128, 128, false, r), textOut: nn.NewLinear("text", 128, 128, false, r),
		vision: nn.NewStack("vision", 128, 4, 4, 512, r), language: nn.NewStack("language", 128, 2, 4, 512, r),
		places: parameter("places", r, clipTokens, 128), words: parameter("words", r, clipVocabulary, 128), spots: parameter("spots", r, clipWords, 128),
		heat: parameter("heat", r, 1),
	}
	m.heat.Value.Data()[0] = 2.6593 // log(1/0.07)
	for i := range m.texts {
		m.texts[i] = r.IntN(clipVocabulary)
	}
	m.all = nn.Modules{m.embed, m.imageOut, m.textOut, m.vision, m.language, parameters{m.places, m.words, m.spots, m.heat}}
	return m
}

// draw draws the next batch.
func (m *clip) draw() {
	b := &m.batch
	b.words = b.words[:0]
	const size = 32 * 32 * 3
	for i := range b.pairs {
		j := m.r.IntN(clipPool)
		copy(b.pictures.Data()[i*size:(i+1)*size], m.pictures.Data()[j*size:])
		b.words = append(b.words, m.texts[j*clipWords:(j+1)*clipWords]...)
	}
}

func (m *clip) loss(b clipBatch) *tensor.Tensor {
	patches := tensor.Patchify(b.pictures, 4)
	x := m.embed.Forward(patches, true)
	patches.UsedUpBy(x)
	x = m.vision.Forward(tensor.AddToEach(x, m.places.Value), true)
	image := tensor.L2Normalize(m.imageOut.Forward(tensor.MeanTokens(x, nil), true), 1e-12)
	t := tensor.AddToEach(tensor.Embedding(m.words.Value, b.words, len(b.pairs)), m.spots.Value)
	text := tensor.L2Normalize(m.textOut.Forward(tensor.MeanTokens(m.language.Forward(t, true), nil), true), 1e-12)
	logits := tensor.ScaleBy(tensor.MatMulT(image, text), tensor.Exp(m.heat.Value))
	both := tensor.Add(tensor.CrossEntropy(logits, b.pairs), tensor.CrossEntropy(tensor.Transpose(logits), b.pairs))
	return tensor.Scale(both, 0.5)
}

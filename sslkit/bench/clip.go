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
	batch                      int
	r                          *rng.Stream
}

const (
	clipPool              = 2048
	clipTokens, clipWords = 64, 16
	clipVocabulary        = 1024
)

func newCLIP(batch int, seed uint64) (model, error) {
	m := buildCLIP(batch, seed)
	flops := batch * 3 * (2*clipTokens*48*128 + 4*128*128 + 2*batch*128 + blockFLOPs(4, clipTokens, 128, 512) + blockFLOPs(2, clipWords, 128, 512))
	return model{trainer(m.all, &nn.AdamW{WeightDecay: 0.05}, 1e-3, func() *tensor.Tensor { return m.loss(m.draw()) }), flops}, nil
}

func buildCLIP(batch int, seed uint64) *clip {
	r := rng.New(seed, "clip")
	m := &clip{
		pictures: images(seed, clipPool, 32, 3), texts: make([]int, clipPool*clipWords), batch: batch, r: r,
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

// draw returns pictures [batch,32,32,3] and the words of each, [batch·16].
func (m *clip) draw() (pictures *tensor.Tensor, words []int) {
	index := make([]int, m.batch)
	words = make([]int, 0, m.batch*clipWords)
	for i := range index {
		j := m.r.IntN(clipPool)
		index[i] = j
		words = append(words, m.texts[j*clipWords:(j+1)*clipWords]...)
	}
	return tensor.Rows(m.pictures, index), words
}

func (m *clip) loss(pictures *tensor.Tensor, words []int) *tensor.Tensor {
	pairs := make([]int, m.batch)
	for i := range pairs {
		pairs[i] = i
	}
	x := tensor.Patchify(pictures, 4)
	x = m.vision.Forward(tensor.AddToEach(m.embed.Forward(x, true), m.places.Value), true)
	image := tensor.L2Normalize(m.imageOut.Forward(tensor.MeanTokens(x, nil), true), 1e-12)
	t := tensor.AddToEach(tensor.Embedding(m.words.Value, words, m.batch), m.spots.Value)
	text := tensor.L2Normalize(m.textOut.Forward(tensor.MeanTokens(m.language.Forward(t, true), nil), true), 1e-12)
	logits := tensor.ScaleBy(tensor.MatMulT(image, text), tensor.Exp(m.heat.Value))
	both := tensor.Add(tensor.CrossEntropy(logits, pairs), tensor.CrossEntropy(tensor.Transpose(logits), pairs))
	return tensor.Scale(both, 0.5)
}

package nn

import (
	"fmt"

	"sslnotes/sslkit/rng"
	"sslnotes/sslkit/tensor"
)

// Transformer plans a text encoder: token embeddings with learned positions,
// pre-LN blocks and a LayerNorm. A token sees itself and those before it
// (Radford and others 2021), and the features are those of the last token.
type Transformer struct {
	Width         int  // of a token. If 0, 128.
	Depth         int  // blocks. If 0, 2.
	Heads         int  // If 0, 4.
	MLPRatio      int  // hidden values of an MLP for each of a token. If 0, 4.
	Bidirectional bool // every token sees every one; the features are their mean
}

// Resolve returns the plan with every default filled in.
func (p Transformer) Resolve() Transformer {
	for _, f := range []struct {
		field *int
		value int
	}{{&p.Width, 128}, {&p.Depth, 2}, {&p.Heads, 4}, {&p.MLPRatio, 4}} {
		if *f.field == 0 {
			*f.field = f.value
		}
	}
	return p
}

// Build makes the weights for texts of at most context tokens out of a
// vocabulary. It returns an error that names the field if one is out of range.
func (p Transformer) Build(vocabulary, context int, r *rng.Stream) (*TextEncoder, error) {
	p = p.Resolve()
	if err := checkHeads("Transformer", p.Width, p.Depth, p.Heads, p.MLPRatio); err != nil {
		return nil, err
	}
	if vocabulary <= 0 || context <= 0 {
		return nil, fmt.Errorf("nn: Transformer for %d tokens of a vocabulary of %d, want both > 0", context, vocabulary)
	}
	return &TextEncoder{
		plan:      p,
		embedding: normal("embedding", 0.02, r, vocabulary, p.Width),
		positions: &Param{Name: "positions", Value: normal("positions", 0.01, r, context, p.Width).Value},
		trunk:     NewStack("text", p.Width, p.Depth, p.Heads, p.MLPRatio*p.Width, r),
	}, nil
}

// TextEncoder is what a Transformer plan builds.
type TextEncoder struct {
	plan                 Transformer
	embedding, positions *Param
	trunk                *Stack
}

// Dim is the width of the features.
func (e *TextEncoder) Dim() int { return e.plan.Width }

// Plan returns the resolved plan.
func (e *TextEncoder) Plan() Transformer { return e.plan }

// Vocabulary is the number of tokens known.
func (e *TextEncoder) Vocabulary() int { return e.embedding.Value.Dim(0) }

// Context is the largest number of tokens of a text.
func (e *TextEncoder) Context() int { return e.positions.Value.Dim(0) }

// Embedding returns the token embeddings [Vocabulary,Dim], which a language
// model may share with its output.
func (e *TextEncoder) Embedding() *tensor.Tensor { return e.embedding.Value }

// Tokens returns the normalised tokens of texts, ids [N·T] one text after the
// other, as [N,T,Dim]. Text i has lengths[i] tokens, at least one; what follows
// is padding that no token sees, and whose own tokens mean nothing. If lengths
// is nil there is no padding and n tells the number of texts.
func (e *TextEncoder) Tokens(ids []int, n int, lengths []int) *tensor.Tensor {
	if lengths != nil && len(lengths) != n || n <= 0 || len(ids)%n != 0 || len(ids)/n > e.Context() {
		panic(fmt.Sprintf("nn: TextEncoder of %d ids, %d texts and %d lengths, context %d", len(ids), n, len(lengths), e.Context()))
	}
	t := len(ids) / n
	place := e.positions.Value
	if t < e.Context() {
		order := make([]int, t)
		for i := range order {
			order[i] = i
		}
		place = tensor.Rows(place, order)
	}
	x := tensor.AddToEach(tensor.Embedding(e.embedding.Value, ids, n), place)
	return e.trunk.Attend(x, tensor.Heads{Causal: !e.plan.Bidirectional, Lengths: lengths})
}

// Forward returns the features [N,Dim] of texts as Tokens takes them: of the
// last token, or the mean of all if the plan is bidirectional.
func (e *TextEncoder) Forward(ids []int, n int, lengths []int) *tensor.Tensor {
	t := e.Tokens(ids, n, lengths)
	if e.plan.Bidirectional {
		return tensor.MeanTokens(t, lengths)
	}
	last := make([]int, n)
	for i := range last {
		last[i] = t.Dim(1) - 1
		if lengths != nil {
			last[i] = lengths[i] - 1
		}
	}
	return tensor.Reshape(tensor.GatherTokens(t, last), n, e.plan.Width)
}

// Params implements Module.
func (e *TextEncoder) Params() []*Param {
	return append([]*Param{e.embedding, e.positions}, e.trunk.Params()...)
}

// Buffers implements Module.
func (e *TextEncoder) Buffers() []*Buffer { return nil }

// FLOPs implements Counted, for a text of Context tokens.
func (e *TextEncoder) FLOPs() int { return e.trunk.flops(e.Context()) }

package nn

import (
	"fmt"
	"math"

	"sslnotes/sslkit/rng"
)

// Clone returns an encoder of the same plan, input, weights and buffers that
// shares no memory with e.
func Clone(e Encoder) (Encoder, error) {
	c, err := e.Plan().Build(e.Input(), rng.New(0, "clone"))
	if err != nil {
		return nil, err
	}
	Copy(c, e)
	return c, nil
}

// Copy sets dst's parameters and buffers to those of src, a module of the same
// form.
func Copy(dst, src Module) { blendInto(dst, src, 0, true) }

// Freeze cuts m's parameters out of every later graph: no gradient reaches
// them, and none is computed for them.
func Freeze(m Module) {
	for _, p := range m.Params() {
		p.Value = p.Value.Detach()
	}
}

// EMA moves target's parameters towards online's: target = m·target +
// (1-m)·online, each product rounded. Buffers are left alone: a target that
// normalises by its batches keeps statistics of its own.
func EMA(target, online Module, m float32) { blendInto(target, online, m, false) }

// Distance is how far the parameters of two modules of one form are from each
// other: the length of the difference of all together over that of online's.
func Distance(online, target Module) float64 {
	var apart, length float64
	b := target.Params()
	for i, p := range online.Params() {
		other := b[i].Value.Data()
		for j, v := range p.Value.Data() {
			d := float64(v) - float64(other[j])
			apart += float64(d * d)
			length += float64(float64(v) * float64(v))
		}
	}
	return math.Sqrt(apart / length)
}

// blendInto is m·dst + (1-m)·src on the parameters and, if asked for, a copy of
// the buffers.
func blendInto(dst, src Module, m float32, buffers bool) {
	a, b := dst.Params(), src.Params()
	if len(a) != len(b) {
		panic(fmt.Sprintf("nn: modules of %d and %d parameters have not one form", len(a), len(b)))
	}
	for i, p := range a {
		to, from := p.Value.Data(), b[i].Value.Data()
		if len(to) != len(from) {
			panic(fmt.Sprintf("nn: parameters %s of %v and %s of %v have not one form", p.Name, p.Value.Shape(), b[i].Name, b[i].Value.Shape()))
		}
		if m == 0 {
			copy(to, from)
			continue
		}
		for j, v := range from {
			to[j] = float32(m*to[j]) + float32((1-m)*v)
		}
	}
	if !buffers {
		return
	}
	s := src.Buffers()
	for i, d := range dst.Buffers() {
		copy(d.Value, s[i].Value)
	}
}

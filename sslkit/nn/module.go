// Package nn has layers, encoders and optimizers.
//
// # Design
//
// An architecture is a plan, a struct whose zero fields mean a stated default;
// [Plan.Build] makes the weights from a random stream, so the same plan and
// seed give the same bits. What a plan builds is an [Encoder].
//
// State that outlives a step changes only at the step's end: an optimizer
// changes parameters when it is told to step, and BatchNorm's running
// statistics wait until [Commit]. An interrupt in the middle of a step leaves
// a clean model.
package nn

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"math"

	"sslnotes/sslkit/rng"
	"sslnotes/sslkit/tensor"
)

// A Param is a trained tensor.
type Param struct {
	Name  string
	Value *tensor.Tensor
	Decay bool // weight decay applies: false for biases and scales
}

// A Buffer is state that is not trained, such as a running mean.
type Buffer struct {
	Name  string
	Value []float32

	pending []float32 // the value after this step, or nil
	blended []float32 // where BatchNorm makes it
}

// Set makes v the buffer's value from the next Commit on.
func (b *Buffer) Set(v []float32) { b.pending = v }

// next is the value that another update in the same step builds on.
func (b *Buffer) next() []float32 {
	if b.pending != nil {
		return b.pending
	}
	return b.Value
}

// A Module has parameters and buffers, in a fixed order and with unique names.
type Module interface {
	Params() []*Param
	Buffers() []*Buffer
}

// A Layer is a module with one input and one output. Train says whether to use
// the statistics of the batch (and remember them) or the running ones.
type Layer interface {
	Module
	Forward(x *tensor.Tensor, train bool) *tensor.Tensor
}

// An Input says what an encoder is built for.
type Input struct{ Height, Width, Channels int }

// A Plan is an architecture without weights.
type Plan interface {
	// Resolve returns the plan with every default filled in.
	Resolve() Plan
	// Build makes the weights from the stream. It returns an error that names
	// the field if one is out of range or the input does not fit.
	Build(in Input, r *rng.Stream) (Encoder, error)
}

// An Encoder turns images [N,H,W,C] into features [N,Dim].
type Encoder interface {
	Layer
	Dim() int
	Input() Input
	Plan() Plan // resolved
}

// Modules is several modules taken as one.
type Modules []Module

// Params implements Module.
func (ms Modules) Params() (all []*Param) {
	for _, m := range ms {
		all = append(all, m.Params()...)
	}
	return all
}

// Buffers implements Module.
func (ms Modules) Buffers() (all []*Buffer) {
	for _, m := range ms {
		all = append(all, m.Buffers()...)
	}
	return all
}

// Commit makes the pending values of all buffers current: the end of a step.
func Commit(m Module) {
	for _, b := range m.Buffers() {
		if b.pending != nil {
			copy(b.Value, b.pending)
			b.pending = nil
		}
	}
}

// ZeroGrad forgets all gradients.
func ZeroGrad(m Module) {
	for _, p := range m.Params() {
		p.Value.ZeroGrad()
	}
}

// Digest returns the SHA-256 of all names, shapes and bits in hex. Any NaN
// equals any NaN.
func Digest(m Module) string {
	h := sha256.New()
	add := func(name string, data []float32) {
		h.Write([]byte(name))
		binary.Write(h, binary.LittleEndian, uint64(len(data)))
		words := make([]byte, 0, 4*len(data))
		for _, v := range data {
			bits := math.Float32bits(v)
			if v != v {
				bits = 0x7fc00000
			}
			words = binary.LittleEndian.AppendUint32(words, bits)
		}
		h.Write(words)
	}
	for _, p := range m.Params() {
		add(p.Name, p.Value.Data())
	}
	for _, b := range m.Buffers() {
		add(b.Name, b.Value)
	}
	return hex.EncodeToString(h.Sum(nil))
}

package nn

import (
	"math"

	"sslnotes/sslkit/rng"
	"sslnotes/sslkit/tensor"
)

// normal returns a parameter of normal deviates with the given standard
// deviation.
func normal(name string, std float64, r *rng.Stream, shape ...int) *Param {
	t := tensor.New(shape...)
	for i := range t.Data() {
		t.Data()[i] = r.Norm() * float32(std)
	}
	return &Param{Name: name, Value: t.RequireGrad(), Decay: true}
}

// constant returns a parameter without weight decay.
func constant(name string, v float32, n int) *Param {
	t := tensor.New(n)
	for i := range t.Data() {
		t.Data()[i] = v
	}
	return &Param{Name: name, Value: t.RequireGrad()}
}

// Linear is x·W + b.
type Linear struct{ weight, bias *Param }

// NewLinear returns a linear layer with weights of standard deviation √(1/in)
// and, if asked for, a bias of zero.
func NewLinear(name string, in, out int, bias bool, r *rng.Stream) *Linear {
	l := &Linear{weight: normal(name+".weight", math.Sqrt(1/float64(in)), r, in, out)}
	if bias {
		l.bias = constant(name+".bias", 0, out)
	}
	return l
}

// Forward implements Layer.
func (l *Linear) Forward(x *tensor.Tensor, _ bool) *tensor.Tensor {
	if l.bias == nil {
		return tensor.Linear(x, l.weight.Value, nil)
	}
	return tensor.Linear(x, l.weight.Value, l.bias.Value)
}

// Params implements Module.
func (l *Linear) Params() []*Param {
	if l.bias == nil {
		return []*Param{l.weight}
	}
	return []*Param{l.weight, l.bias}
}

// Buffers implements Module.
func (l *Linear) Buffers() []*Buffer { return nil }

// Conv2D is a convolution without bias.
type Conv2D struct {
	Winograd bool // computes by tensor.Conv2DWinograd

	weight      *Param
	stride, pad int
}

// NewConv2D returns a k×k convolution padded by ⌊k/2⌋, with weights of standard
// deviation √(2/(k²·in)) (He, Zhang, Ren and Sun 2015).
func NewConv2D(name string, in, out, k, stride int, r *rng.Stream) *Conv2D {
	return &Conv2D{weight: normal(name+".weight", math.Sqrt(2/float64(k*k*in)), r, k, k, in, out), stride: stride, pad: k / 2}
}

// Forward implements Layer.
func (l *Conv2D) Forward(x *tensor.Tensor, _ bool) *tensor.Tensor {
	if l.Winograd {
		return tensor.Conv2DWinograd(x, l.weight.Value, l.stride, l.pad)
	}
	return tensor.Conv2D(x, l.weight.Value, l.stride, l.pad)
}

// Params implements Module.
func (l *Conv2D) Params() []*Param { return []*Param{l.weight} }

// Buffers implements Module.
func (l *Conv2D) Buffers() []*Buffer { return nil }

// BatchNorm normalises channels by the batch's statistics while training and
// by running ones otherwise: running = 0.9·running + 0.1·batch, the variance
// there unbiased, as PyTorch does. Two passes in one step update twice.
type BatchNorm struct {
	gamma, beta    *Param
	mean, variance *Buffer
	fixed          bool // scale and shift are not trained
}

const (
	normEps      = 1e-5
	normMomentum = 0.1
)

// NewBatchNorm returns a layer of scale 1 and shift 0 for n channels.
func NewBatchNorm(name string, n int) *BatchNorm {
	one := make([]float32, n)
	for i := range one {
		one[i] = 1
	}
	return &BatchNorm{
		gamma: constant(name+".gamma", 1, n), beta: constant(name+".beta", 0, n),
		mean:     &Buffer{Name: name + ".mean", Value: make([]float32, n)},
		variance: &Buffer{Name: name + ".variance", Value: one},
	}
}

// NewStandardize returns a BatchNorm layer whose scale stays 1 and shift 0.
func NewStandardize(name string, n int) *BatchNorm {
	l := NewBatchNorm(name, n)
	Freeze(l)
	l.fixed = true
	return l
}

// Forward implements Layer.
func (l *BatchNorm) Forward(x *tensor.Tensor, train bool) *tensor.Tensor {
	if !train {
		return tensor.BatchNormEval(x, l.gamma.Value, l.beta.Value, l.mean.Value, l.variance.Value, normEps)
	}
	return l.normalise(x, tensor.BatchNorm)
}

// normalise uses and remembers the batch's statistics.
func (l *BatchNorm) normalise(x *tensor.Tensor, norm func(x, gamma, beta *tensor.Tensor, eps float32) (y *tensor.Tensor, mean, variance []float32)) *tensor.Tensor {
	y, mean, variance := norm(x, l.gamma.Value, l.beta.Value, normEps)
	l.remember(x, mean, variance)
	return y
}

// normaliseAdd is ReLU of what normalise gives plus a shortcut.
func (l *BatchNorm) normaliseAdd(x, shortcut *tensor.Tensor) *tensor.Tensor {
	y, mean, variance := tensor.BatchNormAddReLU(x, l.gamma.Value, l.beta.Value, shortcut, normEps)
	l.remember(x, mean, variance)
	return y
}

// convolve is a convolution of ReLU of what normalise gives.
func (l *BatchNorm) convolve(x *tensor.Tensor, c *Conv2D) *tensor.Tensor {
	y, mean, variance := tensor.BatchNormReLUConv2D(x, l.gamma.Value, l.beta.Value, c.weight.Value, c.stride, c.pad, c.Winograd, normEps)
	l.remember(x, mean, variance)
	return y
}

// remember blends a batch's statistics into the running ones.
func (l *BatchNorm) remember(x *tensor.Tensor, mean, variance []float32) {
	count := float32(x.Len() / x.Dim(-1))
	unbias := count / max(1, count-1)
	l.mean.blend(mean, 1)
	l.variance.blend(variance, unbias)
}

// blend makes the running average of the value and by·batch the buffer's from
// the next Commit on.
func (b *Buffer) blend(batch []float32, by float32) {
	if b.blended == nil {
		b.blended = make([]float32, len(b.Value))
	}
	for i, v := range b.next() {
		b.blended[i] = float32(v*(1-normMomentum)) + float32(float32(batch[i]*by)*normMomentum)
	}
	b.pending = b.blended
}

// Params implements Module.
func (l *BatchNorm) Params() []*Param {
	if l.fixed {
		return nil
	}
	return []*Param{l.gamma, l.beta}
}

// Buffers implements Module.
func (l *BatchNorm) Buffers() []*Buffer { return []*Buffer{l.mean, l.variance} }

// ReLU is max(x, 0).
type ReLU struct{}

// Forward implements Layer.
func (ReLU) Forward(x *tensor.Tensor, _ bool) *tensor.Tensor { return tensor.ReLU(x) }

// Params implements Module.
func (ReLU) Params() []*Param { return nil }

// Buffers implements Module.
func (ReLU) Buffers() []*Buffer { return nil }

// Sequential is a chain of layers.
type Sequential []Layer

// NewMLP returns the projector Linear–BatchNorm–ReLU–Linear; the first layer
// has no bias, since BatchNorm would take it out again.
func NewMLP(name string, in, hidden, out int, r *rng.Stream) Sequential {
	return Sequential{
		NewLinear(name+".0", in, hidden, false, r), NewBatchNorm(name+".1", hidden), ReLU{},
		NewLinear(name+".3", hidden, out, true, r),
	}
}

// Forward implements Layer. While training, BatchNorm, a ReLU after it and a
// convolution after that run as one operation.
func (s Sequential) Forward(x *tensor.Tensor, train bool) *tensor.Tensor {
	in := x
	for len(s) > 0 {
		y, done := s.begin(x, train)
		s = s[done:]
		if x != in && x != y { // what stands between two layers is seen by nobody else
			x.UsedUpBy(y)
		}
		x = y
	}
	return x
}

// begin runs the first layers, as many as make one operation, and says how many.
func (s Sequential) begin(x *tensor.Tensor, train bool) (y *tensor.Tensor, layers int) {
	norm, ok := s[0].(*BatchNorm)
	if !ok || !train || len(s) < 2 || s[1] != Layer(ReLU{}) {
		return s[0].Forward(x, train), 1
	}
	if len(s) > 2 {
		if conv, ok := s[2].(*Conv2D); ok {
			return norm.convolve(x, conv), 3
		}
	}
	return norm.normalise(x, tensor.BatchNormReLU), 2
}

// Params implements Module.
func (s Sequential) Params() (all []*Param) {
	for _, l := range s {
		all = append(all, l.Params()...)
	}
	return all
}

// Buffers implements Module.
func (s Sequential) Buffers() (all []*Buffer) {
	for _, l := range s {
		all = append(all, l.Buffers()...)
	}
	return all
}

package pipeline

import (
	"context"

	"sslnotes/sslkit/tensor"
)

// A classifier holds weights [dim,classes], then biases.
type classifier struct {
	w       []float64
	dim     int
	classes int
}

// tensors returns weights and biases in float32.
func (c *classifier) tensors() (w, b *tensor.Tensor) {
	w, b = tensor.New(c.dim, c.classes), tensor.New(c.classes)
	for i := range w.Data() {
		w.Data()[i] = float32(c.w[i])
	}
	for i := range b.Data() {
		b.Data()[i] = float32(c.w[w.Len()+i])
	}
	return w, b
}

func (c *classifier) predict(f *tensor.Tensor) []int {
	w, b := c.tensors()
	return tensor.Argmax(tensor.Linear(f, w, b))
}

// steepest is the largest element of the gradient at which a fit ends.
const steepest = 1e-4

// fit minimises the penalised cross-entropy of multinomial logistic regression
// on features f [N,dim], starting from another classifier or, if that is nil,
// from zero. The products run in float32 in the engine's order, the search in
// float64. It returns an error if the context ends.
func (p *Probe) fit(ctx context.Context, f *tensor.Tensor, labels []int, classes int, penalty float64, start *classifier) (*classifier, error) {
	c := &classifier{dim: f.Dim(1), classes: classes}
	c.w = make([]float64, (c.dim+1)*classes)
	if start != nil {
		copy(c.w, start.w)
	}
	var divide func([]float64)
	if b := newBound(moments(f), penalty); b != nil {
		divide = b.divide
	}
	minimise(c.w, func(x, gradient []float64) float64 {
		w, b := (&classifier{x, c.dim, classes}).tensors()
		loss := tensor.CrossEntropy(tensor.Linear(f, w.RequireGrad(), b.RequireGrad()), labels)
		value := float64(loss.Item())
		tensor.Backward(loss)
		free := c.dim * classes
		for i, g := range w.Grad() {
			value += float64(penalty / 2 * float64(x[i]*x[i]))
			gradient[i] = float64(g) + float64(penalty*x[i])
		}
		for i, g := range b.Grad() {
			gradient[free+i] = float64(g)
		}
		return value
	}, divide, p.Iterations, steepest, func() bool { return ctx.Err() != nil })
	return c, ctx.Err()
}

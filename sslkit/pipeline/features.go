package pipeline

import (
	"context"
	"fmt"
	"math"

	"sslnotes/sslkit/data"
	"sslnotes/sslkit/nn"
	"sslnotes/sslkit/tensor"
)

// A Source hands out images: a labelled or an unlabelled set.
type Source interface {
	Digest() string
	Spec() data.Spec
	Len() int
	Image(i int) data.Image
	Pixels(i int) []uint8
}

// Images returns the given samples, normalised, as [N,H,W,C].
func Images(set Source, index []int) *tensor.Tensor {
	spec := set.Spec()
	table := normalised(spec)
	size := spec.Height * spec.Width * spec.Channels
	out := tensor.New(len(index), spec.Height, spec.Width, spec.Channels)
	for i, sample := range index {
		to := out.Data()[i*size : (i+1)*size]
		for j, p := range set.Pixels(sample) {
			to[j] = table[int(p)*spec.Channels+j%spec.Channels]
		}
	}
	return out
}

// normalised returns what becomes of each of the 256 values of a pixel, in
// every channel: what data.Spec.Normalise makes of a picture that has them all.
func normalised(spec data.Spec) []float32 {
	all := data.Image{H: 1, W: 256, C: spec.Channels, Pix: make([]float32, 256*spec.Channels)}
	for i := range all.Pix {
		all.Pix[i] = float32(i/spec.Channels) / 255
	}
	table := make([]float32, len(all.Pix))
	spec.Normalise(table, all)
	return table
}

// Features returns the encoder's features of every sample [N,Dim], BatchNorm
// using its running statistics. A nil encoder gives the pixels themselves.
func Features(e nn.Encoder, set Source) *tensor.Tensor {
	f, err := features(context.Background(), e, set)
	if err != nil {
		panic(err)
	}
	return f
}

// features is Features, which ends with the context.
func features(ctx context.Context, e nn.Encoder, set Source) (*tensor.Tensor, error) {
	if e != nil { // without gradients nothing of the graph is kept
		copied, err := nn.Clone(e)
		if err != nil {
			return nil, err
		}
		nn.Freeze(copied)
		e = copied
	}
	const batch = 500
	var out *tensor.Tensor
	for from := 0; from < set.Len(); from += batch {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		index := span(from, min(from+batch, set.Len()))
		x := Images(set, index)
		if e != nil {
			x = e.Forward(x, false)
		} else {
			x = tensor.Reshape(x, len(index), x.Len()/len(index))
		}
		if out == nil {
			out = tensor.New(set.Len(), x.Dim(1))
		}
		copy(out.Data()[from*x.Dim(1):], x.Data())
	}
	return out, nil
}

// span lists the numbers from..to-1.
func span(from, to int) []int {
	s := make([]int, to-from)
	for i := range s {
		s[i] = from + i
	}
	return s
}

// featuresOf returns the features of a set, which are kept with the run unless
// they are the pixels.
func (r *Run) featuresOf(ctx context.Context, s Source) (*tensor.Tensor, error) {
	if r.encoder == nil {
		return features(ctx, nil, s)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	key := keyOf(s)
	if f, ok := r.features[key]; ok {
		return f, nil
	}
	f, err := features(ctx, r.encoder, s)
	if err != nil {
		return nil, err
	}
	if r.features == nil {
		r.features = map[string]*tensor.Tensor{}
	}
	r.features[key] = f
	return f, nil
}

// keyOf tells sets apart whose images an encoder sees otherwise: by content, by
// shape and by how they are normalised, which is not in the digest.
func keyOf(s Source) string {
	spec := s.Spec()
	return fmt.Sprintf("%s %d×%d×%d %x %x", s.Digest(), spec.Height, spec.Width, spec.Channels, spec.Mean, spec.Std)
}

// A scaling takes the mean out of each feature and brings it to a standard
// deviation of one.
type scaling struct {
	mean, inverse []float32 // inverse standard deviation, or 1 if the feature never changes
}

// scaling returns the statistics of the parent's features over its unlabelled
// images, or over those that the task has been given: never those of the few
// images with labels, which would cripple some features and not others.
func (x *execution) scaling() (*scaling, error) {
	seen := x.parent.seen
	if x.sets.unlabelled != nil {
		seen = x.sets.unlabelled
	}
	f, err := x.parent.featuresOf(x.ctx, seen)
	if err != nil {
		return nil, err
	}
	n, d := f.Dim(0), f.Dim(1)
	mean, square := make([]float64, d), make([]float64, d)
	for i := range n {
		for j, v := range f.Data()[i*d : (i+1)*d] {
			mean[j] += float64(v)
		}
	}
	for j := range mean {
		mean[j] /= float64(n)
	}
	for i := range n {
		for j, v := range f.Data()[i*d : (i+1)*d] {
			e := float64(v) - mean[j]
			square[j] += float64(e * e)
		}
	}
	s := &scaling{make([]float32, d), make([]float32, d)}
	for j := range mean {
		s.mean[j], s.inverse[j] = float32(mean[j]), 1
		if std := math.Sqrt(square[j] / float64(n)); std > 1e-6 {
			s.inverse[j] = float32(1 / std)
		}
	}
	return s, nil
}

// apply returns scaled features.
func (s *scaling) apply(f *tensor.Tensor) *tensor.Tensor {
	n, d := f.Dim(0), f.Dim(1)
	out := tensor.New(n, d)
	for i := range n {
		to := out.Data()[i*d : (i+1)*d]
		for j, v := range f.Data()[i*d : (i+1)*d] {
			to[j] = float32((v - s.mean[j]) * s.inverse[j])
		}
	}
	return out
}

// standardised returns a set's features, scaled.
func (r *Run) standardised(ctx context.Context, s *scaling, set Source) (*tensor.Tensor, error) {
	f, err := r.featuresOf(ctx, set)
	if err != nil {
		return nil, err
	}
	return s.apply(f), nil
}

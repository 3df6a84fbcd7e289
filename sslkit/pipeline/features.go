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
	all, err := forward(ctx, e, set, func(e nn.Encoder, x *tensor.Tensor) []*tensor.Tensor {
		if e == nil {
			return []*tensor.Tensor{tensor.Reshape(x, x.Dim(0), x.Len()/x.Dim(0))}
		}
		return []*tensor.Tensor{e.Forward(x, false)}
	})
	if err != nil {
		return nil, err
	}
	return all[0], nil
}

// forward returns what look makes of all images of a set, each result [N,dim] of
// its own, by an encoder that keeps nothing for gradients.
func forward(ctx context.Context, e nn.Encoder, set Source, look func(e nn.Encoder, x *tensor.Tensor) []*tensor.Tensor) (all []*tensor.Tensor, err error) {
	if e != nil { // without gradients nothing of the graph is kept
		if e, err = nn.Clone(e); err != nil {
			return nil, err
		}
		nn.Freeze(e)
	}
	const batch = 500
	for from := 0; from < set.Len(); from += batch {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		for i, f := range look(e, Images(set, span(from, min(from+batch, set.Len())))) {
			if from == 0 {
				all = append(all, tensor.New(set.Len(), f.Dim(1)))
			}
			copy(all[i].Data()[from*f.Dim(1):], f.Data())
		}
	}
	return all, nil
}

// span lists the numbers from..to-1.
func span(from, to int) []int {
	s := make([]int, to-from)
	for i := range s {
		s[i] = from + i
	}
	return s
}

// featuresOf returns the features of a set after a block, counted from 1, or the
// encoder's if that is 0. They are kept with the run unless they are the pixels.
func (r *Run) featuresOf(ctx context.Context, s Source, block int) (*tensor.Tensor, error) {
	if r.encoder == nil {
		return features(ctx, nil, s)
	}
	if block == r.blocks() {
		block = 0
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if f := r.features[keyOf(s)]; block < len(f) && f[block] != nil {
		return f[block], nil
	}
	all := make([]*tensor.Tensor, 1)
	var err error
	if block == 0 {
		all[0], err = features(ctx, r.encoder, s)
	} else if all, err = forward(ctx, r.encoder, s, blocksOf); err == nil {
		last := len(all) - 1
		all = append(all[last:], all[:last]...) // the encoder's first
	}
	if err != nil {
		return nil, err
	}
	if r.features == nil {
		r.features = map[string][]*tensor.Tensor{}
	}
	r.features[keyOf(s)] = all
	return all[block], nil
}

func blocksOf(e nn.Encoder, x *tensor.Tensor) []*tensor.Tensor {
	return e.(nn.Blocked).ForwardBlocks(x)
}

// blocks is the number of blocks after which the run has features, 0 if it is no
// encoder of blocks.
func (r *Run) blocks() int {
	if r == nil {
		return 0
	}
	if e, ok := r.encoder.(nn.Blocked); ok {
		return len(e.Blocks())
	}
	return 0
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

// scaling returns the statistics of the parent's features after a block over its
// unlabelled images, or over those that the task has been given: never those of the few
// images with labels, which would cripple some features and not others.
func (x *execution) scaling(block int) (*scaling, error) {
	seen := x.parent.seen
	if x.sets.unlabelled != nil {
		seen = x.sets.unlabelled
	}
	f, err := x.parent.featuresOf(x.ctx, seen, block)
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

// standardised returns a set's features after a block, scaled.
func (r *Run) standardised(ctx context.Context, s *scaling, set Source, block int) (*tensor.Tensor, error) {
	f, err := r.featuresOf(ctx, set, block)
	if err != nil {
		return nil, err
	}
	return s.apply(f), nil
}

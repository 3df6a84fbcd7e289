package pipeline

import (
	"context"

	"sslnotes/sslkit"
	"sslnotes/sslkit/data"
	"sslnotes/sslkit/rng"
	"sslnotes/sslkit/tensor"
)

// drawn is a batch ready for its step, or the panic of a method's View.
type drawn struct {
	data.Batch
	epoch  int
	failed any
}

// until makes what is computed from the batch end when done is closed.
func (b drawn) until(done <-chan struct{}) {
	if b.Images != nil {
		b.Images.Until(done)
	}
	for _, v := range b.Views {
		v.Until(done)
	}
}

// ahead draws the batches of the schedule from a step on, in order and two
// steps ahead, until all are drawn or the context ends.
func ahead(ctx context.Context, m sslkit.Method, set *data.Unlabelled, s sslkit.Schedule, from int) <-chan drawn {
	out := make(chan drawn, 2)
	perEpoch := set.Len() / s.BatchSize // a last, smaller batch would change N
	go func() {
		defer close(out)
		defer func() {
			if p := recover(); p != nil {
				out <- drawn{failed: p}
			}
		}()
		var order []int
		for i := from; i < s.Steps; i++ {
			epoch, at := i/perEpoch, i%perEpoch
			if at == 0 || order == nil {
				order = rng.New(s.Seed, "order", uint64(epoch)).Perm(set.Len())
			}
			b := drawn{Batch: Draw(m, set, order[at*s.BatchSize:(at+1)*s.BatchSize], s.Seed, epoch), epoch: epoch}
			select {
			case out <- b:
			case <-ctx.Done():
				return
			}
		}
	}()
	return out
}

// Draw makes the batch of the given samples as training does: the method's
// views, or the images themselves, and what is said of them.
func Draw(m sslkit.Method, set *data.Unlabelled, index []int, seed uint64, epoch int) data.Batch {
	b := data.Batch{Index: index}
	if said := set.Captions(); said != nil {
		for _, sample := range index {
			b.Texts = append(b.Texts, said[sample])
		}
	}
	viewer, ok := m.(sslkit.Viewer)
	if !ok {
		b.Images = Images(set, index)
		return b
	}
	for v, spec := range viewer.Views(set.Spec()) {
		b.Views = append(b.Views, drawView(viewer, set, spec, v, index, func(sample int) *rng.Stream {
			return rng.New(seed, "view", uint64(epoch), uint64(sample), uint64(v))
		}))
	}
	return b
}

// drawView draws view v of every sample by its stream, normalised, [N,h,w,c].
func drawView(m sslkit.Viewer, set *data.Unlabelled, spec data.Spec, v int, index []int, stream func(sample int) *rng.Stream) *tensor.Tensor {
	size := spec.Height * spec.Width * spec.Channels
	views := tensor.New(len(index), spec.Height, spec.Width, spec.Channels)
	img := data.Image{H: spec.Height, W: spec.Width, C: spec.Channels, Pix: make([]float32, size)}
	for i, sample := range index {
		m.View(&img, set.Image(sample), v, stream(sample))
		spec.Normalise(views.Data()[i*size:(i+1)*size], img)
	}
	return views
}

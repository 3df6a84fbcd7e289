package pretext

import (
	"fmt"
	"slices"

	"sslnotes/sslkit"
	"sslnotes/sslkit/augment"
	"sslnotes/sslkit/data"
	"sslnotes/sslkit/nn"
	"sslnotes/sslkit/rng"
	"sslnotes/sslkit/tensor"
)

// Inpainting cuts a hole into an image and paints it from the rest
// (context encoders: Pathak and others 2016), with the squared error alone: the
// paper's adversarial term sharpens pictures and is left out. The hole is filled
// with the set's mean, so that no value in it tells that it is one, and the loss
// looks at the hole alone. The encoder must keep places, as nn.ResNet,
// nn.ConvNet and nn.ViT do.
//
// Beside the loss stands blank_loss, the error of leaving the mean: a loss that
// is no lower has learnt nothing. One that is no lower than border_loss, the error of
// continuing what stands around the hole, has learnt nothing of what is seen.
type Inpainting struct {
	Hole   int // pixels of the hole's side. If 0, three sevenths of the image's height.
	Hidden int // channels of the decoder. If 0, 64.

	// Blobs cuts holes of random shape that are a quarter of the image together, where a
	// random pattern of bumps, Hole pixels apart, is lowest (the paper's random regions),
	// so that no border of a square is learnt.
	Blobs bool `config:"omitzero"`

	// Augment draws the image. If nil, a flip and a crop of at least half the
	// area; an empty chain: none.
	Augment augment.Chain

	encoder nn.Mapper
	decoder nn.Sequential
	pixels  *nn.Linear
	in      data.Spec
	patch   int // pixels of the side that one place of the map paints

	last   *tensor.Tensor // images
	hidden []float32      // their mask
}

// Name implements sslkit.Method.
func (m *Inpainting) Name() string { return "inpainting" }

// Schedule implements sslkit.Scheduler.
func (m *Inpainting) Schedule() sslkit.Schedule {
	return sslkit.Schedule{Epochs: 20, BatchSize: 256, LearningRate: 2e-3}
}

// Build implements sslkit.Method: a 3×3 convolution with BatchNorm and ReLU on
// the encoder's map, and a linear layer from each place to its pixels.
func (m *Inpainting) Build(e nn.Encoder, in data.Spec, s sslkit.Setup) (nn.Module, error) {
	mapper, ok := e.(nn.Mapper)
	if !ok {
		return nil, fmt.Errorf("pretext: Inpainting needs an encoder that keeps places, not %T", e.Plan())
	}
	if m.Hole == 0 {
		m.Hole = in.Height * 3 / 7
	}
	if m.Hidden == 0 {
		m.Hidden = 64
	}
	if m.Augment == nil {
		m.Augment = augment.Chain{augment.Crop{MinArea: 0.5}, augment.Flip{P: 0.5}}
	}
	if m.Hole < 1 || m.Hole >= min(in.Height, in.Width) || m.Hidden < 1 {
		return nil, fmt.Errorf("pretext: Inpainting.Hole is %d and Hidden %d for images of %d×%d, want a hole inside and Hidden > 0", m.Hole, m.Hidden, in.Height, in.Width)
	}
	if err := augment.Check("pretext: Inpainting.Augment", m.Augment); err != nil {
		return nil, err
	}
	place := mapper.Map(tensor.New(1, in.Height, in.Width, in.Channels), false)
	m.patch = in.Height / place.Dim(1)
	if place.Dim(1)*m.patch != in.Height || place.Dim(2)*m.patch != in.Width {
		return nil, fmt.Errorf("pretext: Inpainting of images of %d×%d from a map of %d×%d, want a divisor", in.Height, in.Width, place.Dim(1), place.Dim(2))
	}
	m.encoder, m.in = mapper, in
	r := s.Stream("decoder")
	m.decoder = nn.Sequential{nn.NewConv2D("decoder.conv", e.Dim(), m.Hidden, 3, 1, r), nn.NewBatchNorm("decoder.norm", m.Hidden), nn.ReLU{}}
	m.pixels = nn.NewLinear("pixels", m.Hidden, m.patch*m.patch*in.Channels, true, r)
	return nn.Modules{m.decoder, m.pixels}, nil
}

// Views implements sslkit.Viewer.
func (m *Inpainting) Views(in data.Spec) []data.Spec { return []data.Spec{in} }

// View implements sslkit.Viewer.
func (m *Inpainting) View(dst *data.Image, src data.Image, _ int, r *rng.Stream) {
	m.Augment.Draw(dst, src, r)
}

// Loss implements sslkit.Method.
func (m *Inpainting) Loss(b data.Batch, s sslkit.Step) *tensor.Tensor {
	x := b.Views[0]
	// 1. Cut a hole into every image, elsewhere in each step.
	cut, mask := m.cut(x, func(i int) *rng.Stream {
		return rng.New(s.Seed, "hole", uint64(s.Index), uint64(b.Index[i]))
	})
	// 2. Paint the whole image from what is left.
	painted := m.paint(cut, true)
	// 3. Look at the hole alone.
	s.Log("blank_loss", tensor.MaskedMSE(tensor.New(x.Shape()...), x, mask).Item())
	m.last, m.hidden = x, mask
	return tensor.MaskedMSE(painted, x, mask)
}

// Report implements sslkit.Reporter: the loss of continuing what stands around holes.
func (m *Inpainting) Report() map[string]float64 {
	if m.last == nil { // no step was taken
		return nil
	}
	return map[string]float64{"border_loss": float64(tensor.MaskedMSE(continued(m.last, m.hidden), m.last, m.hidden).Item())}
}

// tiny is less than any distance's inverse, and not 0.
const tiny = 1e-9

// continued fills every hole with the nearest pixels beside, above and below it that
// are seen, by the inverse of their distance.
func continued(images *tensor.Tensor, mask []float32) *tensor.Tensor {
	n, h, w, c := images.Dim(0), images.Dim(1), images.Dim(2), images.Dim(3)
	out, x := tensor.New(images.Shape()...), images.Data()
	copy(out.Data(), x)
	for i := range n * h * w {
		if mask[i] == 0 {
			continue
		}
		to := out.Data()[i*c : (i+1)*c]
		clear(to)
		row, col := i/w%h, i%w
		var total float32
		for _, way := range [4]struct{ step, room int }{{1, w - 1 - col}, {-1, col}, {w, h - 1 - row}, {-w, row}} {
			at, far := i, 0
			for far < way.room && mask[at] == 1 {
				at, far = at+way.step, far+1
			}
			if mask[at] == 1 { // up to the image's edge
				continue
			}
			share := 1 / float32(far)
			total += share
			for k := range to {
				to[k] += float32(share * x[at*c+k])
			}
		}
		for k := range to {
			to[k] /= max(total, tiny) // nothing is seen in its row and its column: the mean
		}
	}
	return out
}

// cut returns the images with holes at the mean, which is zero in normalised
// images, and marks the pixels of the holes by 1.
func (m *Inpainting) cut(x *tensor.Tensor, stream func(i int) *rng.Stream) (cut *tensor.Tensor, mask []float32) {
	n, h, w, c := x.Dim(0), x.Dim(1), x.Dim(2), x.Dim(3)
	cut, mask = tensor.New(x.Shape()...), make([]float32, n*h*w)
	copy(cut.Data(), x.Data())
	for i := range n {
		hole := m.square
		if m.Blobs {
			hole = m.blobs
		}
		hole(mask[i*h*w:(i+1)*h*w], w, stream(i))
	}
	for i, hidden := range mask {
		if hidden == 1 {
			clear(cut.Data()[i*c : (i+1)*c])
		}
	}
	return cut, mask
}

// square marks a square in a mask of rows of w pixels.
func (m *Inpainting) square(mask []float32, w int, r *rng.Stream) {
	h := len(mask) / w
	y0, x0 := r.IntN(h-m.Hole+1), r.IntN(w-m.Hole+1)
	for y := range m.Hole {
		for x := range m.Hole {
			mask[(y0+y)*w+x0+x] = 1
		}
	}
}

// blobs marks the quarter of the pixels in which a random pattern is lowest.
func (m *Inpainting) blobs(mask []float32, w int, r *rng.Stream) {
	h := len(mask) / w
	// 1. Random heights, m.Hole pixels apart, beginning at a random place outside.
	y0, x0 := r.Float32(), r.Float32()
	wide := w/m.Hole + 3
	bumps := make([]float32, (h/m.Hole+3)*wide)
	for i := range bumps {
		bumps[i] = r.Float32()
	}
	// 2. What lies between them, by interpolation.
	between := func(i int, from float32) (low int, share float32) {
		at := float32(i)/float32(m.Hole) + from
		return int(at), at - float32(int(at))
	}
	height := make([]float32, len(mask))
	for i := range height {
		y, down := between(i/w, y0)
		x, right := between(i%w, x0)
		top, bottom := bumps[y*wide+x:], bumps[(y+1)*wide+x:]
		a, b := top[0]+float32(right*(top[1]-top[0])), bottom[0]+float32(right*(bottom[1]-bottom[0]))
		height[i] = a + float32(down*(b-a))
	}
	// 3. The lowest quarter; of equal heights at its edge, the first.
	sorted, left := slices.Clone(height), len(mask)/4
	slices.Sort(sorted)
	edge := sorted[left]
	below, _ := slices.BinarySearch(sorted, edge)
	equal := left - below
	for i, v := range height {
		if v < edge {
			mask[i] = 1
		} else if v == edge && equal > 0 {
			mask[i], equal = 1, equal-1
		}
	}
}

// paint returns what the decoder makes of all pixels, [N,H,W,C].
func (m *Inpainting) paint(x *tensor.Tensor, train bool) *tensor.Tensor {
	f := m.decoder.Forward(m.encoder.Map(x, train), train)
	patches := m.pixels.Forward(tensor.Reshape(f, f.Dim(0), f.Dim(1)*f.Dim(2), f.Dim(3)), train)
	return tensor.Unpatchify(patches, m.patch, m.in.Height, m.in.Width)
}

// Reconstruct cuts holes into normalised images [N,H,W,C] by the seed and
// returns the images with holes, and with the holes painted.
func (m *Inpainting) Reconstruct(x *tensor.Tensor, seed uint64) (cut, painted *tensor.Tensor) {
	cut, mask := m.cut(x, func(i int) *rng.Stream { return rng.New(seed, "reconstruct", uint64(i)) })
	guess, c := m.paint(cut, false).Detach(), x.Dim(3)
	painted = tensor.New(x.Shape()...)
	for i, v := range x.Data() {
		painted.Data()[i] = v
		if mask[i/c] == 1 {
			painted.Data()[i] = guess.Data()[i]
		}
	}
	return cut, painted
}

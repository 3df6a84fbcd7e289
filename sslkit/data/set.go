package data

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"

	"sslnotes/sslkit/rng"
	"sslnotes/sslkit/tensor"
)

// A Spec describes the samples of a set.
type Spec struct {
	Height, Width, Channels int

	// Mean and Std of each channel over the full training split, pixels in
	// [0,1]; inputs of encoders are (x-Mean)/Std.
	Mean, Std []float32

	// Captions says what is said of every sample, in their order; nil if nothing
	// is. They are no labels. They must not be changed.
	Captions []string
}

// An Image is one picture, [H,W,C] with values in [0,1].
type Image struct {
	H, W, C int
	Pix     []float32
}

// A Batch is what a method sees of the data: never a label used in evaluation.
type Batch struct {
	Images *tensor.Tensor   // [N,H,W,C], normalised by the spec
	Views  []*tensor.Tensor // the views of a method that draws them, each [N,h,w,c]
	Index  []int            // the samples' places in the set
	Texts  []string         // the samples' captions, nil if the set has none
}

// Unlabelled is a set of images without labels.
type Unlabelled struct{ images }

// images is what labelled and unlabelled sets share.
type images struct {
	name, split string
	spec        Spec
	pixels      []uint8
	captions    []string // of the samples. If nil, none.
	digest      string
}

// Name returns the set's name, such as "fashion-mnist".
func (u *images) Name() string { return u.name }

// Split returns which part of the set this is and how it was taken, such as
// "train" or "train/rest(5000,0)/per(10,2)". Part takes it again.
func (u *images) Split() string { return u.split }

// Spec describes the samples.
func (u *images) Spec() Spec {
	s := u.spec
	s.Captions = u.captions
	return s
}

// Len returns the number of samples.
func (u *images) Len() int { return len(u.pixels) / u.size() }

// Digest identifies the content: the SHA-256 of pixels, labels and captions, in
// hex.
func (u *images) Digest() string { return u.digest }

// Captions returns what is said of every sample, nil if nothing is. They are no
// labels: a method may see them. They must not be changed.
func (u *images) Captions() []string { return u.captions }

func (u *images) size() int { return u.spec.Height * u.spec.Width * u.spec.Channels }

// Pixels returns the bytes of sample i, [H,W,C]. They must not be changed.
func (u *images) Pixels(i int) []uint8 { return u.pixels[i*u.size() : (i+1)*u.size()] }

// Image returns sample i with values in [0,1].
func (u *images) Image(i int) Image {
	img := Image{u.spec.Height, u.spec.Width, u.spec.Channels, make([]float32, u.size())}
	for j, p := range u.Pixels(i) {
		img.Pix[j] = float32(p) / 255
	}
	return img
}

// Normalise writes (x-Mean)/Std of every pixel of img to dst.
func (s Spec) Normalise(dst []float32, img Image) {
	for i, v := range img.Pix {
		c := i % s.Channels
		dst[i] = (v - s.Mean[c]) / s.Std[c]
	}
}

// A Set is a set of labelled images.
type Set struct {
	images
	classes []string
	labels  []int
}

// Unlabelled returns the images without their labels.
func (s *Set) Unlabelled() *Unlabelled { return &Unlabelled{s.images} }

// Classes returns the names of the classes.
func (s *Set) Classes() []string { return s.classes }

// Labels returns the class of every sample. It must not be changed.
func (s *Set) Labels() []int { return s.labels }

// newSet makes a set and its digest.
func newSet(name, split string, spec Spec, classes []string, pixels []uint8, labels []int) *Set {
	return newCaptioned(name, split, spec, classes, pixels, labels, nil)
}

// newCaptioned makes a set with captions and its digest.
func newCaptioned(name, split string, spec Spec, classes []string, pixels []uint8, labels []int, captions []string) *Set {
	s := &Set{images{name: name, split: split, spec: spec, pixels: pixels, captions: captions}, classes, labels}
	h := sha256.New()
	h.Write(pixels)
	for _, l := range labels {
		b := []byte{byte(l), byte(l >> 8)}
		if len(classes) <= 256 {
			b = b[:1]
		}
		h.Write(b)
	}
	for _, c := range captions {
		fmt.Fprintf(h, "%q", c)
	}
	s.digest = hex.EncodeToString(h.Sum(nil))
	return s
}

// pick returns the samples at the given places as a set of its own.
func (s *Set) pick(split string, index []int) *Set {
	pixels, labels := make([]uint8, 0, len(index)*s.size()), make([]int, len(index))
	var captions []string
	for i, p := range index {
		pixels = append(pixels, s.Pixels(p)...)
		labels[i] = s.labels[p]
		if s.captions != nil {
			captions = append(captions, s.captions[p])
		}
	}
	return newCaptioned(s.name, split, s.spec, s.classes, pixels, labels, captions)
}

// byClass returns the samples of each class in the random order of the stream.
func (s *Set) byClass(purpose string, seed uint64) [][]int {
	groups := make([][]int, len(s.classes))
	for _, i := range rng.New(seed, purpose).Perm(s.Len()) {
		groups[s.labels[i]] = append(groups[s.labels[i]], i)
	}
	return groups
}

// Divide holds out n samples, the same share of every class, for validation.
func (s *Set) Divide(n int, seed uint64) (rest, held *Set, err error) {
	if n <= 0 || n >= s.Len() || n%len(s.classes) != 0 {
		return nil, nil, fmt.Errorf("data: cannot hold out %d of %d samples in %d equal classes", n, s.Len(), len(s.classes))
	}
	each := n / len(s.classes)
	var a, b []int
	for c, g := range s.byClass("divide", seed) {
		if len(g) <= each {
			return nil, nil, fmt.Errorf("data: class %s has %d samples, too few to hold out %d", s.classes[c], len(g), each)
		}
		b, a = append(b, g[:each]...), append(a, g[each:]...)
	}
	slices.Sort(a)
	slices.Sort(b)
	how := fmt.Sprintf("(%d,%d)", n, seed)
	return s.pick(s.split+"/rest"+how, a), s.pick(s.split+"/held"+how, b), nil
}

// Holdout divides a training split as all of the house does: a twelfth, the same
// number of every class, is held out, and choices are made on it.
func (s *Set) Holdout() (rest, held *Set, err error) {
	fewest := s.Len()
	for _, g := range s.byClass("divide", 0) {
		fewest = min(fewest, len(g))
	}
	return s.Divide(max(1, fewest/12)*len(s.classes), 0)
}

// PerClass returns n samples of every class. The subsets 0, 1, 2 … are fixed
// draws; within one, fewer samples are a part of more.
func (s *Set) PerClass(n, subset int) (*Set, error) {
	var index []int
	for c, g := range s.byClass("per class", uint64(subset)) {
		if n <= 0 || n > len(g) {
			return nil, fmt.Errorf("data: class %s has %d samples, want %d", s.classes[c], len(g), n)
		}
		index = append(index, g[:n]...)
	}
	slices.Sort(index)
	return s.pick(fmt.Sprintf("%s/per(%d,%d)", s.split, n, subset), index), nil
}

// FromPixels makes a set from images [N,H,W,C] of one byte a value and their
// classes. The spec's captions, if there are any, are those of the images. It
// returns an error if the counts do not fit or a label has no class.
func FromPixels(name, split string, spec Spec, classes []string, pixels []uint8, labels []int) (*Set, error) {
	size := spec.Height * spec.Width * spec.Channels
	if size <= 0 || len(pixels) != size*len(labels) || len(spec.Mean) != spec.Channels || len(spec.Std) != spec.Channels {
		return nil, fmt.Errorf("data: %s has %d values and %d labels for images of %d×%d×%d", name, len(pixels), len(labels), spec.Height, spec.Width, spec.Channels)
	}
	if spec.Captions != nil && len(spec.Captions) != len(labels) {
		return nil, fmt.Errorf("data: %s has %d Spec.Captions for %d images", name, len(spec.Captions), len(labels))
	}
	for i, l := range labels {
		if l < 0 || l >= len(classes) {
			return nil, fmt.Errorf("data: %s: label %d of sample %d, want 0 to %d", name, l, i, len(classes)-1)
		}
	}
	return newCaptioned(name, split, spec, classes, pixels, labels, spec.Captions), nil
}

package plots

import (
	"fmt"
	"image"
	"image/color"
	"math"
)

// Pixels makes an image of values [H,W,C]. One channel is gray, three are
// colours, four have opacity too; other counts are shown as the gray of their
// mean. Values are in [0,1]: less is black, more is white, and what is no
// number magenta.
func Pixels(h, w, c int, values []float32) image.Image {
	if h <= 0 || w <= 0 || c <= 0 || len(values) != h*w*c {
		return faulty(fmt.Errorf("plots: %d values for an image of %d×%d×%d", len(values), h, w, c))
	}
	img := image.NewNRGBA(image.Rect(0, 0, w, h))
	for i := range h * w {
		img.SetNRGBA(i%w, i/w, colour(values[i*c:(i+1)*c]))
	}
	return img
}

// Bytes makes an image of values [H,W,C] from 0 to 255, as Pixels does.
func Bytes(h, w, c int, values []uint8) image.Image {
	f := make([]float32, len(values))
	for i, v := range values {
		f[i] = float32(v) / 255
	}
	return Pixels(h, w, c, f)
}

// An Array is a tensor, as this package needs it.
type Array interface {
	Shape() []int
	Data() []float32
}

// Batch makes images of an array [N,H,W,C] as Pixels does, after taking back
// the normalisation (x-mean)/std of each channel. If mean and std are nil, the
// values are in [0,1] already. It makes one image that shows the error if the
// shapes do not fit.
func Batch(a Array, mean, std []float32) []image.Image {
	s := a.Shape()
	if len(s) != 4 || len(mean) != len(std) || mean != nil && len(mean) != s[3] {
		return []image.Image{faulty(fmt.Errorf("plots: images of an array %v with %d means and %d deviations, want [N,H,W,C] and C of each", s, len(mean), len(std)))}
	}
	size := s[1] * s[2] * s[3]
	var all []image.Image
	for n := range s[0] {
		values := append([]float32(nil), a.Data()[n*size:(n+1)*size]...)
		for i := range values {
			if mean != nil {
				values[i] = values[i]*std[i%s[3]] + mean[i%s[3]]
			}
		}
		all = append(all, Pixels(s[1], s[2], s[3], values))
	}
	return all
}

// colour returns the colour of a pixel's channels.
func colour(v []float32) color.NRGBA {
	for _, x := range v {
		if x != x {
			return color.NRGBA{255, 0, 255, 255}
		}
	}
	switch len(v) {
	case 3:
		return color.NRGBA{level(v[0]), level(v[1]), level(v[2]), 255}
	case 4:
		return color.NRGBA{level(v[0]), level(v[1]), level(v[2]), level(v[3])}
	}
	var sum float64
	for _, x := range v {
		sum += float64(x)
	}
	g := level(float32(sum / float64(len(v))))
	return color.NRGBA{g, g, g, 255}
}

func level(x float32) uint8 {
	return uint8(math.Round(255 * float64(min(max(x, 0), 1))))
}

// failed is an image that could not be made. Figures that hold it report why.
type failed struct {
	*image.Uniform
	err error
}

func faulty(err error) image.Image { return failed{image.NewUniform(color.White), err} }

// Bounds implements image.Image: one pixel, not the whole plane.
func (failed) Bounds() image.Rectangle { return image.Rect(0, 0, 1, 1) }

// enlarge repeats every pixel k×k times.
func enlarge(img image.Image, k int) image.Image {
	b := img.Bounds()
	to := image.NewNRGBA(image.Rect(0, 0, b.Dx()*k, b.Dy()*k))
	for y := range b.Dy() {
		for x := range b.Dx() {
			c := color.NRGBAModel.Convert(img.At(b.Min.X+x, b.Min.Y+y)).(color.NRGBA)
			for i := range k * k {
				to.SetNRGBA(x*k+i%k, y*k+i/k, c)
			}
		}
	}
	return to
}

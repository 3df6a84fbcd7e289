package data

import (
	"image"
	"image/color"
	"math"
)

// ColorModel implements image.Image, so that notebooks show an Image and plots
// draw it.
func (img Image) ColorModel() color.Model { return color.NRGBAModel }

// Bounds implements image.Image.
func (img Image) Bounds() image.Rectangle { return image.Rect(0, 0, img.W, img.H) }

// At implements image.Image. One channel is gray, three are red, green and
// blue; of other counts the first is shown as gray.
func (img Image) At(x, y int) color.Color {
	if !(image.Point{x, y}.In(img.Bounds())) {
		return color.NRGBA{}
	}
	p := img.Pix[(y*img.W+x)*img.C:][:img.C]
	if len(p) == 3 {
		return color.NRGBA{level(p[0]), level(p[1]), level(p[2]), 255}
	}
	g := level(p[0])
	return color.NRGBA{g, g, g, 255}
}

func level(v float32) uint8 { return uint8(math.Round(255 * float64(min(max(v, 0), 1)))) }

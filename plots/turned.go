package plots

import (
	"image"
	"image/color"
)

// turned is an image turned counter-clockwise by quarters.
type turned struct {
	image.Image
	quarters int
}

// Bounds implements image.Image.
func (t turned) Bounds() image.Rectangle {
	b := t.Image.Bounds()
	if t.quarters%2 == 1 {
		return image.Rect(0, 0, b.Dy(), b.Dx())
	}
	return image.Rect(0, 0, b.Dx(), b.Dy())
}

// At implements image.Image.
func (t turned) At(x, y int) color.Color {
	b := t.Image.Bounds()
	w, h := b.Dx(), b.Dy()
	switch t.quarters {
	case 1:
		x, y = w-1-y, x
	case 2:
		x, y = w-1-x, h-1-y
	case 3:
		x, y = y, h-1-x
	}
	return t.Image.At(b.Min.X+x, b.Min.Y+y)
}

// sampled is every k-th pixel of an image in both directions.
type sampled struct {
	image.Image
	k int
}

// Bounds implements image.Image.
func (s sampled) Bounds() image.Rectangle {
	b := s.Image.Bounds()
	return image.Rect(0, 0, (b.Dx()+s.k-1)/s.k, (b.Dy()+s.k-1)/s.k)
}

// At implements image.Image.
func (s sampled) At(x, y int) color.Color {
	b := s.Image.Bounds()
	return s.Image.At(b.Min.X+x*s.k, b.Min.Y+y*s.k)
}

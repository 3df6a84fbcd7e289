package pretext

import (
	"fmt"
	"math"

	"sslnotes/sslkit/data"
	"sslnotes/sslkit/nn"
	"sslnotes/sslkit/rng"
	"sslnotes/sslkit/tensor"
)

// A grid is how an image is cut into Side×Side cells with a square tile in each.
type grid struct {
	side, cell, tile, jitter int // pixels; the tile's place in its cell varies by ±jitter about the middle
	standardise              bool
}

// defaultTile is three quarters of a cell, for an encoder of patches as many of
// them as go into that, one at least; 0 if one leaves no gap in the cell.
func defaultTile(cell int, e nn.Encoder) int {
	patch := nn.Patch(e)
	if patch >= cell {
		return 0
	}
	return max(patch, cell*3/4/patch*patch)
}

// widest is the jitter that leaves a pixel between two tiles in any case.
func widest(cell, tile int) int { return max(0, cell-tile-1) / 2 }

// check returns an error that names the method's field, of which size is that of
// the tile, unless the tiles fit the cells and the encoder and, if they may move,
// never touch.
func (g grid) check(method, size string, e nn.Encoder) error {
	patch := nn.Patch(e)
	switch {
	case g.tile == 0:
		return fmt.Errorf("pretext: %s.%s: a patch of the encoder, of %d pixels, leaves no gap in cells of %d", method, size, patch, g.cell)
	case g.tile < 2 || g.cell < g.tile:
		return fmt.Errorf("pretext: %s.%s is %d, want 2 to the %d pixels of a cell", method, size, g.tile, g.cell)
	case g.tile%patch != 0:
		return fmt.Errorf("pretext: %s.%s is %d, want a multiple of the encoder's patch of %d pixels", method, size, g.tile, patch)
	case g.jitter > widest(g.cell, g.tile):
		return fmt.Errorf("pretext: %s.Jitter is %d, want at most %d, so that tiles of %d pixels in cells of %d never touch", method, g.jitter, widest(g.cell, g.tile), g.tile, g.cell)
	}
	return nil
}

// views lists one view a cell. Standardised tiles need no normalising by the
// set's statistics.
func (g grid) views(in data.Spec) []data.Spec {
	spec := in
	spec.Height, spec.Width = g.tile, g.tile
	if g.standardise {
		spec.Mean, spec.Std = make([]float32, in.Channels), make([]float32, in.Channels)
		for c := range spec.Std {
			spec.Std[c] = 1
		}
	}
	all := make([]data.Spec, g.side*g.side)
	for i := range all {
		all[i] = spec
	}
	return all
}

// draw copies the tile of cell v into dst, at a random place in the cell.
func (g grid) draw(dst *data.Image, src data.Image, v int, r *rng.Stream) {
	place := func(cell, size int) int {
		margin := (size - g.side*g.cell) / 2
		return margin + cell*g.cell + (g.cell-g.tile)/2 + r.IntN(2*g.jitter+1) - g.jitter
	}
	y0, x0 := place(v/g.side, src.H), place(v%g.side, src.W)
	for y := range g.tile {
		from := ((y0+y)*src.W + x0) * src.C
		copy(dst.Pix[y*g.tile*src.C:(y+1)*g.tile*src.C], src.Pix[from:])
	}
	if g.standardise {
		standardise(dst.Pix)
	}
}

// standardise gives x the mean 0 and the standard deviation 1, or only the mean
// if nothing in it changes. A tile's own level betrays where it comes from.
func standardise(x []float32) {
	var sum, square float64
	for _, v := range x {
		sum += float64(v)
	}
	mean := sum / float64(len(x))
	for _, v := range x {
		d := float64(v) - mean
		square += float64(d * d)
	}
	scale := 1.0
	if std := math.Sqrt(square / float64(len(x))); std > 1e-4 {
		scale = 1 / std
	}
	for i, v := range x {
		x[i] = float32((float64(v) - mean) * scale)
	}
}

// tileFeatures passes all tiles through the encoder in one batch and returns
// [T·N,D], tile-major.
func tileFeatures(e nn.Encoder, tiles []*tensor.Tensor) *tensor.Tensor {
	return e.Forward(tensor.Concat(tiles...), true)
}

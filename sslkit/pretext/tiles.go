package pretext

import (
	"fmt"
	"math"
	"slices"

	"sslnotes/sslkit/augment"
	"sslnotes/sslkit/data"
	"sslnotes/sslkit/nn"
	"sslnotes/sslkit/rng"
	"sslnotes/sslkit/tensor"
)

// A grid is how an image is cut into Side×Side cells with a square tile in each.
type grid struct {
	side, cell, tile, jitter int // pixels; the tile's place in its cell varies by ±jitter about the middle
	standardise              bool
	colours                  augment.Chain // of each tile by itself, before it is standardised
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
	return augment.Check("pretext: "+method+".Augment", g.colours)
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
	if len(g.colours) > 0 {
		tile := *dst
		tile.Pix = slices.Clone(dst.Pix)
		g.colours.Draw(dst, tile, r)
	}
	if g.standardise {
		standardise(dst.Pix)
	}
}

// tiles cuts normalised images [N,H,W,C] by the seed, a tensor [N,h,w,C] a cell:
// as training sees them, and as they are in the images.
func (g grid) tiles(x *tensor.Tensor, in data.Spec, seed uint64) (seen, plain []*tensor.Tensor) {
	n, h, w, c := x.Dim(0), x.Dim(1), x.Dim(2), x.Dim(3)
	src := data.Image{H: h, W: w, C: c, Pix: make([]float32, h*w*c)}
	size := g.tile * g.tile * c
	dst := data.Image{H: g.tile, W: g.tile, C: c, Pix: make([]float32, size)}
	bare := g
	bare.standardise, bare.colours = false, nil
	for v, spec := range g.views(in) {
		seen, plain = append(seen, tensor.New(n, g.tile, g.tile, c)), append(plain, tensor.New(n, g.tile, g.tile, c))
		for i := range n {
			for j, p := range x.Data()[i*h*w*c : (i+1)*h*w*c] {
				src.Pix[j] = float32(p*in.Std[j%c]) + in.Mean[j%c]
			}
			g.draw(&dst, src, v, rng.New(seed, "tiles", uint64(i), uint64(v)))
			spec.Normalise(seen[v].Data()[i*size:(i+1)*size], dst)
			bare.draw(&dst, src, v, rng.New(seed, "tiles", uint64(i), uint64(v)))
			in.Normalise(plain[v].Data()[i*size:(i+1)*size], dst)
		}
	}
	return seen, plain
}

// lay puts tile i of tiles [N,h,w,C] into the middle of a cell of image i of to
// [N,H,W,C].
func (g grid) lay(to *tensor.Tensor, i, cell int, tiles *tensor.Tensor) {
	h, w, c := to.Dim(1), to.Dim(2), to.Dim(3)
	gap := (g.cell - g.tile) / 2
	y0 := (h-g.side*g.cell)/2 + cell/g.side*g.cell + gap
	x0 := (w-g.side*g.cell)/2 + cell%g.side*g.cell + gap
	for y := range g.tile {
		at, from := ((i*h+y0+y)*w+x0)*c, (i*g.tile+y)*g.tile*c
		copy(to.Data()[at:at+g.tile*c], tiles.Data()[from:])
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

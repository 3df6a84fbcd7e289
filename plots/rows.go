package plots

import (
	"fmt"
	"image"
	"image/color"
)

// Rows shows rows of images, one below the other, each with its name.
func Rows(names []string, rows ...[]image.Image) Grid {
	g := Grid{Sides: names}
	if len(names) != len(rows) {
		return refuse(fmt.Errorf("plots: %d names for %d rows of images", len(names), len(rows)))
	}
	for i, r := range rows {
		if len(r) != len(rows[0]) {
			return refuse(fmt.Errorf("plots: %d images %s and %d %s, want as many", len(r), names[i], len(rows[0]), names[0]))
		}
		g.Images = append(g.Images, r...)
		g.Columns = len(r)
	}
	return g
}

// refuse is a grid that reports an error.
func refuse(err error) Grid { return Grid{Images: []image.Image{faulty(err)}} }

// Pairs shows the two views of each sample, one above the other.
func Pairs(first, second []image.Image) Grid {
	return Rows([]string{"view 1", "view 2"}, first, second)
}

// BeforeAfter shows what a task made of images, such as a puzzle and its
// solution, or gray and coloured.
func BeforeAfter(before, after []image.Image) Grid {
	return Rows([]string{"before", "after"}, before, after)
}

// Reconstructions shows images, what a masked model saw of them, and what it
// made of that.
func Reconstructions(original, masked, reconstructed []image.Image) Grid {
	return Rows([]string{"original", "masked", "reconstructed"}, original, masked, reconstructed)
}

// Neighbours shows queries, the first image of each row, and what is nearest to
// them. If right is not nil, it says of each neighbour whether it is of the
// query's class, and frames are green or vermilion.
func Neighbours(queries []image.Image, nearest [][]image.Image, right [][]bool) Grid {
	if len(queries) != len(nearest) || right != nil && len(right) != len(nearest) {
		return refuse(fmt.Errorf("plots: %d queries, neighbours of %d and verdicts on %d", len(queries), len(nearest), len(right)))
	}
	k := 0
	for _, n := range nearest {
		k = max(k, len(n))
	}
	g := Grid{Columns: k + 1, Heads: []string{"query"}}
	for i := range k {
		g.Heads = append(g.Heads, fmt.Sprint(i+1))
	}
	for i, q := range queries {
		if right != nil && len(right[i]) != len(nearest[i]) {
			return refuse(fmt.Errorf("plots: query %d has %d neighbours and %d verdicts", i+1, len(nearest[i]), len(right[i])))
		}
		g.Images, g.Frames = append(g.Images, q), append(g.Frames, 0)
		for j := range k {
			var img image.Image
			frame := 0
			if j < len(nearest[i]) {
				img = nearest[i][j]
				if right != nil && right[i][j] {
					frame = 3
				} else if right != nil {
					frame = 2
				}
			}
			g.Images, g.Frames = append(g.Images, img), append(g.Frames, frame)
		}
	}
	return g
}

// Attention shows images and, beside each, where the heads of a network look:
// maps is [N,K,h,w] for N images and K heads, over h×w patches, each scaled to
// its own greatest value.
func Attention(images []image.Image, maps Array) Grid {
	s := maps.Shape()
	if len(s) != 4 || s[0] != len(images) || s[1]*s[2]*s[3] == 0 {
		return refuse(fmt.Errorf("plots: attention %v on %d images, want [N,heads,h,w]", s, len(images)))
	}
	g := Grid{Columns: s[1] + 1, Heads: []string{"image"}}
	for k := range s[1] {
		g.Heads = append(g.Heads, fmt.Sprintf("head %d", k+1))
	}
	size := s[2] * s[3]
	for n, img := range images {
		g.Images = append(g.Images, img)
		for k := range s[1] {
			at := (n*s[1] + k) * size
			g.Images = append(g.Images, Overlay(img, s[2], s[3], maps.Data()[at:at+size]))
		}
	}
	return g
}

// Overlay lets an image glow where weights [h,w], spread evenly over it, are
// high.
func Overlay(img image.Image, h, w int, weights []float32) image.Image {
	if h <= 0 || w <= 0 || len(weights) != h*w {
		return faulty(fmt.Errorf("plots: %d weights for %d×%d patches", len(weights), h, w))
	}
	if _, bad := img.(failed); bad || img == nil {
		return img
	}
	most := float32(0)
	for _, v := range weights {
		most = max(most, v) // NaN where one is, and then all is dark
	}
	return repainted(img, func(x, y int, c color.NRGBA) color.NRGBA {
		b := img.Bounds()
		v := weights[y*h/b.Dy()*w+x*w/b.Dx()]
		t := 0.0
		if most > 0 {
			t = float64(v / most)
		}
		return mix(c, embers.at(t), 0.7)
	})
}

// Masked covers square patches of an image, of the given side in pixels, with
// gray: those, row by row, of which mask is true.
func Masked(img image.Image, patch int, mask []bool) image.Image {
	if _, bad := img.(failed); bad || img == nil {
		return img
	}
	b := img.Bounds()
	if patch <= 0 || b.Dx()%patch != 0 || b.Dy()%patch != 0 || len(mask) != b.Dx()/patch*(b.Dy()/patch) {
		return faulty(fmt.Errorf("plots: a mask of %d patches of side %d for an image of %d×%d", len(mask), patch, b.Dx(), b.Dy()))
	}
	return repainted(img, func(x, y int, c color.NRGBA) color.NRGBA {
		if mask[y/patch*(b.Dx()/patch)+x/patch] {
			return color.NRGBA{0x99, 0x99, 0x99, 255}
		}
		return c
	})
}

// repainted returns an image with its pixels changed.
func repainted(img image.Image, change func(x, y int, c color.NRGBA) color.NRGBA) image.Image {
	b := img.Bounds()
	to := image.NewNRGBA(image.Rect(0, 0, b.Dx(), b.Dy()))
	for y := range b.Dy() {
		for x := range b.Dx() {
			c := color.NRGBAModel.Convert(img.At(b.Min.X+x, b.Min.Y+y)).(color.NRGBA)
			to.SetNRGBA(x, y, change(x, y, c))
		}
	}
	return to
}

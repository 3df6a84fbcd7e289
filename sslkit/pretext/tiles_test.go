package pretext

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"sslnotes/sslkit"
	"sslnotes/sslkit/augment"
	"sslnotes/sslkit/data"
	"sslnotes/sslkit/nn"
	"sslnotes/sslkit/rng"
	"sslnotes/sslkit/tensor"
)

var gray28 = data.Spec{Height: 28, Width: 28, Channels: 1, Mean: []float32{0.3}, Std: []float32{0.4}}

// coordinates is an image whose pixels tell their place.
func coordinates() data.Image {
	img := data.Image{H: 28, W: 28, C: 1, Pix: make([]float32, 28*28)}
	for i := range img.Pix {
		img.Pix[i] = float32(i)
	}
	return img
}

// Over many draws, tiles stay in their cells, so that two neighbours are at
// least the promised gap apart, and every offset comes up.
func TestTilesKeepTheirDistance(t *testing.T) {
	g := grid{side: 3, cell: 9, tile: 6, jitter: 1}
	dst := data.Image{H: 6, W: 6, C: 1, Pix: make([]float32, 36)}
	src := coordinates()
	offsets := map[int]int{}
	for i := range 10000 {
		v := i % 9
		g.draw(&dst, src, v, rng.New(1, "view", uint64(i)))
		y, x := int(dst.Pix[0])/28, int(dst.Pix[0])%28
		dy, dx := y-v/3*9, x-v%3*9
		offsets[3*dy+dx]++
		if dy < 0 || dy > 2 || dx < 0 || dx > 2 {
			t.Fatalf("tile %d begins at (%d,%d), outside its share of its cell", v, y, x)
		}
		if last := int(dst.Pix[35]); last != (y+5)*28+x+5 {
			t.Fatalf("tile %d is not a square of the image", v)
		}
	}
	if len(offsets) != 9 {
		t.Errorf("%d offsets came up, want 9", len(offsets))
	}
}

// gap is the least number of pixels seen between two neighbouring tiles in many
// draws of their places.
func gap(g grid, size int) int {
	src := data.Image{H: size, W: size, C: 1, Pix: make([]float32, size*size)}
	for i := range src.Pix {
		src.Pix[i] = float32(i)
	}
	dst := data.Image{H: g.tile, W: g.tile, C: 1, Pix: make([]float32, g.tile*g.tile)}
	least := size
	for c := range g.side - 1 {
		last, first := 0, size
		for i := range uint64(200) {
			g.standardise = false
			g.draw(&dst, src, c, rng.New(1, "left", uint64(c), i))
			last = max(last, int(dst.Pix[g.tile-1])%size)
			g.draw(&dst, src, c+1, rng.New(1, "right", uint64(c), i))
			first = min(first, int(dst.Pix[0])%size)
		}
		least = min(least, first-last-1)
	}
	return least
}

// Whatever the image and the encoder, by default there is a pixel between any
// two tiles, as there is with the largest jitter that is accepted, and the next
// larger one is refused by name. Tiles as large as their cells switch that off.
func TestTilesNeverTouch(t *testing.T) {
	setup := sslkit.Setup{Seed: 1, Steps: 1, BatchSize: 4}
	for size := 12; size <= 64; size += 4 {
		in := data.Spec{Height: size, Width: size, Channels: 1, Mean: []float32{0}, Std: []float32{1}}
		for _, plan := range []nn.Plan{nn.ConvNet{Channels: []int{2}}, nn.ViT{PatchSize: 2, Width: 4, Depth: 1, Heads: 1}} {
			e, err := plan.Build(nn.Input{Height: size, Width: size, Channels: 1}, rng.New(1, "e"))
			if err != nil {
				t.Fatal(err)
			}
			for side := 2; side <= 4; side++ {
				m := &Jigsaw{Side: side, Permutations: 2}
				if _, err := m.Build(e, in, setup); err != nil {
					t.Errorf("%d pixels, %d a side: %v", size, side, err)
					continue
				}
				if got := gap(m.cut, size); got < 1 {
					t.Errorf("%d pixels, %d a side: tiles of %d in cells of %d, moved by %d, are %d apart", size, side, m.Tile, m.cut.cell, m.Jitter, got)
				}
				least := gap(grid{side: side, cell: m.cut.cell, tile: m.Tile}, size)
				for jitter := 1; ; jitter++ {
					j := &Jigsaw{Side: side, Permutations: 2, Jitter: jitter}
					if _, err := j.Build(e, in, setup); err != nil {
						if least > 2 || !strings.Contains(err.Error(), "Jigsaw.Jitter") {
							t.Errorf("%d pixels, %d a side: with less jitter tiles are %d apart, with %d: %v", size, side, least, jitter, err)
						}
						break
					}
					if least = gap(j.cut, size); least < 1 {
						t.Errorf("%d pixels, %d a side, Jitter %d: tiles are %d apart", size, side, jitter, least)
					}
				}
				j := &Jigsaw{Side: side, Permutations: 2, Tile: m.cut.cell, Jitter: -1}
				if _, err := j.Build(e, in, setup); m.cut.cell%nn.Patch(e) == 0 && (err != nil || gap(j.cut, size) != 0) {
					t.Errorf("%d pixels, %d a side: tiles as large as their cells: error %v", size, side, err)
				}
			}
			c := &Context{}
			if _, err := c.Build(e, in, setup); err != nil || gap(c.cut, size) < 1 {
				t.Errorf("%d pixels: patches are %d apart, error %v", size, gap(c.cut, size), err)
			}
		}
	}
}

// The places of the tiles of images of 28 pixels.
func TestTilesOf28(t *testing.T) {
	e, err := nn.ConvNet{Channels: []int{2}}.Build(nn.Input{Height: 28, Width: 28, Channels: 1}, rng.New(1, "e"))
	if err != nil {
		t.Fatal(err)
	}
	jigsaw, context := &Jigsaw{}, &Context{}
	for _, m := range []sslkit.Method{jigsaw, context} {
		if _, err := m.Build(e, gray28, sslkit.Setup{Seed: 1, Steps: 1, BatchSize: 4}); err != nil {
			t.Fatal(err)
		}
	}
	if jigsaw.Tile != 6 || jigsaw.Jitter != 1 || context.Patch != 6 || context.Jitter != 1 {
		t.Errorf("tiles of %d moved by %d, patches of %d moved by %d, want 6 and 1", jigsaw.Tile, jigsaw.Jitter, context.Patch, context.Jitter)
	}
}

// What Augment does to a tile changes no tile's place, draws for each by itself, and is
// not shown as what the image holds.
func TestTilesOfOneColour(t *testing.T) {
	in := data.Spec{Height: 12, Width: 12, Channels: 3, Mean: make([]float32, 3), Std: []float32{1, 1, 1}}
	plain := grid{side: 3, cell: 4, tile: 2, jitter: 0}
	one := plain
	one.colours = augment.Chain{augment.DropColour{}}
	x := images(20, 12, 12*3)
	x = tensor.Reshape(x, 20, 12, 12, 3)
	as, _ := plain.tiles(x, in, 1)
	seen, bare := one.tiles(x, in, 1)
	var kept [3]int
	for v := range as {
		if !slices.Equal(bare[v].Data(), as[v].Data()) {
			t.Fatalf("tile %d is not shown as the image has it", v)
		}
		for i := range 20 {
			was, is := as[v].Data()[12*i:12*i+12], seen[v].Data()[12*i:12*i+12]
			for c := range kept {
				if was[c] == is[c] && was[c+3] == is[c+3] && was[c+6] == is[c+6] && was[c+9] == is[c+9] {
					kept[c]++
				}
			}
		}
	}
	if total := kept[0] + kept[1] + kept[2]; total != 180 || min(kept[0], kept[1], kept[2]) < 40 {
		t.Errorf("colours stay in %v tiles of 180, want one in each and each as often", kept)
	}
}

func TestStandardise(t *testing.T) {
	x := []float32{1, 2, 3, 6}
	standardise(x)
	var sum, square float64
	for _, v := range x {
		sum, square = sum+float64(v), square+float64(v)*float64(v)
	}
	if math.Abs(sum) > 1e-6 || math.Abs(square/4-1) > 1e-6 {
		t.Errorf("mean %g and variance %g, want 0 and 1", sum/4, square/4)
	}
	flat := []float32{3, 3}
	standardise(flat)
	if flat[0] != 0 || flat[1] != 0 {
		t.Errorf("a flat tile becomes %v, want zeros", flat)
	}
}

func TestPermutations(t *testing.T) {
	list := Permutations(9, 64, rng.New(1, "p"))
	seen := map[string]bool{}
	nearest, total, pairs := 9, 0, 0
	for i, p := range list {
		seen[fmt.Sprint(p)] = true
		var places [9]int
		for _, v := range p {
			places[v]++
		}
		if places != [9]int{1, 1, 1, 1, 1, 1, 1, 1, 1} {
			t.Fatalf("%v is no permutation", p)
		}
		for _, q := range list[:i] {
			d := hamming(p, q)
			nearest, total, pairs = min(nearest, d), total+d, pairs+1
		}
	}
	t.Logf("Hamming distances: at least %d, %.2f on average", nearest, float64(total)/float64(pairs))
	if len(seen) != 64 || nearest < 5 {
		t.Errorf("%d different permutations, the nearest %d apart", len(seen), nearest)
	}
	// All 24 of four places: the mean share of places that differ is 0.7826.
	all, total, pairs := Permutations(4, 24, rng.New(1, "p")), 0, 0
	for i, p := range all {
		for _, q := range all[:i] {
			total, pairs = total+hamming(p, q), pairs+1
		}
	}
	if mean := float64(total) / float64(pairs) / 4; len(all) != 24 || math.Abs(mean-0.7826) > 1e-4 {
		t.Errorf("%d orders of four, mean distance %.4f", len(all), mean)
	}
}

// puzzle builds a method on a small encoder with a head of zeros and returns its
// first loss.
func puzzle(t *testing.T, m sslkit.Method, last int) float64 {
	t.Helper()
	e, err := nn.ConvNet{Channels: []int{4, 6}}.Build(nn.Input{Height: 28, Width: 28, Channels: 1}, rng.New(1, "e"))
	if err != nil {
		t.Fatal(err)
	}
	heads, err := m.Build(e, gray28, sslkit.Setup{Seed: 1, Steps: 10, BatchSize: 6})
	if err != nil {
		t.Fatal(err)
	}
	clear(heads.Params()[last].Value.Data())
	v := m.(sslkit.Viewer)
	var b data.Batch
	for i, spec := range v.Views(gray28) {
		x := tensor.New(6, spec.Height, spec.Width, 1)
		size := spec.Height * spec.Width
		img := data.Image{H: spec.Height, W: spec.Width, C: 1, Pix: make([]float32, size)}
		for n := range 6 {
			v.View(&img, coordinates(), i, rng.New(1, "view", uint64(n), uint64(i)))
			spec.Normalise(x.Data()[n*size:(n+1)*size], img)
		}
		b.Views = append(b.Views, x)
	}
	return float64(m.Loss(b, sslkit.NewStep(0, 10, 0, 1, nil)).Item())
}

// solver builds a method without jitter on a small encoder and returns it with
// 40 random images and the features of each of their standardised tiles, one
// passed at a time.
func solver(t *testing.T, m sslkit.Method) (x *tensor.Tensor, features [][][]float32) {
	t.Helper()
	e, err := nn.ConvNet{Channels: []int{4, 6}}.Build(nn.Input{Height: 28, Width: 28, Channels: 1}, rng.New(1, "e"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := m.Build(e, gray28, sslkit.Setup{Seed: 1, Steps: 10, BatchSize: 6}); err != nil {
		t.Fatal(err)
	}
	x = images(40, 28, 28)
	for i := range 40 {
		features = append(features, nil)
		for cell := range 9 {
			tile := tensor.FromSlice(tileOf(x, i, cell), 1, 6, 6, 1)
			standardise(tile.Data())
			features[i] = append(features[i], e.Forward(tile, false).Data())
		}
	}
	return x, features
}

// tileOf copies the 6×6 pixels in the middle of a cell of 9×9 of image i.
func tileOf(x *tensor.Tensor, i, cell int) (tile []float32) {
	for y := range 6 {
		at := (i*28+cell/3*9+1+y)*28 + cell%3*9 + 1
		tile = append(tile, x.Data()[at:at+6]...)
	}
	return tile
}

// alike says whether two tiles are the same but for roundings.
func alike(a, b []float32) bool {
	for i, v := range a {
		if d := v - b[i]; d > 1e-5 || d < -1e-5 {
			return false
		}
	}
	return true
}

// The puzzles that Solve shows are orders of the list, its answers those that
// the head gives tile by tile, and its pictures hold nothing but the tiles.
func TestJigsawSolve(t *testing.T) {
	m := &Jigsaw{Jitter: -1}
	x, features := solver(t, m)
	shuffled, solved := m.Solve(x, 5)
	orders, answers := map[int]bool{}, map[int]bool{}
	for i := range 40 {
		asked := slices.IndexFunc(m.list, func(order []int) bool {
			for place, cell := range order {
				if !alike(tileOf(shuffled, i, place), tileOf(x, i, cell)) {
					return false
				}
			}
			return true
		})
		if asked < 0 {
			t.Fatalf("image %d is in no order of the list", i)
		}
		var joined []float32
		for _, cell := range m.list[asked] {
			joined = append(joined, features[i][cell]...)
		}
		answer := tensor.Argmax(m.head.Forward(tensor.FromSlice(joined, 1, len(joined)), false))[0]
		for place, cell := range m.list[asked] {
			if !alike(tileOf(solved, i, m.list[answer][place]), tileOf(x, i, cell)) {
				t.Fatalf("image %d: the tile in place %d is not where answer %d puts it", i, place, answer)
			}
		}
		orders[asked], answers[answer] = true, true
	}
	if len(orders) < 10 || len(answers) < 2 {
		t.Errorf("%d orders and %d answers for 40 images", len(orders), len(answers))
	}
	onlyTiles(t, shuffled, 9)
	onlyTiles(t, solved, 9)
}

// The pairs that Place shows are of the middle and a neighbour, and its answers
// those that the head gives patch by patch.
func TestContextPlace(t *testing.T) {
	m := &Context{Jitter: -1}
	x, features := solver(t, m)
	lying, placed := m.Place(x, 5)
	neighbours, answers := map[int]bool{}, map[int]bool{}
	for i := range 40 {
		var shown []int
		for cell := range 9 {
			if alike(tileOf(lying, i, cell), tileOf(x, i, cell)) {
				shown = append(shown, cell)
			}
		}
		if len(shown) != 2 || shown[0] != 4 && shown[1] != 4 || !alike(tileOf(placed, i, 4), tileOf(x, i, 4)) {
			t.Fatalf("image %d shows the patches %v, want the middle and a neighbour", i, shown)
		}
		cell := shown[0] + shown[1] - 4
		joined := slices.Concat(features[i][4], features[i][cell])
		answer := tensor.Argmax(m.head.Forward(tensor.FromSlice(joined, 1, len(joined)), false))[0]
		if to := []int{0, 1, 2, 3, 5, 6, 7, 8}[answer]; !alike(tileOf(placed, i, to), tileOf(x, i, cell)) {
			t.Fatalf("image %d: the neighbour is not at %d, where answer %d puts it", i, to, answer)
		}
		neighbours[cell], answers[answer] = true, true
	}
	if len(neighbours) != 8 || len(answers) < 2 {
		t.Errorf("%d neighbours and %d answers for 40 images", len(neighbours), len(answers))
	}
	onlyTiles(t, lying, 2)
	onlyTiles(t, placed, 2)
}

// onlyTiles wants every image to be 0 but for n tiles of 6×6.
func onlyTiles(t *testing.T, x *tensor.Tensor, n int) {
	t.Helper()
	for i := range x.Dim(0) {
		drawn := 0
		for _, v := range x.Data()[i*28*28 : (i+1)*28*28] {
			if v != 0 {
				drawn++
			}
		}
		if drawn != n*36 {
			t.Fatalf("image %d has %d pixels that are not the mean, want %d tiles of 36", i, drawn, n)
		}
	}
}

func TestPuzzlesStartAtChance(t *testing.T) {
	if got := puzzle(t, &Jigsaw{}, 3); math.Abs(got-math.Log(64)) > 1e-5 {
		t.Errorf("jigsaw: %g, want ln 64", got)
	}
	if got := puzzle(t, &Context{}, 3); math.Abs(got-math.Log(8)) > 1e-5 {
		t.Errorf("context: %g, want ln 8", got)
	}
}

// Every pair is used both ways, and the two labels add up to 7.
func TestContextPairs(t *testing.T) {
	first, second, labels := pairs(5)
	var counts [8]int
	for i, l := range labels {
		counts[l]++
		j := i ^ 1
		if first[i] != second[j] || second[i] != first[j] || l+labels[j] != 7 {
			t.Fatalf("pair %d is not the turned pair %d", i, j)
		}
		if first[i]%5 != second[i]%5 {
			t.Fatalf("pair %d joins two images", i)
		}
	}
	if counts != [8]int{10, 10, 10, 10, 10, 10, 10, 10} {
		t.Errorf("counts %v", counts)
	}
}

func TestPuzzlesRefuseBadFields(t *testing.T) {
	e, err := nn.ConvNet{}.Build(nn.Input{Height: 28, Width: 28, Channels: 1}, rng.New(1, "e"))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		m    sslkit.Method
		want string
	}{
		{&Jigsaw{Side: 1}, "Jigsaw.Side"}, {&Jigsaw{Tile: 12}, "Jigsaw.Tile is 12, want 2 to the 9"}, {&Jigsaw{Jitter: 5}, "Jigsaw.Jitter is 5, want at most 1"},
		{&Jigsaw{Side: 2, Permutations: 25}, "Jigsaw.Permutations"}, {&Context{Patch: 30}, "Context.Patch is 30, want 2 to the 9"}, {&Context{Jitter: 2}, "Context.Jitter is 2, want at most 1"}, {&Context{Hidden: -1}, "Context.Hidden"},
	} {
		if _, err := c.m.Build(e, gray28, sslkit.Setup{Steps: 1, BatchSize: 4}); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: error %v, want one that says %q", c.m, err, c.want)
		}
	}
}

package pack

import (
	"cmp"
	"image"
	"slices"
)

// A colour is red, green, blue and alpha, the first three multiplied by alpha.
type colour [4]uint8

// A counted colour occurs n times.
type counted struct {
	colour
	n uint64
}

// palette returns 256 colours for the pictures, and each picture by the index
// of the nearest. The first is transparent. It divides the set of colours at
// the median of its widest side (Heckbert 1982), then moves every colour to the
// mean of the pixels nearest to it; all in integers, so that it gives the same
// on every machine.
func palette(pictures []*image.RGBA) (colours []colour, indices [][]uint8) {
	count := map[colour]uint64{}
	for _, p := range pictures {
		if p == nil {
			continue
		}
		for i := 0; i < len(p.Pix); i += 4 {
			count[colour(p.Pix[i:i+4])]++
		}
	}
	delete(count, colour{})
	all := make([]counted, 0, len(count))
	for c, n := range count {
		all = append(all, counted{c, n})
	}
	slices.SortFunc(all, func(a, b counted) int { return slices.Compare(a.colour[:], b.colour[:]) })
	colours = append([]colour{{}}, settle(all, divide(all, 255), 6)...)
	nearest := map[colour]uint8{}
	indices = make([][]uint8, len(pictures))
	for i, p := range pictures {
		if p == nil {
			continue
		}
		indices[i] = make([]uint8, len(p.Pix)/4)
		for j := range indices[i] {
			c := colour(p.Pix[4*j : 4*j+4])
			at, ok := nearest[c]
			if !ok {
				at = uint8(closest(colours, c))
				nearest[c] = at
			}
			indices[i][j] = at
		}
	}
	return colours, indices
}

// divide cuts the colours into n boxes and returns their means.
func divide(all []counted, n int) []colour {
	boxes := [][]counted{slices.Clone(all)}
	for len(boxes) < n {
		box, side, most := -1, 0, uint64(0)
		for i, b := range boxes {
			if s, spread := widest(b); spread > most {
				box, side, most = i, s, spread
			}
		}
		if box < 0 {
			break // every box is one colour
		}
		low, high := halve(boxes[box], side)
		boxes[box] = low
		boxes = append(boxes, high)
	}
	means := make([]colour, len(boxes))
	for i, b := range boxes {
		var m meaning
		for _, c := range b {
			m.add(c)
		}
		means[i] = m.colour()
	}
	return means
}

// widest returns the channel in which the box varies most, and the sum of its
// squared distances to the mean there, rounded down.
func widest(box []counted) (side int, spread uint64) {
	for s := range 4 {
		var n, sum, square uint64
		for _, c := range box {
			v := uint64(c.colour[s])
			n, sum, square = n+c.n, sum+c.n*v, square+c.n*v*v
		}
		if v := square - sum*sum/n; v > spread {
			side, spread = s, v
		}
	}
	return side, spread
}

// halve cuts a box at the mean of a channel. Both halves have a colour.
func halve(box []counted, side int) (low, high []counted) {
	slices.SortStableFunc(box, func(a, b counted) int { return cmp.Compare(a.colour[side], b.colour[side]) })
	var n, sum uint64
	for _, c := range box {
		n, sum = n+c.n, sum+c.n*uint64(c.colour[side])
	}
	at := slices.IndexFunc(box, func(c counted) bool { return uint64(c.colour[side])*n > sum })
	return box[:at:at], box[at:]
}

// meaning sums colours up.
type meaning struct {
	sum [4]uint64
	n   uint64
}

func (m *meaning) add(c counted) {
	for s := range m.sum {
		m.sum[s] += c.n * uint64(c.colour[s])
	}
	m.n += c.n
}

func (m *meaning) colour() (c colour) {
	for s := range c {
		c[s] = uint8((m.sum[s] + m.n/2) / m.n)
	}
	return c
}

// settle moves the colours by rounds of Lloyd's algorithm.
func settle(all []counted, colours []colour, rounds int) []colour {
	for range rounds {
		sums := make([]meaning, len(colours))
		for _, c := range all {
			sums[closest(colours, c.colour)].add(c)
		}
		for i := range colours {
			if sums[i].n > 0 {
				colours[i] = sums[i].colour()
			}
		}
	}
	return colours
}

// closest returns the index of the colour at the least distance, which is that
// on black plus that on white.
func closest(colours []colour, c colour) int {
	best, least := 0, 1<<62
	for i, p := range colours {
		d := 0
		alpha := int(p[3]) - int(c[3])
		for s := range 3 {
			v := int(p[s]) - int(c[s])
			d += v*v + (v-alpha)*(v-alpha)
		}
		if d < least {
			best, least = i, d
		}
	}
	return best
}

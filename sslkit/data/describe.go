package data

import (
	"image"
	"image/color"
	"math"
)

// ColourNames are the eleven basic colour terms of English (Berlin and Kay, Basic
// Color Terms, 1969).
var ColourNames = []string{"black", "white", "red", "green", "yellow", "blue", "brown", "purple", "pink", "orange", "gray"}

// shades are of each name the sRGB colours that people called so in the xkcd
// colour survey (Munroe 2010, public domain): plain, light, dark, bright and dull,
// where it has them. Golden yellow, golden brown and pea green are added, as
// pictures have much of them; dark gray is left out, as it is what pictures have
// for black.
var shades = [][]uint32{
	{0x000000},
	{0xffffff},
	{0xe50000, 0xff474c, 0x840000, 0xff000d, 0xbb3f3f},
	{0x15b01a, 0x96f97b, 0x033500, 0x01ff07, 0x74a662, 0x8eab12},
	{0xffff14, 0xfffe7a, 0xd5b60a, 0xfffd01, 0xeedc5b, 0xfec615},
	{0x0343df, 0x95d0fc, 0x00035b, 0x0165fc, 0x49759c},
	{0x653700, 0xad8150, 0x341c02, 0x876e4b, 0xb27a01},
	{0x7e1e9c, 0xbf77f6, 0x35063e, 0xbe03fd, 0x84597e},
	{0xff81c0, 0xffd1df, 0xcb416b, 0xfe01b1, 0xd5869d},
	{0xf97306, 0xfdaa48, 0xc65102, 0xff5b00, 0xd8863b},
	{0x929591, 0xd8dcd6},
}

// Describe says what can be measured of a picture, in phrases: what is true of
// these pixels, whatever they show. Where a measurement is not clear, it says
// nothing of it. Pixels whose alpha is less than a half are not there; of a picture
// with fewer than 16 that are, it says nothing at all.
//
// A pixel has the name of ColourNames to which the nearest of some 50 shades
// belongs, if that is within 30 in L*a*b* (see Lab), and all shades of other names
// are farther away by at least 5. These are the phrases, in their order:
//
//   - a name of ColourNames: at least a third of the pixels have it
//   - "one colour": at least nine in ten pixels have the same name
//   - "many colours": at least a tenth of the pixels has each of four names
//   - "light": the mean L of the pixels is at least 75; "dark": at most 35
//   - "wide", "tall": the box around the pixels is half again as wide as it is
//     high, or more; as high as it is wide
//   - "round": the sides of that box differ by a tenth at most, and of the pixels
//     that are there or within the ellipse in the box, 95 % are both
//   - "symmetric": mirrored from left to right in that box, at least 98 % of the
//     pixels fall on one that is within 10 in L*a*b*
func Describe(img image.Image) []string {
	b := img.Bounds()
	known := map[color.NRGBA]tone{}
	tones := make([]tone, 0, b.Dx()*b.Dy())
	for y := b.Min.Y; y < b.Max.Y; y++ {
		for x := b.Min.X; x < b.Max.X; x++ {
			c := color.NRGBAModel.Convert(img.At(x, y)).(color.NRGBA)
			t, ok := known[c]
			if !ok {
				t = toneOf(c)
				known[c] = t
			}
			tones = append(tones, t)
		}
	}
	return describe(tones, b.Dx())
}

// A tone is a pixel as Describe sees it.
type tone struct {
	there bool
	lab   [3]float64
	name  int // of ColourNames, or -1
}

// shadeTones are the places of the shades in L*a*b*.
var shadeTones = func() (all [][][3]float64) {
	for _, of := range shades {
		var places [][3]float64
		for _, s := range of {
			places = append(places, place(uint8(s>>16), uint8(s>>8), uint8(s)))
		}
		all = append(all, places)
	}
	return all
}()

func place(red, green, blue uint8) [3]float64 {
	l, a, b := Lab(float32(red)/255, float32(green)/255, float32(blue)/255)
	return [3]float64{float64(l), float64(a), float64(b)}
}

// apart is the distance of two places.
func apart(p, q [3]float64) float64 {
	var sum float64
	for i, v := range p {
		sum += float64((v - q[i]) * (v - q[i]))
	}
	return math.Sqrt(sum)
}

func toneOf(c color.NRGBA) tone {
	t := tone{there: c.A >= 128, lab: place(c.R, c.G, c.B), name: -1}
	first, second := math.Inf(1), math.Inf(1)
	for name, places := range shadeTones {
		nearest := math.Inf(1)
		for _, p := range places {
			nearest = min(nearest, apart(t.lab, p))
		}
		if nearest < first {
			t.name, first, second = name, nearest, first
		} else {
			second = min(second, nearest)
		}
	}
	if first > 30 || second < first+5 {
		t.name = -1
	}
	return t
}

// describe is Describe of pixels row by row.
func describe(tones []tone, width int) (phrases []string) {
	there, named, light := 0, make([]int, len(ColourNames)), 0.0
	left, right, top, bottom := width, 0, len(tones), 0 // of the box, the first within and the first beyond
	for i, t := range tones {
		if !t.there {
			continue
		}
		there++
		light += t.lab[0]
		if t.name >= 0 {
			named[t.name]++
		}
		left, right = min(left, i%width), max(right, i%width+1)
		top, bottom = min(top, i/width), max(bottom, i/width+1)
	}
	if there < 16 {
		return nil
	}
	say := func(phrase string, is bool) {
		if is {
			phrases = append(phrases, phrase)
		}
	}
	most, some := 0, 0
	for i, n := range named {
		say(ColourNames[i], 3*n >= there)
		most = max(most, n)
		if 10*n >= there {
			some++
		}
	}
	say("one colour", 10*most >= 9*there)
	say("many colours", some >= 4)
	say("light", light >= float64(75*there))
	say("dark", light <= float64(35*there))

	w, h := right-left, bottom-top
	both, either, alike := 0, 0, 0
	for y := range h {
		for x := range w {
			t, mirrored := tones[(top+y)*width+left+x], tones[(top+y)*width+right-1-x]
			// (2x+1-w)²/w² + (2y+1-h)²/h² ≤ 1
			u, v := (2*x+1-w)*h, (2*y+1-h)*w
			within := u*u+v*v <= w*w*h*h
			if t.there && within {
				both++
			}
			if t.there || within {
				either++
			}
			if t.there && mirrored.there && apart(t.lab, mirrored.lab) <= 10 {
				alike++
			}
		}
	}
	say("wide", 2*w >= 3*h)
	say("tall", 2*h >= 3*w)
	say("round", 10*min(w, h) >= 9*max(w, h) && 100*both >= 95*either)
	say("symmetric", 100*alike >= 98*there)
	return phrases
}

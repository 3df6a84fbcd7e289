package data

import (
	"image"
	"image/color"
	"slices"
	"strings"
	"testing"
)

// drawn is a picture of w×h pixels, each of the colour that at gives.
func drawn(w, h int, at func(x, y int) color.Color) image.Image {
	img := image.NewNRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			img.Set(x, y, at(x, y))
		}
	}
	return img
}

// disc paints what lies within r pixels of the middle of 32×32, the rest is
// transparent.
func disc(r int, paint func(x, y int) color.Color) image.Image {
	return drawn(32, 32, func(x, y int) color.Color {
		if u, v := 2*x-31, 2*y-31; u*u+v*v > 4*r*r {
			return color.NRGBA{}
		}
		return paint(x, y)
	})
}

// block is w×h pixels of one colour in 32×32.
func block(w, h int, c color.Color) image.Image {
	return drawn(32, 32, func(x, y int) color.Color {
		if x >= w || y >= h {
			return color.NRGBA{}
		}
		return c
	})
}

func TestDescribe(t *testing.T) {
	halves := func(a, b color.Color, across func(x, y int) bool) func(x, y int) color.Color {
		return func(x, y int) color.Color {
			if across(x, y) {
				return a
			}
			return b
		}
	}
	blue, yellow, black, lime := color.NRGBA{0, 80, 230, 255}, color.NRGBA{255, 235, 30, 255}, color.NRGBA{0, 0, 0, 255}, color.NRGBA{188, 206, 69, 255}
	left := func(x, _ int) bool { return x < 16 }
	top := func(_, y int) bool { return y < 16 }
	all := func(c color.Color) func(int, int) color.Color { return func(int, int) color.Color { return c } }
	for name, c := range map[string]struct {
		img  image.Image
		want string
	}{
		"a red disc":                 {disc(14, all(red)), "red, one colour, round, symmetric"},
		"a small one":                {disc(6, all(red)), "red, one colour, round, symmetric"},
		"a black one":                {disc(14, all(black)), "black, one colour, dark, round, symmetric"},
		"half red, half blue":        {disc(14, halves(red, blue, left)), "red, blue, round"},
		"red above blue":             {disc(14, halves(red, blue, top)), "red, blue, round, symmetric"},
		"a fifth blue":               {disc(14, halves(red, blue, func(_, y int) bool { return y < 22 })), "red, round, symmetric"},
		"between green and yellow":   {disc(14, all(lime)), "light, round, symmetric"},
		"far from all names":         {disc(14, all(color.NRGBA{0, 200, 200, 255})), "round, symmetric"},
		"half seen through":          {disc(14, all(color.NRGBA{255, 0, 0, 128})), "red, one colour, round, symmetric"},
		"seen through more":          {disc(14, all(color.NRGBA{255, 0, 0, 127})), ""},
		"a ring":                     {disc(14, halves(color.NRGBA{}, red, func(x, y int) bool { return (2*x-31)*(2*x-31)+(2*y-31)*(2*y-31) < 144 })), "red, one colour, symmetric"},
		"a square":                   {block(20, 20, yellow), "yellow, one colour, light, symmetric"},
		"half again as wide":         {block(30, 20, yellow), "yellow, one colour, light, wide, symmetric"},
		"a little less wide":         {block(29, 20, yellow), "yellow, one colour, light, symmetric"},
		"half again as high":         {block(20, 30, yellow), "yellow, one colour, light, tall, symmetric"},
		"a triangle":                 {drawn(20, 20, halves(red, color.NRGBA{}, func(x, y int) bool { return x <= y })), "red, one colour"},
		"four quarters":              {drawn(20, 20, func(x, y int) color.Color { return []color.Color{red, blue, yellow, black}[x/10+y/10*2] }), "many colours"},
		"three quarters":             {drawn(20, 20, func(x, y int) color.Color { return []color.Color{red, blue, yellow, blue}[x/10+y/10*2] }), "blue"},
		"fifteen pixels":             {block(5, 3, red), ""},
		"nothing":                    {block(0, 0, red), ""},
		"no pixels":                  {image.NewNRGBA(image.Rectangle{}), ""},
		"a picture that is not at 0": {disc(14, all(red)).(*image.NRGBA).SubImage(image.Rect(2, 2, 31, 31)), "red, one colour, round, symmetric"},
	} {
		if got := strings.Join(Describe(c.img), ", "); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

// Every name is that of each of its own shades, and of a gray nothing else is
// said than black, gray or white.
func TestColourNames(t *testing.T) {
	if len(ColourNames) != 11 || len(shades) != len(ColourNames) {
		t.Fatalf("%d names, %d lists of shades", len(ColourNames), len(shades))
	}
	for i, name := range ColourNames {
		for _, s := range shades[i] {
			got := Describe(block(8, 8, color.NRGBA{uint8(s >> 16), uint8(s >> 8), uint8(s), 255}))
			if !slices.Contains(got, name) || !slices.Contains(got, "one colour") {
				t.Errorf("%s %06x is described as %q", name, s, got)
			}
		}
	}
	for level := range 256 {
		g := uint8(level)
		for _, p := range Describe(block(8, 8, color.NRGBA{g, g, g, 255})) {
			if at := slices.Index(ColourNames, p); at >= 0 && p != "black" && p != "gray" && p != "white" {
				t.Errorf("gray of the level %d is %s", level, p)
			}
		}
	}
}

// What is said of some emoji is what anybody sees.
func TestDescribeEmoji(t *testing.T) {
	e, err := LoadEmoji()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ style, name, want, not string }{
		{"twitter", "red heart", "red, one colour, symmetric", "round, pink"},
		{"google", "red heart", "red, one colour", "pink"},
		{"twitter", "red apple", "red", "green, wide, tall"},
		{"twitter", "green apple", "green, one colour", "red, yellow"},
		{"google", "evergreen tree", "green", "brown"},
		{"twitter", "evergreen tree", "green, symmetric", "round"},
		{"google", "grinning face", "yellow, round", "orange, many colours"},
		{"twitter", "grinning face", "yellow, round, light, symmetric", "orange, dark"},
		{"blobs", "grinning face", "yellow, symmetric", "orange"},
		{"flat", "black circle", "black, one colour, dark, round, symmetric", "gray, light"},
		{"firefox", "black circle", "black, one colour, dark, round, symmetric", "gray"},
		{"twitter", "blue heart", "blue, one colour, symmetric", "purple"},
		{"google", "purple heart", "purple", "blue, pink"},
		{"flat", "white circle", "white, light, round, symmetric", "dark"},
		{"twitter", "orange circle", "orange, one colour, round", "yellow, red"},
		{"google", "flag: Japan", "white, light", "red, one colour, tall"},
		{"twitter", "flag: France", "", "one colour, tall, round"},
		{"google", "rainbow", "many colours", "one colour"},
		{"google", "straight ruler", "", "red, round"},
	} {
		style := slices.Index(e.Styles(), c.style)
		concept := slices.IndexFunc(e.Concepts(), func(k EmojiConcept) bool { return k.Name == c.name })
		if concept < 0 {
			t.Errorf("no %s", c.name)
			continue
		}
		got := e.Describe(style, concept)
		for _, w := range strings.Split(c.want, ", ") {
			if w != "" && !slices.Contains(got, w) {
				t.Errorf("%s of %s: %q, want %q", c.name, c.style, got, w)
			}
		}
		for _, w := range strings.Split(c.not, ", ") {
			if slices.Contains(got, w) {
				t.Errorf("%s of %s: %q, and %q is not true", c.name, c.style, got, w)
			}
		}
	}
	none := slices.IndexFunc(e.Concepts(), func(k EmojiConcept) bool { return k.Name == "nerd face" })
	if got := e.Describe(slices.Index(e.Styles(), "firefox"), none); got != nil {
		t.Errorf("a picture that is not there: %q", got)
	}
}

// Captions gain what is measured of that very picture, and nothing else changes.
func TestDescribedCaptions(t *testing.T) {
	plain, _, err := Open("emoji-google-twitter")
	if err != nil {
		t.Fatal(err)
	}
	said, test, err := Open("emoji-google-twitter/described")
	if err != nil {
		t.Fatal(err)
	}
	if said.Digest() == plain.Digest() || said.Len() != plain.Len() || !slices.Equal(said.pixels, plain.pixels) {
		t.Error("described pictures have the digest of the others, or are others")
	}
	if again, err := Part(test.Name(), test.Split()); err != nil || again.Digest() != test.Digest() {
		t.Errorf("the record's name gives another set: %v", err)
	}
	e, _ := LoadEmoji()
	seen, _ := e.Split(0)
	differ := 0
	for i, c := range said.Captions() {
		phrases := strings.Split(c, ", ")
		before := strings.Split(plain.Captions()[i], ", ")
		if !slices.Equal(phrases[:len(before)], before) {
			t.Fatalf("%q became %q", plain.Captions()[i], c)
		}
		for at, d := range phrases[len(before):] {
			if slices.Contains(phrases[:len(before)+at], d) {
				t.Fatalf("%q says %q twice", c, d)
			}
		}
		if i >= len(seen) && c != said.Captions()[i-len(seen)] {
			differ++
		}
		for _, d := range e.Describe(i/len(seen), seen[i%len(seen)]) {
			if !slices.Contains(phrases, d) {
				t.Fatalf("%q does not say %q", c, d)
			}
		}
	}
	if differ < len(seen)/2 {
		t.Errorf("%d of %d concepts are described otherwise in another style", differ, len(seen))
	}
	gray, _, err := Open("emoji-twitter/gray/described")
	if err != nil {
		t.Fatal(err)
	}
	for i, c := range gray.Captions() {
		for _, d := range strings.Split(strings.TrimPrefix(c, plain.Captions()[i+len(seen)]), ", ") {
			if at := slices.Index(ColourNames, d); at >= 0 && d != "black" && d != "gray" && d != "white" {
				t.Fatalf("a gray picture is %q", c)
			}
		}
	}
}

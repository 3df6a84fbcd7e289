package pack

import (
	"image"
	"strings"
	"testing"

	"sslnotes/sslkit/data"
)

// drawing32 draws what is 32×32 units large.
func drawing32(t *testing.T, body string) *image.RGBA {
	t.Helper()
	img, err := render(body, 32, 32)
	if err != nil {
		t.Fatal(err)
	}
	return img
}

func TestRender(t *testing.T) {
	const defs = `<defs><path id="box" d="M8 8v16h16V8z"/><clipPath id="in"><use href="#box"/></clipPath>
		<linearGradient id="fade" x1="0" x2="32" y1="0" y2="0" gradientUnits="userSpaceOnUse"><stop offset="0" stop-color="red"/><stop offset="1" stop-color="#00f"/></linearGradient></defs>`
	type pixel struct {
		x, y       int
		r, g, b, a uint8
	}
	for name, c := range map[string]struct {
		body string
		want []pixel
	}{
		"lines, closed":   {`<path fill="#f00" d="M8 8v16h16V8z"/>`, []pixel{{8, 8, 255, 0, 0, 255}, {23, 23, 255, 0, 0, 255}, {7, 15, 0, 0, 0, 0}, {24, 15, 0, 0, 0, 0}}},
		"open, filled":    {`<path d="M8 8v16h16V8"/>`, []pixel{{23, 15, 0, 0, 0, 255}, {24, 15, 0, 0, 0, 0}}},
		"even-odd":        {`<path fill-rule="evenodd" d="M0 0h32v32H0zM8 8h16v16H8z"/>`, []pixel{{3, 3, 0, 0, 0, 255}, {15, 15, 0, 0, 0, 0}}},
		"non-zero":        {`<path d="M0 0h32v32H0zM8 8h16v16H8z"/>`, []pixel{{15, 15, 0, 0, 0, 255}}},
		"fill of a group": {`<g fill="#0f0" transform="translate(8 8)"><rect width="16" height="16"/></g>`, []pixel{{8, 8, 0, 255, 0, 255}, {7, 8, 0, 0, 0, 0}}},
		"group at half":   {`<g opacity=".5"><path d="M0 0h20v32H0z"/><path d="M10 0h22v32H10z"/></g>`, []pixel{{2, 9, 0, 0, 0, 128}, {15, 9, 0, 0, 0, 128}}},
		"clip":            {defs + `<path fill="#00f" clip-path="url(#in)" d="M0 0h32v32H0z"/>`, []pixel{{15, 15, 0, 0, 255, 255}, {7, 15, 0, 0, 0, 0}}},
		"clip moves":      {defs + `<g transform="translate(8)"><g clip-path="url(#in)"><path d="M0 0h32v32H0z"/></g></g>`, []pixel{{15, 15, 0, 0, 0, 0}, {16, 15, 0, 0, 0, 255}, {31, 15, 0, 0, 0, 255}}},
		"gradient":        {defs + `<path fill="url(#fade)" d="M0 0h32v32H0z"/>`, []pixel{{0, 9, 251, 0, 4, 255}, {31, 9, 4, 0, 251, 255}}},
		"stroke":          {`<path fill="none" stroke="#f00" stroke-width="4" d="M8 8h16v16H8z"/>`, []pixel{{6, 6, 255, 0, 0, 255}, {9, 15, 255, 0, 0, 255}, {10, 15, 0, 0, 0, 0}, {5, 15, 0, 0, 0, 0}}},
		"round cap":       {`<path fill="none" stroke="#f00" stroke-width="8" stroke-linecap="round" d="M8 16h16"/>`, []pixel{{5, 15, 255, 0, 0, 255}, {3, 15, 0, 0, 0, 0}}},
		"circle":          {`<circle cx="16" cy="16" r="8"/>`, []pixel{{16, 9, 0, 0, 0, 255}, {9, 9, 0, 0, 0, 0}, {16, 7, 0, 0, 0, 0}}},
	} {
		img := drawing32(t, c.body)
		for _, p := range c.want {
			got := img.RGBAAt(p.x, p.y)
			for i, d := range []int{int(got.R) - int(p.r), int(got.G) - int(p.g), int(got.B) - int(p.b), int(got.A) - int(p.a)} {
				if d < -1 || d > 1 {
					t.Errorf("%s: pixel (%d,%d) is %v, want %+v (value %d)", name, p.x, p.y, got, p, i)
					break
				}
			}
		}
	}
}

// TestRenderNames what it does not know, rather than to leave it out.
func TestRenderNames(t *testing.T) {
	for body, want := range map[string]string{
		`<text>a</text>`:                                         `an element "text"`,
		`<path fill="url(#a)" d="M0 0h9v9z"/>`:                   `no element "#a"`,
		`<g transform="skewX(3)"/>`:                              `transform "skewX(3)"`,
		`<path fill="nocolour" d="M0 0h9v9z"/>`:                  `colour "nocolour"`,
		`<linearGradient id="a"/><circle fill="url(#a)" r="4"/>`: "of the bounding box",
	} {
		if _, err := render(body, 32, 32); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want %q", body, err, want)
		}
	}
}

func TestMatchTakesADrawingOnce(t *testing.T) {
	s := &iconSet{Icons: map[string]icon{"cat-face": {}, "wave": {}, "relieved": {}, "father-christmas": {}}}
	entries := []entry{{Name: "WAVING HAND SIGN", ShortNames: []string{"wave"}}, {Name: "CAT FACE"}, {Name: "CAT"},
		{Name: "RELIEVED FACE", ShortNames: []string{"relieved"}, Category: "Smileys & Emotion"}, {Name: "FATHER CHRISTMAS"}}
	got := s.match(entries, named("waving hand", "cat face", "cat-face", "relieved face", "Santa Claus"))
	if want := " cat-face  relieved father-christmas"; strings.Join(got, " ") != want {
		t.Errorf("%q, want %q", strings.Join(got, " "), want)
	}
}

func named(names ...string) (all []data.EmojiConcept) {
	for _, n := range names {
		all = append(all, data.EmojiConcept{Name: n})
	}
	return all
}

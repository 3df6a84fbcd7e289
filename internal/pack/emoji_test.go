package pack

import (
	"bytes"
	"image"
	"image/color"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestEmojiIsFromItsPackages rebuilds the embedded file where the packages are:
// in the folder that SSLNOTES_PACKAGES names.
func TestEmojiIsFromItsPackages(t *testing.T) {
	dir := os.Getenv("SSLNOTES_PACKAGES")
	if dir == "" {
		t.Skip("SSLNOTES_PACKAGES names no folder of packages")
	}
	got, err := Emoji(dir)
	if err != nil {
		t.Fatal(err)
	}
	want, err := os.ReadFile("../../sslkit/data/emoji.gz")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%d bytes, which are not the %d that are embedded", len(got), len(want))
	}
}

func TestEmojiNamesWhatIsMissing(t *testing.T) {
	dir := t.TempDir()
	if _, err := Emoji(dir); err == nil || !strings.Contains(err.Error(), "run npm pack emoji-datasource@16.0.0") {
		t.Errorf("an empty folder: %v", err)
	}
	os.WriteFile(filepath.Join(dir, sheets.file), []byte("another version"), 0o644)
	if _, err := Emoji(dir); err == nil || !strings.Contains(err.Error(), sheets.digest) {
		t.Errorf("another version: %v", err)
	}
}

// TestPaletteKeepsFewColours expects pictures of few colours back as they are.
func TestPaletteKeepsFewColours(t *testing.T) {
	p := image.NewRGBA(image.Rect(0, 0, 16, 16))
	for i := range 200 { // 200 colours, the rest transparent
		p.Set(i%16, i/16, color.RGBA{uint8(i), uint8(255 - i), uint8(7 * i % 256), 255})
	}
	colours, indices := palette([]*image.RGBA{nil, p})
	if len(colours) > 256 || indices[0] != nil {
		t.Fatalf("%d colours, a missing picture has %d pixels", len(colours), len(indices[0]))
	}
	for i, at := range indices[1] {
		if c := colours[at]; !bytes.Equal(c[:], p.Pix[4*i:4*i+4]) {
			t.Errorf("pixel %d is %v, want %v", i, c, p.Pix[4*i:4*i+4])
		}
	}
}

// TestPaletteDistance holds the error on a ramp of colours against what 255
// evenly spread ones would have.
func TestPaletteDistance(t *testing.T) {
	p := image.NewRGBA(image.Rect(0, 0, 64, 64))
	for i := range 64 * 64 {
		p.Set(i%64, i/64, color.RGBA{uint8(i % 64 * 4), uint8(i / 64 * 4), 0, 255})
	}
	colours, indices := palette([]*image.RGBA{p})
	sum := 0.0
	for i, at := range indices[0] {
		for c := range 4 {
			d := float64(colours[at][c]) - float64(p.Pix[4*i+c])
			sum += d * d
		}
	}
	// 16×16 squares of 4×4 levels, 4 apart, have a mean square of 2·4²·(4²-1)/12 = 40.
	if mean := sum / (64 * 64); mean > 60 {
		t.Errorf("mean square error %.1f, want at most 60", mean)
	}
}

func TestFit(t *testing.T) {
	img := image.NewRGBA(image.Rect(0, 0, 48, 96)) // twice as high as wide
	for i := range img.Pix {
		img.Pix[i] = 255
	}
	out := fit(img)
	for x, want := range map[int]uint8{7: 0, 8: 255, 23: 255, 24: 0} {
		if got := out.RGBAAt(x, 5).A; got != want {
			t.Errorf("column %d has alpha %d, want %d", x, got, want)
		}
	}
}

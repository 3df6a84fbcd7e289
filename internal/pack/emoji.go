// Package pack rebuilds the sets that are a part of the program from where they
// came from.
//
// # Design
//
// Every input is named by its SHA-256, every step works in integers and in a
// stated order, so the result is the same byte for byte, and the provenance of
// what the program carries can be executed.
package pack

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"image"
	"image/draw"
	"image/png"
	"io"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/image/webp"

	"sslnotes/sslkit/data"
)

// An input is a package of npm as `npm pack` writes it.
type input struct{ name, file, digest string }

var (
	sheets   = input{"emoji-datasource@16.0.0", "emoji-datasource-16.0.0.tgz", "2006725061dc0098daa832d65f854a7bec0740af2eb47cb5b23d89f7e2c849f9"}
	keywords = input{"emojibase-data@17.0.0", "emojibase-data-17.0.0.tgz", "d01d0e2ca4e22cb402679532155342c71e2e871f25c32223c013b8b166ebdf5a"}
	fluent   = input{"@lobehub/fluent-emoji-3d@1.1.0", "lobehub-fluent-emoji-3d-1.1.0.tgz", "c1bb7eee7de090205a232518a9ab4adb3df458bfbe8a1f78232991194c8b2e58"}
	flat     = input{"@iconify-json/fluent-emoji-flat@1.2.6", "iconify-json-fluent-emoji-flat-1.2.6.tgz", "7d064769dee690815f823bc5bcc511d957198caf9f5edd8dd9c1aa48a6aeb175"}
	blobs    = input{"@iconify-json/noto-v1@1.2.5", "iconify-json-noto-v1-1.2.5.tgz", "2bf62c26c2c2884aa99e90aec942cdaee17a5921f05690694f4978ad4b017c37"}
	firefox  = input{"@iconify-json/fxemoji@1.2.2", "iconify-json-fxemoji-1.2.2.tgz", "f3e72b3c59d05e1db03b7e308d55c0d05bd7ba3f625a90da1b79313c12858eef"}
)

// Emoji builds the emoji set from six packages of npm that lie in dir.
func Emoji(dir string) ([]byte, error) {
	list, err := sheets.read(dir, "emoji.json", "img/google/sheets/32.png", "img/twitter/sheets/32.png")
	if err != nil {
		return nil, err
	}
	words, err := keywords.read(dir, "en/data.json", "meta/groups.json")
	if err != nil {
		return nil, err
	}
	entries, concepts, err := concepts(list["emoji.json"], words)
	if err != nil {
		return nil, err
	}
	var styles []data.EmojiStyle
	for _, name := range []string{"google", "twitter"} {
		pictures, err := cut(list["img/"+name+"/sheets/32.png"], entries, name)
		if err != nil {
			return nil, fmt.Errorf("pack: %s: %w", sheets.name, err)
		}
		styles = append(styles, style(name, pictures))
	}
	pictures, err := threeD(dir, entries)
	if err != nil {
		return nil, err
	}
	styles = append(styles, style("fluent", pictures))
	for _, set := range []struct {
		name string
		in   input
	}{{"flat", flat}, {"blobs", blobs}, {"firefox", firefox}} {
		if pictures, err = drawn(dir, set.in, entries, concepts); err != nil {
			return nil, err
		}
		styles = append(styles, style(set.name, pictures))
	}
	return data.PackEmoji(concepts, styles)
}

func style(name string, pictures []*image.RGBA) data.EmojiStyle {
	colours, indices := palette(pictures)
	s := data.EmojiStyle{Name: name, Pictures: indices}
	for i, c := range colours {
		s.Palette[i] = c
	}
	return s
}

// read returns the named files of the package, after checking that it is the
// one meant; a name that ends in "/" stands for all below it.
func (in input) read(dir string, names ...string) (map[string][]byte, error) {
	name := filepath.Join(dir, in.file)
	raw, err := os.ReadFile(name)
	if err != nil {
		return nil, fmt.Errorf("pack: %w: run npm pack %s in %s", err, in.name, dir)
	}
	if sum := sha256.Sum256(raw); hex.EncodeToString(sum[:]) != in.digest {
		return nil, fmt.Errorf("pack: %s: SHA-256 is %x, want %s", name, sum, in.digest)
	}
	z, err := gzip.NewReader(bytes.NewReader(raw))
	if err != nil {
		return nil, fmt.Errorf("pack: %s: %w", name, err)
	}
	found := map[string][]byte{}
	for r := tar.NewReader(z); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("pack: %s: %w", name, err)
		}
		inside := strings.TrimPrefix(h.Name, "package/")
		for _, n := range names {
			if inside == n || strings.HasSuffix(n, "/") && strings.HasPrefix(inside, n) {
				if found[inside], err = io.ReadAll(r); err != nil {
					return nil, fmt.Errorf("pack: %s: %w", name, err)
				}
			}
		}
	}
	return found, nil
}

// An entry is a row of emoji-datasource's list.
type entry struct {
	Unified  string `json:"unified"`
	Image    string `json:"image"`
	Category string `json:"category"`
	Sub      string `json:"subcategory"`
	SheetX   int    `json:"sheet_x"`
	SheetY   int    `json:"sheet_y"`
	Name     string `json:"name"`
	Google   bool   `json:"has_img_google"`
	Twitter  bool   `json:"has_img_twitter"`
	Order    int    `json:"sort_order"`

	ShortNames []string `json:"short_names"`
}

// concepts joins the list of pictures with names and keywords, in the order of
// the list, without the swatches of skin.
func concepts(list []byte, words map[string][]byte) ([]entry, []data.EmojiConcept, error) {
	var all []entry
	if err := json.Unmarshal(list, &all); err != nil {
		return nil, nil, fmt.Errorf("pack: %s: emoji.json: %w", sheets.name, err)
	}
	var named []struct {
		Hexcode string   `json:"hexcode"`
		Label   string   `json:"label"`
		Tags    []string `json:"tags"`
		Emoji   string   `json:"emoji"`
	}
	if err := json.Unmarshal(words["en/data.json"], &named); err != nil {
		return nil, nil, fmt.Errorf("pack: %s: en/data.json: %w", keywords.name, err)
	}
	at := map[string]int{}
	for i, n := range named {
		at[plain(n.Hexcode)] = i
	}
	var kept []entry
	var out []data.EmojiConcept
	for _, e := range all {
		if e.Category == "Component" {
			continue
		}
		i, ok := at[plain(e.Unified)]
		if !ok {
			return nil, nil, fmt.Errorf("pack: %s has no name for %s", keywords.name, e.Unified)
		}
		n := named[i]
		kept = append(kept, e)
		out = append(out, data.EmojiConcept{Emoji: n.Emoji, Name: n.Label, Keywords: n.Tags, Group: e.Category, Subgroup: e.Sub})
	}
	return kept, out, nil
}

// plain is a code without the selector of presentation, in lower case.
func plain(hex string) string {
	return strings.ReplaceAll(strings.ToLower(hex), "-fe0f", "")
}

// cut takes the pictures out of a sheet: 32×32, one pixel apart from the next.
func cut(sheet []byte, entries []entry, name string) ([]*image.RGBA, error) {
	img, err := png.Decode(bytes.NewReader(sheet))
	if err != nil {
		return nil, fmt.Errorf("the sheet of %s: %w", name, err)
	}
	all := make([]*image.RGBA, len(entries))
	for i, e := range entries {
		if name == "google" && !e.Google || name == "twitter" && !e.Twitter {
			continue
		}
		at := image.Pt(34*e.SheetX+1, 34*e.SheetY+1)
		cell := image.Rectangle{Min: at, Max: at.Add(image.Pt(32, 32))}
		if !cell.In(img.Bounds()) {
			return nil, fmt.Errorf("the sheet of %s has %v pixels, too few for the picture of %s", name, img.Bounds().Size(), e.Unified)
		}
		all[i] = image.NewRGBA(image.Rect(0, 0, 32, 32))
		draw.Draw(all[i], all[i].Bounds(), img, at, draw.Src)
	}
	return all, nil
}

// threeD reads the pictures of Fluent 3D, about 256×256, without the flags,
// which are not of that style.
func threeD(dir string, entries []entry) ([]*image.RGBA, error) {
	files, err := fluent.read(dir, "assets/")
	if err != nil {
		return nil, err
	}
	byCode := map[string][]byte{}
	for name, b := range files {
		byCode[plain(strings.TrimSuffix(filepath.Base(name), ".webp"))] = b
	}
	all := make([]*image.RGBA, len(entries))
	for i, e := range entries {
		b, ok := byCode[plain(e.Unified)]
		if !ok || e.Category == "Flags" {
			continue
		}
		img, err := webp.Decode(bytes.NewReader(b))
		if err != nil {
			return nil, fmt.Errorf("pack: %s: %s: %w", fluent.name, e.Image, err)
		}
		all[i] = fit(img)
	}
	return all, nil
}

// fit scales a picture to 32×32, in the middle of a transparent square if it is
// none. Each pixel is the mean of the area that falls on it.
func fit(img image.Image) *image.RGBA {
	const n = 32
	size := img.Bounds().Size()
	side := max(size.X, size.Y)
	big := image.NewRGBA(image.Rect(0, 0, side, side))
	corner := image.Pt((side-size.X)/2, (side-size.Y)/2)
	draw.Draw(big, image.Rectangle{Min: corner, Max: corner.Add(size)}, img, img.Bounds().Min, draw.Src)
	out := image.NewRGBA(image.Rect(0, 0, n, n))
	for i := range out.Pix {
		x, y, c := i/4%n, i/4/n, i%4
		// In units of 1/n pixel, the new pixel covers [x·side, (x+1)·side).
		sum := 0
		for v := y * side / n; v*n < (y+1)*side; v++ {
			high := min((v+1)*n, (y+1)*side) - max(v*n, y*side)
			for u := x * side / n; u*n < (x+1)*side; u++ {
				wide := min((u+1)*n, (x+1)*side) - max(u*n, x*side)
				sum += high * wide * int(big.Pix[big.PixOffset(u, v)+c])
			}
		}
		out.Pix[i] = uint8((sum + side*side/2) / (side * side))
	}
	return out
}

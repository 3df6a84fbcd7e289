package data

import (
	"bytes"
	"math"
	"slices"
	"strings"
	"testing"
)

func TestEmoji(t *testing.T) {
	e, err := LoadEmoji()
	if err != nil {
		t.Fatal(err)
	}
	if n := len(e.Concepts()); n != 1906 || strings.Join(e.Styles(), " ") != "google twitter fluent flat blobs firefox" || len(e.Groups()) != 9 {
		t.Fatalf("%d concepts, styles %v, groups %v", n, e.Styles(), e.Groups())
	}
	for i, want := range []int{1906, 1906, 1599, 1594, 1221, 619} {
		n := 0
		for c := range e.Concepts() {
			if e.Picture(i, c, [3]uint8{}) != nil {
				n++
			}
		}
		if n != want {
			t.Errorf("%s has %d pictures, want %d", e.Styles()[i], n, want)
		}
	}
	at := slices.IndexFunc(e.Concepts(), func(c EmojiConcept) bool { return c.Name == "nerd face" })
	if at < 0 {
		t.Fatal("no nerd face")
	}
	if c := e.Concepts()[at]; c.Emoji != "🤓" || !slices.Contains(c.Keywords, "geek") || c.Group != "Smileys & Emotion" || c.Subgroup != "face-glasses" || !strings.HasPrefix(c.Caption(), "nerd face, ") {
		t.Errorf("%+v", c)
	}
	// A face is yellow in the middle of its forehead, and shows the background in the corner.
	for s, style := range e.Styles() {
		p := e.Picture(s, at, [3]uint8{10, 20, 30})
		if p == nil && style == "firefox" { // which is older than that face
			continue
		}
		if !bytes.Equal(p[:3], []byte{10, 20, 30}) {
			t.Errorf("%s: the corner is %v, want the background", style, p[:3])
		}
		if m := p[(6*32+16)*3:]; m[0] < 180 || m[1] < 120 || m[2] > 140 {
			t.Errorf("%s: the forehead is %v, want yellow", style, m[:3])
		}
	}
}

func TestEmojiSplitsByConcept(t *testing.T) {
	e, err := LoadEmoji()
	if err != nil {
		t.Fatal(err)
	}
	seen, held := e.Split(0)
	if n := len(held); n < 170 || n > 210 || len(seen)+n != len(e.Concepts()) {
		t.Errorf("%d seen, %d held out", len(seen), n)
	}
	before := map[int]bool{}
	for fold := range emojiFolds {
		others, these := e.Split(fold)
		if len(these) != len(held) || len(others) != len(seen) {
			t.Errorf("fold %d has %d seen, %d held out, the first %d and %d", fold, len(others), len(these), len(seen), len(held))
		}
		for _, c := range these {
			if fold < 5 && before[c] {
				t.Errorf("fold %d holds out %s, as one before it", fold, e.Concepts()[c].Name)
			}
			before[c] = true
		}
	}
	train, test, err := Open("emoji/fold-3")
	if err != nil {
		t.Fatal(err)
	}
	_, third := e.Split(3)
	if c := test.Captions()[0]; c != e.Concepts()[third[0]].Caption() {
		t.Errorf("the third fold begins with %q", c)
	}
	known := map[string]bool{}
	for _, c := range train.Captions() {
		known[c] = true
	}
	for _, c := range test.Captions() {
		if known[c] {
			t.Errorf("%q is in both splits", c)
		}
	}
	if len(train.Captions()) != train.Len() || len(train.Unlabelled().Captions()) != train.Len() {
		t.Error("captions are missing")
	}
}

func TestEmojiNames(t *testing.T) {
	all, _, err := Open("emoji")
	if err != nil {
		t.Fatal(err)
	}
	google, _, err := Open("emoji-google")
	if err != nil {
		t.Fatal(err)
	}
	two, _, err := Open("emoji-google-twitter")
	if err != nil || two.Len() != 2*google.Len() || two.Len() >= all.Len() {
		t.Errorf("%d in one style, %d in two, %d in all, %v", google.Len(), two.Len(), all.Len(), err)
	}
	gray, _, err := Open("emoji-google/gray")
	if err != nil || gray.Len() != google.Len() || gray.Digest() == google.Digest() {
		t.Fatalf("gray: %v", err)
	}
	for i, p := range gray.Pixels(0) {
		r, g, b := google.Pixels(0)[i-i%3], google.Pixels(0)[i-i%3+1], google.Pixels(0)[i-i%3+2]
		was, _, _ := Lab(float32(r)/255, float32(g)/255, float32(b)/255)
		is, _, _ := Lab(float32(p)/255, float32(p)/255, float32(p)/255)
		if p != gray.Pixels(0)[i-i%3] || math.Abs(float64(was-is)) > 0.4 {
			t.Fatalf("the gray of %d %d %d is %d, of lightness %g and not %g", r, g, b, p, is, was)
		}
	}
	if !slices.Equal(gray.Spec().Mean, google.Spec().Mean) {
		t.Error("gray images are not normalised as those in colour")
	}
	same, on, err := Open("emoji-google/on-twitter")
	twitter, _, _ := Open("emoji-twitter")
	if err != nil || same.Digest() != google.Digest() || on.Digest() != twitter.Digest() || on.Split() != "test" || !slices.Equal(on.Spec().Mean, google.Spec().Mean) {
		t.Errorf("in another style: %v", err)
	}
	coloured, _, err := Open("emoji-google/coloured")
	if err != nil || coloured.Len() != google.Len() || coloured.Digest() == google.Digest() {
		t.Errorf("on colours: %v", err)
	}
	few, err := google.PerClass(3, 1)
	if err != nil {
		t.Fatal(err)
	}
	again, err := Part(few.Name(), few.Split())
	if err != nil || again.Digest() != few.Digest() || len(again.Captions()) != 27 {
		t.Errorf("part: %v", err)
	}
	for _, bad := range []string{"emoji-apple", "emoji-google-google", "emoji-", "emoji-google/on-apple", "emoji-google/on-", "emoji-google-apple"} {
		if _, _, err := Open(bad); err == nil || !strings.Contains(err.Error(), "have google, twitter, fluent, flat, blobs, firefox") {
			t.Errorf("%s: %v", bad, err)
		}
	}
	for _, bad := range []string{"emoji/", "emoji/fold", "emoji/fold-0", "emoji/fold-10", "emoji/fold-01", "emoji/fold-+1", "emoji/fold-x", "emoji/fold-1/fold-2", "emoji/gray/gray", "emoji/described/described", "emoji/on-twitter/on-google", "emoji/on-twitter/old"} {
		if _, _, err := Open(bad); err == nil || !strings.Contains(err.Error(), "/fold-1 to /fold-9") {
			t.Errorf("%s: %v", bad, err)
		}
	}
}

func TestEmojiRefusesCorruption(t *testing.T) {
	broken := bytes.Clone(emojiPack)
	broken[len(broken)/2] ^= 1
	for _, pack := range [][]byte{nil, emojiPack[:1000], broken, gz([]byte("short"))} {
		if _, err := unpackEmoji(pack); err == nil || !strings.Contains(err.Error(), "emoji are corrupt") {
			t.Errorf("%d bytes: error %v", len(pack), err)
		}
	}
}

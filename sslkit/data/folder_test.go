package data

import (
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// paint writes an image whose left half is c and right half white; the ending
// of the name says the format.
func paint(t *testing.T, name string, w, h int, c color.Color) {
	t.Helper()
	img := image.NewNRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			img.Set(x, y, color.White)
			if x < w/2 {
				img.Set(x, y, c)
			}
		}
	}
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	f, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if strings.HasSuffix(name, ".png") {
		err = png.Encode(f, img)
	} else {
		err = jpeg.Encode(f, img, nil)
	}
	if err != nil {
		t.Fatal(err)
	}
}

var red, grey = color.NRGBA{255, 0, 0, 255}, color.NRGBA{100, 100, 100, 255}

func TestFolder(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"a.png", "b.JPG", "c.jpeg", "d.png", "e.png"} {
		paint(t, filepath.Join(dir, "reds", strings.ToLower(name)), 8, 8, red)
		paint(t, filepath.Join(dir, "greys", strings.ToLower(name)), 8, 8, grey)
	}
	os.WriteFile(filepath.Join(dir, "reds", "notes.txt"), []byte("not an image"), 0o644)
	train, test, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	if train.Len() != 8 || test.Len() != 2 || strings.Join(train.Classes(), " ") != "greys reds" || train.Spec().Channels != 3 {
		t.Errorf("%d + %d images, classes %v, %+v", train.Len(), test.Len(), train.Classes(), train.Spec())
	}
	again, err := Part(train.Name(), train.Split())
	if err != nil || again.Digest() != train.Digest() {
		t.Errorf("the record's name gives another set: %v", err)
	}
	small, _, err := Open(dir + "@2")
	if err != nil || small.Spec().Width != 2 || small.Spec().Height != 2 {
		t.Fatalf("scaled to %+v, %v", small.Spec(), err)
	}
	for i := range small.Len() {
		p := small.Pixels(i)
		if small.Labels()[i] == 1 && (p[0] < 240 || p[1] > 15 || p[3] < 240 || p[4] < 240) {
			t.Errorf("a red and white image is %v", p)
		}
	}
}

func TestFolderWithSplits(t *testing.T) {
	dir := t.TempDir()
	for _, split := range []string{"train", "test"} {
		for _, class := range []string{"a", "b"} {
			paint(t, filepath.Join(dir, split, class, "1.png"), 4, 6, grey)
		}
	}
	train, test, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	if s := train.Spec(); s.Channels != 1 || s.Height != 6 || s.Width != 4 || train.Pixels(0)[0] != 100 || train.Pixels(0)[3] != 255 {
		t.Errorf("gray images became %+v, %v", s, train.Pixels(0)[:4])
	}
	if test.Spec().Mean[0] != train.Spec().Mean[0] {
		t.Error("the test images are normalised by their own mean")
	}
	paint(t, filepath.Join(dir, "test", "c", "1.png"), 4, 6, grey)
	if _, _, err := Open(dir); err == nil || !strings.Contains(err.Error(), "has the classes [a b c]") {
		t.Errorf("a class of the test split alone: %v", err)
	}
}

func TestFolderNamesBadFiles(t *testing.T) {
	dir := t.TempDir()
	for _, class := range []string{"a", "b"} {
		paint(t, filepath.Join(dir, class, "1.png"), 4, 4, red)
		paint(t, filepath.Join(dir, class, "2.png"), 4, 4, red)
	}
	broken := filepath.Join(dir, "a", "broken.png")
	whole, _ := os.ReadFile(filepath.Join(dir, "a", "1.png"))
	os.WriteFile(broken, whole[:len(whole)-20], 0o644)
	text := filepath.Join(dir, "b", "text.jpg")
	os.WriteFile(text, []byte("text"), 0o644)
	if _, _, err := Open(dir); err == nil || !strings.Contains(err.Error(), broken) || !strings.Contains(err.Error(), text) {
		t.Errorf("error %v, want one that names both files", err)
	}
	os.Remove(broken)
	os.Remove(text)
	paint(t, filepath.Join(dir, "b", "3.png"), 5, 4, red)
	if _, _, err := Open(dir); err == nil || !strings.Contains(err.Error(), "3.png has (5,4) pixels") || !strings.Contains(err.Error(), "@32") {
		t.Errorf("another size: %v", err)
	}
	os.Mkdir(filepath.Join(dir, "empty"), 0o755)
	if _, _, err := Open(dir); err == nil || !strings.Contains(err.Error(), "empty holds no .png") {
		t.Errorf("an empty class: %v", err)
	}
	if _, _, err := Open(t.TempDir()); err == nil || !strings.Contains(err.Error(), "holds 0 folders") {
		t.Errorf("an empty folder: %v", err)
	}
	if _, _, err := Open("./nowhere"); err == nil || !strings.Contains(err.Error(), "nowhere") {
		t.Errorf("no folder: %v", err)
	}
}

// TestShrink holds the mean of areas against sums by hand.
func TestShrink(t *testing.T) {
	img := image.NewNRGBA(image.Rect(0, 0, 5, 3)) // the middle square is columns 1 to 3
	for i := range img.Pix {
		img.Pix[i] = uint8(i / 4 * 10)
	}
	one := shrink(img, 1)
	if got, want := one.Pix[0], uint8((10+20+30+60+70+80+110+120+130)/9); got != want {
		t.Errorf("3×3 to 1×1: %d, want %d", got, want)
	}
	same := shrink(img, 3)
	if same.Pix[0] != 10 || same.Pix[4*8] != 130 {
		t.Errorf("3×3 to 3×3: %v", same.Pix)
	}
	two := shrink(img, 2)
	// The first pixel covers 1 + ½ + ½ + ¼ of four pixels.
	if got, want := two.Pix[0], uint8((10*4+20*2+60*2+70+4)/9); got != want {
		t.Errorf("3×3 to 2×2: %d, want %d", got, want)
	}
	if six := shrink(img, 6); six.Pix[0] != 10 || six.Pix[4] != 10 || six.Pix[8] != 20 {
		t.Errorf("3×3 to 6×6: %v", six.Pix[:12])
	}
}

// write writes lines.
func write(t *testing.T, name string, lines ...string) {
	t.Helper()
	if err := os.WriteFile(name, []byte(strings.Join(lines, "\n")+"\n"), 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestFolderCaptions(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"a/1.png", "a/2.png", "b/1.png", "b/2.png"} {
		paint(t, filepath.Join(dir, name), 4, 4, red)
	}
	silent, _, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	captions := filepath.Join(dir, "metadata.csv")
	write(t, captions, "\ufeffsize,file_name,text", `4,b/1.png,"red, white"`, "4,./a/2.png, half ", "4,a/1.png,a red half", "4,b/2.png,b two")
	train, test, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	said := map[string]string{"a": "", "b": ""}
	for _, s := range []*Set{train, test} {
		if len(s.Captions()) != s.Len() || len(s.Unlabelled().Spec().Captions) != s.Len() {
			t.Fatalf("%d captions of %d images", len(s.Captions()), s.Len())
		}
		for i, c := range s.Captions() {
			said[s.Classes()[s.Labels()[i]]] += "|" + c
		}
	}
	for class, want := range map[string][]string{"a": {"|half|a red half", "|a red half|half"}, "b": {"|b two|red, white", "|red, white|b two"}} {
		if !slices.Contains(want, said[class]) {
			t.Errorf("of class %s is said %q", class, said[class])
		}
	}
	if train.Digest() == silent.Digest() || silent.Captions() != nil {
		t.Error("captions are not a part of the digest, or are there without a file")
	}
	if again, err := Part(train.Name(), train.Split()); err != nil || again.Digest() != train.Digest() {
		t.Errorf("the record's name gives another set: %v", err)
	}

	head := "file_name,caption"
	for name, c := range map[string]struct {
		lines []string
		want  string
	}{
		"no picture":      {[]string{head, "a/1.png,x", "a/3.png,x"}, "metadata.csv:3: a/3.png is no image of a class"},
		"no class":        {[]string{head, "1.png,x"}, "metadata.csv:2: 1.png is no image of a class"},
		"empty":           {[]string{head, "a/1.png, "}, "metadata.csv:2: a/1.png has an empty caption"},
		"twice":           {[]string{head, "a/1.png,\"x\ny\"", "b/1.png,y", "./a/1.png,z"}, "metadata.csv:5: a/1.png has a caption in line 2"},
		"left out":        {[]string{head, "a/1.png,x", "b/1.png,x", "b/2.png,x"}, "metadata.csv has no caption of a/2.png"},
		"other columns":   {[]string{"file,caption", "a/1.png,x"}, "metadata.csv:1: columns file, caption, want file_name beside caption"},
		"too many values": {[]string{head, "a/1.png,red, white"}, "metadata.csv: record on line 2: wrong number of fields"},
	} {
		write(t, captions, c.lines...)
		if _, _, err := Open(dir); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want %q", name, err, c.want)
		}
	}
	for _, lines := range [][]string{nil, {"file_name,label", "a/1.png,x"}} { // a file that tells something else
		write(t, captions, lines...)
		if train, _, err := Open(dir); err != nil || train.Captions() != nil {
			t.Errorf("%q: captions %q, %v", lines, train.Captions(), err)
		}
	}
}

func TestFolderCaptionsOfBothSplits(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"train/a/1.png", "train/b/1.png", "test/a/1.png", "test/b/1.png"} {
		paint(t, filepath.Join(dir, name), 4, 4, red)
	}
	write(t, filepath.Join(dir, "test/metadata.csv"), "file_name,caption", "a/1.png,x", "b/1.png,y")
	if _, _, err := Open(dir); err == nil || !strings.Contains(err.Error(), "test has captions, the training images have none") {
		t.Errorf("captions of the test images alone: %v", err)
	}
	write(t, filepath.Join(dir, "train/metadata.csv"), "caption,file_name", "u,a/1.png", "v,b/1.png")
	train, test, err := Open(dir)
	if err != nil || train.Captions()[1] != "v" || test.Captions()[0] != "x" {
		t.Errorf("captions of both: %v", err)
	}
	os.Remove(filepath.Join(dir, "test/metadata.csv"))
	if _, _, err := Open(dir); err == nil || !strings.Contains(err.Error(), "test has no metadata.csv, the training images have") {
		t.Errorf("captions of the training images alone: %v", err)
	}
}

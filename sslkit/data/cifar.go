package data

import (
	"archive/tar"
	"compress/gzip"
	"context"
	"crypto/md5"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
)

var cifar10 = &Source{
	Name:    "cifar10",
	Summary: "50,000 + 10,000 colour images 32×32 of things and animals, 10 classes (Krizhevsky 2009)",
	Licence: "none stated, Alex Krizhevsky",
	URL:     "https://www.cs.toronto.edu/~kriz/",
	files:   append(append([]string(nil), cifarTrain...), cifarTest),
	read:    func(dir string) (train, test *Set, err error) { return readCIFAR(dir, 10000) },
	fetch:   fetchCIFAR,
}

var (
	cifarTrain   = []string{"data_batch_1.bin", "data_batch_2.bin", "data_batch_3.bin", "data_batch_4.bin", "data_batch_5.bin"}
	cifarClasses = []string{"airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"}
)

const (
	cifarTest    = "test_batch.bin"
	cifarArchive = "cifar-10-binary.tar.gz"
	cifarMD5     = "c32a1d4ab5d03f1284b67883e8d87530" // published beside the archive
)

// CIFAR10 reads 50,000 + 10,000 colour images of 32×32 in 10 classes (Krizhevsky
// 2009) in the binary format, from where Source.Find finds it.
func CIFAR10() (train, test *Set, err error) { return cifar10.Open() }

// readCIFAR reads the six files, each of n images.
func readCIFAR(dir string, n int) (train, test *Set, err error) {
	var pixels []uint8
	var labels []int
	for _, name := range cifarTrain {
		if pixels, labels, err = appendCIFAR(pixels, labels, filepath.Join(dir, name), n); err != nil {
			return nil, nil, err
		}
	}
	spec := Spec{Height: 32, Width: 32, Channels: 3}
	spec.Mean, spec.Std = statistics(pixels, 3)
	train = newSet("cifar10", "train", spec, cifarClasses, pixels, labels)
	if pixels, labels, err = appendCIFAR(nil, nil, filepath.Join(dir, cifarTest), n); err != nil {
		return nil, nil, err
	}
	return train, newSet("cifar10", "test", spec, cifarClasses, pixels, labels), nil
}

// appendCIFAR reads n records of a label and three planes of 32×32, red, green,
// blue.
func appendCIFAR(pixels []uint8, labels []int, name string, n int) ([]uint8, []int, error) {
	const plane = 32 * 32
	const record = 1 + 3*plane
	raw, err := os.ReadFile(name)
	if err != nil {
		return nil, nil, fmt.Errorf("data: %w", err)
	}
	if len(raw) != n*record {
		return nil, nil, fmt.Errorf("data: %s has %d bytes, want %d: %d records of %d", name, len(raw), n*record, n, record)
	}
	for i := range n {
		r := raw[i*record : (i+1)*record]
		if int(r[0]) >= len(cifarClasses) {
			return nil, nil, fmt.Errorf("data: %s: label %d of record %d, want 0 to 9", name, r[0], i)
		}
		labels = append(labels, int(r[0]))
		for j := range plane {
			pixels = append(pixels, r[1+j], r[1+plane+j], r[1+2*plane+j])
		}
	}
	return pixels, labels, nil
}

// fetchCIFAR downloads and verifies the archive, then takes its files out.
func fetchCIFAR(ctx context.Context, s *Source, dir string, p Progress) error {
	archive := filepath.Join(dir, cifarArchive)
	if err := fetch(ctx, s.URL+cifarArchive, archive, func(name string) error { return checkMD5(name, cifarMD5) }, p); err != nil {
		return err
	}
	if err := untar(archive, dir, s.files); err != nil {
		return fmt.Errorf("data: %s: %w", archive, err)
	}
	return os.Remove(archive)
}

func checkMD5(name, want string) error {
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	h := md5.New()
	if _, err := io.Copy(h, f); err != nil {
		return err
	}
	if got := fmt.Sprintf("%x", h.Sum(nil)); got != want {
		return fmt.Errorf("%s: MD5 is %s, want %s", name, got, want)
	}
	return nil
}

// untar takes the files of those names, in whatever folder, out of a .tar.gz.
func untar(archive, dir string, names []string) error {
	f, err := os.Open(archive)
	if err != nil {
		return err
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		return err
	}
	missing := map[string]bool{}
	for _, n := range names {
		missing[n] = true
	}
	for r := tar.NewReader(z); len(missing) > 0; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return fmt.Errorf("it lacks %v", missing)
		}
		if err != nil {
			return err
		}
		if name := path.Base(h.Name); missing[name] {
			if err := writeFrom(filepath.Join(dir, name), r); err != nil {
				return err
			}
			delete(missing, name)
		}
	}
	return nil
}

// writeFrom writes a file under another name and renames it when it is whole.
func writeFrom(name string, r io.Reader) error {
	f, err := os.Create(name + ".part")
	if err != nil {
		return err
	}
	_, err = io.Copy(f, r)
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), name)
}

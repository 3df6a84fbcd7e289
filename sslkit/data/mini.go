package data

import (
	"bytes"
	"compress/gzip"
	_ "embed"
	"fmt"
)

// miniPack holds the pixels and labels of fashion-mini, training samples first.
//
//go:embed fashion-mini.gz
var miniPack []byte

const (
	miniTrain, miniTest = 2000, 500
	miniDigest          = "6a4ea9b3731f3e7a34ece4d60c8a436c1d7354cd46f6813b89d7aa6c51639d08"
)

// FashionMini returns 2,000 training and 500 test images of Fashion-MNIST, the
// same number of every class, which are a part of the program: enough to see a
// method run, too few to judge it.
func FashionMini() (train, test *Set, err error) {
	pixels, labels, err := unpackMini(miniPack)
	if err != nil {
		return nil, nil, err
	}
	cut := miniTrain * 28 * 28
	spec := Spec{Height: 28, Width: 28, Channels: 1}
	spec.Mean, spec.Std = statistics(pixels[:cut], 1)
	return newSet("fashion-mini", "train", spec, fashionClasses, pixels[:cut:cut], labels[:miniTrain]),
		newSet("fashion-mini", "test", spec, fashionClasses, pixels[cut:], labels[miniTrain:]), nil
}

// unpackMini reads what PackMini wrote.
func unpackMini(pack []byte) (pixels []uint8, labels []int, err error) {
	const n = miniTrain + miniTest
	raw, err := gunzip(pack)
	if err != nil || len(raw) != n*(28*28+1) {
		return nil, nil, fmt.Errorf("data: the embedded fashion-mini is corrupt: %d bytes, want %d (%v)", len(raw), n*(28*28+1), err)
	}
	if sum := digest(raw); sum != miniDigest {
		return nil, nil, fmt.Errorf("data: the embedded fashion-mini is corrupt: SHA-256 %s, want %s", sum, miniDigest)
	}
	labels = make([]int, n)
	for i, l := range raw[n*28*28:] {
		labels[i] = int(l)
	}
	return raw[: n*28*28 : n*28*28], labels, nil
}

// PackMini makes the embedded pack from the full set: the first 200 training
// and 50 test samples of each class in the order of subset 0.
func PackMini(train, test *Set) ([]byte, error) {
	a, err := train.PerClass(miniTrain/10, 0)
	if err != nil {
		return nil, err
	}
	b, err := test.PerClass(miniTest/10, 0)
	if err != nil {
		return nil, err
	}
	raw := append(bytes.Clone(a.pixels), b.pixels...)
	for _, l := range append(append([]int(nil), a.labels...), b.labels...) {
		raw = append(raw, byte(l))
	}
	var out bytes.Buffer
	z, err := gzip.NewWriterLevel(&out, gzip.BestCompression)
	if err != nil {
		return nil, err
	}
	if _, err := z.Write(raw); err != nil {
		return nil, err
	}
	err = z.Close()
	return out.Bytes(), err
}

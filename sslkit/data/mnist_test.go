package data

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestFashionMNIST(t *testing.T) {
	dir, err := fashionMNIST.Find()
	if err != nil {
		t.Skip(err)
	}
	train, test, err := FashionMNISTFrom(dir)
	if err != nil {
		t.Fatal(err)
	}
	if train.Len() != 60000 || test.Len() != 10000 || train.Labels()[0] != 9 {
		t.Errorf("%d + %d samples, first label %d", train.Len(), test.Len(), train.Labels()[0])
	}
	if m, s := train.Spec().Mean[0], train.Spec().Std[0]; m < 0.2859 || m > 0.2861 || s < 0.3530 || s > 0.3531 {
		t.Errorf("mean %g and standard deviation %g, want 0.2860 and 0.3530", m, s)
	}
	again, _, err := FashionMNISTFrom(dir)
	if err != nil || again != train {
		t.Errorf("reading again gave another set, %v", err)
	}
}

func TestMNIST(t *testing.T) {
	train, test, err := MNIST()
	if err != nil {
		t.Skip(err)
	}
	if train.Len() != 60000 || test.Len() != 10000 || train.Labels()[0] != 5 || test.Labels()[0] != 7 {
		t.Errorf("%d + %d samples, first labels %d and %d", train.Len(), test.Len(), train.Labels()[0], test.Labels()[0])
	}
	if m, s := train.Spec().Mean[0], train.Spec().Std[0]; m < 0.1306 || m > 0.1308 || s < 0.3080 || s > 0.3082 {
		t.Errorf("mean %g and standard deviation %g, want 0.1307 and 0.3081", m, s)
	}
}

// small is a source of the same form as MNIST with a handful of samples.
func small(name string) (*Source, map[string][]byte) {
	content := map[string][]byte{
		"train-images-idx3-ubyte": idx(4, 28, 28), "train-labels-idx1-ubyte": idx(4),
		"t10k-images-idx3-ubyte": idx(2, 28, 28), "t10k-labels-idx1-ubyte": idx(2),
	}
	files := []idxFile{
		{"train-images-idx3-ubyte", "", []int{4, 28, 28}}, {"train-labels-idx1-ubyte", "", []int{4}},
		{"t10k-images-idx3-ubyte", "", []int{2, 28, 28}}, {"t10k-labels-idx1-ubyte", "", []int{2}},
	}
	served := map[string][]byte{}
	for i := range files {
		files[i].digest = digest(content[files[i].name])
		served["/"+files[i].name+".gz"] = gz(content[files[i].name])
	}
	return idxSource(&Source{Name: name}, []string{"a", "b", "c", "d"}, files), served
}

// writeSmall writes the files of small, or all but some, uncompressed names
// with compressed content being the readers' business too.
func writeSmall(t *testing.T, dir string, served map[string][]byte) {
	t.Helper()
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	for name, b := range served {
		if err := os.WriteFile(filepath.Join(dir, name), b, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func TestFindOrder(t *testing.T) {
	root := t.TempDir()
	t.Setenv("SSLNOTES_DATA", filepath.Join(root, "mine"))
	t.Setenv("XDG_CACHE_HOME", filepath.Join(root, "cache"))
	s, served := small("tiny")
	s.packaged = []string{filepath.Join(root, "package")}
	if _, err := s.Find(); err == nil || !strings.Contains(err.Error(), "sslnotes data get tiny") || !strings.Contains(err.Error(), "SSLNOTES_DATA") {
		t.Errorf("nowhere: %v", err)
	}
	for _, dir := range []string{"cache/sslnotes/tiny", "package", "mine/tiny"} { // from last to first
		writeSmall(t, filepath.Join(root, dir), served)
		if got, err := s.Find(); err != nil || got != filepath.Join(root, dir) {
			t.Errorf("found %s, %v, want %s", got, err, dir)
		}
	}
	os.Remove(filepath.Join(root, "mine/tiny/t10k-labels-idx1-ubyte.gz"))
	if got, _ := s.Find(); got != filepath.Join(root, "package") {
		t.Errorf("a folder that lacks a file was chosen: %s", got)
	}
}

// TestSwappedFilesAreNamed swaps and breaks files of a set.
func TestSwappedFilesAreNamed(t *testing.T) {
	for name, c := range map[string]struct {
		change func(f map[string][]byte)
		want   string
	}{
		"test images as training images": {func(f map[string][]byte) {
			f["/train-images-idx3-ubyte.gz"] = f["/t10k-images-idx3-ubyte.gz"]
		}, "train-images-idx3-ubyte.gz: dimension 0 is 2, want 4"},
		"labels as images": {func(f map[string][]byte) { f["/t10k-images-idx3-ubyte.gz"] = f["/t10k-labels-idx1-ubyte.gz"] }, "t10k-images-idx3-ubyte.gz: 10 bytes, too short"},
		"one byte changed": {func(f map[string][]byte) {
			b := idx(4)
			b[9] ^= 1
			f["/train-labels-idx1-ubyte.gz"] = gz(b)
		}, "train-labels-idx1-ubyte.gz: SHA-256"},
		"truncated": {func(f map[string][]byte) {
			f["/train-labels-idx1-ubyte.gz"] = f["/train-labels-idx1-ubyte.gz"][:15]
		}, "train-labels-idx1-ubyte.gz: truncated or corrupt"},
	} {
		s, served := small("tiny")
		c.change(served)
		dir := t.TempDir()
		writeSmall(t, dir, served)
		if err := s.Verify(dir); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
}

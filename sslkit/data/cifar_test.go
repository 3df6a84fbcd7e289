package data

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// cifarFile returns n records whose planes hold 1, 2 and 3 times the label.
func cifarFile(n int) []byte {
	var b []byte
	for i := range n {
		label := byte(i % 10)
		b = append(b, label)
		for plane := range byte(3) {
			b = append(b, bytes.Repeat([]byte{(plane + 1) * label}, 32*32)...)
		}
	}
	return b
}

func writeCIFAR(t *testing.T, dir string, n int) {
	t.Helper()
	for _, name := range cifar10.files {
		if err := os.WriteFile(filepath.Join(dir, name), cifarFile(n), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func TestCIFAR(t *testing.T) {
	dir := t.TempDir()
	writeCIFAR(t, dir, 20)
	train, test, err := readCIFAR(dir, 20)
	if err != nil {
		t.Fatal(err)
	}
	if train.Len() != 100 || test.Len() != 20 || train.Spec().Channels != 3 || len(train.Classes()) != 10 {
		t.Errorf("%d + %d samples, %+v", train.Len(), test.Len(), train.Spec())
	}
	for _, i := range []int{3, 47} {
		l := uint8(train.Labels()[i])
		if p := train.Pixels(i); int(l) != i%10 || p[0] != l || p[1] != 2*l || p[2] != 3*l || len(p) != 3072 {
			t.Errorf("sample %d: label %d, pixels %v…", i, l, p[:3])
		}
	}
	if m := train.Spec().Mean; m[0]*2 != m[1] || m[2] == m[1] {
		t.Errorf("means %v, want 1:2:3", m)
	}
}

func TestCIFARRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		content []byte
		want    string
	}{
		"truncated": {cifarFile(20)[:5000], "has 5000 bytes, want 61460"},
		"a label":   {append([]byte{10}, cifarFile(20)[1:]...), "label 10 of record 0"},
	} {
		dir := t.TempDir()
		writeCIFAR(t, dir, 20)
		os.WriteFile(filepath.Join(dir, cifarTest), c.content, 0o644)
		if _, _, err := readCIFAR(dir, 20); err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), cifarTest) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, _, err := readCIFAR(t.TempDir(), 20); err == nil || !strings.Contains(err.Error(), "data_batch_1.bin") {
		t.Errorf("missing files: %v", err)
	}
}

// TestUntar takes files out of an archive like the published one.
func TestUntar(t *testing.T) {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	w := tar.NewWriter(z)
	for _, name := range append([]string{"batches.meta.txt"}, cifar10.files...) {
		w.WriteHeader(&tar.Header{Name: "cifar-10-batches-bin/" + name, Size: 4, Mode: 0o644})
		w.Write([]byte("four"))
	}
	w.Close()
	z.Close()
	dir := t.TempDir()
	archive := filepath.Join(dir, "a.tar.gz")
	os.WriteFile(archive, b.Bytes(), 0o644)
	if err := untar(archive, dir, cifar10.files); err != nil {
		t.Fatal(err)
	}
	for _, name := range cifar10.files {
		if got, err := os.ReadFile(filepath.Join(dir, name)); string(got) != "four" {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
	if err := untar(archive, dir, []string{"nothing.bin"}); err == nil || !strings.Contains(err.Error(), "nothing.bin") {
		t.Errorf("a file that is not there: %v", err)
	}
	if err := checkMD5(archive, cifarMD5); err == nil || !strings.Contains(err.Error(), cifarMD5) {
		t.Errorf("another archive: %v", err)
	}
}

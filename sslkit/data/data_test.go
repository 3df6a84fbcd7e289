package data

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// idx returns an IDX file of bytes that count up.
func idx(dims ...int) []byte {
	b := binary.BigEndian.AppendUint32(nil, uint32(0x800+len(dims)))
	n := 1
	for _, d := range dims {
		b = binary.BigEndian.AppendUint32(b, uint32(d))
		n *= d
	}
	for i := range n {
		b = append(b, byte(i))
	}
	return b
}

func gz(b []byte) []byte {
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	w.Write(b)
	w.Close()
	return out.Bytes()
}

func TestIDX(t *testing.T) {
	good := idx(3, 4, 5)
	for _, raw := range [][]byte{good, gz(good)} {
		if b, err := parseIDX(raw, 3, 4, 5); err != nil || !bytes.Equal(b, good) {
			t.Errorf("a good file: %v", err)
		}
	}
	for name, c := range map[string]struct {
		raw  []byte
		want string
	}{
		"labels for images": {idx(20), "magic number"},
		"another count":     {idx(2, 4, 5), "dimension 0 is 2, want 3"},
		"truncated":         {good[:len(good)-1], "bytes, want"},
		"longer":            {append(slices.Clone(good), 0), "bytes, want"},
		"truncated gzip":    {gz(good)[:30], "truncated or corrupt"},
		"empty":             {nil, "too short"},
	} {
		if _, err := parseIDX(c.raw, 3, 4, 5); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want one that says %q", name, err, c.want)
		}
	}
}

func TestCorruptFileIsNamed(t *testing.T) {
	path := filepath.Join(t.TempDir(), "images.gz")
	if err := os.WriteFile(path, gz(idx(2, 2)), 0o644); err != nil {
		t.Fatal(err)
	}
	_, err := readIDX(path, strings.Repeat("0", 64), 2, 2)
	if err == nil || !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), "SHA-256") {
		t.Errorf("error %v, want one that names the file and the digest", err)
	}
}

func FuzzIDX(f *testing.F) {
	f.Add(idx(2, 3))
	f.Add(gz(idx(2, 3)))
	f.Fuzz(func(t *testing.T, raw []byte) {
		if b, err := parseIDX(raw, 2, 3); err == nil && len(b) != 12+6 {
			t.Errorf("accepted %d bytes", len(b))
		}
	})
}

// toy is a set of n samples of one pixel in three classes.
func toy(n int) *Set {
	pixels, labels := make([]uint8, n), make([]int, n)
	for i := range pixels {
		pixels[i], labels[i] = uint8(i), i%3
	}
	return newSet("toy", "train", Spec{Height: 1, Width: 1, Channels: 1, Mean: []float32{0}, Std: []float32{1}}, []string{"a", "b", "c"}, pixels, labels)
}

func TestDivide(t *testing.T) {
	s := toy(60)
	rest, held, err := s.Divide(15, 1)
	if err != nil {
		t.Fatal(err)
	}
	all := slices.Concat(rest.pixels, held.pixels)
	slices.Sort(all)
	if !bytes.Equal(all, s.pixels) {
		t.Error("the parts are not a division of the whole")
	}
	for _, part := range []*Set{rest, held} {
		var counts [3]int
		for i, l := range part.labels {
			counts[l]++
			if int(part.pixels[i])%3 != l {
				t.Fatal("a sample lost its label")
			}
		}
		if counts[0] != counts[1] || counts[1] != counts[2] {
			t.Errorf("%s has %v of each class", part.Split(), counts)
		}
	}
	for _, n := range []int{0, 16, 60} {
		if _, _, err := s.Divide(n, 1); err == nil {
			t.Errorf("held out %d of 60", n)
		}
	}
}

func TestPerClassIsNested(t *testing.T) {
	s := toy(60)
	few, err := s.PerClass(2, 0)
	if err != nil {
		t.Fatal(err)
	}
	more, _ := s.PerClass(9, 0)
	for _, p := range few.pixels {
		if !slices.Contains(more.pixels, p) {
			t.Errorf("sample %d is among 2 a class but not among 9", p)
		}
	}
	if other, _ := s.PerClass(2, 1); bytes.Equal(other.pixels, few.pixels) {
		t.Error("two subsets are equal")
	}
	if _, err := s.PerClass(21, 0); err == nil {
		t.Error("took 21 of 20 samples")
	}
}

func TestFromPixelsKeepsCaptions(t *testing.T) {
	spec := Spec{Height: 1, Width: 1, Channels: 1, Mean: []float32{0}, Std: []float32{1}, Captions: []string{"a", "b"}}
	set, err := FromPixels("said", "train", spec, []string{"c"}, []uint8{1, 2}, []int{0, 0})
	if err != nil {
		t.Fatal(err)
	}
	if got := set.Unlabelled().Spec().Captions; len(got) != 2 || got[1] != "b" {
		t.Errorf("captions %q", got)
	}
	spec.Captions = []string{"a"}
	if _, err := FromPixels("said", "train", spec, []string{"c"}, []uint8{1, 2}, []int{0, 0}); err == nil || !strings.Contains(err.Error(), "Captions") {
		t.Errorf("one caption for two images: error %v", err)
	}
}

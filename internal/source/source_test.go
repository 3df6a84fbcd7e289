package source

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
)

// hello is a module whose program prints one word.
func hello() fstest.MapFS {
	return fstest.MapFS{
		"go.mod":                {Data: []byte("module hello\n\ngo 1.21\n")},
		"main.go":               {Data: []byte("package main\n\nfunc main() { println(word) }\n")},
		"word.go":               {Data: []byte("package main\n\nconst word = \"hello\"\n")},
		"word_test.go":          {Data: []byte("package main\n")},
		"testdata/big":          {Data: []byte("big")},
		"internal/deep/deep.go": {Data: []byte("package deep\n")},
	}
}

func TestDigestIsOfTheContent(t *testing.T) {
	digest := func(files fstest.MapFS) string {
		_, d, err := New(files).Bytes()
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	want := digest(hello())
	for name, change := range map[string]func(fstest.MapFS){
		"a test":     func(f fstest.MapFS) { f["word_test.go"].Data = []byte("package other\n") },
		"test data":  func(f fstest.MapFS) { delete(f, "testdata/big") },
		"file modes": func(f fstest.MapFS) { f["main.go"].Mode = 0o755 },
	} {
		files := hello()
		change(files)
		if digest(files) != want {
			t.Errorf("%s changed the digest", name)
		}
	}
	for name, change := range map[string]func(fstest.MapFS){
		"a byte": func(f fstest.MapFS) { f["word.go"].Data[20] ^= 1 },
		"a name": func(f fstest.MapFS) { f["word2.go"] = f["word.go"]; delete(f, "word.go") },
	} {
		files := hello()
		change(files)
		if digest(files) == want {
			t.Errorf("%s did not change the digest", name)
		}
	}
}

func TestUnpack(t *testing.T) {
	b, _, err := New(hello()).Bytes()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := Unpack(b, dir); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(filepath.Join(dir, "internal/deep/deep.go"))
	if err != nil || string(got) != "package deep\n" {
		t.Errorf("%q, %v", got, err)
	}
	bad := bytes.Replace(b, []byte("word.go"), []byte("../w.go"), 1)
	if err := Unpack(bad, t.TempDir()); err == nil {
		t.Error("unpacked a name that leads out of the folder, or a broken checksum")
	}
	if err := Unpack(b[:520], t.TempDir()); err == nil || !strings.Contains(err.Error(), "corrupt") {
		t.Errorf("a truncated archive: %v", err)
	}
}

func TestBuildNamesWhatIsMissing(t *testing.T) {
	b, _, err := New(hello()).Bytes()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Build(context.Background(), b, t.TempDir()); err != nil {
		t.Error(err)
	}
	broken := hello()
	delete(broken, "word.go")
	if b, _, err = New(broken).Bytes(); err != nil {
		t.Fatal(err)
	}
	if _, err := Build(context.Background(), b, t.TempDir()); err == nil || !strings.Contains(err.Error(), "undefined: word") {
		t.Errorf("a source that lacks a file: %v", err)
	}
	t.Setenv("PATH", t.TempDir())
	if _, err := Build(context.Background(), b, t.TempDir()); err == nil || !strings.Contains(err.Error(), "no go in PATH") {
		t.Errorf("without a toolchain: %v", err)
	}
}

func TestNoSource(t *testing.T) {
	if _, _, err := New(nil).Bytes(); err == nil {
		t.Error("a program without source has one")
	}
}

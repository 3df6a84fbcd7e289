package tracker

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sort"
	"time"

	"github.com/mattn/go-sqlite3"
)

// applicationID marks our files: "ssln".
const applicationID = 0x73736c6e

//go:embed migration/*.sql
var migrations embed.FS

// A Store is one file of runs. Its methods may be called by many goroutines,
// and many processes may have the file open.
type Store struct {
	db   *sql.DB
	path string
}

// Open opens the store at path, making the file if there is none. It returns an
// error that names the path if the file belongs to another program, is corrupt,
// or was written by a newer version.
func Open(path string) (*Store, error) {
	if i, err := os.Stat(path); err == nil && i.IsDir() {
		return nil, fmt.Errorf("tracker: %s is a folder, want a file", path)
	}
	dsn := fmt.Sprintf("file:%s?_txlock=immediate&_busy_timeout=%d&_foreign_keys=on", &pathEscaper{path}, busy.Milliseconds())
	db, err := sql.Open("sqlite3", dsn)
	if err != nil {
		return nil, fmt.Errorf("tracker: opening %s: %w", path, err)
	}
	db.SetMaxOpenConns(1)
	s := &Store{db, path}
	if err := s.prepare(); err != nil {
		db.Close()
		return nil, fmt.Errorf("tracker: opening %s: %w", path, err)
	}
	return s, nil
}

// pathEscaper keeps a path's special characters out of the data source name.
type pathEscaper struct{ path string }

func (p *pathEscaper) String() string {
	var out []byte
	for _, c := range []byte(p.path) {
		if c == '?' || c == '#' || c == '%' {
			out = fmt.Appendf(out, "%%%02x", c)
			continue
		}
		out = append(out, c)
	}
	return string(out)
}

// prepare checks that the file is ours before changing a byte of it, then
// brings its schema up to date.
func (s *Store) prepare() error {
	var id, version, tables int
	err := s.db.QueryRow(`SELECT (SELECT application_id FROM pragma_application_id), (SELECT user_version FROM pragma_user_version),
		(SELECT count(*) FROM sqlite_schema)`).Scan(&id, &version, &tables)
	var serr sqlite3.Error
	switch {
	case errors.As(err, &serr) && (serr.Code == sqlite3.ErrNotADB || serr.Code == sqlite3.ErrCorrupt):
		return fmt.Errorf("it is not a store, or corrupt: %w", err)
	case err != nil:
		return err
	case id != applicationID && (id != 0 || tables > 0):
		return fmt.Errorf("it belongs to another program (application id %#x, %d tables)", id, tables)
	}
	for _, pragma := range []string{"journal_mode=WAL", "synchronous=NORMAL"} {
		if err := s.patiently("PRAGMA " + pragma); err != nil {
			return err
		}
	}
	return s.migrate()
}

// busy is how long a lock of another process is waited for.
const busy = 30 * time.Second

// patiently executes a statement for which SQLite itself does not wait: of
// several processes that turn to the write-ahead log at once, all but one find
// the file locked.
func (s *Store) patiently(statement string) error {
	for end := time.Now().Add(busy); ; time.Sleep(5 * time.Millisecond) {
		_, err := s.db.Exec(statement)
		var serr sqlite3.Error
		if !errors.As(err, &serr) || serr.Code != sqlite3.ErrBusy || time.Now().After(end) {
			return err
		}
	}
}

// migrate runs the numbered scripts that the file has not seen, each in a
// transaction of its own.
func (s *Store) migrate() error {
	names, err := fs.Glob(migrations, "migration/*.sql")
	if err != nil {
		return err
	}
	sort.Strings(names)
	return s.change(func(tx *sql.Tx) error {
		var version int // read inside the lock: another process may migrate too
		if err := tx.QueryRow("PRAGMA user_version").Scan(&version); err != nil {
			return err
		}
		if version > len(names) {
			return fmt.Errorf("it was written by a newer version: schema %d, this program knows %d", version, len(names))
		}
		for i, name := range names[version:] {
			script, err := migrations.ReadFile(name)
			if err != nil {
				return err
			}
			if _, err := tx.Exec(string(script)); err != nil {
				return fmt.Errorf("%s: %w", filepath.Base(name), err)
			}
			if _, err := tx.Exec(fmt.Sprintf("PRAGMA user_version = %d", version+i+1)); err != nil {
				return err
			}
		}
		_, err := tx.Exec(fmt.Sprintf("PRAGMA application_id = %d", applicationID))
		return err
	})
}

// change runs f in a transaction.
func (s *Store) change(f func(tx *sql.Tx) error) error {
	tx, err := s.db.BeginTx(context.Background(), nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	if err := f(tx); err != nil {
		return err
	}
	return tx.Commit()
}

// durably runs f in a transaction that is on the disk when it returns.
func (s *Store) durably(f func(tx *sql.Tx) error) error {
	if _, err := s.db.Exec("PRAGMA synchronous=FULL"); err != nil {
		return err
	}
	defer s.db.Exec("PRAGMA synchronous=NORMAL")
	return s.change(f)
}

// Close closes the file.
func (s *Store) Close() error { return s.db.Close() }

// Path returns where the file is.
func (s *Store) Path() string { return s.path }

// DefaultPath returns where runs are kept: the flag if it is not empty, else
// $SSLNOTES_DB, else the nearest runs.db in this folder or above, else runs.db
// at the root of the enclosing Go module or repository, else here.
func DefaultPath(flag string) (string, error) {
	if flag != "" {
		return flag, nil
	}
	if p := os.Getenv("SSLNOTES_DB"); p != "" {
		return p, nil
	}
	here, err := os.Getwd()
	if err != nil {
		return "", fmt.Errorf("tracker: %w", err)
	}
	for _, mark := range []string{"runs.db", "go.mod", ".git"} {
		if dir, ok := upward(here, mark); ok {
			return filepath.Join(dir, "runs.db"), nil
		}
	}
	return filepath.Join(here, "runs.db"), nil
}

// upward returns the nearest folder at or above dir that holds name.
func upward(dir, name string) (string, bool) {
	for {
		if _, err := os.Stat(filepath.Join(dir, name)); err == nil {
			return dir, true
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return "", false
		}
		dir = parent
	}
}

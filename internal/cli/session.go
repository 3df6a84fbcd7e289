package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"runtime"

	"github.com/spf13/cobra"

	"sslnotes/internal/catalog"
	"sslnotes/sslkit/pipeline"
	"sslnotes/tracker"
)

// session returns what makes runs: with the store, progress on the terminal,
// the catalog's types, and this program's source kept in the store.
func (a *app) session(ctx context.Context) (*pipeline.Session, error) {
	path, err := tracker.DefaultPath(a.db)
	if err != nil {
		return nil, err
	}
	store, err := tracker.Open(path)
	if err != nil {
		return nil, err
	}
	a.opened = append(a.opened, store)
	digest, err := a.keepSource(store)
	if err != nil {
		return nil, err
	}
	return &pipeline.Session{
		Store:    store,
		Types:    catalog.Types(),
		Progress: a.progress(),
		Context:  func() context.Context { return ctx },
		Source:   tracker.Source{Digest: digest, Go: runtime.Version(), OS: runtime.GOOS, Arch: runtime.GOARCH},
	}, nil
}

// keepSource stores this program's source, once for each build.
func (a *app) keepSource(store *tracker.Store) (digest string, err error) {
	b, digest, err := a.source.Bytes()
	if err != nil {
		return "", err
	}
	if has, err := store.HasBlob(digest); has || err != nil {
		return digest, err
	}
	return store.PutBlob(b)
}

// store opens the store for reading: one that is not there is not made.
func (a *app) store() (*tracker.Store, error) {
	path, err := tracker.DefaultPath(a.db)
	if err != nil {
		return nil, err
	}
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("there are no runs yet: %s does not exist (name another file with --db or SSLNOTES_DB)", path)
	}
	return tracker.Open(path)
}

// reading wraps a command's work on an open store.
func (a *app) reading(work func(s *tracker.Store, args []string) error) func(*cobra.Command, []string) error {
	return func(_ *cobra.Command, args []string) error {
		s, err := a.store()
		if err != nil {
			return err
		}
		defer s.Close()
		return work(s, args)
	}
}

// completeRuns offers the names of runs to the shell.
func (a *app) completeRuns(_ *cobra.Command, _ []string, _ string) ([]string, cobra.ShellCompDirective) {
	s, err := a.store()
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	defer s.Close()
	all, _ := s.Runs(tracker.Filter{})
	var names []string
	for _, r := range all {
		names = append(names, r.Name()+"\t"+r.Kind+" "+r.Method+", "+string(r.Status))
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}

// offer completes a flag from fixed values.
func offer(c *cobra.Command, flag string, values []string) {
	// The flag was defined a line before; there is nothing else to fail.
	_ = c.RegisterFlagCompletionFunc(flag, cobra.FixedCompletions(values, cobra.ShellCompDirectiveNoFileComp))
}

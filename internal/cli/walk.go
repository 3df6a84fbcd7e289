package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"sslnotes/internal/notebook"
	"sslnotes/notebooks"
	"sslnotes/tracker"
)

func (a *app) walk() *cobra.Command {
	var out string
	c := &cobra.Command{
		Use:   "walk [NOTEBOOK…]",
		Short: "Run notebooks from first to last cell, without Jupyter, and make pages of them",
		Long: `Run notebooks from the first to the last cell, without Jupyter, each in a fresh
session, and write them executed, as .ipynb and as an HTML page with its pictures.
A NOTEBOOK is a chapter of the course or a file; the default is the whole course.
The runs that the cells make are recorded as always, and listed at the end.

The first cell that fails ends the walk: it is shown with its error, and the exit
code is 1. What was executed until then is written.`,
		Example: "  sslnotes walk\n  sslnotes walk 03_contrastive --out /tmp/course\n  sslnotes walk my.ipynb",
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			return append(notebooks.Names(), "ipynb"), cobra.ShellCompDirectiveDefault
		},
		RunE: func(c *cobra.Command, args []string) error {
			if len(args) == 0 {
				args = notebooks.Names()
			}
			return a.runWalk(c.Context(), args, out)
		},
	}
	c.Flags().StringVar(&out, "out", "out", "folder of the executed notebooks and pages")
	return c
}

// A lesson is a notebook to run.
type lesson struct {
	name    string // of the files to write, without extension
	dir     string // where its cells run
	book    *notebook.Notebook
	session string // by which its runs are found
	took    time.Duration
	failure *notebook.Failure
}

// lessons reads all notebooks before any is run.
func lessons(args []string) ([]*lesson, error) {
	var all []*lesson
	for _, arg := range args {
		l, err := newLesson(arg)
		if err != nil {
			return nil, err
		}
		if slices.ContainsFunc(all, func(o *lesson) bool { return o.name == l.name }) {
			return nil, fmt.Errorf("two notebooks are called %s: their pages would be one file", l.name)
		}
		all = append(all, l)
	}
	return all, nil
}

func newLesson(arg string) (*lesson, error) {
	name := strings.TrimSuffix(filepath.Base(arg), ".ipynb")
	l := &lesson{name: name, session: fmt.Sprintf("walk-%s-%s", time.Now().UTC().Format("20060102T150405.000"), name)}
	var err error
	if arg == name && slices.Contains(notebooks.Names(), name) {
		b, err := notebooks.Read(name)
		if err != nil {
			return nil, err
		}
		l.book, err = notebook.Parse(b)
		return l, err
	}
	if l.book, err = notebook.Read(arg); err != nil {
		if errors.Is(err, os.ErrNotExist) {
			return nil, fmt.Errorf("%w; the course has %s", err, strings.Join(notebooks.Names(), ", "))
		}
		return nil, err
	}
	l.dir, err = filepath.Abs(filepath.Dir(arg))
	return l, err
}

// runWalk runs the notebooks, writes what came of them and lists their runs.
func (a *app) runWalk(ctx context.Context, args []string, out string) error {
	all, err := lessons(args)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(out, 0o777); err != nil {
		return err
	}
	db, err := tracker.DefaultPath(a.db)
	if err != nil {
		return err
	}
	if db, err = filepath.Abs(db); err != nil {
		return err
	}
	a.db = db // the cells run in folders of their own
	for _, l := range all {
		if err = a.runLesson(ctx, l, db); err == nil || l.failure != nil {
			err = errors.Join(l.write(out), err)
		}
		if err != nil {
			break
		}
	}
	runs, listErr := a.lessonRuns(all, db)
	if listErr == nil {
		listErr = writeIndex(out, all, runs)
	}
	if err := errors.Join(err, listErr); err != nil {
		return err
	}
	fmt.Fprintf(a.out, "\npages: %s\n", filepath.Join(out, "index.html"))
	return nil
}

// runLesson runs one notebook in a session of its own.
func (a *app) runLesson(ctx context.Context, l *lesson, db string) error {
	k, err := a.startCells(l.session, l.dir, db)
	if err != nil {
		return err
	}
	defer k.Close()
	p := a.walkProgress(l.name)
	k.watch = p.text
	start := time.Now()
	err = l.book.Execute(ctx, k, p.cell)
	l.took = time.Since(start)
	p.end()
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if errors.As(err, &l.failure) {
		a.printFailure(l)
		return fmt.Errorf("%s: %w", l.name, err)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", l.name, err)
	}
	fmt.Fprintf(a.out, "%s: done in %s\n", l.name, l.took.Round(100*time.Millisecond))
	return nil
}

// printFailure shows a cell that failed, with its error.
func (a *app) printFailure(l *lesson) {
	f := l.failure
	fmt.Fprintf(a.out, "\n%s, code cell %d:\n\n", l.name, f.Number)
	for i, line := range strings.Split(f.Cell.Source, "\n") {
		fmt.Fprintf(a.out, "  %3d  %s\n", i+1, line)
	}
	fmt.Fprintf(a.out, "\n%s\n", notebook.Plain(strings.Join(f.Output.Traceback, "\n")))
}

// write writes the executed notebook and its page.
func (l *lesson) write(out string) error {
	if err := l.book.Write(filepath.Join(out, l.name+".ipynb")); err != nil {
		return err
	}
	page, err := l.book.Page()
	if err != nil {
		return err
	}
	return writeFile(filepath.Join(out, l.name+".html"), page)
}

// lessonRuns prints the runs that the lessons have made, and returns them.
func (a *app) lessonRuns(all []*lesson, db string) ([]tracker.Run, error) {
	if _, err := os.Stat(db); errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	s, err := tracker.Open(db)
	if err != nil {
		return nil, err
	}
	defer s.Close()
	stored, err := s.Runs(tracker.Filter{})
	if err != nil {
		return nil, err
	}
	runs := slices.DeleteFunc(stored, func(r tracker.Run) bool {
		return !slices.ContainsFunc(all, func(l *lesson) bool { return l.session == r.Session })
	})
	if len(runs) == 0 {
		return nil, nil
	}
	fmt.Fprintln(a.out)
	return runs, a.printRuns(s, runs)
}

// Package cli is the command line, one file a command.
//
// # Design
//
// Every command is a method of app that returns a cobra command: its flags are
// local variables, its work a short function. What commands print for people
// goes to standard output as tables and lines; with --json the same facts are
// one JSON value. Progress goes to standard error and only to a terminal, so
// that a script sees results alone.
//
// The exit code is 0, or 1 after an error, or 130 after an interrupt; reproduce
// has 3 and 4 for its verdicts.
package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"

	"github.com/spf13/cobra"

	"sslnotes/internal/source"
)

// app is what all commands share.
type app struct {
	out, err io.Writer
	db       string
	source   *source.Archive
	opened   []io.Closer // stores of the sessions
}

// Main runs the command line on the program's own arguments and returns the
// exit code. Files is the program's own source.
func Main(files fs.FS) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	go func() { // a second interrupt ends the program at once
		<-ctx.Done()
		stop()
	}()
	collectOften()
	a := &app{out: os.Stdout, err: os.Stderr, source: source.New(files)}
	err := a.root().ExecuteContext(ctx)
	for _, c := range a.opened {
		err = errors.Join(err, c.Close())
	}
	return a.end(err)
}

// collectOften lowers the garbage collector's target unless the user has set
// one: training holds few and large arrays, which are cheap to collect and heavy
// to leave.
func collectOften() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(10)
	}
}

// end says what went wrong and returns the exit code.
func (a *app) end(err error) int {
	var exit exitCode
	switch {
	case err == nil:
		return 0
	case errors.As(err, &exit):
		return int(exit)
	case errors.Is(err, context.Canceled):
		fmt.Fprintln(a.err, "sslnotes: interrupted")
		return 130
	}
	fmt.Fprintln(a.err, "sslnotes:", err)
	return 1
}

// An exitCode ends the program with that code after all has been said.
type exitCode int

func (e exitCode) Error() string { return fmt.Sprintf("exit code %d", int(e)) }

// root returns the command tree.
func (a *app) root() *cobra.Command {
	root := &cobra.Command{
		Use:   "sslnotes",
		Short: "A laboratory for self-supervised learning",
		Long: `A laboratory for self-supervised learning: train a method on images without
labels, judge its features, compare runs, and execute any of them again, bit for
bit.

Runs are kept in one file: --db, else $SSLNOTES_DB, else the nearest runs.db in
this folder or above, else runs.db at the root of the enclosing Go module or
repository. A RUN is given by its name, its id, or the beginning of its id.

Results are the same bits on any number of threads and any instruction set:
GOMAXPROCS and SSLKIT_ISA (generic, avx2, avx512) change speed alone.`,
		Example: `  sslnotes train simclr --data fashion-mini --epochs 5 --seed 1
  sslnotes probe simclr-1
  sslnotes runs
  sslnotes reproduce simclr-1`,
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	root.SetOut(a.out)
	root.SetErr(a.err)
	root.PersistentFlags().StringVar(&a.db, "db", "", "file of runs (default: see sslnotes --help)")
	root.AddGroup(&cobra.Group{ID: "make", Title: "Make runs:"}, &cobra.Group{ID: "read", Title: "Read runs:"}, &cobra.Group{ID: "know", Title: "Know what there is:"}, &cobra.Group{ID: "notebook", Title: "Use it in notebooks:"})
	add(root, "make", a.train(), a.probe(), a.baseline(), a.reproduce())
	add(root, "read", a.runs(), a.show(), a.compare(), a.plot(), a.export())
	add(root, "know", a.methods(), a.encoders(), a.data(), a.bench(), a.version())
	root.AddCommand(a.results(), a.retrieve())
	add(root, "notebook", a.walk(), a.install(), a.uninstall(), a.kernel(), a.runSession())
	return root
}

func add(root *cobra.Command, group string, commands ...*cobra.Command) {
	for _, c := range commands {
		c.GroupID = group
		root.AddCommand(c)
	}
}

// json prints one value as indented JSON.
func (a *app) json(v any) error {
	e := json.NewEncoder(a.out)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	return e.Encode(v)
}

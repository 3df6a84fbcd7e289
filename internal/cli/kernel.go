package cli

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"os"
	"os/signal"
	"strconv"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"sslnotes/kernel/front"
	"sslnotes/kernel/interp"
	"sslnotes/kernel/session"
	"sslnotes/kernel/wire"
	"sslnotes/sslkit/pipeline"
	"sslnotes/tracker"
)

// sessionCommand is the command line of a process that runs cells.
func (a *app) sessionCommand() ([]string, error) {
	exe, err := os.Executable()
	if err != nil {
		return nil, err
	}
	command := []string{exe, "session"}
	if a.db != "" {
		command = append(command, "--db", a.db)
	}
	return command, nil
}

func (a *app) kernel() *cobra.Command {
	return &cobra.Command{
		Use:    "kernel CONNECTION-FILE",
		Short:  "Serve a notebook: Jupyter calls this",
		Hidden: true,
		Args:   cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			connection, err := wire.ReadConnection(args[0])
			if err != nil {
				return err
			}
			command, err := a.sessionCommand()
			if err != nil {
				return err
			}
			// An interrupt is for the cell that runs: it does not end the
			// kernel. What does, besides a message, is that Jupyter is gone.
			interrupts := make(chan os.Signal, 1)
			signal.Notify(interrupts, os.Interrupt)
			ctx, stop := context.WithCancel(context.Background())
			defer stop()
			go watchParent(stop)
			cells := a.cells()
			return front.Run(ctx, front.Options{
				Connection: connection, Child: session.Options{Command: command}, Session: cells.session,
				Version: Version, Banner: "sslnotes " + Version + ": Go, with self-supervised learning linked in",
				Interrupts: interrupts, Past: cells.past, Record: cells.record,
			})
		},
	}
}

// watchParent calls stop once the process that Jupyter names is no longer our
// parent.
func watchParent(stop func()) {
	parent, err := strconv.Atoi(os.Getenv("JPY_PARENT_PID"))
	if err != nil || parent <= 1 || os.Getppid() != parent {
		return
	}
	for os.Getppid() == parent {
		time.Sleep(time.Second)
	}
	stop()
}

// A cellStore keeps executed cells in the store of runs. A store that cannot be
// opened costs the history, not the session.
type cellStore struct {
	session string
	open    func() (*tracker.Store, error)
}

func (a *app) cells() *cellStore {
	var b [6]byte
	rand.Read(b[:]) // never fails
	return &cellStore{hex.EncodeToString(b[:]), sync.OnceValues(func() (*tracker.Store, error) {
		path, err := tracker.DefaultPath(a.db)
		if err != nil {
			return nil, err
		}
		return tracker.Open(path)
	})}
}

func (c *cellStore) record(r front.Record) {
	s, err := c.open()
	if err == nil {
		err = s.RecordCell(tracker.Cell{Session: c.session, Number: r.Number, Source: r.Source, Status: r.Status, Outputs: r.Outputs, Started: r.Started})
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "sslnotes:", err)
	}
}

// past lists the cells of former sessions, as far as they can be read.
func (c *cellStore) past() (all [][]string) {
	s, err := c.open()
	if err != nil {
		return nil
	}
	names, _ := s.Sessions()
	for _, name := range names {
		if name == c.session {
			continue
		}
		cells, _ := s.Cells(name)
		var sources []string
		for _, cell := range cells {
			sources = append(sources, cell.Source)
		}
		all = append(all, sources)
	}
	return all
}

func (a *app) runSession() *cobra.Command {
	return &cobra.Command{
		Use:    "session",
		Short:  "Run the cells of a notebook: the kernel calls this",
		Hidden: true,
		Args:   cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			signal.Ignore(os.Interrupt) // the parent says when to stop
			var mu sync.Mutex
			ctx, cell := context.Background(), session.Cell{}
			pipeline.Default = a.notebookSession(func() context.Context {
				mu.Lock()
				defer mu.Unlock()
				return ctx
			}, func() (string, int) {
				mu.Lock()
				defer mu.Unlock()
				return cell.Session, cell.Number
			})
			return session.Serve(interp.New(), session.Hooks{Before: func(c context.Context, s session.Cell) {
				mu.Lock()
				defer mu.Unlock()
				ctx, cell = c, s
			}})
		},
	}
}

// notebookSession is what makes the runs of a notebook's cells. If the store
// cannot be opened now, a run that needs it says why.
func (a *app) notebookSession(ctx func() context.Context, cell func() (string, int)) *pipeline.Session {
	s, err := a.session(context.Background())
	if err != nil {
		s = &pipeline.Session{Path: a.db}
	}
	s.Context, s.Cell, s.Progress = ctx, cell, displayBar
	return s
}

package notebook

import (
	"context"
	"fmt"
	"time"
)

// A Kernel runs code.
type Kernel interface {
	// Run runs a cell's code and hands over what it shows, in order. A cell that
	// fails shows an output of type "error"; the error returned is for a kernel
	// that cannot go on.
	Run(ctx context.Context, code string, show func(Event)) error
}

// An Event is something that a running cell shows.
type Event struct {
	Output Output
	Update bool // replace what has the output's DisplayID
	Clear  bool // remove the cell's outputs; there is no Output
	Wait   bool // clear, but not before there is an output to put in their place
}

// A Failure is the error of a cell.
type Failure struct {
	Cell   *Cell
	Number int // of the cell among the code cells, from 1
	Output Output
}

func (f *Failure) Error() string {
	return fmt.Sprintf("code cell %d failed: %s: %s", f.Number, f.Output.Error, f.Output.Message)
}

// Progress is called when a code cell begins, with took 0, and when it has
// ended.
type Progress func(number, of int, c *Cell, took time.Duration)

// Execute runs all code cells in order on the kernel and replaces their outputs.
// It stops at the first cell that fails, with a *Failure; the cells after it
// have no outputs then.
func (n *Notebook) Execute(ctx context.Context, k Kernel, progress Progress) error {
	var code []*Cell
	for _, c := range n.Cells {
		if c.Type == "code" {
			c.Outputs, c.Count = nil, 0
			code = append(code, c)
		}
	}
	for i, c := range code {
		c.Count = i + 1
		start := time.Now()
		progress(i+1, len(code), c, 0)
		err := n.run(ctx, k, c)
		progress(i+1, len(code), c, max(1, time.Since(start)))
		if err != nil {
			return err
		}
		for _, o := range c.Outputs {
			if o.Type == "error" {
				return &Failure{c, i + 1, o}
			}
		}
	}
	return nil
}

func (n *Notebook) run(ctx context.Context, k Kernel, c *Cell) error {
	clear := false
	return k.Run(ctx, c.Source, func(e Event) {
		if e.Clear && !e.Wait || clear && !e.Clear {
			c.Outputs, clear = nil, false
		}
		if e.Clear {
			clear = e.Wait
			return
		}
		if e.Output.Type == "execute_result" {
			e.Output.Count = c.Count
		}
		n.show(c, e.Output, e.Update)
	})
}

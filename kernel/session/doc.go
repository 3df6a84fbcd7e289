// Package session runs cells in a process of their own.
//
// # Design
//
// A notebook's code may call os.Exit, overflow the stack, exhaust the memory or
// hang; none of that may take the kernel with it. So cells run in a child
// process, and the parent, a [Child]'s owner, only passes messages:
//
//	child, err := session.Start(session.Options{Command: []string{exe, "session"}})
//	reply := child.Execute(ctx, session.Cell{Code: `1 + 1`}, func(o session.Output) { … })
//
// The child calls [Serve] with an engine. The two talk over a pair of pipes in
// length-prefixed JSON. What the child prints arrives by its real standard
// output and error, so that prints from C, from the runtime and from goroutines
// are seen too; before each display the child writes a marker into both, by
// which the parent puts everything in the order in which it happened.
//
// If the child dies, its cell fails with what it wrote on standard error, and a
// new child takes its place, which knows nothing of the old one's variables: the
// reply says so. An interrupt first cancels the cell's context, then asks the
// interpreter to stop; a cell that still runs after the grace is killed with its
// process. The child is in a process group of its own, so that an interrupt from
// the terminal reaches only the parent, and ends when its pipe closes.
package session

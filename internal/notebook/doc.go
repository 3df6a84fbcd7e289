// Package notebook reads, runs and writes Jupyter notebooks without Jupyter, and
// makes web pages of them.
//
// # Design
//
// A [Notebook] is the file format nbformat 4: what this package does not know of
// it is kept and written back. Files are written in the form that Jupyter's own
// tools write (sorted keys, an indent of one, text as lists of lines), so that a
// notebook changed here differs from its original only in what changed. Cells
// without an id get one that is a function of their content.
//
// [Notebook.Execute] runs the code cells on any [Kernel] and applies what it
// shows to their outputs, by the protocol's rules: streams join, a display with
// an id can be replaced later.
//
// [Page] is an executed notebook as one self-contained file. Nothing that a cell
// has shown can act on the reader's machine: Markdown's raw HTML is left out,
// SVG is an <img>, HTML output is reduced to an allow-list of harmless elements,
// JavaScript is not shown, and the page's own policy forbids scripts, frames and
// any load from elsewhere.
package notebook

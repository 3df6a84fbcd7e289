// Package results makes the runs behind the README's table, keeps what came of
// them, and writes the table.
//
// # Design
//
// A [Plan] is a list of rows, each one run: an encoder, or a judgement of one.
// A finished row is one small JSON file, so the files say how far the plan is,
// and executing it again does what is missing. Weights stay in the store; an
// encoder whose weights are gone is trained again, and must come out with the
// digest in its file.
//
// Rows are made seed by seed, so that the table has a meaning before the last
// row is done. Nothing is chosen here: options are the methods' defaults, and
// what a probe chooses it chooses within the training images. The test images
// are read once a row.
package results

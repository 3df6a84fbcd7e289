// Package data reads real image sets and hands them out with and without their
// labels.
//
// # Design
//
// A set is named by the SHA-256 of its decompressed content, since packagers
// compress anew. A file that is truncated, swapped or corrupt is refused by
// name, with what was expected.
//
// [Set.Unlabelled] returns a type from which no label can be reached: a method
// that trains on it cannot cheat.
package data

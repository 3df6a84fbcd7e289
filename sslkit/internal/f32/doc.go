// Package f32 holds the numeric kernels: matrix products, convolutions,
// reductions and elementwise functions on float32 slices.
//
// # Design
//
// Every result is a pure function of the inputs. Instruction sets and threads
// decide how fast it is computed, never which bits come out:
//
//   - An element of a matrix product is one chain of fused multiply-adds over
//     ascending k. The lanes of a vector are different elements, so a wider
//     vector, another tile or another block size changes nothing.
//   - A sum over samples is taken in leaves of [Leaf] samples, in order within a
//     leaf, then by a balanced binary tree over the leaves. Threads only decide
//     who computes a leaf.
//   - Exponentials and their kin are this package's own, with every rounding
//     explicit. The math package's change with the processor.
//   - A product that must not be fused with an addition is written
//     float32(a*b) + c; some compilers fuse a*b + c.
//
// Each assembly kernel has a twin in Go, built on an exact float32 [FMA], and
// the tests hold them equal bit for bit. The environment variable SSLKIT_ISA
// (generic, avx2, avx512) chooses the instruction set; the build tag portable
// leaves the assembly out.
package f32

//go:generate go run ./gen

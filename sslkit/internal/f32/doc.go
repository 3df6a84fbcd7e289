// Package f32 holds the numeric kernels: matrix products, convolutions,
// reductions and elementwise functions on float32 slices.
//
// # Design
//
// Every result is a pure function of the inputs. Instruction sets and threads
// decide how fast it is computed, never which bits come out. Each assembly
// kernel has a twin in Go, built on an exact float32 [FMA], and the tests hold
// them equal bit for bit. The environment variable SSLKIT_ISA (generic, avx2,
// avx512, neon) chooses the instruction set; the build tag portable leaves the
// assembly out.
//
// # The arithmetic
//
// What follows is the specification. To change a line of it is to change the
// bits of trained networks, and so the numerics version.
//
//   - Matrix products. An element is one chain of fused multiply-adds over
//     ascending k, c = fma(a, b, c), from zero, from what is in C, or from a
//     bias. The lanes of a vector are different elements, so a wider vector,
//     another tile or another block size changes nothing.
//   - Convolution. An output is one chain from zero over the kernel's rows, its
//     columns and the input channels. An input gradient is one chain over the
//     taps that meet the pixel, in falling order of rows and columns, and the
//     output channels. A weight gradient is a sum over samples whose leaf is one
//     chain over samples, rows and columns. Taps outside the image take no part
//     in any of them.
//   - Winograd's convolution, where asked for, F(2×2,3×3). An image has zeros
//     around it; its tiles are 4×4 pixels, two apart, the first at (-Pad,-Pad),
//     and reach as far as the output does. B, G and A are those of Lavin and Gray
//     (2016, equation 7). Bᵀ·d·B is computed as Bᵀ·(d·B), Aᵀ·m·A as Aᵀ·(m·A) with
//     (m0+m1)+m2 and (m1-m2)-m3, G·g·Gᵀ as G·(g·Gᵀ) with (g0+g2)·½ ± g1·½; each
//     operation rounds. m is one chain over the channels for each of the 16 places.
//     The input gradient is the same on the taps turned by half a turn and
//     transposed, with a border of 2-Pad. For the weight gradient (A·dy)·Aᵀ is
//     computed for tiles of 2×2 pixels, zeros standing where dy ends before them;
//     within a leaf each of 16 places is one chain over samples and tiles, and of
//     its end u, (Gᵀ·u)·G with (u1±u2)·½ is the leaf.
//   - Sums over samples. The samples are cut into leaves of [Leaf]; the last
//     may be short. A leaf begins from zero and runs in order of samples and of
//     the rows within one. Over the leaves stands a balanced binary tree: leaf
//     i takes in leaf i+1 for even i, then i+2 for every fourth, and so on.
//     Weight and bias gradients, BatchNorm's four sums and mean losses are such
//     sums. Threads only decide who computes a leaf.
//   - BatchNorm. mean = Σx·(1/n), variance = Σ(x-mean)²·(1/n), each a sum over
//     samples; r = 1/√(variance+ε); y = (x-mean)·(γ·r) + β. Backward, with
//     s = Σdy and t = Σdy·((x-mean)·r): dx = ((dy - s·(1/n)) -
//     (x-mean)·(t·(1/n)·r))·(γ·r). Nothing is fused.
//   - ReLU is 0 where x ≤ 0, else x: a NaN stays and -0 becomes +0. Its
//     gradient passes where the output is positive.
//   - Other reductions over a row run in 16 virtual lanes, value j in lane j
//     mod 16, and a fixed tree over the lanes, i taking in i+8, then i+4, i+2
//     and i+1; or in float64 in order, where the function says so.
//   - Exponentials and their kin are this package's own, with every rounding
//     explicit. The math package's change with the processor. Division and
//     square root are IEEE's; no approximation is used.
//   - Apart from the chains above nothing is fused: a product that must not be
//     fused with an addition is written float32(a*b) + c, since some compilers
//     fuse a*b + c.
//   - [AdamW] and [SGD] have their formulas, evaluated as written.
package f32

//go:generate go run ./gen

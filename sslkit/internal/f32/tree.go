package f32

// Leaf is the number of samples summed in order before the tree begins. It is
// part of the specification: another value gives other bits.
const Leaf = 32

// Leaves returns how many leaves a sum over samples has.
func Leaves(samples int) int { return (samples + Leaf - 1) / Leaf }

// treeSum adds the leaves partial[0:n], partial[n:2n], … by a balanced binary
// tree into out: at each level leaf i takes in leaf i+1, then leaf i takes in
// leaf i+2, and so on. It overwrites partial.
func treeSum(leaves, n int, partial, out []float32) {
	Chunks(n, 4096, func(from, to int) {
		for step := 1; step < leaves; step *= 2 {
			for i := 0; i+step < leaves; i += 2 * step {
				into, other := partial[i*n+from:i*n+to], partial[(i+step)*n+from:(i+step)*n+to]
				Add(into, into, other, false)
			}
		}
		copy(out[from:to], partial[from:to])
	})
}

// SumSamples computes out[0:n] as the sum over samples of what leaf adds up for
// the samples from..to, which it must do in order, starting from the zeros it
// is given.
func SumSamples(samples, n int, out []float32, leaf func(from, to int, sum []float32)) {
	sumLeaves(samples, n, out, func(from, to int, sum []float32) {
		clear(sum)
		leaf(from, to, sum)
	})
}

// sumLeaves is SumSamples for a leaf that is not given zeros.
func sumLeaves(samples, n int, out []float32, leaf func(from, to int, sum []float32)) {
	leaves := Leaves(samples)
	if leaves <= 1 {
		leaf(0, samples, out[:n])
		return
	}
	partial := scratch(leaves * n)
	defer release(partial)
	Parallel(leaves, func(i int) {
		leaf(i*Leaf, min(samples, (i+1)*Leaf), (*partial)[i*n:(i+1)*n])
	})
	treeSum(leaves, n, *partial, out)
}

// WeightGrad computes dw = xᵀ·dy [k,n] over samples of rows rows each, x being
// [samples*rows,k] and dy [samples*rows,n].
func WeightGrad(samples, rows, k, n int, x, dy, dw []float32) {
	e := active
	SumSamples(samples, k*n, dw, func(from, to int, sum []float32) {
		p := product{k, n, (to - from) * rows, matrix{x[from*rows*k:], 1, k}, dy[from*rows*n:], n, sum, n, Start{}}
		p.check()
		p.block(e, 0, k, 0, n, nil)
	})
}

// ColumnSums computes the sums of the columns of x [samples*rows,n].
func ColumnSums(samples, rows, n int, x, out []float32) {
	SumSamples(samples, n, out, func(from, to int, sum []float32) {
		Sums(sum, x[from*rows*n:to*rows*n])
	})
}

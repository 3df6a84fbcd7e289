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
	type tree struct {
		leaves, n    int
		partial, out []float32
	}
	Chunks(n, 4096, tree{leaves, n, partial, out}, func(t tree, from, to int) {
		for step := 1; step < t.leaves; step *= 2 {
			for i := 0; i+step < t.leaves; i += 2 * step {
				into, other := t.partial[i*t.n+from:i*t.n+to], t.partial[(i+step)*t.n+from:(i+step)*t.n+to]
				Add(into, into, other, false)
			}
		}
		copy(t.out[from:to], t.partial[from:to])
	})
}

// SumSamples computes out[0:n] as the sum over samples of what leaf adds up for
// the samples from..to, which it must do in order, starting from the zeros it
// is given. With is for leaf what it is for Parallel's tasks.
func SumSamples[T any](samples, n int, out []float32, with T, leaf func(with T, from, to int, sum []float32)) {
	sumLeaves(samples, n, out, true, with, leaf)
}

// sumLeaves is SumSamples for a leaf that is given zeros only if zeros is set.
func sumLeaves[T any](samples, n int, out []float32, zeros bool, with T, leaf func(with T, from, to int, sum []float32)) {
	count := Leaves(samples)
	l := Take[leaves[T]]()
	*l = leaves[T]{with, leaf, samples, n, zeros, out[:n]}
	if count <= 1 {
		l.do(0)
	} else {
		partial := scratch(count * n)
		l.sums = *partial
		share(count, l)
		treeSum(count, n, *partial, out)
		release(partial)
	}
	*l = leaves[T]{}
	Give(l)
}

// leaves is a call of SumSamples.
type leaves[T any] struct {
	with       T
	leaf       func(with T, from, to int, sum []float32)
	samples, n int
	zeros      bool
	sums       []float32 // of the leaves, one after the other
}

func (l *leaves[T]) do(i int) {
	sum := l.sums[i*l.n : (i+1)*l.n]
	if l.zeros {
		clear(sum)
	}
	l.leaf(l.with, i*Leaf, min(l.samples, (i+1)*Leaf), sum)
}

// WeightGrad computes dw = xᵀ·dy [k,n] over samples of rows rows each, x being
// [samples*rows,k] and dy [samples*rows,n].
func WeightGrad(samples, rows, k, n int, x, dy, dw []float32) {
	type operands struct {
		rows, k, n int
		x, dy      []float32
		e          *engine
	}
	sumLeaves(samples, k*n, dw, rows == 0, operands{rows, k, n, x, dy, active}, func(o operands, from, to int, sum []float32) {
		p := product{m: o.k, n: o.n, k: (to - from) * o.rows, a: matrix{o.x[from*o.rows*o.k:], 1, o.k}, b: o.dy[from*o.rows*o.n:], ldb: o.n, c: sum, ldc: o.n}
		p.check()
		p.block(o.e, 0, o.k, 0, o.n, nil)
	})
}

// ColumnSums computes the sums of the columns of x [samples*rows,n].
func ColumnSums(samples, rows, n int, x, out []float32) {
	type columns struct {
		size int // of a sample
		x    []float32
	}
	SumSamples(samples, n, out, columns{rows * n, x}, func(c columns, from, to int, sum []float32) {
		Sums(sum, c.x[from*c.size:to*c.size])
	})
}

package f32

// Piece is how many rows are added one by one where a sum goes over many: such a
// sum is that of its pieces, so that its roundings do not pile up.
const Piece = 32

// pieces adds what f adds up for pieces of rows to sum, f starting each from
// the zeros it is given.
func pieces(rows int, sum []float32, f func(from, to int, sum []float32)) {
	held := scratch(len(sum))
	defer release(held)
	part := *held
	for from := 0; from < rows; from += Piece {
		clear(part)
		f(from, min(rows, from+Piece), part)
		Add(sum, sum, part, false)
	}
}

// Moments computes the mean and the biased variance of each of c columns of x
// [samples·rows,c]. A sample's own come first, by pieces of its rows; together
// they make those of all (Chan, Golub and LeVeque 1983), sums over samples going
// by the leaf tree.
func Moments(samples, rows, c int, x, mean, variance []float32) {
	held := scratch(2 * samples * c)
	defer release(held)
	type moments struct {
		rows, c        int
		x, mean        []float32
		means, squares []float32 // of each sample
	}
	m := moments{rows, c, x, mean, (*held)[:samples*c], (*held)[samples*c:]}
	Chunks(samples, 1, m, func(m moments, from, to int) {
		rows, c := m.rows, m.c
		for i := from; i < to; i++ {
			x, mean, squares := m.x[i*rows*c:(i+1)*rows*c], m.means[i*c:(i+1)*c], m.squares[i*c:(i+1)*c]
			clear(mean)
			clear(squares)
			pieces(rows, mean, func(from, to int, sum []float32) { Sums(sum, x[from*c:to*c]) })
			divide(mean, rows)
			if rows > 1 {
				pieces(rows, squares, func(from, to int, sum []float32) { Squares(sum, x[from*c:to*c], mean) })
			}
		}
	})
	ColumnSums(samples, 1, c, m.means, mean)
	divide(mean, samples)
	Chunks(samples, 1, m, func(m moments, from, to int) {
		for at := from * m.c; at < to*m.c; at++ {
			d := m.means[at] - m.mean[at%m.c]
			m.squares[at] += float32(float32(m.rows) * float32(d*d))
		}
	})
	ColumnSums(samples, 1, c, m.squares, variance)
	divide(variance, samples*rows)
}

func divide(x []float32, by int) {
	for i := range x {
		x[i] /= float32(by)
	}
}

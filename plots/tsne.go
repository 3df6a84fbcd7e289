package plots

import (
	"fmt"
	"math"
)

// TSNE shows vectors [N,D] in a plane where neighbours stay neighbours: exact
// t-distributed stochastic neighbour embedding (van der Maaten and Hinton
// 2008), started from the principal components and thus always the same.
// Distances between groups and the sizes of groups mean nothing.
//
// Perplexity is about how many neighbours a point has. If 0, 30, or a third of
// the points where there are few. Of more than 1,000 vectors, that many are
// taken at equal distances, since the work grows with their square.
func TSNE(vectors Array, perplexity float64, labels []int, classes []string) Scatter {
	f := Scatter{Labels: labels, Classes: classes}
	rows, err := matrix(vectors)
	if err != nil {
		f.err = err
		return f
	}
	if labels != nil && len(labels) != len(rows) {
		f.err = fmt.Errorf("plots: %d labels for %d vectors", len(labels), len(rows))
		return f
	}
	rows, f.Labels = spread(rows, labels, 1000)
	if most := float64(len(rows)-1) / 3; !(perplexity > 0) || perplexity > most {
		perplexity = min(30, most)
	}
	t := newTSNE(rows, max(perplexity, 1))
	for step := range 500 {
		t.step(step)
	}
	for i := range t.n {
		f.X, f.Y = append(f.X, t.y[2*i]), append(f.Y, t.y[2*i+1])
	}
	f.note = fmt.Sprintf("t-SNE of %d, perplexity %.0f", t.n, perplexity)
	return f
}

// spread returns at most n rows, and their labels, at equal distances.
func spread(rows [][]float64, labels []int, n int) ([][]float64, []int) {
	if len(rows) <= n {
		return rows, labels
	}
	var r [][]float64
	var l []int
	for i := range n {
		at := i * len(rows) / n
		r = append(r, rows[at])
		if labels != nil {
			l = append(l, labels[at])
		}
	}
	return r, l
}

// tsne is the state of the descent. All of its arithmetic rounds after each
// operation and uses no function of the processor's own, so that the map is the
// same on every machine; the probabilities, which need exponentials, are
// rounded to single precision for that.
type tsne struct {
	n                         int
	p                         []float64 // [n,n], symmetric, of sum 1
	y, gradient, speed, gains []float64 // [n,2]
	q                         []float64 // [n,n], not normalised
}

func newTSNE(rows [][]float64, perplexity float64) *tsne {
	n := len(rows)
	t := &tsne{n: n, p: make([]float64, n*n), q: make([]float64, n*n)}
	for i := range rows {
		conditional(t.p[i*n:(i+1)*n], rows, i, math.Log(perplexity))
	}
	for i := range n {
		for j := range i {
			v := float64(float32((t.p[i*n+j] + t.p[j*n+i]) / float64(2*n)))
			t.p[i*n+j], t.p[j*n+i] = v, v
		}
		t.p[i*n+i] = 0
	}
	start, _ := principal(rows, 2)
	widest := 0.0
	for _, s := range start {
		widest = max(widest, math.Abs(s[0]))
	}
	for i, s := range start {
		// Equal vectors would never part without a little push.
		t.y = append(t.y, float64(1e-2*s[0]/max(widest, 1e-30))+float64(i%7)/1e6, float64(1e-2*s[1]/max(widest, 1e-30))+float64(i%11)/1e6)
	}
	t.gradient, t.speed, t.gains = make([]float64, 2*n), make([]float64, 2*n), make([]float64, 2*n)
	for i := range t.gains {
		t.gains[i] = 1
	}
	return t
}

// conditional writes the probabilities of i's neighbours, whose width it seeks
// by halving until they have the wanted entropy.
func conditional(p []float64, rows [][]float64, i int, entropy float64) {
	nearest := math.Inf(1)
	for j := range rows {
		p[j] = 0
		for k, v := range rows[i] {
			d := v - rows[j][k]
			p[j] += d * d
		}
		if j != i {
			nearest = min(nearest, p[j])
		}
	}
	distance := append([]float64(nil), p...)
	low, high, beta := 0.0, math.Inf(1), 1.0
	for range 60 {
		var sum, mean float64
		for j, d := range distance {
			p[j] = math.Exp(-beta * (d - nearest))
			if j == i {
				p[j] = 0
			}
			sum += p[j]
			mean += p[j] * (d - nearest)
		}
		for j := range p {
			p[j] /= sum
		}
		if math.Log(sum)+beta*mean/sum > entropy {
			low = beta
		} else {
			high = beta
		}
		if beta = (low + high) / 2; math.IsInf(high, 1) {
			beta = 2 * low
		}
		if beta > 1e300 || beta < 1e-300 {
			return
		}
	}
}

// step moves the points once: with attraction exaggerated at first, with
// momentum, and with a gain for each coordinate.
func (t *tsne) step(step int) {
	exaggeration, momentum := 1.0, 0.8
	if step < 120 {
		exaggeration, momentum = 12, 0.5
	}
	t.descend(exaggeration)
	rate := max(float64(t.n)/12/4, 10)
	for i, g := range t.gradient {
		if (g > 0) == (t.speed[i] > 0) {
			t.gains[i] = max(float64(t.gains[i]*0.8), 0.01)
		} else {
			t.gains[i] += 0.2
		}
		t.speed[i] = float64(momentum*t.speed[i]) - float64(float64(rate*t.gains[i])*g)
		t.y[i] += t.speed[i]
	}
}

// descend computes the gradient.
func (t *tsne) descend(exaggeration float64) {
	var sum float64
	for i := range t.n {
		for j := range i {
			dx, dy := t.y[2*i]-t.y[2*j], t.y[2*i+1]-t.y[2*j+1]
			q := 1 / (1 + float64(dx*dx) + float64(dy*dy))
			t.q[i*t.n+j] = q
			sum += 2 * q
		}
	}
	clear(t.gradient)
	for i := range t.n {
		for j := range i {
			q := t.q[i*t.n+j]
			f := float64(4*q) * (float64(exaggeration*t.p[i*t.n+j]) - q/sum)
			dx, dy := float64(f*(t.y[2*i]-t.y[2*j])), float64(f*(t.y[2*i+1]-t.y[2*j+1]))
			t.gradient[2*i] += dx
			t.gradient[2*i+1] += dy
			t.gradient[2*j] -= dx
			t.gradient[2*j+1] -= dy
		}
	}
}

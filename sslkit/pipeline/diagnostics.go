package pipeline

import (
	"math"

	"sslnotes/sslkit/rng"
	"sslnotes/sslkit/tensor"
)

// featureStd is the mean over the D columns of unit rows [N,D] of their standard
// deviation, times √D.
func featureStd(z *tensor.Tensor) float64 {
	n, d := z.Dim(0), z.Dim(1)
	var total float64
	for j := range d {
		var sum, square float64
		for i := range n {
			sum += float64(z.Data()[i*d+j])
		}
		for i := range n {
			e := float64(z.Data()[i*d+j]) - sum/float64(n)
			square += float64(e * e)
		}
		total += math.Sqrt(square / float64(n))
	}
	return total / math.Sqrt(float64(d))
}

// alignment is the mean of ‖u-v‖² over rows.
func alignment(u, v *tensor.Tensor) float64 {
	var sum float64
	for i, a := range u.Data() {
		e := float64(a) - float64(v.Data()[i])
		sum += float64(e * e)
	}
	return sum / float64(u.Dim(0))
}

// uniformity is ln of the mean over pairs of rows of exp(-2‖zᵢ-zⱼ‖²).
func uniformity(z *tensor.Tensor) float64 {
	n, d := z.Dim(0), z.Dim(1)
	var sum float64
	for i := range n {
		a := z.Data()[i*d : (i+1)*d]
		for j := range i {
			var square float64
			for k, v := range z.Data()[j*d : (j+1)*d] {
				e := float64(a[k]) - float64(v)
				square += float64(e * e)
			}
			sum += tensor.Exp64(-2 * square)
		}
	}
	return rng.Log(sum / float64(n*(n-1)/2))
}

// rankMe is the exponential of the entropy of the singular values of h [N,D],
// which are brought to a sum of one.
func rankMe(h *tensor.Tensor) float64 {
	values := eigenvalues(gram(h), h.Dim(1))
	var total, entropy float64
	for i, v := range values {
		values[i] = math.Sqrt(max(v, 0))
		total += values[i]
	}
	for _, v := range values {
		p := v/total + 1e-7
		if math.IsNaN(p) {
			return math.NaN()
		}
		entropy -= float64(p * rng.Log(p))
	}
	return tensor.Exp64(entropy)
}

// gram returns hᵀh [D,D], summed over rows in order.
func gram(h *tensor.Tensor) []float64 {
	n, d := h.Dim(0), h.Dim(1)
	g, row := make([]float64, d*d), make([]float64, d)
	for i := range n {
		for j, v := range h.Data()[i*d : (i+1)*d] {
			row[j] = float64(v)
		}
		for j, a := range row {
			to := g[j*d : j*d+j+1]
			for k := range to {
				to[k] += float64(a * row[k])
			}
		}
	}
	for j := range d {
		for k := range j {
			g[k*d+j] = g[j*d+k]
		}
	}
	return g
}

// eigenvalues returns those of the symmetric n×n matrix a, which it destroys, in
// no order: Householder's reduction to three diagonals, then QL steps with
// implicit shifts (Golub and Van Loan, Matrix Computations, 8.3).
func eigenvalues(a []float64, n int) []float64 {
	d, e := tridiagonal(a, n)
	for l := range n {
		for range 60 {
			m := l
			for m < n-1 && !(math.Abs(e[m]) <= 0x1p-52*(math.Abs(d[m])+math.Abs(d[m+1]))) {
				m++
			}
			if m == l {
				break
			}
			implicitStep(d, e, l, m)
		}
	}
	return d
}

// tridiagonal returns the diagonal of a reduced matrix and what stands under it.
func tridiagonal(a []float64, n int) (d, e []float64) {
	d, e = make([]float64, n), make([]float64, n)
	v, w := make([]float64, n), make([]float64, n)
	for k := range n {
		d[k] = a[k*n+k]
		if k == n-1 {
			break
		}
		var square float64
		for i := k + 1; i < n; i++ {
			v[i] = a[i*n+k]
			square += float64(v[i] * v[i])
		}
		e[k] = -math.Copysign(math.Sqrt(square), v[k+1])
		v[k+1] -= e[k]
		if k == n-2 {
			e[k] = a[(k+1)*n+k]
			continue
		}
		var length float64
		for i := k + 1; i < n; i++ {
			length += float64(v[i] * v[i])
		}
		if length == 0 {
			continue
		}
		reflect(a, n, k+1, v, w, 2/length)
	}
	return d, e
}

// reflect replaces the part of a from row and column k on by H·a·H, where
// H = I - beta·v·vᵀ.
func reflect(a []float64, n, k int, v, w []float64, beta float64) {
	var along float64
	for i := k; i < n; i++ {
		var sum float64
		for j := k; j < n; j++ {
			sum += float64(a[i*n+j] * v[j])
		}
		w[i] = float64(beta * sum)
		along += float64(w[i] * v[i])
	}
	along = float64(along * beta / 2)
	for i := k; i < n; i++ {
		w[i] -= float64(along * v[i])
	}
	for i := k; i < n; i++ {
		for j := k; j < n; j++ {
			a[i*n+j] -= float64(v[i]*w[j]) + float64(w[i]*v[j])
		}
	}
}

// implicitStep is one QL step on rows l to m.
func implicitStep(d, e []float64, l, m int) {
	g := (d[l+1] - d[l]) / (2 * e[l])
	r := math.Sqrt(float64(g*g) + 1)
	g = d[m] - d[l] + e[l]/(g+math.Copysign(r, g))
	s, c, p := 1.0, 1.0, 0.0
	for i := m - 1; i >= l; i-- {
		f, b := float64(s*e[i]), float64(c*e[i])
		r = math.Sqrt(float64(f*f) + float64(g*g))
		e[i+1] = r
		if r == 0 {
			d[i+1] -= p
			e[m] = 0
			return
		}
		s, c = f/r, g/r
		g = d[i+1] - p
		r = float64((d[i]-g)*s) + float64(2*c*b)
		p = float64(s * r)
		d[i+1] = g + p
		g = float64(c*r) - b
	}
	d[l] -= p
	e[l], e[m] = g, 0
}

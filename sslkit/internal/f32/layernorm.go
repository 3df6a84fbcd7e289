package f32

import (
	"math"
	"unsafe"
)

type layerNormTask struct {
	y, x, gamma, beta, stats, sum, biased, residual, bias unsafe.Pointer
	rows, bytes                                           uintptr
	share, eps, one                                       float32
}

// LayerNorm normalises rows of c = len(gamma) values to mean 0 and variance 1,
// then scales and shifts: y = ((x-mean)·rstd)·gamma + beta with rstd =
// 1/√(var+eps) (Ba, Kiros and Hinton 2016). Stats gets mean and rstd of every
// row. A row's sums run in 16 lanes, element i in lane i mod 16, and then by
// halves: lane i takes in lane i+8, i+4, i+2, i+1.
func LayerNorm(y, x, gamma, beta, stats []float32, eps float32) {
	addLayerNorm(layerNorm{y: y, x: x, gamma: gamma, beta: beta, stats: stats, eps: eps})
}

// AddLayerNorm is LayerNorm of sum = x + residual; it also writes biased = sum +
// bias, bias being one row.
func AddLayerNorm(y, sum, biased, x, residual, bias, gamma, beta, stats []float32, eps float32) {
	addLayerNorm(layerNorm{y: y, x: x, gamma: gamma, beta: beta, stats: stats, eps: eps, sum: sum, biased: biased, residual: residual, bias: bias})
}

type layerNorm struct {
	y, x, gamma, beta, stats, sum, biased, residual, bias []float32
	eps                                                   float32
}

func addLayerNorm(l layerNorm) {
	c := len(l.gamma)
	n := len(l.y)
	rows := n / c
	_, _, _ = l.x[:n], l.beta[:c], l.stats[:2*rows]
	if l.sum != nil {
		_, _, _, _ = l.sum[:n], l.biased[:n], l.residual[:n], l.bias[:c]
	}
	if active.assembly() && c%16 == 0 && rows > 0 {
		t := layerNormTask{
			pointer(l.y), pointer(l.x), pointer(l.gamma), pointer(l.beta), pointer(l.stats), pointer(l.sum), pointer(l.biased), pointer(l.residual), pointer(l.bias),
			uintptr(rows), uintptr(c) * 4, 1 / float32(c), l.eps, 1,
		}
		if l.sum != nil {
			rowAddLayerNorm(&t)
		} else {
			rowLayerNorm(&t)
		}
		return
	}
	for r := range rows {
		x := l.x[r*c : (r+1)*c]
		if l.sum != nil {
			for j, v := range x {
				v += l.residual[r*c+j]
				l.sum[r*c+j] = v
				l.biased[r*c+j] = v + l.bias[j]
			}
			x = l.sum[r*c : (r+1)*c]
		}
		share := 1 / float32(c)
		mean := float32(lanes(x, func(_ int, v float32) float32 { return v }) * share)
		variance := float32(lanes(x, func(_ int, v float32) float32 { return float32((v - mean) * (v - mean)) }) * share)
		l.stats[2*r], l.stats[2*r+1] = mean, 1/float32(math.Sqrt(float64(variance+l.eps)))
	}
	LayerNormAgain(l.y, l.normalised(), l.gamma, l.beta, l.stats)
}

// normalised is what the statistics are of.
func (l *layerNorm) normalised() []float32 {
	if l.sum != nil {
		return l.sum
	}
	return l.x
}

// lanes sums f(j, x[j]) in the order of LayerNorm.
func lanes(x []float32, f func(j int, v float32) float32) float32 {
	var s [16]float32
	for j, v := range x {
		s[j%16] += f(j, v)
	}
	for w := 8; w > 0; w /= 2 {
		for i := range w {
			s[i] += s[i+w]
		}
	}
	return s[0]
}

// LayerNormAgain computes y of LayerNorm from the statistics it wrote.
func LayerNormAgain(y, x, gamma, beta, stats []float32) {
	c := len(gamma)
	rows := len(y) / c
	_, _, _ = x[:len(y)], beta[:c], stats[:2*rows]
	if active.assembly() && c%16 == 0 && rows > 0 {
		t := layerNormTask{y: pointer(y), x: pointer(x), gamma: pointer(gamma), beta: pointer(beta), stats: pointer(stats), rows: uintptr(rows), bytes: uintptr(c) * 4}
		rowLayerNormAgain(&t)
		return
	}
	for i, v := range x[:len(y)] {
		r, j := i/c, i%c
		y[i] = float32(float32((v-stats[2*r])*stats[2*r+1])*gamma[j]) + beta[j]
	}
}

// LayerNormGrad adds to dgamma and dbeta, row by row, and computes dx = from +
// rstd·(dy·gamma - mean(dy·gamma) - x̂·mean(dy·gamma·x̂)). Dx may be dy or from.
func LayerNormGrad(dx, dy, from, x, gamma, stats, dgamma, dbeta []float32) {
	c := len(gamma)
	n := len(dx)
	rows := n / c
	_, _, _, _, _, _ = dy[:n], from[:n], x[:n], stats[:2*rows], dgamma[:c], dbeta[:c]
	share := 1 / float32(c)
	if active.assembly() && c%16 == 0 && rows > 0 {
		t := layerNormTask{
			pointer(dx), pointer(x), pointer(gamma), pointer(dy), pointer(stats), pointer(dgamma), pointer(dbeta), pointer(from), nil,
			uintptr(rows), uintptr(c) * 4, share, 0, 1,
		}
		rowLayerNormGrad(&t)
		return
	}
	for r := range rows {
		xr, dr := x[r*c:(r+1)*c], dy[r*c:(r+1)*c]
		mean, rstd := stats[2*r], stats[2*r+1]
		hat := func(j int) float32 { return float32((xr[j] - mean) * rstd) }
		for j, d := range dr {
			dbeta[j] += d
			dgamma[j] += float32(d * hat(j))
		}
		level := float32(lanes(dr, func(j int, d float32) float32 { return float32(d * gamma[j]) }) * share)
		slope := float32(lanes(dr, func(j int, d float32) float32 { return float32(float32(d*gamma[j]) * hat(j)) }) * share)
		for j, d := range dr {
			v := float32(d*gamma[j]) - level - float32(hat(j)*slope)
			dx[r*c+j] = float32(v*rstd) + from[r*c+j]
		}
	}
}

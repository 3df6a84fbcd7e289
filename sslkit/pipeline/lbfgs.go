package pipeline

import (
	"math"
	"slices"
)

// memory is the number of past steps L-BFGS remembers.
const memory = 10

// minimise changes x until the smooth convex function f, which returns its
// value and writes its gradient, is at its minimum: the gradient's largest
// element below tolerance, no progress possible in the arithmetic of f, or
// limit iterations done, or until it is told to stop. It is L-BFGS (Liu and Nocedal 1989, algorithm 2.1)
// with halved steps until the decrease is sufficient; every sum is in the order
// of the elements.
//
// Divide, if not nil, divides a vector by a matrix that is like the Hessian but
// for a factor; steps are then measured by it, and the first is a whole one.
func minimise(x []float64, f func(x, gradient []float64) float64, divide func([]float64), limit int, tolerance float64, stop func() bool) (iterations int) {
	n := len(x)
	g, next, nextG := make([]float64, n), make([]float64, n), make([]float64, n)
	value := f(x, g)
	var past []pair
	for iterations < limit && largest(g) > tolerance && !stop() {
		d := direction(g, past, divide)
		slope := dot(d, g)
		step := 1.0
		if len(past) == 0 && divide == nil {
			step = min(1, 1/math.Sqrt(dot(g, g)))
		}
		accepted := false
		for range 30 {
			for i := range x {
				next[i] = x[i] + float64(step*d[i])
			}
			v := f(next, nextG)
			if v <= value+float64(1e-4*float64(step*slope)) && v < value {
				value, accepted = v, true
				break
			}
			step /= 2
		}
		if !accepted {
			break
		}
		iterations++
		past = remember(past, x, next, g, nextG)
		copy(x, next) // the caller owns x
		g, nextG = nextG, g
	}
	return iterations
}

// pair is one past step and the change of the gradient along it.
type pair struct {
	s, y    []float64
	inverse float64 // 1/(s·y)
}

// remember adds a step if the curvature along it is positive.
func remember(past []pair, x, next, g, nextG []float64) []pair {
	s, y := make([]float64, len(x)), make([]float64, len(x))
	for i := range x {
		s[i], y[i] = next[i]-x[i], nextG[i]-g[i]
	}
	sy := dot(s, y)
	if sy <= 1e-10*dot(y, y) {
		return past
	}
	if len(past) == memory {
		past = past[1:]
	}
	return append(past, pair{s, y, 1 / sy})
}

// direction is minus the inverse Hessian's estimate times the gradient.
func direction(g []float64, past []pair, divide func([]float64)) []float64 {
	d := make([]float64, len(g))
	for i, v := range g {
		d[i] = -v
	}
	alpha := make([]float64, len(past))
	for i := len(past) - 1; i >= 0; i-- {
		alpha[i] = past[i].inverse * dot(past[i].s, d)
		axpy(d, -alpha[i], past[i].y)
	}
	if divide != nil {
		divide(d)
	}
	if len(past) > 0 {
		p := past[len(past)-1]
		y := p.y
		if divide != nil {
			y = slices.Clone(y)
			divide(y)
		}
		scale := 1 / float64(p.inverse*dot(p.y, y))
		for i := range d {
			d[i] *= scale
		}
	}
	for i, p := range past {
		axpy(d, alpha[i]-float64(p.inverse*dot(p.y, d)), p.s)
	}
	return d
}

func dot(a, b []float64) (sum float64) {
	for i, v := range a {
		sum += float64(v * b[i])
	}
	return sum
}

func axpy(y []float64, a float64, x []float64) {
	for i, v := range x {
		y[i] += float64(a * v)
	}
}

func largest(x []float64) (m float64) {
	for _, v := range x {
		m = max(m, math.Abs(v))
	}
	return m
}

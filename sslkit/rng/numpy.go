package rng

import "math"

// Legacy plays NumPy's legacy stream (numpy.random.RandomState): MT19937
// (Matsumoto and Nishimura 1998), normal deviates by the polar method, and its
// ways of shuffling. A walkthrough that seeds it as the course does prints the
// course's numbers.
type Legacy struct {
	mt    [624]uint32
	at    int
	spare float64
	has   bool
}

// NumPy returns the stream after numpy.random.seed(seed).
func NumPy(seed uint32) *Legacy {
	l := &Legacy{at: 624}
	l.mt[0] = seed
	for i := 1; i < len(l.mt); i++ {
		p := l.mt[i-1]
		l.mt[i] = 1812433253*(p^p>>30) + uint32(i)
	}
	return l
}

func (l *Legacy) refill() {
	for i := range l.mt {
		y := l.mt[i]&0x80000000 | l.mt[(i+1)%624]&0x7fffffff
		v := l.mt[(i+397)%624] ^ y>>1
		if y&1 != 0 {
			v ^= 0x9908b0df
		}
		l.mt[i] = v
	}
	l.at = 0
}

// Uint32 returns the next 32 bits.
func (l *Legacy) Uint32() uint32 {
	if l.at == 624 {
		l.refill()
	}
	y := l.mt[l.at]
	l.at++
	y ^= y >> 11
	y ^= y << 7 & 0x9d2c5680
	y ^= y << 15 & 0xefc60000
	return y ^ y>>18
}

// Float64 is numpy.random.random_sample: a number in [0,1).
func (l *Legacy) Float64() float64 {
	a, b := l.Uint32()>>5, l.Uint32()>>6
	return (float64(a)*67108864 + float64(b)) / 9007199254740992
}

// Rand is numpy.random.rand(n).
func (l *Legacy) Rand(n int) []float64 {
	x := make([]float64, n)
	for i := range x {
		x[i] = l.Float64()
	}
	return x
}

// Randn is numpy.random.randn(n).
func (l *Legacy) Randn(n int) []float64 {
	x := make([]float64, n)
	for i := range x {
		x[i] = l.norm()
	}
	return x
}

func (l *Legacy) norm() float64 {
	if l.has {
		l.has = false
		return l.spare
	}
	for {
		u, v := 2*l.Float64()-1, 2*l.Float64()-1
		q := float64(u*u) + float64(v*v)
		if q >= 1 || q == 0 {
			continue
		}
		f := math.Sqrt(-2 * Log(q) / q)
		l.spare, l.has = f*u, true
		return f * v
	}
}

// interval returns a number in [0,limit] as the legacy shuffle draws it.
func (l *Legacy) interval(limit uint32) uint32 {
	if limit == 0 {
		return 0
	}
	mask := limit
	for s := 1; s < 32; s *= 2 {
		mask |= mask >> s
	}
	for {
		if v := l.Uint32() & mask; v <= limit {
			return v
		}
	}
}

// Permutation is numpy.random.permutation(n).
func (l *Legacy) Permutation(n int) []int {
	p := make([]int, n)
	for i := range p {
		p[i] = i
	}
	for i := n - 1; i > 0; i-- {
		j := int(l.interval(uint32(i)))
		p[i], p[j] = p[j], p[i]
	}
	return p
}

// Choice is numpy.random.choice(n, k, replace=False).
func (l *Legacy) Choice(n, k int) []int { return l.Permutation(n)[:k] }

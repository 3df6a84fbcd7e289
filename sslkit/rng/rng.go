// Package rng makes random numbers that are pure functions of a key.
//
// # Design
//
// A [Stream] is Philox4x32-10 (Salmon, Moraes, Dror and Shaw 2011), a
// counter-based generator: block i of the stream is a keyed permutation of i.
// The key is a hash of (seed, purpose, coordinates), for instance (42, "view",
// epoch, sample, view), so there is no hidden state to save or to share
// between threads, and any view of any sample can be drawn again on demand.
//
// Normal deviates use this package's own logarithm with every rounding
// explicit, since math.Log and its kin may change with the processor.
package rng

import (
	"encoding/binary"
	"math"
	"math/bits"
)

// Stream is a stream of random numbers. It is not safe for concurrent use; make
// one for each purpose instead.
type Stream struct {
	key     [2]uint32
	counter [4]uint32
	block   [4]uint32
	used    int // words of block already given out
	spare   float32
	hasOne  bool // spare holds the second deviate of a pair
}

// New returns the stream of the given seed, purpose and coordinates.
func New(seed uint64, purpose string, at ...uint64) *Stream {
	h := mix(seed ^ 0x9e3779b97f4a7c15)
	for i := 0; i < len(purpose); i += 8 {
		var word [8]byte
		copy(word[:], purpose[i:])
		h = mix(h ^ binary.LittleEndian.Uint64(word[:]))
	}
	h = mix(h ^ uint64(len(purpose))<<32 ^ uint64(len(at)))
	g := mix(h + 0x9e3779b97f4a7c15)
	for _, c := range at {
		h = mix(h ^ c)
		g = mix(g + h)
	}
	return &Stream{
		key:     [2]uint32{uint32(h), uint32(h >> 32)},
		counter: [4]uint32{0, 0, uint32(g), uint32(g >> 32)},
		used:    4,
	}
}

// mix is SplitMix64's finaliser: a bijection of 64 bits.
func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// philox is the ten rounds of Philox4x32.
func philox(c [4]uint32, k [2]uint32) [4]uint32 {
	for range 10 {
		h0, l0 := bits.Mul32(0xd2511f53, c[0])
		h1, l1 := bits.Mul32(0xcd9e8d57, c[2])
		c = [4]uint32{h1 ^ c[1] ^ k[0], l1, h0 ^ c[3] ^ k[1], l0}
		k[0] += 0x9e3779b9
		k[1] += 0xbb67ae85
	}
	return c
}

// Uint32 returns 32 random bits.
func (s *Stream) Uint32() uint32 {
	if s.used == 4 {
		s.block = philox(s.counter, s.key)
		s.used = 0
		if s.counter[0]++; s.counter[0] == 0 {
			s.counter[1]++
		}
	}
	s.used++
	return s.block[s.used-1]
}

// Uint64 returns 64 random bits.
func (s *Stream) Uint64() uint64 { return uint64(s.Uint32()) | uint64(s.Uint32())<<32 }

// Float32 returns a number in [0,1) with 24 random bits.
func (s *Stream) Float32() float32 { return float32(s.Uint32()>>8) * (1.0 / (1 << 24)) }

// Float64 returns a number in [0,1) with 53 random bits.
func (s *Stream) Float64() float64 { return float64(s.Uint64()>>11) * (1.0 / (1 << 53)) }

// Uniform returns a number in [lo,hi).
func (s *Stream) Uniform(lo, hi float32) float32 {
	return lo + float32(s.Float32()*(hi-lo))
}

// Bool returns true with probability p.
func (s *Stream) Bool(p float32) bool { return s.Float32() < p }

// IntN returns an integer in [0,n) without bias (Lemire 2019). It panics if n
// is not in [1, 2³²).
func (s *Stream) IntN(n int) int {
	if n <= 0 || uint64(n) > math.MaxUint32 {
		panic("rng: IntN needs 1 ≤ n < 2³²")
	}
	bound := uint32(n)
	high, low := bits.Mul32(s.Uint32(), bound)
	if low < bound {
		for limit := -bound % bound; low < limit; {
			high, low = bits.Mul32(s.Uint32(), bound)
		}
	}
	return int(high)
}

// Perm returns a random permutation of 0..n-1 (Fisher and Yates).
func (s *Stream) Perm(n int) []int {
	p := make([]int, n)
	s.Permute(p)
	return p
}

// Permute sets p to a random order of 0 to len(p)-1: what Perm returns.
func (s *Stream) Permute(p []int) {
	for i := range p {
		p[i] = i
	}
	for i := len(p) - 1; i > 0; i-- {
		j := s.IntN(i + 1)
		p[i], p[j] = p[j], p[i]
	}
}

// Norm returns a standard normal deviate by Marsaglia's polar method.
func (s *Stream) Norm() float32 {
	if s.hasOne {
		s.hasOne = false
		return s.spare
	}
	for {
		u, v := 2*s.Float64()-1, 2*s.Float64()-1
		q := float64(u*u) + float64(v*v)
		if q >= 1 || q == 0 {
			continue
		}
		f := math.Sqrt(-2 * Log(q) / q)
		s.spare, s.hasOne = float32(u*f), true
		return float32(v * f)
	}
}

// Log returns the natural logarithm of x with the same bits on every processor,
// within 1 ulp: ln m by the series of atanh for m in [√½,√2), plus the exponent's
// share. It is -Inf of 0 and NaN of what is below.
func Log(x float64) float64 {
	switch {
	case x == 0:
		return math.Inf(-1)
	case x < 0:
		return math.NaN()
	case math.IsInf(x, 1):
		return x
	}
	m, e := math.Frexp(x)
	if m < math.Sqrt2/2 {
		m, e = 2*m, e-1
	}
	f := m - 1
	s := f / (2 + f)
	z := float64(s * s)
	// coefficients 2/(2k+1) of ln((1+s)/(1-s)) - 2s, far enough for |s| < 0.1716
	p := 2.0 / 23
	for _, c := range [...]float64{2.0 / 21, 2.0 / 19, 2.0 / 17, 2.0 / 15, 2.0 / 13, 2.0 / 11, 2.0 / 9, 2.0 / 7, 2.0 / 5, 2.0 / 3} {
		p = float64(p*z) + c
	}
	const hi, lo = 6.93147180369123816490e-01, 1.90821492927058770002e-10 // ln 2 in two parts
	tail := float64(float64(s*z)*p) + float64(float64(e)*lo)
	return float64(float64(e)*hi) + (float64(2*s) + tail)
}

package rng

import (
	"math"
	"slices"
	"testing"
)

// Known answers of Random123's philox4x32-10.
func TestPhiloxKnownAnswers(t *testing.T) {
	const m = math.MaxUint32
	for _, c := range []struct {
		counter [4]uint32
		key     [2]uint32
		want    [4]uint32
	}{
		{[4]uint32{}, [2]uint32{}, [4]uint32{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
		{[4]uint32{m, m, m, m}, [2]uint32{m, m}, [4]uint32{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}},
		{[4]uint32{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, [2]uint32{0xa4093822, 0x299f31d0},
			[4]uint32{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}},
	} {
		if got := philox(c.counter, c.key); got != c.want {
			t.Errorf("philox(%x, %x) = %x, want %x", c.counter, c.key, got, c.want)
		}
	}
}

// Numbers printed by NumPy 1.24 after numpy.random.seed.
func TestNumPy(t *testing.T) {
	randn := []float64{0x1.fca2a28a9307cp-2, -0x1.1b2a505de052ap-3, 0x1.4b9dd50245e68p-1, 0x1.85e548e01aa2bp+0, -0x1.df8bcdf57a640p-3}
	for i, x := range NumPy(42).Randn(5) {
		if math.Abs(x-randn[i]) > 4e-16 {
			t.Errorf("randn[%d] = %x, want %x", i, x, randn[i])
		}
	}
	if got, want := NumPy(42).Rand(3), []float64{0x1.7f8771e5f51ecp-2, 0x1.e6c4068bbd654p-1, 0x1.76c7e8f1e6751p-1}; !slices.Equal(got, want) {
		t.Errorf("rand = %x, want %x", got, want)
	}
	if got, want := NumPy(42).Permutation(10), []int{8, 1, 5, 0, 7, 2, 9, 4, 3, 6}; !slices.Equal(got, want) {
		t.Errorf("permutation = %v, want %v", got, want)
	}
	if got, want := NumPy(7).Choice(196, 8), []int{66, 174, 181, 84, 155, 2, 22, 148}; !slices.Equal(got, want) {
		t.Errorf("choice = %v, want %v", got, want)
	}
}

func TestStreamsAreKeyed(t *testing.T) {
	seen := map[uint64]string{}
	for _, s := range []struct {
		name string
		s    *Stream
	}{
		{"seed 1", New(1, "view")}, {"seed 2", New(2, "view")}, {"purpose", New(1, "views")},
		{"at 0", New(1, "view", 0)}, {"at 1", New(1, "view", 1)}, {"at 0 0", New(1, "view", 0, 0)},
		{"at 0 1", New(1, "view", 0, 1)}, {"at 1 0", New(1, "view", 1, 0)},
	} {
		v := s.s.Uint64()
		if other, ok := seen[v]; ok {
			t.Errorf("%s and %s give the same stream", s.name, other)
		}
		seen[v] = s.name
	}
	if New(9, "x", 3).Uint64() != New(9, "x", 3).Uint64() {
		t.Error("one key gives two streams")
	}
}

func TestMoments(t *testing.T) {
	s, n := New(3, "moments"), 200000
	var sum, square float64
	for range n {
		x := float64(s.Norm())
		sum, square = sum+x, square+x*x
	}
	if m := sum / float64(n); math.Abs(m) > 0.01 {
		t.Errorf("mean %g", m)
	}
	if v := square / float64(n); math.Abs(v-1) > 0.015 {
		t.Errorf("variance %g", v)
	}
	var counts [7]int
	for range 70000 {
		counts[s.IntN(7)]++
	}
	for i, c := range counts {
		if math.Abs(float64(c)-10000) > 500 {
			t.Errorf("IntN(7) gave %d %d times of 70000", i, c)
		}
	}
}

func TestLog(t *testing.T) {
	s := New(1, "log")
	for range 100000 {
		x := math.Exp(200*s.Float64() - 100)
		got, want := Log(x), math.Log(x)
		if math.Abs(got-want) > 1e-15*math.Max(1, math.Abs(want)) {
			t.Fatalf("Log(%x) = %x, want %x", x, got, want)
		}
	}
	if got := Log(0x1p-1074); math.Abs(got+1074*math.Ln2) > 1e-12 { // math.Log is wrong there on some processors
		t.Errorf("Log of the smallest number is %g, want -1074·ln 2", got)
	}
	for _, x := range []float64{0, math.Copysign(0, -1), -1, -5e-324, 1, math.MaxFloat64, math.Inf(1), math.Inf(-1), math.NaN()} {
		got, want := Log(x), math.Log(x)
		if math.Abs(got-want) > 1e-12 || math.IsNaN(got) != math.IsNaN(want) || math.IsInf(want, 0) && got != want {
			t.Errorf("Log(%g) = %g, want %g", x, got, want)
		}
	}
}

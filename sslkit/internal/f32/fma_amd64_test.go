//go:build !portable

package f32

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"unsafe"
)

// TestFMAEqualsHardware compares the twin with the processor through a 1×16
// tile of depth one, on the operands where rounding twice goes wrong.
func TestFMAEqualsHardware(t *testing.T) {
	if !slices.Contains(Available(), "avx2") {
		t.Skip("this processor has no fused multiply-add to compare with")
	}
	r := rand.New(rand.NewPCG(7, 8))
	bits := func() float32 { return math.Float32frombits(r.Uint32()) }
	exponent := func(from, n int) float32 {
		return math.Float32frombits(r.Uint32()&0x807fffff | uint32(from+r.IntN(n))<<23)
	}
	var naive int
	for round := range 60000 {
		var a float32
		var b, c, out [16]float32
		a = bits()
		if round%6 > 0 {
			a = float32(r.IntN(1<<12)*2+1) * float32(math.Ldexp(1, r.IntN(40)-20))
		}
		for i := range b {
			switch round % 6 {
			case 0:
				b[i], c[i] = bits(), bits()
			case 1:
				b[i], c[i] = float32(r.IntN(1<<13)-4096), exponent(97, 60)
			case 2: // the sum is a tie that c breaks or keeps
				b[i] = float32(r.IntN(1<<12)*2+1) * float32(math.Ldexp(1, r.IntN(40)-20))
				c[i] = float32(math.Ldexp(float64(r.IntN(3)-1), r.IntN(200)-140))
			case 3: // near the denormals
				b[i] = float32(r.IntN(1<<11)*2+1) * float32(math.Ldexp(1, -126-r.IntN(40)))
				c[i] = exponent(0, 3)
			case 4: // cancellation
				b[i] = exponent(100, 20)
				c[i] = -float32(float64(a) * float64(b[i]))
			case 5: // half an ulp of c
				c[i] = exponent(100, 60)
				half := math.Ldexp(1, int(math.Float32bits(c[i])>>23&255)-127-24)
				b[i] = float32(half / float64(a))
			}
		}
		tl := tile{a: unsafe.Pointer(&a), b: unsafe.Pointer(&b), c: unsafe.Pointer(&out), k: 1, start: unsafe.Pointer(&c)}
		avx2.tiles(&tl, 1, 16, 1)
		for i := range b {
			if got := FMA(a, b[i], c[i]); !same(got, out[i]) {
				t.Fatalf("FMA(%x, %x, %x) = %x, the processor says %x", a, b[i], c[i], got, out[i])
			}
			if !same(float32(float64(a)*float64(b[i])+float64(c[i])), out[i]) {
				naive++
			}
		}
	}
	if naive == 0 {
		t.Error("no operand distinguishes FMA from rounding twice")
	}
}

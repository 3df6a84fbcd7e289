package f32

import (
	"math"
	"testing"
)

func TestExp(t *testing.T) {
	for i := -104000; i < 89000; i++ {
		x := float64(i) / 1000
		got, want := Exp64(x), math.Exp(x)
		if math.Abs(got-want) > 4e-16*want {
			t.Fatalf("Exp64(%g) = %x, want %x", x, got, want)
		}
	}
	for _, c := range [][2]float32{{0, 1}, {float32(math.Inf(1)), float32(math.Inf(1))}, {float32(math.Inf(-1)), 0}, {200, float32(math.Inf(1))}, {-200, 0}} {
		if got := Exp(c[0]); got != c[1] {
			t.Errorf("Exp(%g) = %g, want %g", c[0], got, c[1])
		}
	}
	if got := Exp(float32(math.NaN())); got == got {
		t.Errorf("Exp(NaN) = %g", got)
	}
}

package plots

import (
	"math"
	"strconv"
	"strings"

	"gonum.org/v1/plot"
)

// A span is a range of values along an axis.
type span struct {
	low, high float64
	log       bool
}

// emptySpan holds nothing yet.
func emptySpan(log bool) span { return span{math.Inf(1), math.Inf(-1), log} }

// finite reports whether v is a number that can be drawn: the differences of
// larger ones overflow.
func finite(v float64) bool { return math.Abs(v) <= 1e300 }

// shows reports whether a value has a place on the axis.
func (s span) shows(v float64) bool { return finite(v) && (!s.log || v >= 1e-300) }

// add widens the span to hold v, if v has a place at all.
func (s *span) add(values ...float64) {
	for _, v := range values {
		if s.shows(v) {
			s.low, s.high = min(s.low, v), max(s.high, v)
		}
	}
}

func (s span) empty() bool { return s.low > s.high }

// padded returns the span with a share of its length added at both ends, and
// never empty.
func (s span) padded(share float64) span {
	if s.empty() {
		return span{0, 1, false}
	}
	if s.log {
		if s.low == s.high {
			return span{s.low / 2, s.high * 2, true}
		}
		f := math.Exp(share * (math.Log(s.high) - math.Log(s.low)))
		return span{s.low / f, s.high * f, true}
	}
	d := s.high - s.low
	if d == 0 {
		d = max(math.Abs(s.low)/20, 1e-300)
		return span{s.low - d, s.high + d, false}
	}
	return span{s.low - d*share, s.high + d*share, false}
}

// set gives the axis the span and about n marks.
func (s span) set(a *plot.Axis, n int) {
	a.Min, a.Max = s.low, s.high
	if s.log {
		a.Scale = plot.LogScale{}
		a.Tick.Marker = plot.ConstantTicks(logTicks(s.low, s.high, n))
		return
	}
	a.Tick.Marker = plot.ConstantTicks(linearTicks(s.low, s.high, n))
}

// linearTicks marks round numbers, 1, 2 or 5 times a power of ten apart.
func linearTicks(low, high float64, n int) []plot.Tick {
	step := roundStep((high - low) / float64(n))
	if step <= 0 || !finite(step) {
		return nil
	}
	var ticks []plot.Tick
	for i := math.Ceil(low/step - 1e-9); i <= math.Floor(high/step+1e-9) && len(ticks) < 4*n; i++ {
		v := i * step
		if step < 1 { // a quotient of whole numbers is exact where a product is not
			v = i / math.Round(1/step)
		}
		ticks = append(ticks, plot.Tick{Value: v, Label: number(v, step)})
	}
	return ticks
}

// roundStep returns 1, 2 or 5 times a power of ten, about d.
func roundStep(d float64) float64 {
	unit := math.Pow10(int(math.Floor(math.Log10(d))))
	for _, f := range []float64{1, 2, 5} {
		if unit*f >= d*0.7 {
			return unit * f
		}
	}
	return unit * 10
}

// number writes v with the digits that a step needs, thousands apart.
func number(v, step float64) string {
	switch size := math.Abs(v); {
	case v == 0:
		return "0"
	case size >= 1e7 || size < 1e-4:
		return exponent(strconv.FormatFloat(v, 'g', 4, 64))
	}
	decimals := max(0, -int(math.Floor(math.Log10(step)+1e-9)))
	s := strconv.FormatFloat(v, 'f', min(decimals, 8), 64)
	return thousands(s)
}

// exponent writes 1e-05 as 1e-5.
func exponent(s string) string {
	m, e, ok := strings.Cut(s, "e")
	if !ok {
		return s
	}
	sign := strings.TrimLeft(e[:1], "+")
	return m + "e" + sign + strings.TrimLeft(e[1:], "0")
}

// thousands puts commas into the whole part of a number of at least 10,000.
func thousands(s string) string {
	sign := ""
	if strings.HasPrefix(s, "-") {
		sign, s = "−", s[1:]
	}
	whole, rest, point := strings.Cut(s, ".")
	if len(whole) > 4 {
		for i := len(whole) - 3; i > 0; i -= 3 {
			whole = whole[:i] + "," + whole[i:]
		}
	}
	if point {
		rest = "." + rest
	}
	return sign + whole + rest
}

// logTicks marks powers of ten, and 2 and 5 times them where there is room.
func logTicks(low, high float64, n int) []plot.Tick {
	first, last := math.Floor(math.Log10(low)), math.Ceil(math.Log10(high))
	decades := math.Log10(high) - math.Log10(low)
	if decades < 0.7 {
		return linearTicks(low, high, n)
	}
	skip := math.Ceil(decades / float64(n+1))
	factors := []float64{1}
	if decades < 2.5 {
		factors = []float64{1, 2, 5}
	}
	var ticks []plot.Tick
	for e := first; e <= last; e++ {
		if math.Mod(e, skip) != 0 {
			continue
		}
		for _, f := range factors {
			if v := f * math.Pow10(int(e)); v >= low*(1-1e-9) && v <= high*(1+1e-9) {
				ticks = append(ticks, plot.Tick{Value: v, Label: number(v, v/f)})
			}
		}
	}
	return ticks
}

// closed returns the span reaching to the next mark if that is near: training
// for 1,000 steps ends at step 999, but the axis should say 1,000.
func (s span) closed() span {
	if s.log {
		return s
	}
	step := roundStep((s.high - s.low) / 6)
	if next := math.Ceil(s.high/step) * step; next-s.high < 0.02*(s.high-s.low) {
		s.high = next
	}
	return s
}

//go:build !amd64 || portable

package f32

// Elsewhere no engine has loops, so none of these is called.

func normAVX2(_, _, _, _, _ *float32, _, _ uintptr)                  {}
func normReLUAVX2(_, _, _, _, _ *float32, _, _ uintptr)              {}
func sumsAVX2(_, _ *float32, _, _ uintptr)                           {}
func squaresAVX2(_, _, _ *float32, _, _ uintptr)                     {}
func normSumsAVX2(_, _, _, _, _, _ *float32, _, _ uintptr)           {}
func normReLUSumsAVX2(_, _, _, _, _, _, _ *float32, _, _ uintptr)    {}
func normGradAVX2(_, _, _, _, _, _, _ *float32, _, _ uintptr)        {}
func normReLUGradAVX2(_, _, _, _, _, _, _, _ *float32, _, _ uintptr) {}
func addAVX2(_, _, _ *float32, _, _ uintptr)                         {}
func addReLUAVX2(_, _, _ *float32, _, _ uintptr)                     {}
func reLUAVX2(_, _ *float32, _, _ uintptr)                           {}
func reLUGradAVX2(_, _, _ *float32, _, _ uintptr)                    {}
func adamWAVX2(_, _, _, _, _ *float32, _, _ uintptr)                 {}
func sgdAVX2(_, _, _, _ *float32, _, _ uintptr)                      {}
func sgdDecayAVX2(_, _, _, _ *float32, _, _ uintptr)                 {}

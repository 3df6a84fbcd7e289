package main

import (
	"bytes"
	"fmt"
	"go/format"
	"log"
	"strings"
)

// A loop is a kernel over rows of c values, c a multiple of 8. Its streams move
// on from row to row; its channels are one value a column, the same for every
// row. The Go loop each equals is its twin in vector.go.
type loop struct {
	name, doc string
	streams   []string // pointers that move on
	channels  []string // pointers that stay
	body      []string // of 8 columns, with {stream} and {channel} for memory
	zero      bool     // Y15 is zero
}

// A masked gradient d is the stream dy where the stream y is positive.
func masked(reg string) []string {
	return []string{"VMOVUPS {dy}, " + reg, "VMOVUPS {y}, Y9", "VCMPPS $30, Y15, Y9, Y9", "VANDPS Y9, " + reg + ", " + reg}
}

var loops = []loop{
	{name: "norm", doc: "y = (x-mean)·scale + shift", streams: []string{"y", "x"}, channels: []string{"mean", "scale", "shift"},
		body: []string{"VMOVUPS {x}, Y0", "VSUBPS {mean}, Y0, Y0", "VMULPS {scale}, Y0, Y0", "VADDPS {shift}, Y0, Y0", "VMOVUPS Y0, {y}"}},
	{name: "normReLU", doc: "y = max((x-mean)·scale + shift, 0)", streams: []string{"y", "x"}, channels: []string{"mean", "scale", "shift"}, zero: true,
		body: []string{"VMOVUPS {x}, Y0", "VSUBPS {mean}, Y0, Y0", "VMULPS {scale}, Y0, Y0", "VADDPS {shift}, Y0, Y0", "VCMPPS $22, Y15, Y0, Y1", "VANDPS Y1, Y0, Y0", "VMOVUPS Y0, {y}"}},
	{name: "sums", doc: "sum += x", streams: []string{"x"}, channels: []string{"sum"},
		body: []string{"VMOVUPS {sum}, Y0", "VADDPS {x}, Y0, Y0", "VMOVUPS Y0, {sum}"}},
	{name: "squares", doc: "sum += (x-mean)²", streams: []string{"x"}, channels: []string{"sum", "mean"},
		body: []string{"VMOVUPS {x}, Y0", "VSUBPS {mean}, Y0, Y0", "VMULPS Y0, Y0, Y0", "VADDPS {sum}, Y0, Y0", "VMOVUPS Y0, {sum}"}},
	{name: "normSums", doc: "s += dy; t += dy·((x-mean)·rstd)", streams: []string{"dy", "x"}, channels: []string{"s", "t", "mean", "rstd"},
		body: append([]string{"VMOVUPS {dy}, Y0"}, normSums...)},
	{name: "normReLUSums", doc: "normSums where y > 0", streams: []string{"dy", "y", "x"}, channels: []string{"s", "t", "mean", "rstd"}, zero: true,
		body: append(masked("Y0"), normSums...)},
	{name: "normGrad", doc: "dx = ((dy-shift) - (x-mean)·slope)·scale", streams: []string{"dx", "dy", "x"}, channels: []string{"mean", "slope", "shift", "scale"},
		body: append([]string{"VMOVUPS {dy}, Y0"}, normGrad...)},
	{name: "normReLUGrad", doc: "normGrad of dy where y > 0, else of 0", streams: []string{"dx", "dy", "y", "x"}, channels: []string{"mean", "slope", "shift", "scale"}, zero: true,
		body: append(masked("Y0"), normGrad...)},
	{name: "add", doc: "z = x + y", streams: []string{"z", "x", "y"},
		body: []string{"VMOVUPS {x}, Y0", "VADDPS {y}, Y0, Y0", "VMOVUPS Y0, {z}"}},
	{name: "addReLU", doc: "z = max(x + y, 0)", streams: []string{"z", "x", "y"}, zero: true,
		body: []string{"VMOVUPS {x}, Y0", "VADDPS {y}, Y0, Y0", "VCMPPS $22, Y15, Y0, Y1", "VANDPS Y1, Y0, Y0", "VMOVUPS Y0, {z}"}},
	{name: "reLU", doc: "y = max(x, 0)", streams: []string{"y", "x"}, zero: true,
		body: []string{"VMOVUPS {x}, Y0", "VCMPPS $22, Y15, Y0, Y1", "VANDPS Y1, Y0, Y0", "VMOVUPS Y0, {y}"}},
	{name: "reLUGrad", doc: "dx = dy where y > 0, else 0", streams: []string{"dx", "dy", "y"}, zero: true,
		body: append(masked("Y0"), "VMOVUPS Y0, {dx}")},
	{name: "adamW", doc: "AdamW with the constants at k, each 8 times", streams: []string{"w", "dw", "m", "v"}, channels: []string{"k"},
		body: []string{
			"VMOVUPS {dw}, Y0",
			"VMOVUPS {m}, Y1", "VMULPS {k}, Y1, Y1", "VMULPS 32{k}, Y0, Y2", "VADDPS Y2, Y1, Y1", "VMOVUPS Y1, {m}",
			"VMULPS Y0, Y0, Y0", "VMOVUPS {v}, Y2", "VMULPS 64{k}, Y2, Y2", "VMULPS 96{k}, Y0, Y0", "VADDPS Y0, Y2, Y2", "VMOVUPS Y2, {v}",
			"VSQRTPS Y2, Y2", "VMULPS 128{k}, Y2, Y2", "VADDPS 160{k}, Y2, Y2",
			"VMULPS 192{k}, Y1, Y1", "VDIVPS Y2, Y1, Y1",
			"VMOVUPS {w}, Y0", "VMULPS 224{k}, Y0, Y0", "VSUBPS Y1, Y0, Y0", "VMOVUPS Y0, {w}",
		}},
	{name: "sgd", doc: "SGD with the constants at k, each 8 times", streams: []string{"w", "dw", "v"}, channels: []string{"k"},
		body: append([]string{"VMOVUPS {dw}, Y0", "VMOVUPS {w}, Y1"}, sgd...)},
	{name: "sgdDecay", doc: "SGD with weight decay", streams: []string{"w", "dw", "v"}, channels: []string{"k"},
		body: append([]string{"VMOVUPS {dw}, Y0", "VMOVUPS {w}, Y1", "VMULPS 64{k}, Y1, Y2", "VADDPS Y2, Y0, Y0"}, sgd...)},
}

var sgd = []string{
	"VMOVUPS {v}, Y2", "VMULPS {k}, Y2, Y2", "VADDPS Y0, Y2, Y2", "VMOVUPS Y2, {v}",
	"VMULPS 32{k}, Y2, Y2", "VSUBPS Y2, Y1, Y1", "VMOVUPS Y1, {w}",
}

var normSums = []string{
	"VADDPS {s}, Y0, Y1", "VMOVUPS Y1, {s}",
	"VMOVUPS {x}, Y2", "VSUBPS {mean}, Y2, Y2", "VMULPS {rstd}, Y2, Y2", "VMULPS Y2, Y0, Y2", "VADDPS {t}, Y2, Y2", "VMOVUPS Y2, {t}",
}

var normGrad = []string{
	"VSUBPS {shift}, Y0, Y0",
	"VMOVUPS {x}, Y2", "VSUBPS {mean}, Y2, Y2", "VMULPS {slope}, Y2, Y2", "VSUBPS Y2, Y0, Y0", "VMULPS {scale}, Y0, Y0", "VMOVUPS Y0, {dx}",
}

// pointers are the registers of a loop's streams and channels; AX counts bytes
// of a row, BX is the length of one, CX counts rows.
var pointers = []string{"R8", "R9", "R10", "R11", "R12", "R13", "SI", "DI", "DX"}

// vectors writes all loops.
func vectors() {
	var asm, arm, stubs, other writer
	for _, w := range []*writer{&asm, &arm} {
		w.p("// Code generated by gen. DO NOT EDIT.\n\n//go:build !portable\n\n#include \"textflag.h\"\n")
	}
	stubs.p("// Code generated by gen. DO NOT EDIT.\n\n//go:build (amd64 || arm64) && !portable\n\npackage f32\n")
	other.p("// Code generated by gen. DO NOT EDIT.\n\n//go:build (!amd64 && !arm64) || portable\n\npackage f32\n\n// Elsewhere no engine has loops, so none of these is called.\n")
	for _, l := range loops {
		l.write(&asm, &stubs, &other, false)
		l.write(&arm, nil, nil, true)
	}
	save("vector_amd64.s", asm.Bytes())
	save("vector_arm64.s", arm.Bytes())
	save("vector_stubs.go", bytes.TrimRight(stubs.Bytes(), "\n"))
	tidy, err := format.Source(other.Bytes())
	if err != nil {
		log.Fatal(err)
	}
	save("vector_other.go", tidy)
}

// write writes a loop for AVX2, and its stubs, or for NEON.
func (l loop) write(asm, stubs, other *writer, neon bool) {
	names := append(append([]string{}, l.streams...), l.channels...)
	arguments := strings.Join(names, ", ")
	if !neon {
		stubs.p("// %sLoop is %s, for rows of c values.\n//\n//go:noescape\nfunc %sLoop(%s *float32, rows, c uintptr)\n", l.name, l.doc, l.name, arguments)
		other.p("func %sLoop(_%s *float32, _, _ uintptr) {}", l.name, strings.Repeat(", _", len(names)-1))
	}
	in, step := func(format string, args ...any) { asm.p("\t"+format, args...) }, 32
	if neon {
		in, step = func(format string, args ...any) { asm.arm(fmt.Sprintf(format, args...)) }, 16
	}
	asm.p("// func %sLoop(%s *float32, rows, c uintptr)", l.name, arguments)
	asm.p("TEXT ·%sLoop(SB), NOSPLIT, $0-%d", l.name, 8*len(names)+16)
	replace := []string{}
	for i, n := range names {
		in("MOVQ %s+%d(FP), %s", n, 8*i, pointers[i])
		replace = append(replace, "{"+n+"}", "("+pointers[i]+")(AX*1)")
	}
	in("MOVQ rows+%d(FP), CX", 8*len(names))
	in("MOVQ c+%d(FP), BX", 8*len(names)+8)
	in("SHLQ $2, BX")
	if l.zero {
		in("VXORPS Y15, Y15, Y15")
	}
	asm.p("row:")
	in("XORQ AX, AX")
	in("PCALIGN $32")
	asm.p("column:")
	for _, line := range l.body {
		in("%s", strings.NewReplacer(replace...).Replace(line))
	}
	in("ADDQ $%d, AX", step)
	in("CMPQ AX, BX")
	in("JLT column")
	for i := range l.streams {
		in("ADDQ BX, %s", pointers[i])
	}
	in("DECQ CX")
	in("JNZ row")
	in("VZEROUPPER")
	asm.p("\tRET\n")
}

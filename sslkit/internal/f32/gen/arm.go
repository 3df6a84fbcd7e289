package main

import (
	"fmt"
	"log"
	"math/bits"
	"regexp"
	"strconv"
	"strings"
)

// The row kernels and the loops are written once, in the words of AVX2. For NEON
// they are translated, instruction by instruction: a vector has four lanes, and
// an operand in memory is loaded first. Go's assembler has no names for most of
// NEON's arithmetic, so that is written as words.
//
// V16 to V23 are accumulators, V30 and V31 the translator's own, as is R14.
var armRegisters = map[string]string{
	"DI": "R0", "AX": "R1", "BX": "R2", "CX": "R3", "DX": "R4", "SI": "R5",
	"R8": "R6", "R9": "R7", "R10": "R8", "R11": "R9", "R12": "R10", "R13": "R11", "R14": "R12", "R15": "R13",
}

// armWords are the operations d = n op m on four lanes.
var armWords = map[string]uint32{
	"add": 0x4e20d400, "sub": 0x4ea0d400, "mul": 0x6e20dc00, "div": 0x6e20fc00,
	"ge": 0x6e20e400, "gt": 0x6ea0e400,
	"and": 0x4e201c00, "or": 0x4ea01c00, "xor": 0x6e201c00, "select": 0x6e601c00, // of n and m, by the bits of d
	"iadd": 0x4ea08400, "muladd": 0x4e20cc00, // to d
}

const (
	armNot   = 0x6e205800 // of one operand
	armRoot  = 0x6ea1f800
	armShift = 0x4f005400 // left
	armOwn   = 30         // the translator's registers: this and the next
)

var armMemory = regexp.MustCompile(`^(-?\d*)\((\w+)\)(?:\((\w+)\*([12])\))?$`)

// arm writes one instruction for NEON.
func (w *writer) arm(line string) {
	name, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
	var args []string
	for a := range strings.SplitSeq(rest, ",") {
		args = append(args, strings.TrimSpace(a))
	}
	last := args[len(args)-1]
	vector := strings.HasPrefix(name, "V")
	switch {
	case name == "PCALIGN" || name == "VZEROUPPER":
	case strings.HasSuffix(name, ":"):
		w.p("%s", name)
	case name[0] == 'J':
		w.p("\t%s %s", map[string]string{"JLT": "BLT", "JGT": "BGT", "JNZ": "BNE"}[name], last)
	case vector && strings.HasSuffix(name, "SS"):
		w.armScalar(name, args)
	case vector:
		w.armVector(name, args)
	default:
		w.armInteger(name, args)
	}
}

// armInteger writes an instruction on general registers.
func (w *writer) armInteger(name string, args []string) {
	r := make([]string, len(args))
	for i, a := range args {
		if r[i] = armRegisters[a]; r[i] == "" {
			r[i] = a
		}
	}
	from, to := r[0], r[len(r)-1]
	switch name {
	case "MOVQ":
		if armMemory.MatchString(from) {
			from = w.armAddress(from)
		}
		w.p("\tMOVD %s, %s", from, to)
	case "XORQ":
		w.p("\tMOVD ZR, %s", to)
	case "ADDQ":
		w.p("\tADD %s, %s", from, to)
	case "SUBQ":
		w.p("\tSUBS %s, %s", from, to)
	case "DECQ":
		w.p("\tSUBS $1, %s", to)
	case "SHLQ":
		w.p("\tLSL %s, %s", from, to)
	case "CMPQ":
		w.p("\tCMP %s, %s", to, from)
	case "LEAQ": // (base)(index*4 or 8)
		var base, index string
		var scale uint
		fmt.Sscanf(strings.NewReplacer("(", " ", ")", " ", "*", " ").Replace(args[0]), "%s %s %d", &base, &index, &scale)
		w.p("\tADD %s<<%d, %s, %s", armRegisters[index], bits.TrailingZeros(scale), armRegisters[base], to)
	case "PREFETCHT0":
		w.p("\tPRFM %s, PLDL1KEEP", w.armAddress(args[0]))
	default:
		log.Fatalf("no translation of %s", name)
	}
}

// armAddress returns an operand in memory, having added its registers up.
func (w *writer) armAddress(operand string) string {
	m := armMemory.FindStringSubmatch(operand)
	if m == nil {
		log.Fatalf("no address: %s", operand)
	}
	base := armRegisters[m[2]]
	if m[3] != "" {
		index := armRegisters[m[3]]
		if m[4] == "2" {
			index += "<<1"
		}
		w.p("\tADD %s, %s, R14", index, base)
		base = "R14"
	}
	return m[1] + "(" + base + ")"
}

// armNumber is the number of a vector register.
func armNumber(operand string) uint32 {
	n, err := strconv.Atoi(operand[1:])
	if err != nil || !strings.Contains("VXY", operand[:1]) {
		log.Fatalf("no vector register: %s", operand)
	}
	return uint32(n)
}

// armValue is the number of the register that holds an operand, having loaded it
// if it is in memory.
func (w *writer) armValue(operand string) uint32 {
	if !strings.Contains(operand, "(") {
		return armNumber(operand)
	}
	w.p("\tFMOVQ %s, F%d", w.armAddress(operand), armOwn+1)
	return armOwn + 1
}

func (w *writer) armOp(op string, d, n, m uint32) {
	w.p("\tWORD $%#08x // V%d = V%d %s V%d", armWords[op]|m<<16|n<<5|d, d, n, op, m)
}

func (w *writer) armOne(op string, word, d, n uint32) {
	w.p("\tWORD $%#08x // V%d = %s V%d", word|n<<5|d, d, op, n)
}

// armVector writes an instruction on vectors.
func (w *writer) armVector(name string, args []string) {
	last := args[len(args)-1]
	if name == "VMOVUPS" {
		if strings.Contains(last, "(") {
			w.p("\tFMOVQ F%d, %s", armNumber(args[0]), w.armAddress(last))
		} else {
			w.p("\tFMOVQ %s, F%d", w.armAddress(args[0]), armNumber(last))
		}
		return
	}
	d := armNumber(last)
	switch name {
	case "VPSLLD":
		shift, _ := strconv.Atoi(strings.TrimPrefix(args[0], "$"))
		w.armOne("shifted", armShift|uint32(32+shift)<<16, d, armNumber(args[1]))
	case "VSQRTPS":
		w.armOne("root of", armRoot, d, w.armValue(args[0]))
	case "VCMPPS":
		b, a := w.armValue(args[1]), armNumber(args[2])
		switch args[0] {
		case "$1": // a < b
			w.armOp("gt", d, b, a)
		case "$5": // not a < b
			w.armOp("gt", d, b, a)
			w.armOne("not", armNot, d, d)
		case "$22": // not a ≤ b
			w.armOp("ge", d, b, a)
			w.armOne("not", armNot, d, d)
		case "$30": // a > b
			w.armOp("gt", d, a, b)
		default:
			log.Fatalf("no comparison %s", args[0])
		}
	case "VBLENDVPS":
		mask, yes, no := armNumber(args[0]), w.armValue(args[1]), armNumber(args[2])
		w.armOp("or", armOwn, mask, mask)
		w.armOp("select", armOwn, yes, no)
		w.armOp("or", d, armOwn, armOwn)
	case "VMAXPS": // the first operand unless the second is greater
		a, b := w.armValue(args[0]), armNumber(args[1])
		w.armOp("gt", armOwn, b, a)
		w.armOp("select", armOwn, b, a)
		w.armOp("or", d, armOwn, armOwn)
	default:
		op := map[string]string{"VADDPS": "add", "VSUBPS": "sub", "VMULPS": "mul", "VDIVPS": "div", "VPAND": "and", "VANDPS": "and", "VXORPS": "xor", "VPADDD": "iadd", "VFMADD231PS": "muladd"}[name]
		if op == "" {
			log.Fatalf("no translation of %s", name)
		}
		m := w.armValue(args[0])
		w.armOp(op, d, armNumber(args[1]), m)
	}
}

// armScalar writes an instruction on one lane.
func (w *writer) armScalar(name string, args []string) {
	from, last := args[0], args[len(args)-1]
	switch name {
	case "VMOVSS":
		if strings.Contains(last, "(") {
			w.p("\tFMOVS F%d, %s", armNumber(from), w.armAddress(last))
		} else {
			w.p("\tFMOVS %s, F%d", w.armAddress(from), armNumber(last))
		}
	case "VBROADCASTSS":
		n := uint32(armOwn + 1)
		if strings.Contains(from, "(") {
			w.p("\tFMOVS %s, F%d", w.armAddress(from), n)
		} else {
			n = armNumber(from)
		}
		w.p("\tVDUP V%d.S[0], V%d.S4", n, armNumber(last))
	case "VSQRTSS":
		w.p("\tFSQRTS F%d, F%d", armNumber(from), armNumber(last))
	default:
		op := map[string]string{"VADDSS": "FADDS", "VMULSS": "FMULS", "VDIVSS": "FDIVS"}[name]
		if op == "" {
			log.Fatalf("no translation of %s", name)
		}
		w.p("\t%s F%d, F%d, F%d", op, armNumber(from), armNumber(args[1]), armNumber(last))
	}
}

// armTotal sums the 16 lanes of V(first) to V(first+3) by the fixed tree into
// lane 0 of V(to).
func (w *writer) armTotal(first, to uint32) {
	w.armOp("add", first, first, first+2)
	w.armOp("add", first+1, first+1, first+3)
	w.armOp("add", first, first, first+1)
	w.p("\tVEXT $8, V%[1]d.B16, V%[1]d.B16, V%[2]d.B16", first, armOwn)
	w.armOp("add", first, first, armOwn)
	w.p("\tVEXT $4, V%[1]d.B16, V%[1]d.B16, V%[2]d.B16", first, armOwn)
	w.armOp("add", to, first, armOwn)
}

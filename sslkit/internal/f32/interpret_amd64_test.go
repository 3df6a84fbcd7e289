//go:build !portable

package f32

import (
	"encoding/binary"
	"fmt"
	"math"
	"math/bits"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unsafe"
)

// A machine executes the text of the matrix-product kernels, so that those of
// an instruction set that this processor lacks are tested too. Addresses are
// places in its memory.
type machine struct {
	memory []byte
	r      map[string]int64
	v      map[int][16]float32 // vector registers, a Y being the lower half
	k1     uint64
	flag   int64 // the result that conditional jumps look at
	lanes  int
}

// listing returns the instructions of each function of an assembly file.
func listing(t *testing.T, file string) map[string][]string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	functions, name := map[string][]string{}, ""
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSpace(line)
		if rest, ok := strings.CutPrefix(line, "TEXT ·"); ok {
			name, _, _ = strings.Cut(rest, "(")
		} else if line != "" && !strings.HasPrefix(line, "//") && name != "" {
			functions[name] = append(functions[name], line)
		}
	}
	return functions
}

// run executes a function whose argument is the address of a tile.
func (m *machine) run(code []string, task int64) error {
	for at := 0; at < len(code); at++ {
		op, rest, _ := strings.Cut(code[at], " ")
		var args []string
		for a := range strings.SplitSeq(rest, ",") {
			args = append(args, strings.TrimSpace(a))
		}
		jumps := map[string]bool{"JMP": true, "JZ": m.flag == 0, "JNZ": m.flag != 0, "JG": m.flag > 0, "JLE": m.flag <= 0}
		switch taken, isJump := jumps[op]; {
		case op == "RET":
			return nil
		case strings.HasSuffix(op, ":"), op == "PCALIGN", op == "VZEROUPPER", isJump && !taken:
		case taken:
			if at = slices.Index(code, args[0]+":"); at < 0 {
				return fmt.Errorf("no label %s", args[0])
			}
		case args[0] == "t+0(FP)":
			m.r[args[1]] = task
		case strings.HasPrefix(op, "V"):
			if err := m.vector(op, args); err != nil {
				return err
			}
		default:
			if err := m.scalar(op, args); err != nil {
				return err
			}
		}
	}
	return fmt.Errorf("no RET")
}

// address is that of an operand such as 8(R8)(R10*2).
func (m *machine) address(operand string) int64 {
	offset, rest, _ := strings.Cut(operand, "(")
	n, _ := strconv.ParseInt(offset, 10, 64)
	for part := range strings.SplitSeq(strings.TrimSuffix(rest, ")"), ")(") {
		register, scale, scaled := strings.Cut(part, "*")
		factor := int64(1)
		if scaled {
			factor, _ = strconv.ParseInt(scale, 10, 64)
		}
		n += m.r[register] * factor
	}
	return n
}

func (m *machine) get(operand string) int64 {
	if n, err := strconv.ParseInt(strings.TrimPrefix(operand, "$"), 10, 64); err == nil {
		return n
	}
	if strings.Contains(operand, "(") {
		return int64(binary.LittleEndian.Uint64(m.memory[m.address(operand):]))
	}
	return m.r[operand]
}

func (m *machine) set(operand string, v int64) {
	if strings.Contains(operand, "(") {
		binary.LittleEndian.PutUint64(m.memory[m.address(operand):], uint64(v))
		return
	}
	m.r[operand] = v
}

func (m *machine) scalar(op string, args []string) error {
	last := args[len(args)-1]
	switch op {
	case "PREFETCHT0", "PREFETCHT1": // changes no value
	case "MOVQ":
		m.set(last, m.get(args[0]))
	case "LEAQ":
		m.set(last, m.address(args[0]))
	case "ADDQ":
		m.flag = m.get(last) + m.get(args[0])
		m.set(last, m.flag)
	case "SUBQ":
		m.flag = m.get(last) - m.get(args[0])
		m.set(last, m.flag)
	case "DECQ":
		m.flag = m.get(last) - 1
		m.set(last, m.flag)
	case "CMPQ":
		m.flag = m.get(args[0]) - m.get(last)
	case "TESTQ":
		m.flag = m.get(args[0]) & m.get(args[1])
	case "KMOVW":
		m.k1 = uint64(uint16(m.r[args[0]]))
	default:
		return fmt.Errorf("no instruction %s", op)
	}
	return nil
}

func register(name string) int {
	n, _ := strconv.Atoi(name[1:])
	return n
}

// all is the mask of every lane.
func (m *machine) all() uint64 { return 1<<m.lanes - 1 }

// signs is the mask that a vector register holds.
func (m *machine) signs(name string) (mask uint64) {
	for i, v := range m.v[register(name)] {
		mask |= uint64(math.Float32bits(v)>>31) << i
	}
	return mask & m.all()
}

func (m *machine) load(at int64, mask uint64) (v [16]float32) {
	for ; mask != 0; mask &= mask - 1 {
		i := bits.TrailingZeros64(mask)
		v[i] = math.Float32frombits(binary.LittleEndian.Uint32(m.memory[at+int64(4*i):]))
	}
	return v
}

func (m *machine) store(at int64, v [16]float32, mask uint64) {
	for ; mask != 0; mask &= mask - 1 {
		i := bits.TrailingZeros64(mask)
		binary.LittleEndian.PutUint32(m.memory[at+int64(4*i):], math.Float32bits(v[i]))
	}
}

func (m *machine) vector(op string, args []string) error {
	last := args[len(args)-1]
	mask := m.all()
	if len(args) == 3 && args[1] == "K1" {
		mask = m.k1
	}
	toMemory := strings.Contains(last, "(")
	switch {
	case (op == "VMOVUPS" || op == "VMASKMOVPS") && toMemory:
		if op == "VMASKMOVPS" {
			mask = m.signs(args[1])
		}
		m.store(m.address(last), m.v[register(args[0])], mask)
	case op == "VMOVUPS" && mask != m.all():
		return fmt.Errorf("a masked load that keeps the other lanes")
	case op == "VMOVUPS", op == "VMOVUPS.Z":
		m.v[register(last)] = m.load(m.address(args[0]), mask)
	case op == "VMASKMOVPS":
		m.v[register(last)] = m.load(m.address(args[0]), m.signs(args[1]))
	case op == "VPXORD" || op == "VXORPS":
		m.v[register(last)] = [16]float32{}
		if args[0] != args[1] {
			return fmt.Errorf("an exclusive or of %s and %s", args[0], args[1])
		}
	case op == "VBROADCASTSS":
		v := m.load(m.address(args[0]), 1)
		for i := range m.lanes {
			v[i] = v[0]
		}
		m.v[register(last)] = v
	case op == "VFMADD231PS":
		a, b, c := m.v[register(args[0])], m.v[register(args[1])], m.v[register(last)]
		for i := range m.lanes {
			c[i] = FMA(a[i], b[i], c[i])
		}
		m.v[register(last)] = c
	default:
		return fmt.Errorf("no instruction %s", op)
	}
	return nil
}

// Regions of the machine's memory, in bytes.
const region = 1 << 15

// TestKernelsInterpreted holds the text of every kernel, run by an interpreter,
// to the Go loop.
func TestKernelsInterpreted(t *testing.T) {
	code := listing(t, "gemm_amd64.s")
	r := rand.New(rand.NewPCG(31, 32))
	ran := 0
	for _, e := range []*engine{&avx2, &avx512} {
		for rows := 1; rows <= e.rows; rows++ {
			for vectors := 1; vectors <= 2; vectors++ {
				for round := range 6 {
					width := (vectors-1)*e.lanes + 1 + r.IntN(e.lanes)
					name := fmt.Sprintf("%sTile%dx%d", e.name, rows, vectors)
					switch {
					case round%2 == 0:
						width = vectors * e.lanes
					default:
						name = fmt.Sprintf("%sMasked%dx%d", e.name, rows, vectors)
					}
					interpretOne(t, r, e, code[name], name, rows, vectors, width)
					ran++
				}
			}
		}
	}
	if ran != 6*2*(6+14) {
		t.Errorf("%d kernels ran", ran)
	}
}

// interpretOne runs one kernel on a random tile.
func interpretOne(t *testing.T, r *rand.Rand, e *engine, code []string, name string, rows, vectors, width int) {
	t.Helper()
	memory := make([]byte, 6*region)
	for at := region; at < len(memory); at += 4 {
		binary.LittleEndian.PutUint32(memory[at:], math.Float32bits(float32(r.NormFloat64())))
	}
	words := func(n int) uintptr { return uintptr(4 * (1 + r.IntN(n))) }
	tl := tile{
		ars: words(9), acs: words(9), ldb: words(40), ldc: uintptr(4 * (width + r.IntN(5))), lds: words(40) - 4,
		k: uintptr(r.IntN(2)*rows + r.IntN(5)), segments: uintptr(r.IntN(3)), jump: words(9), jumpB: words(40), groups: uintptr(r.IntN(3)), group: words(9), groupB: words(9),
		count: uintptr(1 + r.IntN(3)), down: words(40), downStarts: words(40), lines: uintptr(r.IntN(3)), downAhead: words(40), mask: 1<<(width-(vectors-1)*e.lanes) - 1,
	}
	tl.downC = uintptr(rows) * tl.ldc
	started := r.IntN(2) == 0
	m := machine{memory: memory, r: map[string]int64{}, v: map[int][16]float32{}, lanes: e.lanes}
	fields := (*[unsafe.Sizeof(tl) / 8]uint64)(unsafe.Pointer(&tl))[:]
	for i, v := range fields {
		binary.LittleEndian.PutUint64(memory[8*i:], v)
	}
	lane := 8 - (width - (vectors-1)*e.lanes)
	const masks = 1024 // where they stand
	for i, v := range laneMasks {
		binary.LittleEndian.PutUint32(memory[masks+4*i:], uint32(v))
	}
	for field, v := range map[int]int{0: region, 1: 2 * region, 2: 4 * region, 11: masks + 4*lane} {
		binary.LittleEndian.PutUint64(memory[8*field:], uint64(v))
	}
	if started {
		binary.LittleEndian.PutUint64(memory[8*9:], 5*region)
	}
	want := slices.Clone(memory)
	tl.a, tl.b, tl.c = unsafe.Pointer(&want[region]), unsafe.Pointer(&want[2*region]), unsafe.Pointer(&want[4*region])
	if started {
		tl.start = unsafe.Pointer(&want[5*region])
	}
	tileGeneric(&tl, rows, width)
	if err := m.run(code, 0); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	if !slices.Equal(memory[region:], want[region:]) {
		t.Fatalf("%s differs from the Go loop for a width of %d", name, width)
	}
}

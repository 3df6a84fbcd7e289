package tracker

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math"
)

// A Link is one computed value of a run, or one checkpoint.
type Link struct {
	Step  int
	Key   string
	Value float64
	Blob  string // digest of a checkpoint's bytes; then Value is 0
}

// Equal reports whether two links agree bit for bit; any NaN equals any NaN.
func (l Link) Equal(m Link) bool {
	return l.Step == m.Step && l.Key == m.Key && l.Blob == m.Blob && canonical(l.Value) == canonical(m.Value)
}

// String shows the link.
func (l Link) String() string {
	if l.Blob != "" {
		return fmt.Sprintf("step %d, checkpoint %s: %.12s", l.Step, l.Key, l.Blob)
	}
	return fmt.Sprintf("step %d, %s: %.9g (%x)", l.Step, l.Key, l.Value, l.Value)
}

// ULP returns how many values of float32 lie between the two, if both are
// float32 values, and the word for it; else of float64.
func (l Link) ULP(m Link) string {
	if a, b := float32(l.Value), float32(m.Value); float64(a) == l.Value && float64(b) == m.Value {
		return fmt.Sprintf("%d float32 ULP", distance(int64(ordered32(a)), int64(ordered32(b))))
	}
	return fmt.Sprintf("%d float64 ULP", distance(ordered64(l.Value), ordered64(m.Value)))
}

// ordered32 maps floats to integers in the same order.
func ordered32(v float32) int32 {
	b := int32(math.Float32bits(v))
	if b < 0 {
		return math.MinInt32 - b
	}
	return b
}

func ordered64(v float64) int64 {
	b := int64(math.Float64bits(v))
	if b < 0 {
		return math.MinInt64 - b
	}
	return b
}

func distance(a, b int64) uint64 {
	if a > b {
		a, b = b, a
	}
	return uint64(b) - uint64(a)
}

// canonical is the bits of v, all NaNs the same.
func canonical(v float64) uint64 {
	if v != v {
		return 0x7ff8000000000000
	}
	return math.Float64bits(v)
}

// A Chain digests a run: its inputs, then every link in order.
type Chain struct{ sum [sha256.Size]byte }

// NewChain starts from the run's inputs.
func NewChain(inputs []byte) *Chain { return &Chain{sha256.Sum256(inputs)} }

// Add appends a link.
func (c *Chain) Add(l Link) {
	b := append([]byte(nil), c.sum[:]...)
	b = binary.LittleEndian.AppendUint64(b, uint64(l.Step))
	b = binary.LittleEndian.AppendUint64(b, uint64(len(l.Key)))
	b = append(b, l.Key...)
	b = binary.LittleEndian.AppendUint64(b, canonical(l.Value))
	b = append(b, l.Blob...)
	c.sum = sha256.Sum256(b)
}

// Digest returns the chain's end in hex.
func (c *Chain) Digest() string { return hex.EncodeToString(c.sum[:]) }

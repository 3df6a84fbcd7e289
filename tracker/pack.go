package tracker

import (
	"encoding/binary"
	"encoding/hex"
	"errors"
	"math"
)

// A packed part is about as small as its numbers allow: steps and times are
// differences of differences, the bytes of values stand by significance, and
// zstd takes out what repeats. Values that are float32 take four bytes.

var errPacked = errors.New("a packed part is corrupt")

// packSeries packs the steps and values of one key.
func packSeries(steps []int, bits []uint64) []byte {
	raw := binary.AppendUvarint(nil, uint64(len(steps)))
	raw = appendDeltas(raw, steps)
	width := byte(4)
	for _, b := range bits {
		if _, ok := single(b); !ok {
			width = 8
		}
	}
	raw = append(raw, width)
	for at := range int(width) { // byte by byte, the lowest of all values first
		for _, b := range bits {
			if width == 4 {
				s, _ := single(b)
				b = uint64(s)
			}
			raw = append(raw, byte(b>>(8*at)))
		}
	}
	return packer.EncodeAll(raw, nil)
}

// single returns the float32 that stands for the float64 of these bits, if one
// does bit for bit.
func single(bits uint64) (uint32, bool) {
	s := float32(math.Float64frombits(bits))
	return math.Float32bits(s), math.Float64bits(float64(s)) == bits
}

// unpackSeries reads what packSeries wrote.
func unpackSeries(packed []byte) (steps []int, bits []uint64, err error) {
	raw, err := unpacker.DecodeAll(packed, nil)
	if err != nil {
		return nil, nil, errPacked
	}
	n, raw, err := uvarint(raw)
	if err != nil || n > len(raw) {
		return nil, nil, errPacked
	}
	if steps, raw, err = deltas(raw, n); err != nil {
		return nil, nil, err
	}
	if len(raw) == 0 || raw[0] != 4 && raw[0] != 8 || len(raw) != 1+n*int(raw[0]) {
		return nil, nil, errPacked
	}
	width, raw := int(raw[0]), raw[1:]
	bits = make([]uint64, n)
	for at := range width {
		for i := range bits {
			bits[i] |= uint64(raw[at*n+i]) << (8 * at)
		}
	}
	if width == 4 {
		for i, b := range bits {
			bits[i] = math.Float64bits(float64(math.Float32frombits(uint32(b))))
		}
	}
	return steps, bits, nil
}

// A journalRow is one call of Log or Checkpoint.
type journalRow struct {
	seq, step int
	time      int64
	entries   []entry
}

// packLayout packs all of the rows but their values.
func packLayout(rows []journalRow) []byte {
	steps, times := make([]int, len(rows)), make([]int, len(rows))
	var shapes, digests []byte
	for i, r := range rows {
		steps[i], times[i] = r.step, int(r.time)
		shapes = binary.AppendUvarint(shapes, uint64(len(r.entries)))
		for _, e := range r.entries {
			shapes = binary.AppendUvarint(append(shapes, e.kind), uint64(e.key))
			if e.kind == checkpointMark {
				b, _ := hex.DecodeString(e.blob) // written by DigestOf
				digests = append(digests, b...)
			}
		}
	}
	raw := binary.AppendUvarint(nil, uint64(len(rows)))
	raw = appendDeltas(raw, steps)
	raw = appendDeltas(raw, times)
	raw = binary.AppendUvarint(raw, uint64(len(shapes)))
	return packer.EncodeAll(append(append(raw, shapes...), digests...), nil)
}

// unpackLayout reads what packLayout wrote; the values are zero.
func unpackLayout(packed []byte, seq int) ([]journalRow, error) {
	raw, err := unpacker.DecodeAll(packed, nil)
	if err != nil {
		return nil, errPacked
	}
	n, raw, err := uvarint(raw)
	if err != nil || n > len(raw) {
		return nil, errPacked
	}
	steps, raw, err := deltas(raw, n)
	if err != nil {
		return nil, err
	}
	times, raw, err := deltas(raw, n)
	if err != nil {
		return nil, err
	}
	size, raw, err := uvarint(raw)
	if err != nil || size > len(raw) {
		return nil, errPacked
	}
	shapes, digests := raw[:size], raw[size:]
	rows := make([]journalRow, n)
	for i := range rows {
		rows[i] = journalRow{seq: seq + i, step: steps[i], time: int64(times[i])}
		if rows[i].entries, shapes, digests, err = unpackShape(shapes, digests, steps[i]); err != nil {
			return nil, err
		}
	}
	if len(shapes) != 0 || len(digests) != 0 {
		return nil, errPacked
	}
	return rows, nil
}

// unpackShape reads the entries of one row and returns what is left.
func unpackShape(shapes, digests []byte, step int) ([]entry, []byte, []byte, error) {
	count, shapes, err := uvarint(shapes)
	if err != nil || count > len(shapes) {
		return nil, nil, nil, errPacked
	}
	entries := make([]entry, count)
	for i := range entries {
		if len(shapes) == 0 || shapes[0] > checkpointMark {
			return nil, nil, nil, errPacked
		}
		e := entry{step: step, kind: shapes[0]}
		var key int
		if key, shapes, err = uvarint(shapes[1:]); err != nil {
			return nil, nil, nil, err
		}
		e.key = int64(key)
		if e.kind == checkpointMark {
			if len(digests) < 32 {
				return nil, nil, nil, errPacked
			}
			e.blob, digests = hex.EncodeToString(digests[:32]), digests[32:]
		}
		entries[i] = e
	}
	return entries, shapes, digests, nil
}

// appendDeltas appends differences of differences.
func appendDeltas(raw []byte, values []int) []byte {
	last, slope := 0, 0
	for _, v := range values {
		raw = binary.AppendVarint(raw, int64(v-last-slope))
		slope, last = v-last, v
	}
	return raw
}

// deltas reads n values that appendDeltas wrote and returns what is left.
func deltas(raw []byte, n int) ([]int, []byte, error) {
	values := make([]int, n)
	last, slope := 0, 0
	for i := range values {
		d, size := binary.Varint(raw)
		if size <= 0 {
			return nil, nil, errPacked
		}
		raw = raw[size:]
		slope += int(d)
		last += slope
		values[i] = last
	}
	return values, raw, nil
}

// uvarint reads a length or a key and returns what is left.
func uvarint(raw []byte) (int, []byte, error) {
	v, size := binary.Uvarint(raw)
	if size <= 0 || v > math.MaxInt64 {
		return 0, nil, errPacked
	}
	return int(v), raw[size:], nil
}

package data

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"io"
	"os"
)

// maxIDX bounds what a file may unpack to: more than any set here.
const maxIDX = 256 << 20

// readIDX returns the bytes of an IDX file of unsigned bytes with the given
// dimensions, gzip-compressed or not. If digest is not empty, the decompressed
// file must have this SHA-256.
func readIDX(path, digest string, dims ...int) ([]uint8, error) {
	raw, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("data: %w", err)
	}
	body, err := parseIDX(raw, dims...)
	if err != nil {
		return nil, fmt.Errorf("data: %s: %w", path, err)
	}
	if sum := sha256.Sum256(body); digest != "" && hex.EncodeToString(sum[:]) != digest {
		return nil, fmt.Errorf("data: %s: SHA-256 of the decompressed file is %x, want %s", path, sum, digest)
	}
	return body[4+4*len(dims):], nil
}

// parseIDX decompresses an IDX file and checks its head and its length.
func parseIDX(raw []byte, dims ...int) ([]byte, error) {
	if bytes.HasPrefix(raw, []byte{0x1f, 0x8b}) {
		var err error
		if raw, err = gunzip(raw); err != nil {
			return nil, err
		}
	}
	head := 4 + 4*len(dims)
	if len(raw) < head {
		return nil, fmt.Errorf("%d bytes, too short for an IDX file", len(raw))
	}
	if magic, want := binary.BigEndian.Uint32(raw), uint32(0x800+len(dims)); magic != want {
		return nil, fmt.Errorf("magic number %#x, want %#x (unsigned bytes in %d dimensions)", magic, want, len(dims))
	}
	want := head
	size := 1
	for i, d := range dims {
		if got := binary.BigEndian.Uint32(raw[4+4*i:]); got != uint32(d) {
			return nil, fmt.Errorf("dimension %d is %d, want %d", i, got, d)
		}
		size *= d
	}
	if want += size; len(raw) != want {
		return nil, fmt.Errorf("%d bytes, want %d", len(raw), want)
	}
	return raw, nil
}

// gunzip decompresses up to maxIDX bytes.
func gunzip(raw []byte) ([]byte, error) {
	z, err := gzip.NewReader(bytes.NewReader(raw))
	if err != nil {
		return nil, fmt.Errorf("not a gzip file: %w", err)
	}
	out, err := io.ReadAll(io.LimitReader(z, maxIDX))
	if err != nil {
		return nil, fmt.Errorf("truncated or corrupt gzip file: %w", err)
	}
	return out, nil
}

// digest is the SHA-256 in hex.
func digest(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

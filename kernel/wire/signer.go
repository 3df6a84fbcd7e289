package wire

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
)

// A Signer signs and verifies messages with HMAC-SHA256. With an empty key, as
// the protocol has it, nothing is signed and everything is accepted.
type Signer struct{ Key []byte }

func (s Signer) mac(parts [][]byte) []byte {
	h := hmac.New(sha256.New, s.Key)
	for _, p := range parts {
		h.Write(p)
	}
	return h.Sum(nil)
}

func (s Signer) sign(parts [][]byte) []byte {
	if len(s.Key) == 0 {
		return nil
	}
	return hex.AppendEncode(nil, s.mac(parts))
}

// verify compares in constant time.
func (s Signer) verify(signature []byte, parts [][]byte) error {
	if len(s.Key) == 0 {
		return nil
	}
	got, err := hex.DecodeString(string(signature))
	if err != nil || !hmac.Equal(got, s.mac(parts)) {
		return errors.New("wrong signature")
	}
	return nil
}

// newID returns a random name for a message or a session.
func newID() string {
	var b [16]byte
	rand.Read(b[:]) // never fails
	return hex.EncodeToString(b[:])
}

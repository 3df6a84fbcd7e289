package wire

import (
	"bytes"
	"strings"
	"testing"
)

var testSigner = Signer{Key: []byte("a key")}

// frames are those of a well formed request.
func frames(t testing.TB, content string) [][]byte {
	t.Helper()
	parts := [][]byte{[]byte(`{"msg_id":"1","msg_type":"kernel_info_request","session":"s"}`), []byte("{}"), []byte("{}"), []byte(content)}
	return append([][]byte{[]byte("peer"), delimiter, testSigner.sign(parts)}, parts...)
}

func TestEncodedMessagesDecode(t *testing.T) {
	parent, err := testSigner.Decode(frames(t, `{"a":1}`))
	if err != nil {
		t.Fatal(err)
	}
	raw, err := testSigner.Encode("session", parent.Identities, parent, "status", map[string]string{"execution_state": "idle"})
	if err != nil {
		t.Fatal(err)
	}
	m, err := testSigner.Decode(raw)
	if err != nil {
		t.Fatal(err)
	}
	var content struct {
		State string `json:"execution_state"`
	}
	if err := m.Read(&content); err != nil || content.State != "idle" || m.Header.Type != "status" || m.Header.Session != "session" || m.Header.Version != Version {
		t.Errorf("%+v, %v", m, err)
	}
	if !bytes.Equal(raw[len(raw)-3], parent.RawHeader) || !bytes.Equal(m.Identities[0], []byte("peer")) {
		t.Error("the parent or the route was lost")
	}
}

// malformed are messages that must be dropped, by what the log says of them.
func malformed(t testing.TB) map[string][][]byte {
	resign := func(at int, text string) [][]byte {
		f := frames(t, "{}")
		f[at] = []byte(text)
		f[2] = testSigner.sign(f[3:7])
		return f
	}
	unsigned := func(signature string) [][]byte {
		f := frames(t, "{}")
		f[2] = []byte(signature)
		return f
	}
	return map[string][][]byte{
		"no delimiter: frames":         {[]byte("peer"), []byte("hello")},
		"no delimiter: nothing":        {},
		"too few frames":               frames(t, "{}")[:5],
		"wrong signature: other":       unsigned(strings.Repeat("ab", 32)),
		"wrong signature: empty":       unsigned(""),
		"wrong signature: no hex":      unsigned("no hex at all"),
		"malformed header: text":       resign(3, "hello"),
		"malformed header: null":       resign(3, "null"),
		"malformed header: list":       resign(3, "[]"),
		"malformed header: number":     resign(3, `{"msg_id":1,"msg_type":"x"}`),
		"header without msg_type: {}":  resign(3, "{}"),
		"a part is no JSON object: 1":  resign(6, "1"),
		"a part is no JSON object: ''": resign(6, ""),
		"a part is no JSON object: {":  resign(4, "{"),
		"a part is no JSON object: []": resign(5, "[]"),
	}
}

func TestMalformedMessagesAreRefused(t *testing.T) {
	for name, raw := range malformed(t) {
		want, _, _ := strings.Cut(name, ":")
		if _, err := testSigner.Decode(raw); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v", name, err)
		}
	}
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte(`{"msg_id":"1","msg_type":"x"}`), []byte("{}"), []byte("{}"), 4)
	f.Add([]byte(`[]`), []byte(""), []byte("null"), 9)
	f.Fuzz(func(t *testing.T, header, parent, content []byte, count int) {
		parts := [][]byte{header, parent, []byte("{}"), content}
		raw := append([][]byte{delimiter, testSigner.sign(parts)}, parts...)
		raw = raw[:min(max(0, count), len(raw))]
		m, err := testSigner.Decode(raw)
		if err != nil {
			return
		}
		if m.Header.Type == "" || m.Header.ID == "" {
			t.Fatalf("accepted %q", raw)
		}
		if answer, err := testSigner.Encode("s", m.Identities, m, "x", map[string]any{}); err != nil {
			t.Fatal(err)
		} else if _, err := testSigner.Decode(answer); err != nil {
			t.Fatal(err)
		}
	})
}

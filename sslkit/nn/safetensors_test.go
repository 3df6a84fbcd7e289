package nn

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sslnotes/sslkit/rng"
)

func tiny(t *testing.T, seed uint64, channels int) Encoder {
	t.Helper()
	e, err := ConvNet{Channels: []int{channels}}.Build(Input{8, 8, 1}, rng.New(seed, "weights"))
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func TestCheckpointRoundTrip(t *testing.T) {
	path := filepath.Join(t.TempDir(), "model.safetensors")
	a, b := tiny(t, 1, 4), tiny(t, 2, 4)
	if err := SaveFile(path, a); err != nil {
		t.Fatal(err)
	}
	if err := LoadFile(path, b); err != nil {
		t.Fatal(err)
	}
	if Digest(a) != Digest(b) {
		t.Error("a loaded model differs from the saved one")
	}
	if left, _ := filepath.Glob(filepath.Join(filepath.Dir(path), ".checkpoint-*")); left != nil {
		t.Errorf("left %v", left)
	}
}

// TestCheckpointLayout reads the file as the format's description says, without
// this package's reader.
func TestCheckpointLayout(t *testing.T) {
	var b bytes.Buffer
	e := tiny(t, 1, 4)
	if err := Save(&b, e); err != nil {
		t.Fatal(err)
	}
	n := binary.LittleEndian.Uint64(b.Bytes())
	var head map[string]struct {
		Dtype       string
		Shape       []int
		DataOffsets []int `json:"data_offsets"`
	}
	if err := json.Unmarshal(b.Bytes()[8:8+n], &head); err != nil {
		t.Fatal(err)
	}
	w := head["layer0.conv.weight"]
	if n%8 != 0 || w.Dtype != "F32" || len(w.Shape) != 4 || w.Shape[3] != 4 || w.DataOffsets[1]-w.DataOffsets[0] != 4*9*4 {
		t.Errorf("head of %d bytes, weight %+v", n, w)
	}
}

func TestCorruptCheckpointsLoseNothing(t *testing.T) {
	var b bytes.Buffer
	if err := Save(&b, tiny(t, 1, 4)); err != nil {
		t.Fatal(err)
	}
	good := b.Bytes()
	var wide bytes.Buffer
	if err := Save(&wide, tiny(t, 1, 5)); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		raw  []byte
		want string
	}{
		"empty":         {nil, "no checkpoint"},
		"truncated":     {good[:len(good)-1], "truncated"},
		"half a head":   {good[:40], "truncated or corrupt"},
		"huge head":     {bytes.Repeat([]byte{255}, 64), "truncated or corrupt"},
		"no JSON":       {append(binary.LittleEndian.AppendUint64(nil, 3), "abc"...), "head is corrupt"},
		"another shape": {wide.Bytes(), "want F32"},
		"another model": {append(binary.LittleEndian.AppendUint64(nil, 2), "{}"...), "no tensor layer0"},
	} {
		path := filepath.Join(t.TempDir(), "bad.safetensors")
		if err := os.WriteFile(path, c.raw, 0o644); err != nil {
			t.Fatal(err)
		}
		m := tiny(t, 2, 4)
		before := Digest(m)
		if err := LoadFile(path, m); err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: error %v, want one that names the file and says %q", name, err, c.want)
		}
		if Digest(m) != before {
			t.Errorf("%s: the model changed", name)
		}
	}
}

func FuzzLoad(f *testing.F) {
	e, err := ConvNet{Channels: []int{2}}.Build(Input{8, 8, 1}, rng.New(1, "weights"))
	if err != nil {
		f.Fatal(err)
	}
	var b bytes.Buffer
	if err := Save(&b, e); err != nil {
		f.Fatal(err)
	}
	f.Add(b.Bytes())
	f.Fuzz(func(t *testing.T, raw []byte) { _ = Load(bytes.NewReader(raw), e) })
}

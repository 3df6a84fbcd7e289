package nn

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
)

// entry is a tensor's place in a safetensors file.
type entry struct {
	Type    string `json:"dtype"`
	Shape   []int  `json:"shape"`
	Offsets [2]int `json:"data_offsets"`
}

// maxHead bounds the head of a checkpoint, as the format's readers do.
const maxHead = 100 << 20

// named is one stored array.
type named struct {
	name  string
	shape []int
	data  []float32
}

// arrays lists a module's parameters and buffers.
func arrays(m Module) []named {
	var all []named
	for _, p := range m.Params() {
		all = append(all, named{p.Name, p.Value.Shape(), p.Value.Data()})
	}
	for _, b := range m.Buffers() {
		all = append(all, named{b.Name, []int{len(b.Value)}, b.Value})
	}
	return all
}

// Save writes a module's parameters and buffers in the safetensors format: the
// length of a JSON head, the head, and the values in little-endian order. The
// same module gives the same bytes.
func Save(w io.Writer, m Module) error {
	head := map[string]entry{}
	at := 0
	for _, a := range arrays(m) {
		if _, ok := head[a.name]; ok {
			return fmt.Errorf("nn: two parameters are named %s", a.name)
		}
		head[a.name] = entry{"F32", a.shape, [2]int{at, at + 4*len(a.data)}}
		at += 4 * len(a.data)
	}
	text, err := json.Marshal(head)
	if err != nil {
		return err
	}
	for len(text)%8 != 0 { // values begin at a multiple of 8
		text = append(text, ' ')
	}
	out := binary.LittleEndian.AppendUint64(nil, uint64(len(text)))
	out = append(out, text...)
	for _, a := range arrays(m) {
		for _, v := range a.data {
			out = binary.LittleEndian.AppendUint32(out, math.Float32bits(v))
		}
	}
	_, err = w.Write(out)
	return err
}

// Load reads into a module what Save wrote of one of the same shape. If it
// returns an error, which names the tensor, the module is unchanged.
func Load(r io.Reader, m Module) error {
	raw, err := io.ReadAll(r)
	if err != nil {
		return fmt.Errorf("nn: reading a checkpoint: %w", err)
	}
	head, body, err := splitCheckpoint(raw)
	if err != nil {
		return err
	}
	all := arrays(m)
	for _, a := range all {
		e, ok := head[a.name]
		switch {
		case !ok:
			return fmt.Errorf("nn: the checkpoint has no tensor %s", a.name)
		case e.Type != "F32" || !slices.Equal(e.Shape, a.shape):
			return fmt.Errorf("nn: the checkpoint's %s is %s%v, want F32%v", a.name, e.Type, e.Shape, a.shape)
		case e.Offsets[0] < 0 || e.Offsets[1]-e.Offsets[0] != 4*len(a.data) || e.Offsets[1] > len(body):
			return fmt.Errorf("nn: the checkpoint is truncated: %s stands at %v of %d bytes", a.name, e.Offsets, len(body))
		}
	}
	if len(head) != len(all) {
		return fmt.Errorf("nn: the checkpoint has %d tensors, want %d", len(head), len(all))
	}
	for _, a := range all {
		values := body[head[a.name].Offsets[0]:]
		for i := range a.data {
			a.data[i] = math.Float32frombits(binary.LittleEndian.Uint32(values[4*i:]))
		}
	}
	return nil
}

// splitCheckpoint parses the head and returns it with the values.
func splitCheckpoint(raw []byte) (map[string]entry, []byte, error) {
	if len(raw) < 8 {
		return nil, nil, fmt.Errorf("nn: %d bytes are no checkpoint", len(raw))
	}
	n := binary.LittleEndian.Uint64(raw)
	if n > maxHead || n > uint64(len(raw)-8) {
		return nil, nil, fmt.Errorf("nn: the checkpoint is truncated or corrupt: a head of %d bytes in a file of %d", n, len(raw))
	}
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(raw[8:8+n], &fields); err != nil {
		return nil, nil, fmt.Errorf("nn: the checkpoint's head is corrupt: %w", err)
	}
	head := map[string]entry{}
	for name, text := range fields {
		if name == "__metadata__" {
			continue
		}
		var e entry
		if err := json.Unmarshal(text, &e); err != nil {
			return nil, nil, fmt.Errorf("nn: the checkpoint's entry %s is corrupt: %w", name, err)
		}
		head[name] = e
	}
	return head, raw[8+n:], nil
}

// SaveFile writes a checkpoint to path. A crash or a full disk leaves the old
// file or none, never a part of the new one.
func SaveFile(path string, m Module) (err error) {
	f, err := os.CreateTemp(filepath.Dir(path), ".checkpoint-*")
	if err != nil {
		return fmt.Errorf("nn: %w", err)
	}
	defer func() {
		if err != nil {
			f.Close()
			os.Remove(f.Name())
		}
	}()
	if err = Save(f, m); err != nil {
		return fmt.Errorf("nn: writing %s: %w", path, err)
	}
	if err = f.Sync(); err != nil {
		return fmt.Errorf("nn: writing %s: %w", path, err)
	}
	if err = f.Close(); err != nil {
		return fmt.Errorf("nn: writing %s: %w", path, err)
	}
	return os.Rename(f.Name(), path)
}

// LoadFile reads a checkpoint from path into a module of the same shape.
func LoadFile(path string, m Module) error {
	f, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("nn: %w", err)
	}
	defer f.Close()
	if err := Load(f, m); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}

package tracker

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// logged is what a test has logged, to hold against what is read.
type logged struct {
	steps  map[string][]int
	values map[string][]uint64
	chain  []Link
}

// fill logs rows of uneven keys and odd values, with a checkpoint now and then.
func (l *logged) fill(t *testing.T, w *Writer, from, to int) {
	t.Helper()
	if l.steps == nil {
		l.steps, l.values = map[string][]int{}, map[string][]uint64{}
	}
	odd := []float64{math.NaN(), math.Float64frombits(0x7ff0000000000001), math.Inf(1), math.Inf(-1), math.Copysign(0, -1), math.SmallestNonzeroFloat64, math.MaxFloat64}
	for i := from; i < to; i++ {
		r := rand.New(rand.NewPCG(uint64(i), 0))
		values := []Value{{"loss", float64(float32(r.NormFloat64())), false}, {"rate", r.Float64(), true}}
		if i%7 == 0 {
			values = append(values, Value{"odd", odd[i/7%len(odd)], i%2 == 0})
		}
		step := i
		if i%100 == 50 {
			step = i / 2 // steps may go back
		}
		ok(t, w.Log(step, values...))
		for _, v := range values {
			l.steps[v.Key] = append(l.steps[v.Key], step)
			l.values[v.Key] = append(l.values[v.Key], math.Float64bits(v.Value))
			if !v.Observed {
				l.chain = append(l.chain, Link{Step: step, Key: v.Key, Value: v.Value})
			}
		}
		if i%400 == 399 {
			data := []byte(fmt.Sprint("state ", i))
			ok(t, w.State(i, "state", data))
			l.chain = append(l.chain, Link{Step: i, Key: "state", Blob: DigestOf(data)})
		}
	}
}

func (l *logged) check(t *testing.T, s *Store, id, when string) {
	t.Helper()
	for key := range l.steps {
		steps, values, err := s.Series(id, key)
		ok(t, err)
		if !slices.Equal(steps, l.steps[key]) || !slices.EqualFunc(values, l.values[key], func(v float64, b uint64) bool { return math.Float64bits(v) == b }) {
			t.Errorf("%s: %s reads back otherwise than it was logged (%d of %d)", when, key, len(values), len(l.values[key]))
		}
	}
	chain, err := s.Chain(id)
	ok(t, err)
	if !slices.EqualFunc(chain, l.chain, Link.Equal) {
		t.Errorf("%s: the chain has %d links, want %d, or they differ", when, len(chain), len(l.chain))
	}
}

// count returns the rows of a table.
func count(t *testing.T, s *Store, table string) (n int) {
	t.Helper()
	ok(t, s.db.QueryRow(`SELECT count(*) FROM `+table).Scan(&n))
	return n
}

// TestSeal reads a run back while it is packed and after.
func TestSeal(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "r.db"))
	w := create(t, s, NewRun{})
	var l logged
	for _, to := range []int{10, 990, 1010, 2500} {
		l.fill(t, w, len(l.steps["loss"]), to)
		l.check(t, s, w.ID(), fmt.Sprint(to, " rows"))
	}
	if parts, left := count(t, s, "parts"), count(t, s, "journal"); parts != 2 || left >= sealFrom {
		t.Errorf("%d parts and %d rows left in the journal", parts, left)
	}
	ok(t, w.Finish(Finished, ""))
	l.check(t, s, w.ID(), "finished")
	r, err := s.Run(w.ID())
	ok(t, err, s.Verify(r))
	if n := count(t, s, "journal"); n != 0 {
		t.Errorf("%d rows left in the journal of a finished run", n)
	}
	if files, err := s.Artifacts(w.ID()); err != nil || len(files) != 0 || count(t, s, "blobs") != 0 {
		t.Errorf("a finished run keeps %v (%v) and %d blobs to resume from", files, err, count(t, s, "blobs"))
	}
}

// TestResumeAcrossParts goes back to a state that is packed already, and logs
// the same again.
func TestResumeAcrossParts(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "r.db"))
	whole := create(t, s, NewRun{Seed: 3})
	var want logged
	want.fill(t, whole, 0, 2300)
	ok(t, whole.Finish(Finished, ""))

	w := create(t, s, NewRun{Seed: 3})
	new(logged).fill(t, w, 0, 1950) // the last state is at step 1599
	ok(t, w.Finish(Interrupted, ""))
	w, step, state, err := s.Resume(w.ID(), "state")
	ok(t, err)
	if step != 1599 || string(state) != "state 1599" {
		t.Fatalf("resumed at step %d with %q", step, state)
	}
	if _, _, _, err := s.Resume(w.ID(), "state"); err == nil || !strings.Contains(err.Error(), "running") {
		t.Errorf("resumed a running run: %v", err)
	}
	new(logged).fill(t, w, 1600, 2300)
	ok(t, w.Finish(Finished, ""))
	want.check(t, s, w.ID(), "resumed")
	a, err := s.Run(whole.ID())
	ok(t, err)
	b, err := s.Run(w.ID())
	ok(t, err, s.Verify(b))
	if a.Digest != b.Digest || b.Status != Finished {
		t.Errorf("the resumed run is %s with digest %s, want %s", b.Status, b.Digest, a.Digest)
	}
	for key, m := range a.Metrics {
		if fmt.Sprint(b.Metrics[key]) != fmt.Sprint(m) {
			t.Errorf("%s sums up to %+v, want %+v", key, b.Metrics[key], m)
		}
	}
}

// TestBytesPerPoint holds the file of realistic curves to nine bytes a point.
func TestBytesPerPoint(t *testing.T) {
	path := filepath.Join(t.TempDir(), "r.db")
	s := open(t, path)
	const runs, steps, keys = 2, 4000, 5
	for range runs {
		w := create(t, s, NewRun{})
		for i := range steps {
			r := rand.New(rand.NewPCG(uint64(i), 1))
			loss := float64(float32(2 + 3*math.Exp(-float64(i)/500) + 0.1*r.NormFloat64()))
			ok(t, w.Log(i, Value{"loss", loss, false}, Value{"accuracy", float64(r.IntN(512)) / 512, false}, Value{"learning_rate", float64(float32(1e-3 * loss)), false},
				Value{"gradient_norm", r.NormFloat64(), false}, Value{"images_per_second", 5000 + 100*r.NormFloat64(), true}))
		}
		ok(t, w.Finish(Finished, ""))
	}
	_, err := s.db.Exec(`PRAGMA wal_checkpoint(TRUNCATE); VACUUM; PRAGMA wal_checkpoint(TRUNCATE)`)
	ok(t, err)
	file, err := os.Stat(path)
	ok(t, err)
	if per := float64(file.Size()) / (runs * steps * keys); per > 9 {
		t.Errorf("%.1f bytes a point, want at most 9", per)
	} else {
		t.Logf("%.1f bytes a point", per)
	}
}

// TestManyProcesses logs to one file from processes of their own.
func TestManyProcesses(t *testing.T) {
	const rows = 60
	if path := os.Getenv("TRACKER_TEST_WRITER"); path != "" {
		s, err := Open(path)
		ok(t, err)
		w := create(t, s, NewRun{})
		for i := range rows {
			ok(t, w.Log(i, Value{"loss", float64(i), false}))
		}
		ok(t, w.Finish(Finished, ""))
		fmt.Println("finished", w.ID())
		return
	}
	path := filepath.Join(t.TempDir(), "r.db")
	var all []*exec.Cmd
	for range 3 { // all make the file at once
		c := exec.Command(os.Args[0], "-test.run=^TestManyProcesses$")
		c.Env = append(os.Environ(), "TRACKER_TEST_WRITER="+path)
		out, err := c.StdoutPipe()
		ok(t, err, c.Start())
		go func() {
			for lines := bufio.NewScanner(out); lines.Scan(); {
			}
		}()
		all = append(all, c)
	}
	for _, c := range all {
		ok(t, c.Wait())
	}
	s := open(t, path)
	runs, err := s.Runs(Filter{Status: Finished})
	ok(t, err)
	if len(runs) != len(all) {
		t.Fatalf("%d finished runs of %d processes", len(runs), len(all))
	}
	for _, r := range runs {
		if ok(t, s.Verify(r)); r.Metrics["loss"].N != rows {
			t.Errorf("run %s has %d values, want %d", r.Name(), r.Metrics["loss"].N, rows)
		}
	}
}

// TestCorruptFile damages pages of a file: reading gives errors, never a panic,
// and what verifies has its values.
func TestCorruptFile(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "r.db")
	s := open(t, path)
	w := create(t, s, NewRun{})
	var l logged
	l.fill(t, w, 0, 1200)
	ok(t, w.Finish(Finished, ""))
	_, err := s.db.Exec(`PRAGMA wal_checkpoint(TRUNCATE)`)
	ok(t, err, s.Close())
	whole, err := os.ReadFile(path)
	ok(t, err)
	found := 0
	for at := 4096; at+512 < len(whole); at += 2048 {
		hurt := slices.Clone(whole)
		for i := range 512 {
			hurt[at+i] ^= 0xa5
		}
		broken := filepath.Join(dir, fmt.Sprintf("%d.db", at))
		ok(t, os.WriteFile(broken, hurt, 0o600))
		s, err := Open(broken)
		if err != nil {
			found++
			continue
		}
		r, err := s.Run(w.ID())
		if err == nil {
			err = s.Verify(r)
		}
		if err != nil {
			found++
		} else if chain, err := s.Chain(w.ID()); err != nil || !slices.EqualFunc(chain, l.chain, Link.Equal) {
			t.Errorf("damage at %d: a run that verifies has other values (%v)", at, err)
		}
		s.Close()
	}
	if found == 0 {
		t.Error("no damage was noticed")
	}
}

func FuzzSeries(f *testing.F) {
	f.Add([]byte{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16})
	f.Fuzz(func(t *testing.T, raw []byte) {
		unpackSeries(raw) // must not panic
		unpackSeries(packer.EncodeAll(raw, nil))
		var steps []int
		var bits []uint64
		for ; len(raw) >= 8; raw = raw[8:] {
			v := binary.LittleEndian.Uint64(raw)
			steps, bits = append(steps, int(v)), append(bits, v<<32|v>>32)
		}
		gotSteps, gotBits, err := unpackSeries(packSeries(steps, bits))
		if err != nil || !slices.Equal(gotSteps, steps) || !slices.Equal(gotBits, bits) {
			t.Errorf("%v %x read back as %v %x (%v)", steps, bits, gotSteps, gotBits, err)
		}
	})
}

func FuzzLayout(f *testing.F) {
	f.Add([]byte{2, 0, 1, 2, 0, 9})
	f.Fuzz(func(t *testing.T, raw []byte) {
		unpackLayout(raw, 0) // must not panic
		unpackLayout(packer.EncodeAll(raw, nil), 0)
		var rows []journalRow
		for i, b := range raw {
			r := journalRow{seq: 5 + i, step: int(b) * i, time: int64(b)}
			for k := range b % 4 {
				e := entry{step: r.step, kind: k % 3, key: int64(b)<<k + 1}
				if e.kind == checkpointMark {
					e.blob = DigestOf(raw[:i])
				}
				r.entries = append(r.entries, e)
			}
			rows = append(rows, r)
		}
		got, err := unpackLayout(packLayout(rows), 5)
		if err != nil || len(got) != len(rows) {
			t.Fatalf("%d rows read back as %d (%v)", len(rows), len(got), err)
		}
		for i := range got {
			if len(got[i].entries) == 0 {
				got[i].entries = nil
			}
			if !reflect.DeepEqual(got[i], rows[i]) {
				t.Errorf("row %d: %+v, want %+v", i, got[i], rows[i])
			}
		}
	})
}

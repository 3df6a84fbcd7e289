package tracker

import (
	"bufio"
	"database/sql"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

func open(t *testing.T, path string) *Store {
	t.Helper()
	s, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func create(t *testing.T, s *Store, n NewRun) *Writer {
	t.Helper()
	if n.Kind == "" {
		n.Kind, n.Method = "pretrain", "simclr"
	}
	w, err := s.Create(n)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// ok fails the test if any of the errors is not nil.
func ok(t *testing.T, errs ...error) {
	t.Helper()
	for _, err := range errs {
		if err != nil {
			t.Fatal(err)
		}
	}
}

func TestRoundTrip(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "a b?#%.db"))
	w := create(t, s, NewRun{Kind: "pretrain", Method: "simclr", Seed: math.MaxUint64, Config: json.RawMessage(`{"T":0.5}`), Numerics: "1",
		Data: []DataRef{{"unlabelled", "x", "train", "d", 3}}, Machine: map[string]string{"isa": "avx2"}, Source: Source{Digest: "s"}})
	values := []float64{1, math.NaN(), math.Inf(-1), -0.1, math.SmallestNonzeroFloat64}
	for i, v := range values {
		ok(t, w.Log(i, Value{"loss", v, false}, Value{"rate", float64(i), true}))
	}
	ok(t, w.Checkpoint(4, "encoder", []byte("weights")))
	_, err := w.Artifact("note", "text/plain", []byte("hello"))
	ok(t, err, w.Finish(Finished, ""))
	r, err := s.Run(w.ID()[:8])
	ok(t, err)
	if r.Name() != "simclr-1" || r.Seed != math.MaxUint64 || r.Status != Finished || r.Digest != w.Digest() || r.Data[0].Count != 3 || r.Machine["isa"] != "avx2" {
		t.Errorf("read back %+v", r.Record)
	}
	if m := r.Metrics["loss"]; m.N != 5 || m.Step != 4 || m.Low != -0.1 || m.High != 1 || m.Value != values[4] {
		t.Errorf("summary %+v", m)
	}
	steps, got, err := s.Series(r.ID, "loss")
	ok(t, err)
	for i, v := range values {
		if steps[i] != i || math.Float64bits(got[i]) != math.Float64bits(v) {
			t.Errorf("step %d: %v, want %v", steps[i], got[i], v)
		}
	}
	data, err := s.Read(r.ID, "encoder")
	ok(t, err, s.Verify(r))
	if string(data) != "weights" {
		t.Errorf("checkpoint %q", data)
	}
	if err := w.Log(5, Value{"loss", 1, false}); err == nil {
		t.Error("logged to a run that has ended")
	}
	text, err := json.Marshal(r)
	ok(t, err)
	for _, want := range []string{`"id":"`, `"name":"simclr-1"`, `"seed":18446744073709551615`, `"metrics":{"loss":5e-324,"rate":4}`} {
		if !strings.Contains(string(text), want) {
			t.Errorf("JSON %s lacks %s", text, want)
		}
	}
}

// TestDigest holds what the digest depends on against what it must not.
func TestDigest(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "r.db"))
	run := func(seed uint64, loss, rate float64, weights string) string {
		w := create(t, s, NewRun{Kind: "pretrain", Method: "m", Seed: seed})
		ok(t, w.Log(0, Value{"loss", loss, false}, Value{"rate", rate, true}), w.Checkpoint(0, "e", []byte(weights)), w.Finish(Finished, ""))
		return w.Digest()
	}
	base := run(1, 2, 3, "w")
	if run(1, 2, 99, "w") != base {
		t.Error("an observed value changed the digest")
	}
	nan := math.Float64frombits(0xfff8000000000001)
	if run(1, nan, 3, "w") != run(1, math.NaN(), 3, "w") {
		t.Error("two NaNs differ")
	}
	for what, d := range map[string]string{"seed": run(2, 2, 3, "w"), "loss": run(1, math.Nextafter(2, 3), 3, "w"), "weights": run(1, 2, 3, "v")} {
		if d == base {
			t.Errorf("another %s left the digest as it was", what)
		}
	}
}

// TestVerifyNamesTheField changes stored records by hand.
func TestVerifyNamesTheField(t *testing.T) {
	for change, want := range map[string]string{
		`UPDATE runs SET seed = '2'`:                                           "seed",
		`UPDATE runs SET config = '{"Schedule":{"Seed":9}}'`:                   "config.Schedule.Seed",
		`UPDATE runs SET data = replace(data, '"digest":"d"', '"digest":"e"')`: "data[0].digest",
		`UPDATE chunks SET data = (SELECT data FROM chunks ORDER BY key DESC)`: "digest",
		`DELETE FROM parts`:              "digest",
		`UPDATE chunks SET data = x'00'`: "corrupt",
		`UPDATE runs SET digest = 'x'`:   "digest",
	} {
		s := open(t, filepath.Join(t.TempDir(), "r.db"))
		w := create(t, s, NewRun{Kind: "pretrain", Method: "m", Seed: 1, Config: json.RawMessage(`{"Schedule":{"Seed":1}}`), Data: []DataRef{{Digest: "d"}}})
		ok(t, w.Log(0, Value{"loss", 2, false}, Value{"accuracy", 3, false}), w.Finish(Finished, ""))
		_, err := s.db.Exec(change)
		ok(t, err)
		r, err := s.Run(w.ID())
		ok(t, err)
		if err := s.Verify(r); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want an error that names %s", change, err, want)
		}
	}
}

func TestRefusals(t *testing.T) {
	dir := t.TempDir()
	foreign := filepath.Join(dir, "foreign.db")
	db, err := sql.Open("sqlite3", foreign)
	ok(t, err)
	_, err = db.Exec(`CREATE TABLE bookmarks (url TEXT)`)
	ok(t, err, db.Close())
	newer := filepath.Join(dir, "newer.db")
	s := open(t, newer)
	_, err = s.db.Exec(`PRAGMA user_version = 999`)
	ok(t, err, s.Close())
	garbage := filepath.Join(dir, "garbage.db")
	ok(t, os.WriteFile(garbage, []byte(strings.Repeat("not a database ", 1000)), 0o600))
	for path, want := range map[string]string{foreign: "another program", newer: "newer version", garbage: "not a store", dir: "folder", filepath.Join(dir, "no", "x.db"): "x.db"} {
		before, _ := os.ReadFile(path)
		if s, err := Open(path); err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), path) {
			t.Errorf("Open(%s): %v, want an error that says %s", path, err, want)
			if s != nil {
				s.Close()
			}
		}
		if after, _ := os.ReadFile(path); string(after) != string(before) {
			t.Errorf("%s was changed", path)
		}
	}
}

func TestReferences(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "r.db"))
	a := create(t, s, NewRun{})
	ok(t, a.Finish(Finished, ""))
	b := create(t, s, NewRun{Kind: "probe", Method: "linear", Name: "mine", Parent: a.ID()})
	if _, err := s.Create(NewRun{Kind: "probe", Method: "linear", Name: "mine"}); err == nil || !strings.Contains(err.Error(), "mine") {
		t.Errorf("a name twice: %v", err)
	}
	if r, err := s.Run("mine"); err != nil || r.ID != b.ID() {
		t.Errorf("by name: %v %v", r.ID, err)
	}
	if _, err := s.Run("zzz"); err == nil {
		t.Error("found a run that is not there")
	}
	if _, err := s.Run(a.ID()[:1]); err == nil || !strings.Contains(err.Error(), "could be any") {
		t.Errorf("a prefix of two: %v", err)
	}
	kids, err := s.Children(a.ID())
	if err != nil || len(kids) != 1 || kids[0].ID != b.ID() {
		t.Errorf("children %v %v", kids, err)
	}
}

// TestFullDisk lets SQLite run out of pages.
func TestFullDisk(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "r.db"))
	w := create(t, s, NewRun{})
	ok(t, w.Log(0, Value{"loss", 1, false}))
	_, err := s.db.Exec(`PRAGMA max_page_count = 40`)
	ok(t, err)
	big := noise(1 << 20)
	if err := w.Checkpoint(0, "big", big); err == nil || !strings.Contains(err.Error(), "full") {
		t.Fatalf("a checkpoint larger than the disk: %v", err)
	}
	_, err = s.db.Exec(`PRAGMA max_page_count = 1000000`)
	ok(t, err, w.Log(1, Value{"loss", 2, false}), w.Finish(Finished, ""))
	r, err := s.Run(w.ID())
	ok(t, err, s.Verify(r))
}

// noise is bytes that no packer makes smaller.
func noise(n int) []byte {
	b := make([]byte, n)
	r := rand.New(rand.NewPCG(1, 2))
	for i := range b {
		b[i] = byte(r.Uint32())
	}
	return b
}

// TestKill kills a process in the middle of logging; all it was told to be
// committed must be there.
func TestKill(t *testing.T) {
	if path := os.Getenv("TRACKER_TEST_KILL"); path != "" {
		s, err := Open(path)
		ok(t, err)
		w := create(t, s, NewRun{Name: "victim"})
		for i := 0; ; i++ {
			ok(t, w.Log(i, Value{"loss", float64(i), false}))
			fmt.Printf("logged %d\n", i)
		}
	}
	path := filepath.Join(t.TempDir(), "r.db")
	c := exec.Command(os.Args[0], "-test.run=^TestKill$")
	c.Env = append(os.Environ(), "TRACKER_TEST_KILL="+path)
	out, err := c.StdoutPipe()
	ok(t, err, c.Start())
	logged := -1
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		fmt.Sscanf(lines.Text(), "logged %d", &logged)
		if logged == 200 {
			ok(t, c.Process.Kill())
		}
	}
	c.Wait()
	s := open(t, path)
	r, err := s.Run("victim")
	ok(t, err)
	if r.Status != Crashed && alive("x 1 y") != true {
		t.Errorf("status %s, want crashed", r.Status)
	}
	if r.Metrics["loss"].N < logged+1 {
		t.Errorf("%d values are there, %d were acknowledged", r.Metrics["loss"].N, logged+1)
	}
}

// TestManyWriters writes one file from many connections.
func TestManyWriters(t *testing.T) {
	path := filepath.Join(t.TempDir(), "r.db")
	open(t, path)
	var wg sync.WaitGroup
	for range 8 {
		s := open(t, path)
		wg.Add(1)
		go func() {
			defer wg.Done()
			w, err := s.Create(NewRun{Kind: "pretrain", Method: "m"})
			for i := 0; err == nil && i < 25; i++ {
				err = w.Log(i, Value{"loss", float64(i), false})
			}
			if err != nil {
				t.Error(err)
			}
		}()
	}
	wg.Wait()
	runs, err := open(t, path).Runs(Filter{})
	ok(t, err)
	names := map[string]bool{}
	for _, r := range runs {
		names[r.Name()] = r.Metrics["loss"].N == 25
	}
	for i := 1; i <= 8; i++ {
		if !names[fmt.Sprintf("m-%d", i)] {
			t.Errorf("run m-%d lacks values; have %v", i, names)
		}
	}
}

func TestLinkULP(t *testing.T) {
	a, b := Link{Value: 1}, Link{Value: float64(math.Nextafter32(1, 2))}
	if got := a.ULP(b); got != "1 float32 ULP" {
		t.Error(got)
	}
	if got := (Link{Value: math.Copysign(0, -1)}).ULP(Link{}); got != "0 float32 ULP" {
		t.Error(got)
	}
}

func FuzzJournal(f *testing.F) {
	f.Add(appendValue(nil, 300, Value{"", 1, true}))
	f.Fuzz(func(t *testing.T, row []byte) { parse(0, row, func(entry) {}) })
}

func BenchmarkLog(b *testing.B) {
	s, err := Open(filepath.Join(b.TempDir(), "r.db"))
	if err != nil {
		b.Fatal(err)
	}
	w, err := s.Create(NewRun{Kind: "k", Method: "m"})
	for i := 0; i < b.N && err == nil; i++ {
		err = w.Log(i, Value{"loss", 1, false}, Value{"rate", 2, true})
	}
	if err != nil {
		b.Fatal(err)
	}
}

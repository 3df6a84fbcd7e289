package pipeline

import (
	"context"
	"database/sql"
	"errors"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"sslnotes/internal/config"
	"sslnotes/sslkit"
	"sslnotes/sslkit/augment"
	"sslnotes/sslkit/contrastive"
	"sslnotes/sslkit/data"
	"sslnotes/sslkit/internal/f32"
	"sslnotes/sslkit/nn"
	"sslnotes/sslkit/pretext"
	"sslnotes/sslkit/rng"
	"sslnotes/sslkit/tensor"
	"sslnotes/tracker"
)

var tiny = nn.ConvNet{Channels: []int{4, 8}}

// session records in a store of its own.
func session(t *testing.T) *Session {
	t.Helper()
	types := config.Types{}
	types.Add(nn.ConvNet{}, &contrastive.SimCLR{}, &pretext.Rotation{}, augment.Crop{}, augment.Flip{}, augment.Jitter{})
	s := &Session{Path: filepath.Join(t.TempDir(), "runs.db"), Types: types}
	t.Cleanup(func() {
		if s.Store != nil {
			s.Store.Close()
		}
	})
	return s
}

// mini returns the embedded images: 600 to train on and 200 held out.
func mini(t *testing.T) (train, held *data.Set) {
	t.Helper()
	all, _, err := data.FashionMini()
	must(t, err)
	rest, held, err := all.Divide(200, 0)
	must(t, err)
	train, err = rest.PerClass(60, 0)
	must(t, err)
	return train, held
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// pretrained is a short run of SimCLR.
func pretrained(t *testing.T, s *Session, set *data.Set) *Run {
	t.Helper()
	r, err := s.Pretrain(tiny, &contrastive.SimCLR{Dim: 8}, set.Unlabelled(), Schedule{Steps: 6, BatchSize: 40, Seed: 7})
	must(t, err)
	return r
}

// judged makes one run of every kind on top of r.
func judged(t *testing.T, s *Session, r *Run, train, test *data.Set) []*Run {
	t.Helper()
	short := Tuning{Steps: 4, BatchSize: 20}
	frozen := short
	frozen.Frozen = 1
	pixels, err := s.Pixels(train.Unlabelled())
	must(t, err)
	random, err := s.Random(tiny, train.Unlabelled(), 3)
	must(t, err)
	supervised, err := s.Supervised(tiny, train, test, short)
	must(t, err)
	all := []*Run{r, pixels, random, supervised}
	for _, judge := range []func() (*Run, error){
		func() (*Run, error) { return LinearProbe(r, train, test) },
		func() (*Run, error) { return LinearProbe(pixels, train, test) },
		func() (*Run, error) { return KNN(random, train, test) },
		func() (*Run, error) { return short.Judge(r, train, test) },
		func() (*Run, error) { return frozen.Judge(r, train, test) },
	} {
		j, err := judge()
		must(t, err)
		all = append(all, j)
	}
	return all
}

// TestSpine makes one run of every kind, and executes each again from its
// record on other threads and with another instruction set.
func TestSpine(t *testing.T) {
	s := session(t)
	train, held := mini(t)
	train, err := train.PerClass(5, 0)
	must(t, err)
	held, err = held.PerClass(3, 0)
	must(t, err)
	r := pretrained(t, s, train)
	before := nn.Digest(r.Encoder())
	all := judged(t, s, r, train, held)
	if nn.Digest(r.Encoder()) != before {
		t.Error("judging an encoder changed it")
	}
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(0))
	defer f32.Use(f32.Active())
	runtime.GOMAXPROCS(1)
	f32.Use(f32.Available()[0])
	least := map[string]int{"pixels": 0, "random": 1, "pretrain": 19, "probe": 14, "knn": 2, "finetune": 10, "supervised": 10}
	for _, r := range all {
		rec, err := r.Record()
		must(t, err)
		v, err := s.Reproduce(r.ID())
		must(t, err)
		if v.Verdict != BitExact || rec.Status != tracker.Finished || v.Values < least[rec.Kind] {
			t.Errorf("%s is %s: %s %s, %d values", r.Name(), rec.Status, v.Verdict, v.Reason, v.Values)
		}
	}
	last := all[len(all)-1]
	verdicts, err := s.ReproduceAll(last.Name())
	must(t, err)
	if len(verdicts) != 2 || verdicts[0].Run != r.ID() || verdicts[1].Verdict != BitExact {
		t.Errorf("all of %s: %+v", last, verdicts)
	}
}

// TestReproduceNegatives changes one thing of a record and expects a verdict
// that names it.
func TestReproduceNegatives(t *testing.T) {
	train, held := mini(t)
	for _, c := range []struct{ change, verdict, names string }{
		{`UPDATE runs SET seed = '8' WHERE kind = 'pretrain'`, DidDiverge, "seed was"},
		{`UPDATE runs SET config = replace(config, '"Temperature":0.2', '"Temperature":0.3')`, DidDiverge, "config.Method.Temperature was 0.2"},
		{`UPDATE runs SET data = replace(data, 'per(60,0)', 'per(60,1)') WHERE kind = 'probe'`, DidDiverge, "split"},
		{`UPDATE runs SET digest = 'x' WHERE kind = 'pretrain'`, DidDiverge, "parent was"},
		{`UPDATE runs SET numerics = '0', inputs = replace(inputs, '"numerics":"` + tensor.Numerics + `"', '"numerics":"0"')`, DidDiverge, ""},
		{`UPDATE runs SET status = 'failed' WHERE kind = 'probe'`, NotReproducible, "failed"},
		{`DELETE FROM artifacts; DELETE FROM blobs`, NotReproducible, "blob"},
	} {
		s := session(t)
		p, err := LinearProbe(pretrained(t, s, train), train, held)
		must(t, err)
		change(t, s, c.change)
		if v, err := s.Reproduce(p.ID()); err != nil || v.Verdict != c.verdict || !strings.Contains(v.Reason, c.names) {
			t.Errorf("%s: %s %q %v, want %s that names %q", c.change, v.Verdict, v.Reason, err, c.verdict, c.names)
		}
	}
}

// change alters a store behind its back.
func change(t *testing.T, s *Session, statements string) {
	t.Helper()
	path := s.Store.Path()
	must(t, s.Store.Close())
	db, err := sql.Open("sqlite3", path)
	must(t, err)
	_, err = db.Exec(statements)
	must(t, err)
	must(t, db.Close())
	s.Store, err = tracker.Open(path)
	must(t, err)
}

// TestReproduceForged rewrites a record with a digest that fits: only executing
// it again can tell.
func TestReproduceForged(t *testing.T) {
	s := session(t)
	train, _ := mini(t)
	r := pretrained(t, s, train)
	rec, err := r.Record()
	must(t, err)
	links, err := s.Store.Chain(r.ID())
	must(t, err)
	forge := func(config string, links []tracker.Link) Verdict {
		w, err := s.Store.Create(tracker.NewRun{Kind: rec.Kind, Method: rec.Method, Seed: rec.Seed, Config: []byte(config), Data: rec.Data, Numerics: rec.Numerics})
		must(t, err)
		for _, l := range links {
			if l.Blob != "" {
				b, err := s.Store.Blob(l.Blob)
				must(t, err)
				must(t, w.Checkpoint(l.Step, l.Key, b))
				continue
			}
			must(t, w.Log(l.Step, tracker.Value{Key: l.Key, Value: l.Value}))
		}
		must(t, w.Finish(tracker.Finished, ""))
		v, err := s.Reproduce(w.ID())
		must(t, err)
		return v
	}
	if v := forge(string(rec.Config), links); v.Verdict != BitExact {
		t.Fatalf("an honest copy: %s %s", v.Verdict, v.Reason)
	}
	if v := forge(strings.Replace(string(rec.Config), `"Seed":7`, `"Seed":8`, 1), links); v.Verdict != DidDiverge || !strings.Contains(v.Reason, "step 0") {
		t.Errorf("another seed: %s %s", v.Verdict, v.Reason)
	}
	if v := forge(strings.Replace(string(rec.Config), `"Dim":8`, `"Dims":8`, 1), links); v.Verdict != NotReproducible || !strings.Contains(v.Reason, "Dims") {
		t.Errorf("an unknown field: %s %s", v.Verdict, v.Reason)
	}
	bent := slices.Clone(links)
	at := slices.IndexFunc(bent, func(l tracker.Link) bool { return l.Key == "loss" && l.Step == 3 })
	next := bent[at].Value
	bent[at].Value = float64(float32(next) * (1 + 1.0/(1<<23)))
	if v := forge(string(rec.Config), bent); v.Verdict != DidDiverge || !strings.Contains(v.Reason, "step 3, loss") || !strings.Contains(v.Reason, "1 float32 ULP") {
		t.Errorf("one bit of one loss: %s %s", v.Verdict, v.Reason)
	}
	if v := forge(string(rec.Config), links[:len(links)-1]); v.Verdict != DidDiverge || !strings.Contains(v.Reason, "not recorded") {
		t.Errorf("a checkpoint less: %s %s", v.Verdict, v.Reason)
	}
}

// TestReproduceOtherData finds a set again of which one byte has changed.
func TestReproduceOtherData(t *testing.T) {
	s := session(t)
	flip := -1
	s.Data = func(name, split string) (*data.Set, error) {
		pixels, r := make([]uint8, 60*64), rng.New(1, "pixels")
		for i := range pixels {
			pixels[i] = uint8(r.Uint32())
		}
		if flip >= 0 {
			pixels[flip] ^= 1
		}
		if name != "own" {
			return nil, errors.New("no such set")
		}
		return data.FromPixels(name, split, data.Spec{Height: 8, Width: 8, Channels: 1, Mean: []float32{0.5}, Std: []float32{0.3}}, []string{"a"}, pixels, make([]int, 60))
	}
	set, err := s.Data("own", "train")
	must(t, err)
	r, err := s.Pretrain(tiny, &pretext.Rotation{}, set.Unlabelled(), Schedule{Steps: 2, BatchSize: 20})
	must(t, err)
	for at, want := range map[int]string{-1: BitExact, 0: NotReproducible, 60*64 - 1: NotReproducible} {
		flip = at
		if v, err := s.Reproduce(r.ID()); err != nil || v.Verdict != want || at >= 0 && !strings.Contains(v.Reason, "unlabelled data own, train: its digest") {
			t.Errorf("byte %d changed: %s %s %v", at, v.Verdict, v.Reason, err)
		}
	}
}

// failing is a method that ends a run in some way at its second step.
type failing struct {
	contrastive.SimCLR
	how string
	end context.CancelFunc
}

func (m *failing) Loss(b data.Batch, s sslkit.Step) *tensor.Tensor {
	loss := m.SimCLR.Loss(b, s)
	if s.Index < 1 {
		return loss
	}
	switch m.how {
	case "panic":
		panic("out of cheese")
	case "diverged":
		return tensor.Scale(loss, float32(math.Inf(1)))
	case "interrupted":
		m.end()
	}
	return loss
}

func (m *failing) View(dst *data.Image, src data.Image, v int, r *rng.Stream) {
	if m.how == "view" {
		panic("no such view")
	}
	m.SimCLR.View(dst, src, v, r)
}

// TestRunsAreClosed ends runs in every way but success.
func TestRunsAreClosed(t *testing.T) {
	train, _ := mini(t)
	for _, c := range []struct {
		how     string
		status  tracker.Status
		message string
		isError bool
	}{
		{"panic", tracker.Failed, "out of cheese", true}, {"view", tracker.Failed, "no such view", true},
		{"interrupted", tracker.Interrupted, "interrupted", true}, {"diverged", tracker.Diverged, "step 1", false},
	} {
		s := session(t)
		ctx, stop := context.WithCancel(context.Background())
		s.Context = func() context.Context { return ctx }
		r, err := s.Pretrain(tiny, &failing{how: c.how, end: stop}, train.Unlabelled(), Schedule{Steps: 5, BatchSize: 20})
		stop()
		if (err != nil) != c.isError {
			t.Errorf("%s: error %v", c.how, err)
		}
		runs, err := s.Store.Runs(tracker.Filter{})
		must(t, err)
		if len(runs) != 1 || runs[0].Status != c.status || !strings.Contains(runs[0].Message, c.message) || runs[0].Digest == "" {
			t.Errorf("%s: %+v", c.how, runs[0].Record)
		}
		if c.how == "diverged" {
			if n := runs[0].Metrics["loss"].N; n != 1 {
				t.Errorf("%d losses before the one that is not finite, want 1", n)
			}
			if _, err := LinearProbe(r, train, train); err == nil || !strings.Contains(err.Error(), "no encoder") {
				t.Errorf("probing a diverged run: %v", err)
			}
		}
	}
}

// TestRefusals gives bad input, which must make no run.
func TestRefusals(t *testing.T) {
	s := session(t)
	train, held := mini(t)
	r := pretrained(t, s, train)
	judge := func(_ *Run, err error) error { return err }
	for want, err := range map[string]error{
		"SimCLR.Temperature":           judge(s.Pretrain(tiny, &contrastive.SimCLR{Temperature: -1}, train.Unlabelled(), Schedule{})),
		"ConvNet.Channels":             judge(s.Pretrain(nn.ConvNet{Channels: []int{0}}, &contrastive.SimCLR{}, train.Unlabelled(), Schedule{})),
		"needs an encoder":             judge(s.Pretrain(nil, nil, nil, Schedule{})),
		"Probe.Penalties":              judge(Probe{Penalties: []float64{-1}}.Judge(r, train, held)),
		"Probe.Iterations":             judge(Probe{Iterations: -1}.Judge(r, train, held)),
		"Neighbours.K":                 judge(Neighbours{K: 601}.Judge(r, train, held)),
		"a run, training and test":     judge(KNN(nil, train, nil)),
		"Tuning.Frozen is 3":           judge(PartialFineTune(r, 3, train, held)),
		"Tuning.Frozen is -1":          judge(PartialFineTune(r, -1, train, held)),
		"run nil left no encoder":      judge(FullFineTune(nil, train, held)),
		"Tuning.Steps":                 judge(Tuning{Steps: -1}.Judge(r, train, held)),
		"Supervised needs an encoder,": judge(s.Supervised(nil, train, held, Tuning{})),
	} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want one that says %q", err, want)
		}
	}
	if runs, err := s.Store.Runs(tracker.Filter{}); err != nil || len(runs) != 1 {
		t.Errorf("%d runs %v, want the one that was made", len(runs), err)
	}
}

// TestFashion judges pixels of the full set, where the answer is known: 84.4 %
// by logistic regression.
func TestFashion(t *testing.T) {
	if os.Getenv("SSLNOTES_LONG") == "" {
		t.Skip("a minute; set SSLNOTES_LONG")
	}
	s := session(t)
	train, test, err := data.FashionMNIST()
	must(t, err)
	r, err := s.Pixels(train.Unlabelled())
	must(t, err)
	p, err := LinearProbe(r, train, test)
	must(t, err)
	if v, err := p.Value("test_accuracy"); err != nil || v < 0.84 || v > 0.85 {
		t.Errorf("accuracy %g %v, want 0.84 to 0.85", v, err)
	}
}

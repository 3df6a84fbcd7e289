package pipeline

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"testing"
	"time"

	"sslnotes/sslkit"
	"sslnotes/sslkit/contrastive"
	"sslnotes/sslkit/data"
	"sslnotes/sslkit/pretext"
	"sslnotes/sslkit/tensor"
	"sslnotes/tracker"
)

// stopping is MoCo, which keeps a network and a queue, with an end.
type stopping struct {
	contrastive.MoCo
	at  int
	end func()
}

func (m *stopping) Loss(b data.Batch, s sslkit.Step) *tensor.Tensor {
	if s.Index == m.at && m.end != nil {
		m.end()
	}
	return m.MoCo.Loss(b, s)
}

// TestResume interrupts and crashes runs, goes on, and expects the digest of a
// run that nothing happened to.
func TestResume(t *testing.T) {
	train, _ := mini(t)
	schedule := Schedule{Steps: 11, BatchSize: 40, Seed: 5, Checkpoint: 3, Watch: 4}
	for name, end := range map[string]func(context.CancelFunc) func(){
		"interrupted": func(stop context.CancelFunc) func() { return func() { stop() } },
		"failed":      func(context.CancelFunc) func() { return func() { panic("power") } },
	} {
		if name == "failed" {
			schedule.SGD, schedule.LearningRate = true, 0.03
		}
		s := session(t)
		s.Types.Add(stopping{})
		want, err := s.Pretrain(tiny, &stopping{MoCo: contrastive.MoCo{Queue: 80, Dim: 8}}, train.Unlabelled(), schedule)
		must(t, err)
		ctx, stop := context.WithCancel(context.Background())
		s.Context = func() context.Context { return ctx }
		if _, err = s.Pretrain(tiny, &stopping{MoCo: contrastive.MoCo{Queue: 80, Dim: 8}, at: 8, end: end(stop)}, train.Unlabelled(), schedule); err == nil {
			t.Fatalf("%s: no error", name)
		}
		s.Context = nil
		ended, err := s.Store.Run("moco-2")
		must(t, err)
		if n := ended.Metrics["loss"].N; n < 8 || ended.Status == tracker.Finished {
			t.Fatalf("%s: %s after %d losses", name, ended.Status, n)
		}
		got, err := s.Resume("moco-2")
		must(t, err)
		sameDigest(t, s, name, want, got)
		if files, err := s.Store.Artifacts(got.ID()); err != nil || len(files) != 2 || files[0].Name != encoderFile || files[1].Name != teacherFile {
			t.Errorf("%s: left %v %v, want the encoder and the teacher", name, files, err)
		}
		if _, err := s.Resume(got.ID()); err == nil || !strings.Contains(err.Error(), "finished") {
			t.Errorf("resumed a finished run: %v", err)
		}
	}
}

func sameDigest(t *testing.T, s *Session, name string, want, got *Run) {
	t.Helper()
	a, err := want.Record()
	must(t, err)
	b, err := got.Record()
	must(t, err)
	if a.Digest != b.Digest || a.Digest == "" || b.Status != tracker.Finished || b.Metrics["loss"].N != a.Metrics["loss"].N {
		t.Errorf("%s: %s with digest %s and %d losses, uninterrupted %s and %d", name, b.Status, b.Digest, b.Metrics["loss"].N, a.Digest, a.Metrics["loss"].N)
	}
	if err := s.Store.Verify(b); err != nil {
		t.Errorf("%s: %v", name, err)
	}
	if v, err := s.Reproduce(got.ID()); err != nil || v.Verdict != BitExact {
		t.Errorf("%s: %+v %v", name, v, err)
	}
}

// TestResumeTooEarly has no checkpoint to go on from.
func TestResumeTooEarly(t *testing.T) {
	s := session(t)
	train, _ := mini(t)
	ctx, stop := context.WithCancel(context.Background())
	s.Context = func() context.Context { return ctx }
	s.Types.Add(stopping{})
	if _, err := s.Pretrain(tiny, &stopping{end: stop}, train.Unlabelled(), Schedule{Steps: 3, BatchSize: 40}); err == nil {
		t.Fatal("no error")
	}
	s.Context = nil
	if _, err := s.Resume("moco-1"); err == nil || !strings.Contains(err.Error(), "no checkpoint") {
		t.Errorf("error %v", err)
	}
	p, err := s.Pixels(train.Unlabelled())
	must(t, err)
	if _, err := s.Resume(p.ID()); err == nil || !strings.Contains(err.Error(), "only pre-training") {
		t.Errorf("error %v", err)
	}
}

// TestResumeAfterKill kills a process in the middle of training.
func TestResumeAfterKill(t *testing.T) {
	train, _ := mini(t)
	schedule := Schedule{Steps: 12, BatchSize: 30, Seed: 2, Checkpoint: 2}
	if path := os.Getenv("PIPELINE_TEST_KILL"); path != "" {
		s := session(t)
		s.Path = path
		s.Progress = func(string, int) Bar { return printed{} }
		s.Pretrain(tiny, &pretext.Rotation{}, train.Unlabelled(), schedule)
		return
	}
	s := session(t)
	c := exec.Command(os.Args[0], "-test.run=^TestResumeAfterKill$")
	c.Env = append(os.Environ(), "PIPELINE_TEST_KILL="+s.Path)
	out, err := c.StdoutPipe()
	must(t, err)
	must(t, c.Start())
	for lines := bufio.NewScanner(out); lines.Scan(); {
		if strings.HasPrefix(lines.Text(), "step 7") {
			must(t, c.Process.Kill())
		}
	}
	c.Wait()
	_, err = s.Open()
	must(t, err)
	killed, err := s.Store.Run("rotation-1")
	must(t, err)
	if killed.Status != tracker.Crashed && runtime.GOOS == "linux" {
		t.Fatalf("the run is %s", killed.Status)
	} else if runtime.GOOS != "linux" {
		t.Skip("only Linux tells a crashed run from one that goes on")
	}
	if v, err := s.Reproduce(killed.ID); err != nil || v.Verdict != NotReproducible || !strings.Contains(v.Reason, "crashed") {
		t.Errorf("%+v %v", v, err)
	}
	want, err := s.Pretrain(tiny, &pretext.Rotation{}, train.Unlabelled(), schedule)
	must(t, err)
	got, err := s.Resume(killed.ID)
	must(t, err)
	sameDigest(t, s, "killed", want, got)
}

// printed is a bar that says where it is, and stays at step 7.
type printed struct{}

func (printed) Update(done int, _ string) {
	fmt.Printf("step %d\n", done)
	if done == 7 {
		time.Sleep(time.Hour) // until the kill comes
	}
}
func (printed) Close() {}

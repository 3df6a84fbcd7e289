package pipeline

import (
	"runtime"
	"strings"
	"testing"

	"sslnotes/sslkit"
	"sslnotes/sslkit/contrastive"
	"sslnotes/sslkit/data"
	"sslnotes/sslkit/nn"
	"sslnotes/tracker"
)

// teachers are the methods that keep one, and how to ask each.
func teachers() map[string]sslkit.Teacher {
	return map[string]sslkit.Teacher{
		"byol": &contrastive.BYOL{Hidden: 16, Dim: 8}, "dino": &contrastive.DINO{Outputs: 16, Hidden: 16, Bottleneck: 8, Local: -1}, "moco": &contrastive.MoCo{Queue: 80, Dim: 8},
	}
}

// taught is a short run of a method, and sets to judge it on.
func taught(t *testing.T, s *Session, m sslkit.Method) (r *Run, train, held *data.Set) {
	t.Helper()
	train, held = mini(t)
	s.Types.Add(m)
	r, err := s.Pretrain(tiny, m, train.Unlabelled(), Schedule{Steps: 12, BatchSize: 40, Seed: 7, LearningRate: 0.01, Watch: -1})
	must(t, err)
	train, err = train.PerClass(10, 0)
	must(t, err)
	return r, train, held
}

// links are a run's, by key, with the number of them.
func links(t *testing.T, s *Session, r *Run) (files map[string]string, n int) {
	t.Helper()
	all, err := s.Store.Chain(r.ID())
	must(t, err)
	files = map[string]string{}
	for _, l := range all {
		if l.Blob != "" {
			files[l.Key] = l.Blob
		}
	}
	return files, len(all)
}

// TestTeacherIsJudged judges encoder and teacher of every method that has one,
// of a run that was just made and of one that was loaded.
func TestTeacherIsJudged(t *testing.T) {
	for name, m := range teachers() {
		s := session(t)
		r, train, held := taught(t, s, m)
		loaded, err := s.Load(r.ID())
		must(t, err)
		for _, run := range []*Run{r, loaded} {
			teacher, err := run.Teacher()
			must(t, err)
			if got, want := nn.Digest(teacher.Encoder()), nn.Digest(m.Teacher()); got != want || got == nn.Digest(run.Encoder()) {
				t.Fatalf("%s: the teacher is %.8s, want %.8s, and not the encoder", name, got, want)
			}
			want, err := Neighbours{}.Accuracy(m.Teacher(), train, held)
			must(t, err)
			other, err := Neighbours{}.Accuracy(run.Encoder(), train, held)
			must(t, err)
			if want == other {
				t.Fatalf("%s: encoder and teacher are equally good, so the test shows nothing", name)
			}
			accuracy(t, name+"'s encoder", other, Neighbours{}, run, train, held)
			accuracy(t, name+"'s teacher", want, Neighbours{Teacher: true}, run, train, held)
			accuracy(t, name+"'s run of the teacher", want, Neighbours{}, teacher, train, held)
		}
	}
}

func accuracy(t *testing.T, what string, want float64, k Neighbours, r *Run, train, held *data.Set) {
	t.Helper()
	j, err := k.Judge(r, train, held)
	must(t, err)
	if got, err := j.Value("test_accuracy"); err != nil || got != want {
		t.Errorf("%s has accuracy %g %v, want %g", what, got, err, want)
	}
}

// TestTeacherIsRecorded makes every judgement of a teacher, and executes each
// again on other threads.
func TestTeacherIsRecorded(t *testing.T) {
	s := session(t)
	r, train, held := taught(t, s, &contrastive.BYOL{Hidden: 16, Dim: 8})
	teacher, err := r.Teacher()
	must(t, err)
	b, err := s.Store.Read(r.ID(), teacherFile)
	must(t, err)
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(0))
	short := Tuning{Steps: 3, BatchSize: 20}
	for name, judge := range map[string]func(*Run) (*Run, error){
		"probe": func(r *Run) (*Run, error) { return LinearProbe(r, train, held) },
		"knn":   func(r *Run) (*Run, error) { return KNN(r, train, held) },
		"tuned": func(r *Run) (*Run, error) { return short.Judge(r, train, held) },
		"moved": func(r *Run) (*Run, error) {
			m, err := Transfer([]*Run{r}, []Target{{Train: train, Test: held}})
			if err != nil {
				return nil, err
			}
			return m.Runs[0][0], nil
		},
	} {
		runtime.GOMAXPROCS(3)
		plain, err := judge(r)
		must(t, err)
		j, err := judge(teacher)
		must(t, err)
		rec, err := j.Record()
		must(t, err)
		files, n := links(t, s, j)
		without, m := links(t, s, plain)
		if rec.Parent != r.ID() || !strings.Contains(string(rec.Config), `"Teacher":true`) || files[teacherFile] != tracker.DigestOf(b) || n < m+1 {
			t.Errorf("%s: parent %s, config %s, files %v, %d links, %d without", name, rec.Parent, rec.Config, files, n, m)
		}
		plainRec, err := plain.Record()
		must(t, err)
		if strings.Contains(string(plainRec.Config), "Teacher") || without[teacherFile] != "" {
			t.Errorf("%s: the encoder's judgement has config %s and files %v", name, plainRec.Config, without)
		}
		runtime.GOMAXPROCS(1)
		if v, err := s.ReproduceAll(j.ID()); err != nil || len(v) != 2 || v[0].Verdict != BitExact || v[1].Verdict != BitExact {
			t.Errorf("%s: %+v %v", name, v, err)
		}
	}
}

// TestTeacherIsOther swaps a run's stored teacher, then takes it away.
func TestTeacherIsOther(t *testing.T) {
	s := session(t)
	r, train, held := taught(t, s, &contrastive.BYOL{Hidden: 16, Dim: 8})
	j, err := Neighbours{Teacher: true}.Judge(r, train, held)
	must(t, err)
	change(t, s, `UPDATE artifacts SET digest = (SELECT digest FROM artifacts WHERE name = 'encoder.safetensors') WHERE name = 'teacher.safetensors' AND NOT checkpoint`)
	for _, ref := range []string{r.ID(), j.ID()} {
		if v, err := s.Reproduce(ref); err != nil || v.Verdict != DidDiverge || !strings.Contains(v.Reason, teacherFile) {
			t.Errorf("another teacher: %+v %v", v, err)
		}
	}
	change(t, s, `DELETE FROM artifacts WHERE name = 'teacher.safetensors' AND NOT checkpoint`)
	if v, err := s.Reproduce(r.ID()); err != nil || v.Verdict != BitExact {
		t.Errorf("a record of before teachers were kept: %+v %v", v, err)
	}
	if v, err := s.Reproduce(j.ID()); err != nil || v.Verdict != NotReproducible || !strings.Contains(v.Reason, "has no teacher") {
		t.Errorf("no teacher: %+v %v", v, err)
	}
}

func TestTeacherRefusals(t *testing.T) {
	s := session(t)
	train, held := mini(t)
	r := pretrained(t, s, train)
	pixels, err := s.Pixels(train.Unlabelled())
	must(t, err)
	for name, judge := range map[string]func() (*Run, error){
		"run simclr-1 has no teacher: simclr trains none": func() (*Run, error) { return Probe{Teacher: true}.Judge(r, train, held) },
		"run pixels-1 left no encoder":                    func() (*Run, error) { return Neighbours{Teacher: true}.Judge(pixels, train, held) },
		"run nil left no encoder":                         func() (*Run, error) { return (*Run)(nil).Teacher() },
		"Tuning.Teacher is true":                          func() (*Run, error) { return s.Supervised(tiny, train, held, Tuning{Teacher: true}) },
	} {
		if _, err := judge(); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("error %v, want one that says %q", err, name)
		}
	}
}

package pipeline

import (
	"bytes"
	"fmt"

	"sslnotes/sslkit/nn"
)

const teacherFile = "teacher.safetensors"

// Teacher returns the run with its teacher for an encoder: the slow average of
// the trained encoder that BYOL, DINO and MoCo keep. What judges the run that it
// returns judges the teacher, and records that and the teacher's weights.
//
// It returns an error if the run kept no teacher.
func (r *Run) Teacher() (*Run, error) {
	if r == nil || r.encoder == nil {
		return nil, fmt.Errorf("pipeline: run %s left no encoder", r.Name())
	}
	if r.teaching != nil {
		return r, nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if t, ok := r.teacher.(*Run); ok {
		return t, nil
	}
	b, err := r.store.Read(r.id, teacherFile)
	if err != nil {
		return nil, fmt.Errorf("pipeline: run %s has no teacher: %s trains none, or did not keep it then: %w", r.name, r.method, err)
	}
	e, err := nn.Clone(r.encoder)
	if err == nil {
		err = nn.Load(bytes.NewReader(b), e)
	}
	if err != nil {
		return nil, fmt.Errorf("pipeline: the teacher of run %s: %w", r.name, err)
	}
	t := &Run{id: r.id, name: r.name, method: r.method, seed: r.seed, store: r.store, session: r.session,
		plan: r.plan, encoder: e, seen: r.seen, test: r.test, teaching: b}
	r.teacher = t
	return t, nil
}

// as returns the run with the encoder that is to be judged, and makes the
// judgement say which one that is.
func (r *Run) as(t judgement) (*Run, error) {
	of := t.ofTeacher()
	if *of = *of || r != nil && r.teaching != nil; !*of {
		return r, nil
	}
	return r.Teacher()
}

// saveTeacher stores the teacher beside what is in the chain.
func (x *execution) saveTeacher(e nn.Encoder) error {
	var b bytes.Buffer
	if err := nn.Save(&b, e); err != nil {
		return err
	}
	return x.Beside(teacherFile, b.Bytes())
}

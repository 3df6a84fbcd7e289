package tracker

import (
	"database/sql"
	"errors"
	"fmt"
	"math"
)

// Resume reopens a run that has not finished at its last State of that name and
// returns that. What was recorded later is deleted, and the digest chain stands
// where it stood: a run that goes on to the same values ends with the digest of
// one that was never interrupted. It returns an error if the run is running,
// finished or diverged, or has no such state.
func (s *Store) Resume(id, name string) (w *Writer, step int, state []byte, err error) {
	fail := func(err error) (*Writer, int, []byte, error) {
		return nil, 0, nil, fmt.Errorf("tracker: resuming run %s: %w", id, err)
	}
	r, err := s.Run(id)
	if err != nil {
		return fail(err)
	}
	if r.Status != Crashed && r.Status != Interrupted && r.Status != Failed {
		return fail(fmt.Errorf("it is %s", r.Status))
	}
	if r.Digest != "" {
		if err := s.Verify(r); err != nil {
			return fail(err)
		}
	}
	names, err := s.keyNames()
	if err != nil {
		return fail(err)
	}
	w = &Writer{store: s, id: r.ID, name: r.Name(), number: r.number, created: r.Created, keys: map[string]int64{}, chain: NewChain(r.Inputs)}
	digest, err := w.rewind(names, name, &step)
	if err != nil {
		return fail(err)
	}
	if state, err = s.Blob(digest); err != nil {
		return fail(err)
	}
	if err := s.durably(func(tx *sql.Tx) error { return w.reopen(tx, step) }); err != nil {
		return fail(full(err))
	}
	return w, step, state, nil
}

// rewind finds the last state of that name, and sets the writer to where it
// stood after that.
func (w *Writer) rewind(names map[int64]string, name string, step *int) (digest string, err error) {
	rows, err := w.store.rows(w.id)
	if err != nil {
		return "", err
	}
	last := -1
	for i, r := range rows {
		for _, e := range r.entries {
			if e.kind == checkpointMark && names[e.key] == name {
				last, digest, *step = i, e.blob, e.step
			}
		}
	}
	if last < 0 {
		return "", fmt.Errorf("it has no checkpoint %s to resume from; run it again", name)
	}
	w.seq = rows[last].seq + 1
	for _, r := range rows[:last+1] {
		for _, l := range appendLinks(nil, r, names) {
			w.chain.Add(l)
		}
	}
	return digest, nil
}

// reopen deletes what came after the state and makes the run a running one of
// this process.
func (w *Writer) reopen(tx *sql.Tx, step int) error {
	var status Status
	var process string
	if err := tx.QueryRow(`SELECT status, process FROM runs WHERE number = ?`, w.number).Scan(&status, &process); err != nil {
		return err
	}
	if status == Running && alive(process) { // another process was faster
		return errors.New("it is running")
	}
	if err := w.unseal(tx); err != nil {
		return err
	}
	for _, statement := range []string{
		`DELETE FROM journal WHERE run = ?1 AND seq >= ?2`,
		`DELETE FROM artifacts WHERE run = ?1 AND checkpoint AND step > ?3`,
		`DELETE FROM last WHERE run = ?1`,
	} {
		if _, err := tx.Exec(statement, w.number, w.seq, step); err != nil {
			return err
		}
	}
	rows, err := journalRows(tx, w.number)
	if err != nil {
		return err
	}
	for _, r := range rows {
		for _, e := range r.entries {
			if e.kind == checkpointMark {
				continue
			}
			if err := w.last(tx, e.key, e.step, Value{Value: math.Float64frombits(e.bits), Observed: e.kind == observedValue}); err != nil {
				return err
			}
		}
	}
	_, err = tx.Exec(`UPDATE runs SET status = ?, message = '', ended = 0, digest = '', process = ? WHERE number = ?`, Running, self(), w.number)
	return err
}

package tracker

import (
	"database/sql"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

const columns = `number, id, name, kind, method, status, message, parent, seed, config, data, numerics, source, machine, session, cell, process, created, ended, inputs, digest`

type row interface{ Scan(dst ...any) error }

func (s *Store) scan(from row) (Run, error) {
	r := Run{store: s}
	var seed, config, data, source, machine, process, in string
	var created, ended int64
	err := from.Scan(&r.number, &r.ID, &r.Record.Name, &r.Kind, &r.Method, &r.Status, &r.Message, &r.Parent, &seed, &config, &data, &r.Numerics,
		&source, &machine, &r.Session, &r.Cell, &process, &created, &ended, &in, &r.Digest)
	if err != nil {
		return r, err
	}
	if r.Seed, err = strconv.ParseUint(seed, 10, 64); err != nil {
		return r, fmt.Errorf("run %s: the seed %q is not a number", r.ID, seed)
	}
	r.Config, r.Inputs = json.RawMessage(config), json.RawMessage(in)
	for _, f := range []struct {
		name, text string
		to         any
	}{{"data", data, &r.Data}, {"source", source, &r.Source}, {"machine", machine, &r.Machine}} {
		if err := json.Unmarshal([]byte(f.text), f.to); err != nil {
			return r, fmt.Errorf("run %s: column %s is corrupt: %w", r.ID, f.name, err)
		}
	}
	if !json.Valid(r.Config) {
		return r, fmt.Errorf("run %s: column config is corrupt", r.ID)
	}
	r.Created = time.UnixMilli(created).UTC()
	if ended != 0 {
		r.Ended = time.UnixMilli(ended).UTC()
	}
	if r.Status == Running && !alive(process) {
		r.Status = Crashed
	}
	return r, nil
}

// Run finds a run by its id, its name, or the beginning of its id if no other
// begins so.
func (s *Store) Run(ref string) (Run, error) {
	found, err := s.query(`WHERE id = ?1 OR name = ?1`, ref)
	if err == nil && len(found) == 0 && ref != "" {
		found, err = s.query(`WHERE substr(id, 1, length(?1)) = ?1 ORDER BY number`, ref)
	}
	switch {
	case err != nil:
		return Run{}, fmt.Errorf("tracker: reading run %s: %w", ref, err)
	case len(found) == 0:
		return Run{}, fmt.Errorf("tracker: no run %q in %s", ref, s.path)
	case len(found) > 1:
		var ids []string
		for _, r := range found {
			ids = append(ids, r.ID)
		}
		return Run{}, fmt.Errorf("tracker: %q could be any of the runs %s", ref, strings.Join(ids, ", "))
	}
	return found[0], nil
}

// A Filter chooses runs; a zero field admits all.
type Filter struct {
	Kind, Method, Parent string
	Status               Status
	Limit                int // newest. If 0, all.
}

// Runs lists runs, oldest first.
func (s *Store) Runs(f Filter) ([]Run, error) {
	limit := f.Limit
	if limit == 0 {
		limit = -1
	}
	found, err := s.query(`WHERE number IN (SELECT number FROM runs WHERE (?1 = '' OR kind = ?1) AND (?2 = '' OR method = ?2) AND (?3 = '' OR parent = ?3)
		ORDER BY number DESC LIMIT ?4) ORDER BY number`, f.Kind, f.Method, f.Parent, limit)
	if err != nil {
		return nil, fmt.Errorf("tracker: listing runs: %w", err)
	}
	if f.Status == "" {
		return found, nil
	}
	kept := found[:0]
	for _, r := range found {
		if r.Status == f.Status {
			kept = append(kept, r)
		}
	}
	return kept, nil
}

// query reads runs and the summaries of their metrics.
func (s *Store) query(where string, args ...any) ([]Run, error) {
	rows, err := s.db.Query(`SELECT `+columns+` FROM runs `+where, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var found []Run
	for rows.Next() {
		r, err := s.scan(rows)
		if err != nil {
			return nil, err
		}
		found = append(found, r)
	}
	if err := rows.Err(); err != nil {
		return nil, err
	}
	rows.Close()
	for i := range found {
		if found[i].Metrics, err = s.metrics(found[i].number); err != nil {
			return nil, err
		}
	}
	return found, nil
}

func (s *Store) metrics(number int64) (map[string]Metric, error) {
	rows, err := s.db.Query(`SELECT name, observed, n, step, bits, low, high FROM last JOIN keys ON key = number WHERE run = ?`, number)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	all := map[string]Metric{}
	for rows.Next() {
		var key string
		var m Metric
		var bits int64
		var low, high sql.NullFloat64
		if err := rows.Scan(&key, &m.Observed, &m.N, &m.Step, &bits, &low, &high); err != nil {
			return nil, err
		}
		m.Value, m.Low, m.High = math.Float64frombits(uint64(bits)), math.NaN(), math.NaN()
		if low.Valid {
			m.Low, m.High = low.Float64, high.Float64
		}
		all[key] = m
	}
	return all, rows.Err()
}

// entry is one value or checkpoint of the journal.
type entry struct {
	step int
	kind byte
	key  int64
	bits uint64
	blob string
}

var errCorrupt = errors.New("the journal is corrupt")

// parse unpacks a journal row.
func parse(step int, row []byte, visit func(entry)) error {
	for len(row) > 0 {
		e := entry{step: step, kind: row[0]}
		key, n := binary.Uvarint(row[1:])
		if n <= 0 {
			return errCorrupt
		}
		e.key, row = int64(key), row[1+n:]
		switch {
		case e.kind == checkpointMark && len(row) >= 64:
			e.blob, row = string(row[:64]), row[64:]
		case e.kind <= observedValue && len(row) >= 8:
			e.bits, row = binary.LittleEndian.Uint64(row), row[8:]
		default:
			return errCorrupt
		}
		visit(e)
	}
	return nil
}

// rows reads all that a run has logged, in order.
func (s *Store) rows(id string) ([]journalRow, error) {
	var number int64
	if err := s.db.QueryRow(`SELECT number FROM runs WHERE id = ?`, id).Scan(&number); err != nil {
		return nil, err
	}
	return allRows(s.db, number)
}

func (s *Store) keyNames() (map[int64]string, error) {
	rows, err := s.db.Query(`SELECT number, name FROM keys`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	names := map[int64]string{}
	for rows.Next() {
		var n int64
		var name string
		if err := rows.Scan(&n, &name); err != nil {
			return nil, err
		}
		names[n] = name
	}
	return names, rows.Err()
}

// Series returns all values of a metric in the order they were logged.
func (s *Store) Series(id, key string) (steps []int, values []float64, err error) {
	var run, number int64
	err = s.db.QueryRow(`SELECT runs.number, keys.number FROM runs, keys WHERE id = ? AND keys.name = ?`, id, key).Scan(&run, &number)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil, nil
	}
	if err == nil {
		steps, values, err = s.curve(run, number)
	}
	if err != nil {
		return nil, nil, fmt.Errorf("tracker: reading %s of run %s: %w", key, id, err)
	}
	return steps, values, nil
}

// curve reads the chunks of one key, and the journal for what came since.
func (s *Store) curve(run, key int64) (steps []int, values []float64, err error) {
	tail, err := journalRows(s.db, run)
	if err != nil {
		return nil, nil, err
	}
	until := math.MaxInt
	if len(tail) > 0 {
		until = tail[0].seq
	}
	rows, err := s.db.Query(`SELECT data FROM chunks WHERE run = ? AND key = ? AND seq < ? ORDER BY seq`, run, key, until)
	if err != nil {
		return nil, nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var data []byte
		if err := rows.Scan(&data); err != nil {
			return nil, nil, err
		}
		some, bits, err := unpackSeries(data)
		if err != nil {
			return nil, nil, err
		}
		steps = append(steps, some...)
		for _, b := range bits {
			values = append(values, math.Float64frombits(b))
		}
	}
	for _, r := range tail {
		for _, e := range r.entries {
			if e.key == key && e.kind != checkpointMark {
				steps, values = append(steps, e.step), append(values, math.Float64frombits(e.bits))
			}
		}
	}
	return steps, values, rows.Err()
}

// Chain returns a run's computed values and checkpoints in order.
func (s *Store) Chain(id string) ([]Link, error) {
	names, err := s.keyNames()
	var rows []journalRow
	if err == nil {
		rows, err = s.rows(id)
	}
	if err != nil {
		return nil, fmt.Errorf("tracker: reading the chain of run %s: %w", id, err)
	}
	var links []Link
	for _, r := range rows {
		links = appendLinks(links, r, names)
	}
	return links, nil
}

// appendLinks adds the links of one row.
func appendLinks(links []Link, r journalRow, names map[int64]string) []Link {
	for _, e := range r.entries {
		if e.kind != observedValue {
			links = append(links, Link{e.step, names[e.key], math.Float64frombits(e.bits), e.blob})
		}
	}
	return links
}

// An Artifact is a stored file of a run.
type Artifact struct {
	Name, Media, Digest string
	Step, Size          int
	Checkpoint          bool
}

// Artifacts lists the files of a run, checkpoints included.
func (s *Store) Artifacts(id string) ([]Artifact, error) {
	rows, err := s.db.Query(`SELECT a.name, a.media, a.digest, a.step, b.size, a.checkpoint FROM artifacts a JOIN blobs b ON a.digest = b.digest
		WHERE a.run = (SELECT number FROM runs WHERE id = ?) ORDER BY a.name, a.step`, id)
	if err != nil {
		return nil, fmt.Errorf("tracker: listing artifacts of run %s: %w", id, err)
	}
	defer rows.Close()
	var all []Artifact
	for rows.Next() {
		var a Artifact
		if err := rows.Scan(&a.Name, &a.Media, &a.Digest, &a.Step, &a.Size, &a.Checkpoint); err != nil {
			return nil, fmt.Errorf("tracker: listing artifacts of run %s: %w", id, err)
		}
		all = append(all, a)
	}
	return all, rows.Err()
}

// Read returns the bytes of a run's file, of its last step if there are many.
func (s *Store) Read(id, name string) ([]byte, error) {
	var digest string
	err := s.db.QueryRow(`SELECT digest FROM artifacts WHERE run = (SELECT number FROM runs WHERE id = ?) AND name = ? ORDER BY step DESC`, id, name).Scan(&digest)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, fmt.Errorf("tracker: run %s has no file %s", id, name)
	}
	if err != nil {
		return nil, fmt.Errorf("tracker: reading %s of run %s: %w", name, id, err)
	}
	return s.Blob(digest)
}

// Blob returns stored bytes by their digest, which it checks.
func (s *Store) Blob(digest string) ([]byte, error) {
	var packed []byte
	err := s.db.QueryRow(`SELECT data FROM blobs WHERE digest = ?`, digest).Scan(&packed)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, fmt.Errorf("tracker: %s holds no blob %s", s.path, digest)
	}
	if err != nil {
		return nil, fmt.Errorf("tracker: reading blob %s: %w", digest, err)
	}
	data, err := unpacker.DecodeAll(packed, nil)
	if err != nil || DigestOf(data) != digest {
		return nil, fmt.Errorf("tracker: blob %s is corrupt", digest)
	}
	return data, nil
}

// HasBlob reports whether bytes of that digest are stored.
func (s *Store) HasBlob(digest string) (bool, error) {
	var n int
	if err := s.db.QueryRow(`SELECT count(*) FROM blobs WHERE digest = ?`, digest).Scan(&n); err != nil {
		return false, fmt.Errorf("tracker: looking for blob %s: %w", digest, err)
	}
	return n > 0, nil
}

// PutBlob stores bytes by their digest, which it returns.
func (s *Store) PutBlob(data []byte) (digest string, err error) {
	digest = DigestOf(data)
	if err := s.change(func(tx *sql.Tx) error { return putBlob(tx, digest, data) }); err != nil {
		return "", fmt.Errorf("tracker: storing a blob: %w", full(err))
	}
	return digest, nil
}

// Children lists the runs that build on a run.
func (s *Store) Children(id string) ([]Run, error) { return s.Runs(Filter{Parent: id}) }

// A Cell is one executed cell of a notebook session.
type Cell struct {
	Session string
	Number  int // in order of execution, from 1
	Source  string
	Status  string
	Outputs string // digest
	Started time.Time
}

// RecordCell stores a cell, replacing the one of the same place.
func (s *Store) RecordCell(c Cell) error {
	err := s.change(func(tx *sql.Tx) error {
		_, err := tx.Exec(`INSERT INTO cells (session, number, source, status, outputs, started) VALUES (?,?,?,?,?,?)
			ON CONFLICT DO UPDATE SET source = excluded.source, status = excluded.status, outputs = excluded.outputs, started = excluded.started`,
			c.Session, c.Number, c.Source, c.Status, c.Outputs, c.Started.UnixMilli())
		return err
	})
	if err != nil {
		return fmt.Errorf("tracker: recording cell %d of session %s: %w", c.Number, c.Session, full(err))
	}
	return nil
}

// Cells lists the cells of a session in order.
func (s *Store) Cells(session string) ([]Cell, error) {
	rows, err := s.db.Query(`SELECT number, source, status, outputs, started FROM cells WHERE session = ? ORDER BY number`, session)
	if err != nil {
		return nil, fmt.Errorf("tracker: listing cells: %w", err)
	}
	defer rows.Close()
	var all []Cell
	for rows.Next() {
		c := Cell{Session: session}
		var started int64
		if err := rows.Scan(&c.Number, &c.Source, &c.Status, &c.Outputs, &started); err != nil {
			return nil, fmt.Errorf("tracker: listing cells: %w", err)
		}
		c.Started = time.UnixMilli(started)
		all = append(all, c)
	}
	return all, rows.Err()
}

// Verify reports whether the record of an ended run is whole: its digest is that
// of its inputs and links, and its columns say what the inputs say. The error
// names the first field that was changed.
func (s *Store) Verify(r Run) error {
	links, err := s.Chain(r.ID)
	if err != nil {
		return err
	}
	want, err := s.inputs(NewRun{Kind: r.Kind, Method: r.Method, Parent: r.Parent, Seed: r.Seed, Config: r.Config, Data: r.Data, Numerics: r.Numerics})
	if err != nil {
		return err
	}
	if field, a, b := firstDifference("", r.Inputs, want); field != "" {
		return fmt.Errorf("the record was changed after the run: %s was %s and is %s", field, a, b)
	}
	c := NewChain(r.Inputs)
	for _, l := range links {
		c.Add(l)
	}
	if r.Digest != c.Digest() {
		return errors.New("the record was changed after the run: its digest does not fit its inputs and values")
	}
	return nil
}

package tracker

import (
	"database/sql"
	"math"
)

// sealFrom is the number of journal rows that are packed together.
const sealFrom = 1000

// seal packs the run's journal rows up to w.seq and deletes them.
func (w *Writer) seal(tx *sql.Tx) error {
	rows, err := journalRows(tx, w.number)
	if err != nil || len(rows) == 0 {
		return err
	}
	seq := rows[0].seq
	if _, err := tx.Exec(`INSERT INTO parts (run, seq, n, layout) VALUES (?,?,?,?)`, w.number, seq, len(rows), packLayout(rows)); err != nil {
		return err
	}
	for key, s := range byKey(rows) {
		low, high := s.finite()
		if _, err := tx.Exec(`INSERT INTO chunks (run, key, seq, step0, step1, low, high, data) VALUES (?,?,?,?,?,?,?,?)`,
			w.number, key, seq, s.low, s.high, low, high, packSeries(s.steps, s.bits)); err != nil {
			return err
		}
	}
	_, err = tx.Exec(`DELETE FROM journal WHERE run = ? AND seq <= ?`, w.number, rows[len(rows)-1].seq)
	return err
}

// series is what one key has in some rows.
type series struct {
	steps     []int
	bits      []uint64
	low, high int // steps
}

func byKey(rows []journalRow) map[int64]*series {
	all := map[int64]*series{}
	for _, r := range rows {
		for _, e := range r.entries {
			if e.kind == checkpointMark {
				continue
			}
			s := all[e.key]
			if s == nil {
				s = &series{low: e.step, high: e.step}
				all[e.key] = s
			}
			s.steps, s.bits = append(s.steps, e.step), append(s.bits, e.bits)
			s.low, s.high = min(s.low, e.step), max(s.high, e.step)
		}
	}
	return all
}

// finite returns the lowest and highest finite value, nil if there is none.
func (s *series) finite() (low, high any) {
	a, b := math.Inf(1), math.Inf(-1)
	for _, bits := range s.bits {
		if v := math.Float64frombits(bits); !math.IsNaN(v) && !math.IsInf(v, 0) {
			a, b = min(a, v), max(b, v)
		}
	}
	if a > b {
		return nil, nil
	}
	return a, b
}

// querier is a database or a transaction.
type querier interface {
	Query(query string, args ...any) (*sql.Rows, error)
}

// journalRows reads the rows that are not packed yet.
func journalRows(q querier, run int64) ([]journalRow, error) {
	rows, err := q.Query(`SELECT seq, step, time, data FROM journal WHERE run = ? ORDER BY seq`, run)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var all []journalRow
	for rows.Next() {
		var r journalRow
		var data []byte
		if err := rows.Scan(&r.seq, &r.step, &r.time, &data); err != nil {
			return nil, err
		}
		if err := parse(r.step, data, func(e entry) { r.entries = append(r.entries, e) }); err != nil {
			return nil, err
		}
		all = append(all, r)
	}
	return all, rows.Err()
}

// allRows reads a run's rows, packed or not. The journal is read first: a row
// that another process packs meanwhile is found in both places and taken once.
func allRows(q querier, run int64) ([]journalRow, error) {
	tail, err := journalRows(q, run)
	if err != nil {
		return nil, err
	}
	until := math.MaxInt
	if len(tail) > 0 {
		until = tail[0].seq
	}
	rows, err := packedRows(q, run, until)
	return append(rows, tail...), err
}

// packedRows reads the packed rows below a place.
func packedRows(q querier, run int64, until int) ([]journalRow, error) {
	values, err := packedValues(q, run)
	if err != nil {
		return nil, err
	}
	rows, err := q.Query(`SELECT seq, layout FROM parts WHERE run = ? AND seq < ? ORDER BY seq`, run, until)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var all []journalRow
	for rows.Next() {
		var seq int
		var layout []byte
		if err := rows.Scan(&seq, &layout); err != nil {
			return nil, err
		}
		part, err := unpackLayout(layout, seq)
		if err != nil {
			return nil, err
		}
		if err := fill(part, values[seq]); err != nil {
			return nil, err
		}
		all = append(all, part...)
	}
	return all, rows.Err()
}

// packedValues reads the values of a run's parts, by the part's place and key.
func packedValues(q querier, run int64) (map[int]map[int64][]uint64, error) {
	rows, err := q.Query(`SELECT seq, key, data FROM chunks WHERE run = ?`, run)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	all := map[int]map[int64][]uint64{}
	for rows.Next() {
		var seq int
		var key int64
		var data []byte
		if err := rows.Scan(&seq, &key, &data); err != nil {
			return nil, err
		}
		_, bits, err := unpackSeries(data)
		if err != nil {
			return nil, err
		}
		if all[seq] == nil {
			all[seq] = map[int64][]uint64{}
		}
		all[seq][key] = bits
	}
	return all, rows.Err()
}

// fill puts values into the entries of a part, each key's in their order.
func fill(part []journalRow, values map[int64][]uint64) error {
	for _, r := range part {
		for i := range r.entries {
			e := &r.entries[i]
			if e.kind == checkpointMark {
				continue
			}
			left := values[e.key]
			if len(left) == 0 {
				return errPacked
			}
			e.bits, values[e.key] = left[0], left[1:]
		}
	}
	return nil
}

// unseal makes all rows of a run journal rows again.
func (w *Writer) unseal(tx *sql.Tx) error {
	rows, err := packedRows(tx, w.number, math.MaxInt)
	if err != nil {
		return err
	}
	for _, r := range rows {
		if _, err := tx.Exec(`INSERT INTO journal (run, seq, step, time, data) VALUES (?,?,?,?,?)`, w.number, r.seq, r.step, r.time, packRow(r.entries)); err != nil {
			return err
		}
	}
	for _, statement := range []string{`DELETE FROM parts WHERE run = ?`, `DELETE FROM chunks WHERE run = ?`} {
		if _, err := tx.Exec(statement, w.number); err != nil {
			return err
		}
	}
	return nil
}

// packRow writes entries as the journal holds them.
func packRow(entries []entry) []byte {
	var row []byte
	for _, e := range entries {
		if e.kind == checkpointMark {
			row = append(appendKey(row, checkpointMark, e.key), e.blob...)
			continue
		}
		row = appendValue(row, e.key, Value{Value: math.Float64frombits(e.bits), Observed: e.kind == observedValue})
	}
	return row
}

package tracker

import (
	"crypto/rand"
	"crypto/sha256"
	"database/sql"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strconv"
	"sync"
	"time"

	"github.com/klauspost/compress/zstd"
	"github.com/mattn/go-sqlite3"
)

// A Writer adds to one run. Its methods may be called by many goroutines.
type Writer struct {
	store   *Store
	number  int64
	id      string
	name    string
	created time.Time

	mu    sync.Mutex
	seq   int
	keys  map[string]int64
	chain *Chain
	ended bool
}

// inputs is what the digest chain starts from: all that the computed values
// depend on, and nothing else.
type inputs struct {
	Kind     string          `json:"kind"`
	Method   string          `json:"method"`
	Parent   string          `json:"parent"` // the digest of the parent, not its name
	Seed     string          `json:"seed"`
	Config   json.RawMessage `json:"config"`
	Data     []DataRef       `json:"data"`
	Numerics string          `json:"numerics"`
}

// Create starts a run.
func (s *Store) Create(n NewRun) (*Writer, error) {
	if n.Kind == "" || n.Method == "" {
		return nil, fmt.Errorf("tracker: a run needs a kind and a method, got %q and %q", n.Kind, n.Method)
	}
	if len(n.Config) == 0 {
		n.Config = json.RawMessage("{}")
	}
	if n.Data == nil {
		n.Data = []DataRef{}
	}
	in, err := s.inputs(n)
	if err != nil {
		return nil, err
	}
	w := &Writer{store: s, id: newID(), created: time.Now(), keys: map[string]int64{}, chain: NewChain(in)}
	source, _ := json.Marshal(n.Source)
	machine, err := json.Marshal(n.Machine)
	if err != nil {
		return nil, fmt.Errorf("tracker: %w", err)
	}
	list, _ := json.Marshal(n.Data)
	err = s.change(func(tx *sql.Tx) error {
		if w.name, err = freeName(tx, n.Name, stem(n)); err != nil {
			return err
		}
		res, err := tx.Exec(`INSERT INTO runs (id, name, kind, method, parent, status, seed, config, data, numerics, source, machine, session, cell, process, created, inputs)
			VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)`, w.id, w.name, n.Kind, n.Method, n.Parent, Running, strconv.FormatUint(n.Seed, 10), string(n.Config), string(list),
			n.Numerics, string(source), string(machine), n.Session, n.Cell, self(), w.created.UnixMilli(), string(in))
		if err != nil {
			return err
		}
		w.number, err = res.LastInsertId()
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("tracker: creating a run in %s: %w", s.path, full(err))
	}
	return w, nil
}

// Inputs returns what the digest chain of such a run starts from.
func (s *Store) inputs(n NewRun) ([]byte, error) {
	parent := ""
	if n.Parent != "" {
		p, err := s.Run(n.Parent)
		if err != nil {
			return nil, err
		}
		if parent = p.Digest; parent == "" {
			return nil, fmt.Errorf("tracker: the parent run %s has not ended", p.ID)
		}
	}
	b, err := json.Marshal(inputs{n.Kind, n.Method, parent, strconv.FormatUint(n.Seed, 10), n.Config, n.Data, n.Numerics})
	if err != nil {
		return nil, fmt.Errorf("tracker: the run's config is not JSON: %w", err)
	}
	return b, nil
}

// newID returns 10 characters that sort by the second.
func newID() string {
	var b [6]byte
	binary.BigEndian.PutUint32(b[:4], uint32(time.Now().Unix()-1700000000))
	var tail [4]byte
	rand.Read(tail[:])
	return strconv.FormatUint(uint64(binary.BigEndian.Uint32(b[:4])), 36) + hex.EncodeToString(tail[:])[:5]
}

// stem is what a run is called before its number: the method, and what was
// done with it unless that is to train it.
func stem(n NewRun) string {
	if n.Kind == "pretrain" || n.Kind == n.Method {
		return n.Method
	}
	return n.Method + "-" + n.Kind
}

// freeName returns the wanted name, or the first of stem-1, stem-2 … not taken.
func freeName(tx *sql.Tx, want, stem string) (string, error) {
	if want != "" {
		var n int
		if err := tx.QueryRow(`SELECT count(*) FROM runs WHERE name = ?`, want).Scan(&n); err != nil {
			return "", err
		}
		if n > 0 {
			return "", fmt.Errorf("a run named %q exists", want)
		}
		return want, nil
	}
	var last int
	err := tx.QueryRow(`SELECT coalesce(max(CAST(substr(name, length(?1)+2) AS INTEGER)), 0) FROM runs WHERE substr(name, 1, length(?1)+1) = ?1 || '-'`, stem).Scan(&last)
	return fmt.Sprintf("%s-%d", stem, last+1), err
}

// ID is the run's identity.
func (w *Writer) ID() string { return w.id }

// Name is the run's name.
func (w *Writer) Name() string { return w.name }

// Digest returns the digest chain so far.
func (w *Writer) Digest() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.chain.Digest()
}

var errEnded = errors.New("the run has ended")

// Log records values of one step. They are committed when it returns.
func (w *Writer) Log(step int, values ...Value) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.ended {
		return fmt.Errorf("tracker: logging to run %s: %w", w.id, errEnded)
	}
	fresh := map[string]int64{}
	err := w.store.change(func(tx *sql.Tx) error {
		var row []byte
		for _, v := range values {
			key, err := w.key(tx, v.Key, fresh)
			if err != nil {
				return err
			}
			row = appendValue(row, key, v)
			if err := w.last(tx, key, step, v); err != nil {
				return err
			}
		}
		return w.journal(tx, step, row)
	})
	if err != nil {
		return fmt.Errorf("tracker: logging to run %s: %w", w.id, full(err))
	}
	for k, n := range fresh {
		w.keys[k] = n
	}
	w.seq++
	for _, v := range values {
		if !v.Observed {
			w.chain.Add(Link{Step: step, Key: v.Key, Value: v.Value})
		}
	}
	if w.seq%sealFrom == 0 {
		// What is logged is safe. If it cannot be packed now, say on a full disk,
		// it stays as it is until there are a thousand rows more.
		_ = w.store.change(w.seal)
	}
	return nil
}

// The kinds of entries of a journal row.
const (
	computedValue = iota
	observedValue
	checkpointMark
)

// appendValue packs kind, key and bits.
func appendValue(row []byte, key int64, v Value) []byte {
	kind := byte(computedValue)
	if v.Observed {
		kind = observedValue
	}
	row = appendKey(row, kind, key)
	return binary.LittleEndian.AppendUint64(row, math.Float64bits(v.Value))
}

// appendKey begins an entry.
func appendKey(row []byte, kind byte, key int64) []byte {
	return binary.AppendUvarint(append(row, kind), uint64(key))
}

func (w *Writer) journal(tx *sql.Tx, step int, row []byte) error {
	_, err := tx.Exec(`INSERT INTO journal (run, seq, step, time, data) VALUES (?,?,?,?,?)`, w.number, w.seq, step, time.Since(w.created).Milliseconds(), row)
	return err
}

// last keeps the summary of a key up to date.
func (w *Writer) last(tx *sql.Tx, key int64, step int, v Value) error {
	var finite any
	if !math.IsNaN(v.Value) && !math.IsInf(v.Value, 0) {
		finite = v.Value
	}
	_, err := tx.Exec(`INSERT INTO last (run, key, observed, n, step, bits, low, high) VALUES (?1,?2,?3,1,?4,?5,?6,?6)
		ON CONFLICT (run, key) DO UPDATE SET n = n+1, step = ?4, bits = ?5,
		low = min(coalesce(low, ?6), coalesce(?6, low)), high = max(coalesce(high, ?6), coalesce(?6, high))`,
		w.number, key, v.Observed, step, int64(math.Float64bits(v.Value)), finite)
	return err
}

// key returns the number of a key, giving it one if it is new.
func (w *Writer) key(tx *sql.Tx, name string, fresh map[string]int64) (int64, error) {
	if n, ok := w.keys[name]; ok {
		return n, nil
	}
	if name == "" {
		return 0, errors.New("a value has no key")
	}
	if _, err := tx.Exec(`INSERT INTO keys (name) VALUES (?) ON CONFLICT DO NOTHING`, name); err != nil {
		return 0, err
	}
	var n int64
	err := tx.QueryRow(`SELECT number FROM keys WHERE name = ?`, name).Scan(&n)
	fresh[name] = n
	return n, err
}

// Checkpoint stores state of the given step. Its digest enters the chain, so
// the bytes must be a function of the run's inputs. It is on the disk when
// Checkpoint returns.
func (w *Writer) Checkpoint(step int, name string, data []byte) error {
	return w.checkpoint(step, name, data, false)
}

// State is a Checkpoint that is kept only to resume from: its bytes take the
// place of those of the last State of that name, and go when the run finishes.
// All digests stay in the chain.
func (w *Writer) State(step int, name string, data []byte) error {
	return w.checkpoint(step, name, data, true)
}

func (w *Writer) checkpoint(step int, name string, data []byte, passing bool) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.ended {
		return fmt.Errorf("tracker: writing a checkpoint of run %s: %w", w.id, errEnded)
	}
	digest, fresh := DigestOf(data), map[string]int64{}
	err := w.store.durably(func(tx *sql.Tx) error {
		key, err := w.key(tx, name, fresh)
		if err != nil {
			return err
		}
		media := "application/octet-stream"
		if passing {
			media = passingMedia
			if err := w.forget(tx, name); err != nil {
				return err
			}
		}
		if err := w.artifact(tx, step, name, media, digest, data, true); err != nil {
			return err
		}
		return w.journal(tx, step, append(appendKey(nil, checkpointMark, key), digest...))
	})
	if err != nil {
		return fmt.Errorf("tracker: writing checkpoint %s of run %s: %w", name, w.id, full(err))
	}
	for k, n := range fresh {
		w.keys[k] = n
	}
	w.seq++
	w.chain.Add(Link{Step: step, Key: name, Blob: digest})
	return nil
}

// passingMedia marks what is kept only while the run has not finished.
const passingMedia = "application/x-passing"

// forget deletes the run's passing files of that name, or all if it is "", and
// those of their bytes that nothing else refers to.
func (w *Writer) forget(tx *sql.Tx, name string) error {
	rows, err := tx.Query(`DELETE FROM artifacts WHERE run = ?1 AND media = ?2 AND (?3 = '' OR name = ?3) RETURNING digest`, w.number, passingMedia, name)
	if err != nil {
		return err
	}
	defer rows.Close()
	var digests []string
	for rows.Next() {
		var d string
		if err := rows.Scan(&d); err != nil {
			return err
		}
		digests = append(digests, d)
	}
	if err := rows.Err(); err != nil {
		return err
	}
	rows.Close()
	for _, d := range digests {
		if _, err := tx.Exec(`DELETE FROM blobs WHERE digest = ?1 AND NOT EXISTS (SELECT 1 FROM artifacts WHERE digest = ?1)`, d); err != nil {
			return err
		}
	}
	return nil
}

// Artifact stores a file of the run and returns its digest. It does not enter
// the chain.
func (w *Writer) Artifact(name, media string, data []byte) (digest string, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	digest = DigestOf(data)
	err = w.store.change(func(tx *sql.Tx) error { return w.artifact(tx, 0, name, media, digest, data, false) })
	if err != nil {
		return "", fmt.Errorf("tracker: writing artifact %s of run %s: %w", name, w.id, full(err))
	}
	return digest, nil
}

// DigestOf returns the SHA-256 in hex, by which blobs are named.
func DigestOf(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

var (
	packer, _   = zstd.NewWriter(nil)
	unpacker, _ = zstd.NewReader(nil)
)

func (w *Writer) artifact(tx *sql.Tx, step int, name, media, digest string, data []byte, checkpoint bool) error {
	if err := putBlob(tx, digest, data); err != nil {
		return err
	}
	_, err := tx.Exec(`INSERT INTO artifacts (run, name, step, media, checkpoint, digest) VALUES (?,?,?,?,?,?)
		ON CONFLICT DO UPDATE SET media = excluded.media, checkpoint = excluded.checkpoint, digest = excluded.digest`, w.number, name, step, media, checkpoint, digest)
	return err
}

func putBlob(tx *sql.Tx, digest string, data []byte) error {
	_, err := tx.Exec(`INSERT INTO blobs (digest, size, data) VALUES (?,?,?) ON CONFLICT DO NOTHING`, digest, len(data), packer.EncodeAll(data, nil))
	return err
}

// Finish closes the run. It is on the disk when Finish returns.
func (w *Writer) Finish(status Status, message string) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.ended {
		return fmt.Errorf("tracker: finishing run %s: %w", w.id, errEnded)
	}
	err := w.store.durably(func(tx *sql.Tx) error {
		if status == Finished {
			if err := w.forget(tx, ""); err != nil {
				return err
			}
		}
		if err := w.seal(tx); err != nil {
			return err
		}
		_, err := tx.Exec(`UPDATE runs SET status = ?, message = ?, ended = ?, digest = ? WHERE number = ?`, status, message, time.Now().UnixMilli(), w.chain.Digest(), w.number)
		return err
	})
	if err != nil {
		return fmt.Errorf("tracker: finishing run %s: %w", w.id, full(err))
	}
	w.ended = true
	return nil
}

// full says what to do about a full disk.
func full(err error) error {
	var e sqlite3.Error
	if errors.As(err, &e) && e.Code == sqlite3.ErrFull {
		return fmt.Errorf("the disk is full; what was logged before is safe: %w", err)
	}
	return err
}

CREATE TABLE runs (
	number   INTEGER PRIMARY KEY,
	id       TEXT NOT NULL UNIQUE,
	name     TEXT NOT NULL UNIQUE,
	kind     TEXT NOT NULL,
	method   TEXT NOT NULL,
	parent   TEXT NOT NULL,
	status   TEXT NOT NULL,
	message  TEXT NOT NULL DEFAULT '',
	seed     TEXT NOT NULL,             -- decimal: it may exceed 63 bits
	config   TEXT NOT NULL,
	data     TEXT NOT NULL,
	numerics TEXT NOT NULL,
	source   TEXT NOT NULL,
	machine  TEXT NOT NULL,
	session  TEXT NOT NULL,
	cell     INTEGER NOT NULL,
	process  TEXT NOT NULL,             -- who writes, to tell a crash
	created  INTEGER NOT NULL,          -- Unix milliseconds
	ended    INTEGER NOT NULL DEFAULT 0,
	inputs   TEXT NOT NULL,             -- what the digest chain starts from
	digest   TEXT NOT NULL DEFAULT ''   -- the end of the chain
) STRICT;
CREATE INDEX runs_parent ON runs (parent);

CREATE TABLE keys (number INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE) STRICT;

-- One row a call of Log or Checkpoint, in order.
CREATE TABLE journal (
	run  INTEGER NOT NULL REFERENCES runs,
	seq  INTEGER NOT NULL,
	step INTEGER NOT NULL,
	time INTEGER NOT NULL,              -- milliseconds since the run was created
	data BLOB NOT NULL,
	PRIMARY KEY (run, seq)
) STRICT, WITHOUT ROWID;

-- What a table of runs shows, kept up in the same transaction as the journal.
CREATE TABLE last (
	run      INTEGER NOT NULL REFERENCES runs,
	key      INTEGER NOT NULL REFERENCES keys,
	observed INTEGER NOT NULL,
	n        INTEGER NOT NULL,
	step     INTEGER NOT NULL,
	bits     INTEGER NOT NULL,          -- of the value: SQLite has no NaN
	low      REAL,                      -- of the finite values
	high     REAL,
	PRIMARY KEY (run, key)
) STRICT, WITHOUT ROWID;

CREATE TABLE blobs (digest TEXT PRIMARY KEY, size INTEGER NOT NULL, data BLOB NOT NULL) STRICT, WITHOUT ROWID;

CREATE TABLE artifacts (
	run        INTEGER NOT NULL REFERENCES runs,
	name       TEXT NOT NULL,
	step       INTEGER NOT NULL,
	media      TEXT NOT NULL,
	checkpoint INTEGER NOT NULL,
	digest     TEXT NOT NULL REFERENCES blobs,
	PRIMARY KEY (run, name, step)
) STRICT, WITHOUT ROWID;

CREATE TABLE cells (
	session TEXT NOT NULL,
	number  INTEGER NOT NULL,
	source  TEXT NOT NULL,
	status  TEXT NOT NULL,
	outputs TEXT NOT NULL,
	started INTEGER NOT NULL,
	PRIMARY KEY (session, number)
) STRICT, WITHOUT ROWID;

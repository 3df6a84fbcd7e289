-- A thousand journal rows at a time are packed: which keys each row had, and
-- for each key its values. The journal holds the rows since.
CREATE TABLE parts (
	run    INTEGER NOT NULL REFERENCES runs,
	seq    INTEGER NOT NULL,            -- of the first row
	n      INTEGER NOT NULL,            -- rows
	layout BLOB NOT NULL,
	PRIMARY KEY (run, seq)
) STRICT, WITHOUT ROWID;

CREATE TABLE chunks (
	run   INTEGER NOT NULL REFERENCES runs,
	key   INTEGER NOT NULL REFERENCES keys,
	seq   INTEGER NOT NULL,             -- of the part
	step0 INTEGER NOT NULL,             -- lowest and highest step
	step1 INTEGER NOT NULL,
	low   REAL,                         -- of the finite values
	high  REAL,
	data  BLOB NOT NULL,
	PRIMARY KEY (run, key, seq)
) STRICT, WITHOUT ROWID;

-- The envelope of a metric over all runs is read from here alone.
CREATE INDEX chunks_envelope ON chunks (key, run, step0, step1, low, high);

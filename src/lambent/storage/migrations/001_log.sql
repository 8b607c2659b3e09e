-- The log: what was committed, in order, for consumers that read from a checkpoint.
CREATE TABLE log_head (
    log      TEXT PRIMARY KEY,
    position INTEGER NOT NULL            -- of the last record ever appended
) WITHOUT ROWID;

CREATE TABLE log_record (
    log      TEXT NOT NULL,
    position INTEGER NOT NULL,           -- from 1, dense per log
    time_ms  INTEGER NOT NULL,
    payload  BLOB NOT NULL,
    PRIMARY KEY (log, position)
) WITHOUT ROWID;

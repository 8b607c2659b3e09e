-- Kinesis Data Streams. The records lie in logs, one a shard: `kinesis/<stream_id>/<shard index>`.
CREATE TABLE kinesis_last_id (
    kind          TEXT PRIMARY KEY,          -- `stream`
    last_id       INTEGER NOT NULL           -- ids are never used again: logs are named by them
) WITHOUT ROWID;

CREATE TABLE kinesis_stream (
    stream_id     INTEGER PRIMARY KEY,
    account_id    TEXT NOT NULL,
    region        TEXT NOT NULL,
    name          TEXT NOT NULL,
    epoch         INTEGER NOT NULL,          -- grows with every change of its shards or settings
    next_index    INTEGER NOT NULL,          -- of the next shard; indexes are never used again
    created_ms    INTEGER NOT NULL,
    settings      TEXT NOT NULL,             -- JSON of streams.Settings
    UNIQUE (account_id, region, name)
);

CREATE TABLE kinesis_shard (
    stream_id       INTEGER NOT NULL,
    shard_index     INTEGER NOT NULL,        -- parents before children; the number in its shard id
    parent          INTEGER,                 -- index, perhaps of a shard that has expired
    adjacent_parent INTEGER,                 -- the other parent, after a merge
    first_hash      TEXT NOT NULL,           -- decimal: 128 bits are more than an integer has
    last_hash       TEXT NOT NULL,           -- included
    opened_ms       INTEGER NOT NULL,        -- also in its sequence numbers
    closed_ms       INTEGER,                 -- NULL: open
    trimmed         INTEGER NOT NULL,        -- records up to this position are gone
    PRIMARY KEY (stream_id, shard_index)
) WITHOUT ROWID;

-- Consumers with enhanced fan-out.
CREATE TABLE kinesis_consumer (
    stream_id     INTEGER NOT NULL,
    name          TEXT NOT NULL,
    created_ms    INTEGER NOT NULL,          -- its seconds are part of the ARN
    tags          TEXT NOT NULL,             -- JSON object
    policy        TEXT NOT NULL,             -- of the resource; "" if there is none
    PRIMARY KEY (stream_id, name)
) WITHOUT ROWID;

-- Logs of deleted streams, whose records are removed a portion at a time.
CREATE TABLE kinesis_leftover (
    log           TEXT PRIMARY KEY
) WITHOUT ROWID;

-- What an account has chosen for all its streams in a Region.
CREATE TABLE kinesis_account (
    account_id    TEXT NOT NULL,
    region        TEXT NOT NULL,
    is_committed  INTEGER NOT NULL,          -- to a minimum of billed throughput
    started_ms    INTEGER,
    ended_ms      INTEGER,
    PRIMARY KEY (account_id, region)
) WITHOUT ROWID;

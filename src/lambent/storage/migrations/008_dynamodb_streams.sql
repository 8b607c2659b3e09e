-- DynamoDB Streams. The change records themselves lie in logs, one a shard: `dynamodb/<stream_id>/<shard_id>`.
CREATE TABLE dynamodb_stream (
    stream_id     INTEGER PRIMARY KEY,
    account_id    TEXT NOT NULL,
    region        TEXT NOT NULL,
    table_name    TEXT NOT NULL,
    label         TEXT NOT NULL,             -- when it was enabled; the last part of its ARN
    table_id      INTEGER NOT NULL,          -- of a table that may be gone by now
    view_type     TEXT NOT NULL,
    key_schema    TEXT NOT NULL,             -- JSON of keys.KeySchema
    created_ms    INTEGER NOT NULL,
    closed_ms     INTEGER                    -- when it was disabled, or its table deleted; NULL: enabled
);
CREATE INDEX dynamodb_stream_by_name ON dynamodb_stream (account_id, region, table_name, label);

CREATE TABLE dynamodb_shard (
    stream_id     INTEGER NOT NULL,
    shard_id      TEXT NOT NULL,             -- orders parents before children
    table_id      INTEGER NOT NULL,
    parent_id     TEXT,                      -- perhaps of a shard that is trimmed and gone
    first_hash    INTEGER NOT NULL,          -- items whose partition key hashes from here
    last_hash     INTEGER NOT NULL,          -- to here, both included
    opened_ms     INTEGER NOT NULL,          -- also what its sequence numbers start with
    closed_ms     INTEGER,                   -- NULL: open
    trimmed       INTEGER NOT NULL,          -- records up to this position are gone
    PRIMARY KEY (stream_id, shard_id)
) WITHOUT ROWID;
-- Every write to a table with a stream looks here for its shard: all it needs is in the index.
CREATE INDEX dynamodb_open_shard ON dynamodb_shard (table_id, last_hash, first_hash, closed_ms, opened_ms)
    WHERE closed_ms IS NULL;

-- CloudWatch Logs. Events are rows of many: a chunk holds what one log stream gained within one flush.
CREATE TABLE log_identity (
    next_id  INTEGER NOT NULL                -- ids of groups and streams are never used twice
);
INSERT INTO log_identity (next_id) VALUES (1);

CREATE TABLE log_group (
    account_id      TEXT NOT NULL,
    region          TEXT NOT NULL,
    name            TEXT NOT NULL,
    group_id        INTEGER NOT NULL UNIQUE,
    created_ms      INTEGER NOT NULL,
    class           TEXT NOT NULL,
    kms_key_id      TEXT NOT NULL,           -- "" when none
    protected       INTEGER NOT NULL,        -- deletion protection
    retention_days  INTEGER NOT NULL,        -- 0: for ever
    tags            TEXT NOT NULL,           -- JSON object
    stored_bytes    INTEGER NOT NULL,
    longest_ms      INTEGER NOT NULL,        -- no chunk of this group spans more time
    PRIMARY KEY (account_id, region, name)
);

CREATE TABLE log_stream (
    group_id           INTEGER NOT NULL,
    name               TEXT NOT NULL,
    stream_id          INTEGER NOT NULL UNIQUE,
    created_ms         INTEGER NOT NULL,
    first_event_ms     INTEGER NOT NULL,     -- 0: no event yet
    last_event_ms      INTEGER NOT NULL,
    last_ingestion_ms  INTEGER NOT NULL,
    longest_ms         INTEGER NOT NULL,
    head               INTEGER NOT NULL,     -- position of the last chunk
    PRIMARY KEY (group_id, name)
);
CREATE INDEX log_stream_by_time ON log_stream (group_id, last_event_ms, name);

CREATE TABLE log_chunk (
    group_id     INTEGER NOT NULL,
    stream_id    INTEGER NOT NULL,
    position     INTEGER NOT NULL,
    first_ms     INTEGER NOT NULL,
    last_ms      INTEGER NOT NULL,
    count        INTEGER NOT NULL,
    bytes        INTEGER NOT NULL,           -- as AWS counts them
    ingested_ms  INTEGER NOT NULL,
    payload      BLOB NOT NULL
);
CREATE UNIQUE INDEX log_chunk_by_stream ON log_chunk (stream_id, first_ms, position);
CREATE INDEX log_chunk_by_group ON log_chunk (group_id, first_ms, stream_id, position);

-- What was deleted by name and is still to be deleted row by row, a portion at a time.
CREATE TABLE log_garbage (
    group_id   INTEGER NOT NULL,
    stream_id  INTEGER NOT NULL,             -- 0: the whole group
    PRIMARY KEY (group_id, stream_id)
);

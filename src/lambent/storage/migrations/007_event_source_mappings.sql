-- Event source mappings: which function reads which stream, and how far each of them has got in every shard.
CREATE TABLE event_source_mapping (
    uuid           TEXT PRIMARY KEY,
    account_id     TEXT NOT NULL,
    region         TEXT NOT NULL,
    source_arn     TEXT NOT NULL,
    function_arn   TEXT NOT NULL,            -- perhaps with a qualifier
    generation     INTEGER NOT NULL,         -- grows with every change somebody asked for
    state          TEXT NOT NULL,            -- event_source_mappings.State
    last_result    TEXT NOT NULL,            -- of the last batch, in AWS's words
    modified_ms    INTEGER NOT NULL,
    options        TEXT NOT NULL,            -- JSON of event_source_mappings.Options
    tags           TEXT NOT NULL,            -- JSON object
    role_arn       TEXT NOT NULL,            -- of AddEventSource (2014); "" for all others
    UNIQUE (account_id, region, source_arn, function_arn)
);

-- A shard that a mapping knows: its lanes share the records by their partition keys.
CREATE TABLE event_source_shard (
    uuid           TEXT NOT NULL,
    shard_id       TEXT NOT NULL,
    is_finished    INTEGER NOT NULL,         -- closed, and every record settled: its children may be read
    PRIMARY KEY (uuid, shard_id)
) WITHOUT ROWID;

CREATE TABLE event_source_lane (
    uuid           TEXT NOT NULL,
    shard_id       TEXT NOT NULL,
    lane           INTEGER NOT NULL,         -- from 0
    revision       INTEGER NOT NULL,         -- grows with every commit: who decided on another one must not commit
    position       INTEGER NOT NULL,         -- everything up to here that falls to this lane is settled
    progress       BLOB NOT NULL,            -- JSON of what progress.Progress has beside the position
    PRIMARY KEY (uuid, shard_id, lane)
) WITHOUT ROWID;

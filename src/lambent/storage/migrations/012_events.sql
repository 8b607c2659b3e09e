-- EventBridge: buses, their rules, the rules' targets, and what archives keep. The events themselves, from PutEvents to
-- their targets, lie in the log `events`.
CREATE TABLE event_bus (
    account_id   TEXT NOT NULL,
    region       TEXT NOT NULL,
    name         TEXT NOT NULL,              -- 'default' is there for everybody, and has a row once it was changed
    description  TEXT NOT NULL,
    policy       TEXT NOT NULL,              -- the document; '': none
    options      TEXT NOT NULL,              -- JSON of settings that are kept for those who ask
    tags         TEXT NOT NULL,              -- JSON object
    created_ms   INTEGER NOT NULL,
    modified_ms  INTEGER NOT NULL,
    PRIMARY KEY (account_id, region, name)
) WITHOUT ROWID;

CREATE TABLE event_rule (
    account_id   TEXT NOT NULL,
    region       TEXT NOT NULL,
    bus          TEXT NOT NULL,
    name         TEXT NOT NULL,
    pattern      TEXT NOT NULL,              -- '': none
    schedule     TEXT NOT NULL,              -- '': none
    state        TEXT NOT NULL,              -- rules.State
    description  TEXT NOT NULL,
    role_arn     TEXT NOT NULL,
    tags         TEXT NOT NULL,              -- JSON object
    started_ms   INTEGER NOT NULL,           -- what a rate counts from
    next_ms      INTEGER,                    -- when the schedule is next due; NULL: never
    PRIMARY KEY (account_id, region, bus, name)
) WITHOUT ROWID;
CREATE INDEX event_rule_due ON event_rule (next_ms) WHERE next_ms IS NOT NULL;

CREATE TABLE event_target (
    account_id   TEXT NOT NULL,
    region       TEXT NOT NULL,
    bus          TEXT NOT NULL,
    rule         TEXT NOT NULL,
    target_id    TEXT NOT NULL,
    arn          TEXT NOT NULL,
    document     TEXT NOT NULL,              -- JSON of the Target as it was put
    PRIMARY KEY (account_id, region, bus, rule, target_id)
) WITHOUT ROWID;
CREATE INDEX event_target_by_arn ON event_target (account_id, region, arn, bus, rule);

CREATE TABLE event_archive (
    account_id     TEXT NOT NULL,
    region         TEXT NOT NULL,
    name           TEXT NOT NULL,
    archive_id     INTEGER NOT NULL UNIQUE,
    bus            TEXT NOT NULL,
    pattern        TEXT NOT NULL,            -- '': every event
    description    TEXT NOT NULL,
    retention_days INTEGER NOT NULL,         -- 0: for ever
    created_ms     INTEGER NOT NULL,
    event_count    INTEGER NOT NULL,
    size_bytes     INTEGER NOT NULL,
    head           INTEGER NOT NULL,         -- position of the last event ever kept
    PRIMARY KEY (account_id, region, name)
) WITHOUT ROWID;
CREATE INDEX event_archive_by_bus ON event_archive (account_id, region, bus);

CREATE TABLE archived_event (
    archive_id   INTEGER NOT NULL,
    time_ms      INTEGER NOT NULL,           -- the event's own, by which it is replayed and forgotten
    position     INTEGER NOT NULL,
    event        BLOB NOT NULL,              -- the document
    PRIMARY KEY (archive_id, time_ms, position)
);

-- Archives that were deleted and whose events are still to be deleted, a portion at a time.
CREATE TABLE event_archive_garbage (
    archive_id   INTEGER PRIMARY KEY
);

CREATE TABLE event_archive_head (
    head         TEXT PRIMARY KEY,           -- ''
    archive_id   INTEGER NOT NULL            -- the last one ever given
) WITHOUT ROWID;

CREATE TABLE event_replay (
    account_id   TEXT NOT NULL,
    region       TEXT NOT NULL,
    name         TEXT NOT NULL,
    archive_id   INTEGER NOT NULL,
    archive      TEXT NOT NULL,              -- its name
    bus          TEXT NOT NULL,
    rules        TEXT NOT NULL,              -- JSON array of rule ARNs; empty: all of the bus
    description  TEXT NOT NULL,
    state        TEXT NOT NULL,              -- replays.State
    first_ms     INTEGER NOT NULL,           -- events from here
    end_ms       INTEGER NOT NULL,           -- to before here
    time_ms      INTEGER NOT NULL,           -- how far it has come: the last event that was replayed
    position     INTEGER NOT NULL,
    started_ms   INTEGER NOT NULL,
    ended_ms     INTEGER,                    -- NULL: running
    PRIMARY KEY (account_id, region, name)
) WITHOUT ROWID;

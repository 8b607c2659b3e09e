-- EventBridge Scheduler. A schedule that is due is found by its due time; one that is idle costs nothing but its row.
CREATE TABLE schedule_group (
    account_id    TEXT NOT NULL,
    region        TEXT NOT NULL,
    name          TEXT NOT NULL,
    state         TEXT NOT NULL,             -- ACTIVE, DELETING
    created_ms    INTEGER NOT NULL,
    modified_ms   INTEGER NOT NULL,
    client_token  TEXT NOT NULL,             -- of the request that created it
    tags          TEXT NOT NULL,             -- JSON object
    PRIMARY KEY (account_id, region, name)
) WITHOUT ROWID;

CREATE TABLE schedule (
    account_id      TEXT NOT NULL,
    region          TEXT NOT NULL,
    group_name      TEXT NOT NULL,
    name            TEXT NOT NULL,
    expression      TEXT NOT NULL,
    zone            TEXT NOT NULL,           -- of the IANA database
    start_ms        INTEGER,
    end_ms          INTEGER,
    window_minutes  INTEGER NOT NULL,        -- 0: no flexible time window
    is_enabled      INTEGER NOT NULL,
    is_deleted_after INTEGER NOT NULL,       -- by its completion
    description     TEXT NOT NULL,
    kms_key_arn     TEXT NOT NULL,
    target          TEXT NOT NULL,           -- JSON, as in the request
    client_token    TEXT NOT NULL,           -- of the request that created or last changed it
    created_ms      INTEGER NOT NULL,
    modified_ms     INTEGER NOT NULL,
    anchor_ms       INTEGER NOT NULL,        -- rates are counted from here
    occurrence_ms   INTEGER,                 -- the next time; null: none, or not enabled
    due_ms          INTEGER,                 -- when that is sent: somewhere in the flexible time window
    planned_ms      INTEGER NOT NULL,        -- when these two were decided
    PRIMARY KEY (account_id, region, group_name, name)
);
CREATE INDEX schedule_by_due_time ON schedule (due_ms) WHERE due_ms IS NOT NULL;

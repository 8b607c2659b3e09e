-- CloudWatch Logs subscription filters: who is sent a log group's events. Each reads the log of the group's chunks
-- ("logs:<group id>"), which is written only while the group has a filter.
ALTER TABLE log_group ADD COLUMN subscriptions INTEGER NOT NULL DEFAULT 0;

CREATE TABLE log_subscription (
    filter_id        INTEGER PRIMARY KEY,    -- from log_identity: a filter made anew is another one
    group_id         INTEGER NOT NULL,
    name             TEXT NOT NULL,
    pattern          TEXT NOT NULL,
    destination_arn  TEXT NOT NULL,
    role_arn         TEXT NOT NULL,          -- "" for functions
    distribution     TEXT NOT NULL,          -- ByLogStream, Random
    on_transformed   INTEGER NOT NULL,
    created_ms       INTEGER NOT NULL,
    position         INTEGER NOT NULL,       -- chunks of the group's log up to here are done with
    events_done      INTEGER NOT NULL,       -- events of the next chunk that are done with as well
    loop_batches     INTEGER NOT NULL,       -- batches in a row sent to a function that writes to this very group
    loop_ms          INTEGER NOT NULL,       -- when the last of them was sent
    UNIQUE (group_id, name)
);

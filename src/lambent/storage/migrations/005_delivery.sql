-- Delivery: how far each consumer has read its log, and the asynchronous invocations that wait to run.
CREATE TABLE checkpoint (
    log       TEXT NOT NULL,
    consumer  TEXT NOT NULL,
    position  INTEGER NOT NULL,              -- everything up to here has had its effects
    PRIMARY KEY (log, consumer)
) WITHOUT ROWID;

CREATE TABLE async_invocation_head (
    queue     TEXT PRIMARY KEY,
    position  INTEGER NOT NULL               -- of the last invocation ever accepted
) WITHOUT ROWID;

CREATE TABLE async_invocation (
    position       INTEGER PRIMARY KEY,      -- order of acceptance (of commits)
    request_id     TEXT NOT NULL,            -- stays the same over all attempts
    function_arn   TEXT NOT NULL,            -- as it was invoked, perhaps with a qualifier
    payload        BLOB NOT NULL,
    client_context TEXT,                     -- JSON text
    trace_id       TEXT NOT NULL,
    source         TEXT NOT NULL,            -- who asked: "invoke", "s3:<bucket>", "destination:<request id>"
    accepted_ms    INTEGER NOT NULL,
    due_ms         INTEGER NOT NULL,
    errors         INTEGER NOT NULL,         -- attempts that ended in a function error
    throttles      INTEGER NOT NULL,         -- attempts that were throttled or met a fault of the platform
    lease_owner    TEXT NOT NULL,            -- "" while one node does it all
    lease_until_ms INTEGER NOT NULL
);

-- What was given up on purpose, and why.
CREATE TABLE discarded_invocation (
    position       INTEGER PRIMARY KEY,      -- the one it had in async_invocation
    request_id     TEXT NOT NULL,
    function_arn   TEXT NOT NULL,
    source         TEXT NOT NULL,
    accepted_ms    INTEGER NOT NULL,
    discarded_ms   INTEGER NOT NULL,
    attempts       INTEGER NOT NULL,
    reason         TEXT NOT NULL,            -- retries.DiscardReason
    detail         TEXT NOT NULL,            -- the last error, shortened
    payload        BLOB NOT NULL
);
CREATE INDEX discarded_invocation_by_time ON discarded_invocation (discarded_ms);

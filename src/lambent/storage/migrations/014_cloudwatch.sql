-- CloudWatch metrics: which there are, and their values summed up over seconds, minutes, five minutes, hours.
CREATE TABLE cloudwatch_metric (
    metric_id  INTEGER PRIMARY KEY,
    account_id TEXT NOT NULL,
    region     TEXT NOT NULL,
    namespace  TEXT NOT NULL,
    name       TEXT NOT NULL,
    dimensions TEXT NOT NULL,                -- JSON array of [name, value], by name
    newest_ms  INTEGER NOT NULL,             -- time of its newest value; who lists metrics goes by it
    UNIQUE (account_id, region, namespace, name, dimensions)
);
CREATE INDEX cloudwatch_metric_by_age ON cloudwatch_metric (newest_ms);

-- A row moves on to the next longer period when it is old enough (services/cloudwatch/retention.py); it is never in two.
CREATE TABLE cloudwatch_value (
    metric_id INTEGER NOT NULL,
    period    INTEGER NOT NULL,              -- seconds: 1, 60, 300, 3600
    start     INTEGER NOT NULL,              -- seconds since the epoch, a multiple of the period
    unit      TEXT NOT NULL,
    count     REAL NOT NULL,
    total     REAL NOT NULL,
    low       REAL NOT NULL,
    high      REAL NOT NULL,
    singles   TEXT NOT NULL,                 -- JSON [[value, how often], ...], [] if single values are not known
    PRIMARY KEY (metric_id, start, period, unit)
) WITHOUT ROWID;
CREATE INDEX cloudwatch_value_by_age ON cloudwatch_value (period, start);

-- Functions that may run in loops (services/lambda_/recursion.py).
ALTER TABLE lambda_function ADD COLUMN recursive_loop TEXT NOT NULL DEFAULT 'Terminate';

-- Lambda: functions, who may invoke them, and how their asynchronous invocations are treated.
CREATE TABLE lambda_function (
    account_id           TEXT NOT NULL,
    region               TEXT NOT NULL,
    name                 TEXT NOT NULL,
    configuration        TEXT NOT NULL,      -- JSON of configuration.FunctionConfiguration
    package_sha256       TEXT NOT NULL,      -- hexadecimal; names the package's folder
    package_bytes        INTEGER NOT NULL,   -- of the zip
    revision_id          TEXT NOT NULL,
    modified_ms          INTEGER NOT NULL,
    reserved_concurrency INTEGER,            -- NULL: shares the account's unreserved concurrency
    tags                 TEXT NOT NULL,      -- JSON object
    policy               TEXT NOT NULL,      -- JSON array of statements
    policy_revision_id   TEXT NOT NULL,
    PRIMARY KEY (account_id, region, name)
);
CREATE INDEX lambda_function_by_package ON lambda_function (package_sha256);

CREATE TABLE lambda_event_invoke_config (
    account_id             TEXT NOT NULL,
    region                 TEXT NOT NULL,
    name                   TEXT NOT NULL,
    qualifier              TEXT NOT NULL,    -- $LATEST
    modified_ms            INTEGER NOT NULL,
    maximum_retry_attempts INTEGER,          -- NULL: the default
    maximum_age_seconds    INTEGER,          -- NULL: the default
    on_success             TEXT NOT NULL,    -- function ARN, "" when none
    on_failure             TEXT NOT NULL,
    PRIMARY KEY (account_id, region, name, qualifier)
);

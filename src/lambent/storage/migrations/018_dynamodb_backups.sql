-- DynamoDB: what items were before they changed, backups, and the copying that makes and restores them.

-- Tables whose changes are kept, or were once: point in time recovery is on, or a copy is being made.
CREATE TABLE dynamodb_history (
    table_id      INTEGER PRIMARY KEY,
    head          INTEGER NOT NULL           -- the moment of the last change (moments.py); none comes before it
);

CREATE TABLE dynamodb_past_item (
    row_id        INTEGER PRIMARY KEY,
    table_id      INTEGER NOT NULL,
    partition     BLOB NOT NULL,             -- as in dynamodb_item
    sort          BLOB NOT NULL,
    moment        INTEGER NOT NULL,          -- of the change
    item          BLOB,                      -- what the item was until then; NULL: it was not there
    size          INTEGER NOT NULL
);
CREATE UNIQUE INDEX dynamodb_past_item_by_key ON dynamodb_past_item (table_id, partition, sort, moment);
CREATE INDEX dynamodb_past_item_by_moment ON dynamodb_past_item (table_id, moment);

-- The items of a backup lie in dynamodb_item, under an id of the backup's own.
CREATE TABLE dynamodb_backup (
    account_id    TEXT NOT NULL,
    region        TEXT NOT NULL,
    table_name    TEXT NOT NULL,
    label         TEXT NOT NULL,             -- the last part of its ARN, which begins with the time
    name          TEXT NOT NULL,
    kind          TEXT NOT NULL,             -- backups.BackupKind
    holder_id     INTEGER NOT NULL,          -- the id its items have; of a SYSTEM backup its table's
    is_whole      INTEGER NOT NULL,          -- 0 while its items are being copied
    created_ms    INTEGER NOT NULL,
    expires_ms    INTEGER,                   -- of a SYSTEM backup
    items         INTEGER NOT NULL,
    bytes         INTEGER NOT NULL,
    definition    TEXT NOT NULL,             -- of the table, as in dynamodb_table
    PRIMARY KEY (account_id, region, label, table_name)
);
CREATE UNIQUE INDEX dynamodb_backup_by_holder ON dynamodb_backup (holder_id);
CREATE INDEX dynamodb_backup_by_expiry ON dynamodb_backup (expires_ms) WHERE expires_ms IS NOT NULL;

-- Copies under way, each with a chore: of a table into a backup or into a restored table, of a backup into one.
CREATE TABLE dynamodb_copy (
    target_id     INTEGER PRIMARY KEY,
    source_id     INTEGER NOT NULL,
    cut           INTEGER NOT NULL,          -- changes from this moment on are not in the copy
    replayed      INTEGER,                   -- changes up to here are taken back; NULL: items are still being copied
    last          INTEGER                    -- ... and this one is the last to be
);
CREATE INDEX dynamodb_copy_by_source ON dynamodb_copy (source_id);

-- Exports into buckets. Their items lie in dynamodb_item as those of backups do, until they are written.
CREATE TABLE dynamodb_export (
    account_id      TEXT NOT NULL,
    region          TEXT NOT NULL,
    table_name      TEXT NOT NULL,
    label           TEXT NOT NULL,           -- the last part of its ARN, which begins with the time
    table_uuid      TEXT NOT NULL,           -- of the table that had this name
    holder_id       INTEGER NOT NULL,
    status          TEXT NOT NULL,           -- exports.ExportStatus
    caller_arn      TEXT NOT NULL,           -- who asked for it, and with whose rights it is written
    access_key_id   TEXT NOT NULL,
    token           TEXT NOT NULL,           -- the client's, or one of ours
    request         TEXT NOT NULL,           -- JSON
    export_ms       INTEGER NOT NULL,        -- whose state it has
    started_ms      INTEGER NOT NULL,
    ended_ms        INTEGER,                 -- NULL: in progress
    items           INTEGER NOT NULL,        -- once it is completed
    bytes           INTEGER NOT NULL,
    failure_code    TEXT NOT NULL,           -- once it has failed
    failure_message TEXT NOT NULL,
    PRIMARY KEY (account_id, region, label, table_name)
);
CREATE INDEX dynamodb_export_by_token ON dynamodb_export (account_id, region, token);
CREATE INDEX dynamodb_export_in_progress ON dynamodb_export (started_ms) WHERE ended_ms IS NULL;
CREATE INDEX dynamodb_export_by_end ON dynamodb_export (ended_ms) WHERE ended_ms IS NOT NULL;

-- Imports out of buckets, each into a table that it makes.
CREATE TABLE dynamodb_import (
    account_id      TEXT NOT NULL,
    region          TEXT NOT NULL,
    table_name      TEXT NOT NULL,
    label           TEXT NOT NULL,           -- the last part of its ARN, which begins with the time
    table_id        INTEGER NOT NULL,
    table_uuid      TEXT NOT NULL,
    status          TEXT NOT NULL,           -- imports.ImportStatus
    caller_arn      TEXT NOT NULL,           -- who asked for it, and with whose rights it is read
    access_key_id   TEXT NOT NULL,
    token           TEXT NOT NULL,           -- the client's, or one of ours
    request         TEXT NOT NULL,           -- JSON
    started_ms      INTEGER NOT NULL,
    ended_ms        INTEGER,                 -- NULL: in progress
    after_key       TEXT NOT NULL,           -- the last object that has been read to its end
    reading_key     TEXT NOT NULL,           -- the next one, once it was begun,
    records         INTEGER NOT NULL,        -- and what has been read of it
    processed       INTEGER NOT NULL,        -- records
    imported        INTEGER NOT NULL,        -- those that became items
    bytes           INTEGER NOT NULL,
    first_error     TEXT NOT NULL,
    failure_code    TEXT NOT NULL,
    failure_message TEXT NOT NULL,
    PRIMARY KEY (account_id, region, label, table_name)
);
CREATE INDEX dynamodb_import_by_token ON dynamodb_import (account_id, region, token);
CREATE INDEX dynamodb_import_in_progress ON dynamodb_import (started_ms) WHERE ended_ms IS NULL;
CREATE INDEX dynamodb_import_by_end ON dynamodb_import (ended_ms) WHERE ended_ms IS NOT NULL;

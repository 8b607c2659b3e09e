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

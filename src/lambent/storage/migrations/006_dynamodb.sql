-- DynamoDB: tables, their items, and the entries of their secondary indexes.
CREATE TABLE dynamodb_identity (
    next_id       INTEGER NOT NULL           -- ids of tables and indexes are never used twice
);
INSERT INTO dynamodb_identity (next_id) VALUES (1);

CREATE TABLE dynamodb_table (
    table_id      INTEGER PRIMARY KEY,
    account_id    TEXT NOT NULL,
    region        TEXT NOT NULL,
    name          TEXT NOT NULL,
    epoch         INTEGER NOT NULL,          -- grows with every change of the definition; writers compare it
    definition    TEXT NOT NULL,             -- JSON of tables.Definition
    UNIQUE (account_id, region, name)
);

-- What a table or a secondary index holds, kept in the transaction of each write.
CREATE TABLE dynamodb_volume (
    holder_id     INTEGER PRIMARY KEY,       -- a table's or an index's id
    items         INTEGER NOT NULL,
    bytes         INTEGER NOT NULL           -- as AWS counts them
);

-- A row number keeps the bytes of items out of the tree that orders them: a new item costs half as much as it would
-- in a table WITHOUT ROWID, and a change or a read the same.
CREATE TABLE dynamodb_item (
    row_id        INTEGER PRIMARY KEY,
    table_id      INTEGER NOT NULL,
    partition     BLOB NOT NULL,             -- eight bytes of hash, then the encoded partition key
    sort          BLOB NOT NULL,             -- the encoded sort key; empty where the table has none
    item          BLOB NOT NULL,             -- JSON, as it goes over the wire
    size          INTEGER NOT NULL,          -- as AWS counts it
    expires_s     INTEGER                    -- the time to live attribute, where the table has one
);
CREATE UNIQUE INDEX dynamodb_item_by_key ON dynamodb_item (table_id, partition, sort);
CREATE INDEX dynamodb_item_by_expiry ON dynamodb_item (expires_s) WHERE expires_s IS NOT NULL;

CREATE TABLE dynamodb_index_entry (
    index_id        INTEGER NOT NULL,
    partition       BLOB NOT NULL,           -- as of an item, of the index's own key
    sort            BLOB NOT NULL,
    item_partition  BLOB NOT NULL,
    item_sort       BLOB NOT NULL,
    item            BLOB,                    -- the projected attributes; NULL: the whole item, in dynamodb_item
    size            INTEGER NOT NULL,        -- of the projected attributes; 0 where item is NULL
    PRIMARY KEY (index_id, partition, sort, item_partition, item_sort)
) WITHOUT ROWID;

-- Work on whole tables and indexes that goes a portion at a time, in the background.
CREATE TABLE dynamodb_chore (
    chore_id        INTEGER PRIMARY KEY,
    kind            TEXT NOT NULL,           -- chores.ChoreKind
    table_id        INTEGER NOT NULL,
    index_id        INTEGER NOT NULL,        -- 0 where it concerns the table
    partition       BLOB NOT NULL,           -- the last key that is done
    sort            BLOB NOT NULL
);

-- Client request tokens of transactions, remembered for ten minutes.
CREATE TABLE dynamodb_request_token (
    account_id      TEXT NOT NULL,
    region          TEXT NOT NULL,
    token           TEXT NOT NULL,
    digest          BLOB NOT NULL,           -- of the request
    expires_ms      INTEGER NOT NULL,
    PRIMARY KEY (account_id, region, token)
);
CREATE INDEX dynamodb_request_token_by_time ON dynamodb_request_token (expires_ms);

-- Buckets and objects. Keys are the UTF-8 bytes of the name: their order is the order of listings.
CREATE TABLE bucket (
    name                TEXT PRIMARY KEY,
    owner               TEXT NOT NULL,       -- account id
    region              TEXT NOT NULL,
    created_ms          INTEGER NOT NULL,
    ownership           TEXT,                -- ObjectOwnership; NULL: no ownership controls
    acl                 TEXT NOT NULL,       -- grants as JSON; '' means the owner alone
    public_access_block INTEGER,             -- four bits; NULL: no configuration
    policy              TEXT,                -- the document as it was put
    tags                TEXT,                -- JSON
    website             TEXT,                -- JSON
    notification        TEXT                 -- JSON; NULL: changes are not recorded
) WITHOUT ROWID;

CREATE TABLE object (
    bucket             TEXT NOT NULL REFERENCES bucket (name),
    key                BLOB NOT NULL,
    version_id         TEXT NOT NULL,        -- 'null' until buckets are versioned
    size               INTEGER NOT NULL,
    etag               TEXT NOT NULL,        -- without quotes
    modified_ms        INTEGER NOT NULL,
    storage_class      TEXT NOT NULL,
    owner              TEXT NOT NULL,        -- account id
    checksum_algorithm TEXT NOT NULL,
    checksum_type      TEXT NOT NULL,        -- FULL_OBJECT or COMPOSITE
    checksum           TEXT NOT NULL,        -- base64, with '-N' when composite
    acl                TEXT NOT NULL,        -- as in bucket
    tags               TEXT NOT NULL,        -- JSON; '' without tags
    attributes         TEXT NOT NULL,        -- JSON: stored headers and user metadata
    parts              INTEGER NOT NULL,     -- 0 unless it was a multipart upload
    small_blob_id      INTEGER,              -- exactly one of these three says where the bytes are:
    blob_id            TEXT,                 --   a file
    upload_id          TEXT,                 --   the files of the upload's parts, in their order
    PRIMARY KEY (bucket, key)
) WITHOUT ROWID;
CREATE INDEX object_blob ON object (blob_id) WHERE blob_id IS NOT NULL;

-- Bytes of small objects; apart from the index rows, so that listings stay dense.
CREATE TABLE small_blob (
    id   INTEGER PRIMARY KEY,
    data BLOB NOT NULL
);

CREATE TABLE upload (
    bucket             TEXT NOT NULL REFERENCES bucket (name),
    key                BLOB NOT NULL,
    upload_id          TEXT NOT NULL,
    initiated_ms       INTEGER NOT NULL,
    storage_class      TEXT NOT NULL,
    owner              TEXT NOT NULL,
    checksum_algorithm TEXT NOT NULL,
    checksum_type      TEXT NOT NULL,
    acl                TEXT NOT NULL,
    tags               TEXT NOT NULL,
    attributes         TEXT NOT NULL,
    PRIMARY KEY (bucket, key, upload_id)
) WITHOUT ROWID;

-- Parts of uploads in progress and of the objects they became; completing moves no bytes.
CREATE TABLE part (
    upload_id   TEXT NOT NULL,
    part_number INTEGER NOT NULL,
    size        INTEGER NOT NULL,
    etag        TEXT NOT NULL,
    modified_ms INTEGER NOT NULL,
    checksum    TEXT NOT NULL,
    blob_id     TEXT NOT NULL,
    start       INTEGER NOT NULL,            -- offset in the object, set when the upload is completed
    PRIMARY KEY (upload_id, part_number)
) WITHOUT ROWID;
CREATE INDEX part_blob ON part (blob_id);

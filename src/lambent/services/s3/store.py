"""The SQL of buckets, objects and uploads.

Every function that replaces or removes an object returns the ids of the files that no row refers to any more: the
caller deletes them after the commit, and a crash in between leaves them to the sweep at start.
"""

# ruff: noqa: S608 - nothing but the column lists below is ever put into a statement
from collections.abc import Sequence

from lambent.services.s3.notifications import NotificationConfiguration
from lambent.services.s3.records import Bucket, Listed, Part, Place, StoredObject, Upload
from lambent.storage.transaction import Transaction

_BUCKET = "name, owner, region, created_ms, ownership, acl, public_access_block, policy, tags, website, notification"
_OBJECT = (
    "key, version_id, size, etag, modified_ms, storage_class, owner, checksum_algorithm, checksum_type, checksum, acl, "
    "tags, attributes, parts, small_blob_id, blob_id, upload_id"
)
_UPLOAD = "key, upload_id, initiated_ms, storage_class, owner, checksum_algorithm, checksum_type, acl, tags, attributes"
_PART = "part_number, size, etag, modified_ms, checksum, blob_id, start"

# On the path of every request: composed once.
_FIND_BUCKET = f"SELECT {_BUCKET} FROM bucket WHERE name = ?"
_FIND_OBJECT = f"SELECT {_OBJECT} FROM object WHERE bucket = ? AND key = ?"
_FIND_OBJECT_AND_DATA = (
    f"SELECT {_OBJECT}, (SELECT data FROM small_blob WHERE id = object.small_blob_id) "
    "FROM object WHERE bucket = ? AND key = ?"
)
_INSERT_OBJECT = f"INSERT INTO object ({_OBJECT}, bucket) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"


# --- buckets


def insert_bucket(tx: Transaction, bucket: Bucket) -> None:
    tx.execute(
        "INSERT INTO bucket (name, owner, region, created_ms, ownership, acl, public_access_block, policy, tags, "
        "website, notification) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        bucket,
    )


def find_bucket(tx: Transaction, name: str) -> Bucket | None:
    row = tx.row(_FIND_BUCKET, (name,))
    return Bucket._make(row) if row else None


def list_buckets(tx: Transaction, *, owner: str, prefix: str, after: str, limit: int) -> list[Bucket]:
    return [
        Bucket._make(row)
        for row in tx.rows(
            f"SELECT {_BUCKET} FROM bucket WHERE owner = ? AND name >= ? AND name < ? AND name > ? "
            "ORDER BY name LIMIT ?",
            (owner, prefix, prefix + "\x7f", after, limit),
        )
    ]


def update_bucket_acl(tx: Transaction, name: str, acl: str) -> None:
    tx.execute("UPDATE bucket SET acl = ? WHERE name = ?", (acl, name))


def update_bucket_ownership(tx: Transaction, name: str, ownership: str | None) -> None:
    tx.execute("UPDATE bucket SET ownership = ? WHERE name = ?", (ownership, name))


def update_public_access_block(tx: Transaction, name: str, bits: int | None) -> None:
    tx.execute("UPDATE bucket SET public_access_block = ? WHERE name = ?", (bits, name))


def update_bucket_policy(tx: Transaction, name: str, policy: str | None) -> None:
    tx.execute("UPDATE bucket SET policy = ? WHERE name = ?", (policy, name))


def update_bucket_tags(tx: Transaction, name: str, tags: str | None) -> None:
    tx.execute("UPDATE bucket SET tags = ? WHERE name = ?", (tags, name))


def update_bucket_website(tx: Transaction, name: str, website: str | None) -> None:
    tx.execute("UPDATE bucket SET website = ? WHERE name = ?", (website, name))


def update_bucket_notification(tx: Transaction, name: str, notification: str | None) -> None:
    tx.execute("UPDATE bucket SET notification = ? WHERE name = ?", (notification, name))


def notification_configuration(tx: Transaction, bucket: str) -> NotificationConfiguration | None:
    """None if the bucket is gone or was never configured."""
    row = tx.row("SELECT notification FROM bucket WHERE name = ?", (bucket,))
    return NotificationConfiguration.from_text(row[0]) if row and row[0] else None


def bucket_has_objects(tx: Transaction, name: str) -> bool:
    return tx.row("SELECT 1 FROM object WHERE bucket = ? LIMIT 1", (name,)) is not None


def delete_bucket(tx: Transaction, name: str) -> list[str]:
    """An empty one; uploads in progress end with it. Returns orphaned blob ids."""
    orphans: list[str] = []
    for (upload_id,) in tx.rows("DELETE FROM upload WHERE bucket = ? RETURNING upload_id", (name,)):
        orphans += _delete_parts(tx, upload_id)
    tx.execute("DELETE FROM bucket WHERE name = ?", (name,))
    return orphans


# --- objects


def find_object(tx: Transaction, bucket: str, key: bytes) -> StoredObject | None:
    row = tx.row(_FIND_OBJECT, (bucket, key))
    return StoredObject._make(row) if row else None


def find_object_and_data(tx: Transaction, bucket: str, key: bytes) -> tuple[StoredObject | None, bytes | None]:
    """The object, and its bytes if it is a small one: in one statement, which is one snapshot."""
    row = tx.row(_FIND_OBJECT_AND_DATA, (bucket, key))
    return (StoredObject._make(row[:-1]), row[-1]) if row else (None, None)


def find_place(tx: Transaction, bucket: str) -> Place | None:
    row = tx.row("SELECT owner, region, notification IS NOT NULL FROM bucket WHERE name = ?", (bucket,))
    return Place._make(row) if row else None


def put_object(
    tx: Transaction, bucket: str, stored: StoredObject, *, replacing: StoredObject | None, data: bytes | None
) -> list[str]:
    """Make the object visible in place of `replacing` (what `find_object` gave); `data` if it is small.

    Returns orphaned blob ids.
    """
    if data is not None:
        inserted = tx.row("INSERT INTO small_blob (data) VALUES (?) RETURNING id", (data,))
        assert inserted is not None
        stored = stored._replace(small_blob_id=inserted[0])
    if replacing is None:
        tx.execute(_INSERT_OBJECT, (*stored, bucket))
        return []
    tx.execute(
        "UPDATE object SET version_id = ?, size = ?, etag = ?, modified_ms = ?, storage_class = ?, owner = ?, "
        "checksum_algorithm = ?, checksum_type = ?, checksum = ?, acl = ?, tags = ?, attributes = ?, parts = ?, "
        "small_blob_id = ?, blob_id = ?, upload_id = ? WHERE bucket = ? AND key = ?",
        (*stored[1:], bucket, stored.key),
    )
    return _delete_content(tx, replacing)


def delete_object(tx: Transaction, bucket: str, stored: StoredObject) -> list[str]:
    """Returns orphaned blob ids."""
    tx.execute("DELETE FROM object WHERE bucket = ? AND key = ?", (bucket, stored.key))
    return _delete_content(tx, stored)


def update_object_tags(tx: Transaction, bucket: str, key: bytes, tags: str) -> None:
    tx.execute("UPDATE object SET tags = ? WHERE bucket = ? AND key = ?", (tags, bucket, key))


def update_object_acl(tx: Transaction, bucket: str, key: bytes, acl: str) -> None:
    tx.execute("UPDATE object SET acl = ? WHERE bucket = ? AND key = ?", (acl, bucket, key))


def list_objects(tx: Transaction, bucket: str, *, start: bytes, end: bytes, limit: int) -> list[Listed]:
    """Keys from `start` (included) up to `end` (excluded), in order."""
    return [
        Listed._make(row)
        for row in tx.rows(
            "SELECT key, size, etag, modified_ms, storage_class, owner, checksum_algorithm, checksum_type "
            "FROM object WHERE bucket = ? AND key >= ? AND key < ? ORDER BY key LIMIT ?",
            (bucket, start, end, limit),
        )
    ]


def small_blob(tx: Transaction, small_blob_id: int) -> bytes | None:
    row = tx.row("SELECT data FROM small_blob WHERE id = ?", (small_blob_id,))
    return row[0] if row else None


def blob_is_live(tx: Transaction, blob_id: str) -> bool:
    """Whether an object or a part refers to the file."""
    return (
        tx.row("SELECT 1 FROM object WHERE blob_id = ?", (blob_id,)) is not None
        or tx.row("SELECT 1 FROM part WHERE blob_id = ? LIMIT 1", (blob_id,)) is not None
    )


# --- multipart uploads


def insert_upload(tx: Transaction, bucket: str, upload: Upload) -> None:
    tx.execute(f"INSERT INTO upload ({_UPLOAD}, bucket) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", (*upload, bucket))


def find_upload(tx: Transaction, bucket: str, key: bytes, upload_id: str) -> Upload | None:
    row = tx.row(
        f"SELECT {_UPLOAD} FROM upload WHERE bucket = ? AND key = ? AND upload_id = ?", (bucket, key, upload_id)
    )
    return Upload._make(row) if row else None


def list_uploads(tx: Transaction, bucket: str, *, start: tuple[bytes, str], end: bytes, limit: int) -> list[Upload]:
    """Uploads after the pair (key, upload id) and before the key `end`, in order."""
    return [
        Upload._make(row)
        for row in tx.rows(
            f"SELECT {_UPLOAD} FROM upload WHERE bucket = ? AND (key, upload_id) > (?, ?) AND key < ? "
            "ORDER BY key, upload_id LIMIT ?",
            (bucket, *start, end, limit),
        )
    ]


def put_part(tx: Transaction, upload_id: str, part: Part) -> list[str]:
    """Returns the blob id of the part it replaces."""
    replaced = tx.rows(
        "SELECT blob_id FROM part WHERE upload_id = ? AND part_number = ?", (upload_id, part.part_number)
    )
    tx.execute(
        f"INSERT INTO part ({_PART}, upload_id) VALUES (?, ?, ?, ?, ?, ?, ?, ?) "
        "ON CONFLICT (upload_id, part_number) DO UPDATE SET size = excluded.size, etag = excluded.etag, "
        "modified_ms = excluded.modified_ms, checksum = excluded.checksum, blob_id = excluded.blob_id",
        (*part, upload_id),
    )
    return [blob_id for (blob_id,) in replaced]


def list_parts(tx: Transaction, upload_id: str, *, after: int = 0, limit: int = 10_000) -> list[Part]:
    return [
        Part._make(row)
        for row in tx.rows(
            f"SELECT {_PART} FROM part WHERE upload_id = ? AND part_number > ? ORDER BY part_number LIMIT ?",
            (upload_id, after, limit),
        )
    ]


def parts_between(tx: Transaction, upload_id: str, first: int, last: int) -> list[Part]:
    """The parts of a finished object that hold the bytes from offset `first` to `last`, both included."""
    return [
        Part._make(row)
        for row in tx.rows(
            f"SELECT {_PART} FROM part WHERE upload_id = ? AND start <= ? AND start + size > ? ORDER BY part_number",
            (upload_id, last, first),
        )
    ]


def part_at(tx: Transaction, upload_id: str, ordinal: int) -> Part | None:
    """The part in place `ordinal` (from 1) of a finished object, whatever number it was uploaded under."""
    row = tx.row(
        f"SELECT {_PART} FROM part WHERE upload_id = ? ORDER BY part_number LIMIT 1 OFFSET ?",
        (upload_id, ordinal - 1),
    )
    return Part._make(row) if row else None


def delete_upload(tx: Transaction, bucket: str, key: bytes, upload_id: str) -> None:
    """The upload alone; its parts go to an object (`keep_parts`) or away (`delete_parts`)."""
    tx.execute("DELETE FROM upload WHERE bucket = ? AND key = ? AND upload_id = ?", (bucket, key, upload_id))


def delete_parts(tx: Transaction, upload_id: str) -> list[str]:
    """Returns orphaned blob ids."""
    return _delete_parts(tx, upload_id)


def keep_parts(tx: Transaction, upload_id: str, parts: Sequence[Part]) -> list[str]:
    """Give the parts their offsets and drop the ones that are not among them; returns orphaned blob ids."""
    kept = {part.part_number for part in parts}
    dropped = [part for part in list_parts(tx, upload_id) if part.part_number not in kept]
    tx.execute_many(
        "DELETE FROM part WHERE upload_id = ? AND part_number = ?",
        [(upload_id, part.part_number) for part in dropped],
    )
    tx.execute_many(
        "UPDATE part SET start = ? WHERE upload_id = ? AND part_number = ?",
        [(part.start, upload_id, part.part_number) for part in parts],
    )
    return [part.blob_id for part in dropped]


def _delete_content(tx: Transaction, stored: StoredObject) -> list[str]:
    if stored.small_blob_id is not None:
        tx.execute("DELETE FROM small_blob WHERE id = ?", (stored.small_blob_id,))
        return []
    if stored.blob_id is not None:
        return [stored.blob_id]
    assert stored.upload_id is not None
    return _delete_parts(tx, stored.upload_id)


def _delete_parts(tx: Transaction, upload_id: str) -> list[str]:
    return [blob_id for (blob_id,) in tx.rows("DELETE FROM part WHERE upload_id = ? RETURNING blob_id", (upload_id,))]

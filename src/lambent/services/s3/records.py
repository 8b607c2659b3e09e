"""What the store keeps: buckets, objects, uploads and parts, as rows.

Named tuples rather than dataclasses, for these are made of every row read and on the path of every request. Texts that
only one module understands (ACLs, tags, website) stay as they were stored until that module is asked.
"""

from typing import NamedTuple

NULL_VERSION = "null"
FULL_OBJECT = "FULL_OBJECT"
COMPOSITE = "COMPOSITE"


class Bucket(NamedTuple):
    name: str
    owner: str
    """Account id."""
    region: str
    created_ms: int
    ownership: str | None
    """AWS's ObjectOwnership; None without ownership controls."""
    acl: str
    public_access_block: int | None
    policy: str | None
    tags: str | None
    website: str | None
    notification: str | None


class StoredObject(NamedTuple):
    key: bytes
    version_id: str
    size: int
    etag: str
    modified_ms: int
    storage_class: str
    owner: str
    checksum_algorithm: str
    checksum_type: str
    checksum: str
    acl: str
    tags: str
    attributes: str
    """JSON by the API's own member names: stored headers and `Metadata`; nobody below the API looks inside."""
    parts: int
    small_blob_id: int | None
    blob_id: str | None
    upload_id: str | None


class Place(NamedTuple):
    """What a change of an object needs to know of its bucket."""

    owner: str
    region: str
    is_notified: bool
    """Whether the bucket has a notification configuration."""


class Upload(NamedTuple):
    key: bytes
    upload_id: str
    initiated_ms: int
    storage_class: str
    owner: str
    checksum_algorithm: str
    checksum_type: str
    acl: str
    tags: str
    attributes: str


class Part(NamedTuple):
    part_number: int
    size: int
    etag: str
    modified_ms: int
    checksum: str
    blob_id: str
    start: int = 0
    """Offset in the finished object."""


class Listed(NamedTuple):
    """What a listing tells of an object."""

    key: bytes
    size: int
    etag: str
    modified_ms: int
    storage_class: str
    owner: str
    checksum_algorithm: str
    checksum_type: str

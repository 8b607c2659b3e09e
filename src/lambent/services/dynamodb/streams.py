"""Streams: what a change record says, how shards are named and numbered, and when one closes.

A stream has several shards; an item belongs to the one whose range holds its partition key's hash, so all changes of
one item, and of all items with one partition key, stand in order. A shard closes when it is full or old, and children
follow: two halves of its range if it was full and the stream has few shards, otherwise one. AWS promises neither
number nor sizes ("Developer Guide", "Reading and processing a stream"): a shard's life of about four hours is theirs,
the rest is ours. `stream_store` keeps all this, `stream_operations` serves it, event source mappings consume it.
"""

import hashlib
import itertools
from collections.abc import Mapping
from typing import Any

from lambent.kit.frozen import frozen
from lambent.services.dynamodb.keys import KeySchema
from lambent.services.dynamodb.names import TableKey, table_arn
from lambent.services.dynamodb.sizes import item_size
from lambent.services.dynamodb.stored_items import StoredItem
from lambent.services.dynamodb.values import Item, equal

#: Developer Guide, "Data retention limit for DynamoDB Streams": "All data in DynamoDB Streams is subject to a 24-hour
#: lifetime." It holds for streams that were disabled as well.
RETENTION_MS = 24 * 3_600_000
#: Shards of a new stream.
FIRST_SHARDS = 4
#: A full shard is not halved any more where a stream has so many open ones.
MAX_OPEN_SHARDS = 16
#: A shard is full.
MAX_SHARD_RECORDS = 10_000
#: A shard is old: at AWS they roll over every four hours or so.
MAX_SHARD_AGE_MS = 4 * 3_600_000

_HASHES = 2**32
_HASH_BYTES = 4
#: Sequence numbers are the shard's opening time and so many digits of position: 25 digits (the model wants 21 to 40).
_POSITION_DIGITS = 12
_POSITIONS: int = 10**_POSITION_DIGITS

_EXPIRY_PRINCIPAL = "dynamodb.amazonaws.com"
#: `userIdentity` of what time to live has deleted, as functions and Kinesis data streams get it.
EXPIRY_IDENTITY = {"type": "Service", "principalId": _EXPIRY_PRINCIPAL}


@frozen
class Stream:
    stream_id: int
    table: TableKey
    label: str
    view_type: str
    schema: KeySchema
    created_ms: int
    closed_ms: int | None
    """When it was disabled; None: enabled."""

    @property
    def arn(self) -> str:
        return f"{table_arn(self.table)}/stream/{self.label}"


@frozen
class HashRange:
    first: int
    last: int
    """Included."""


@frozen
class Shard:
    stream_id: int
    shard_id: str
    parent_id: str | None
    """None: there was none. A parent may have been trimmed and be gone."""
    hashes: HashRange
    opened_ms: int
    """No other shard of the stream has the same, and its ancestors an earlier one."""
    closed_ms: int | None
    trimmed: int
    """Records up to this position are gone."""
    view_type: str

    @property
    def is_closed(self) -> bool:
        return self.closed_ms is not None


@frozen
class ItemChange:
    """What a write did to one item."""

    partition: bytes
    """The encoded partition key behind its hash, as stored."""
    keys: Item
    old: StoredItem | None
    new: StoredItem | None
    time_ms: int
    is_expiry: bool = False
    """It was time to live that deleted the item."""
    trace: str = ""
    """The trace header of the request; it is kept, and no answer shows it."""

    def is_empty(self) -> bool:
        """Developer Guide, "Change data capture for DynamoDB Streams": a write that changes nothing has no record."""
        if self.old is None or self.new is None:
            return self.old is self.new
        return self.old.size == self.new.size and equal({"M": self.old.item}, {"M": self.new.item})


@frozen
class StreamRecord:
    """A change record as it is read. Images are there where the stream's view type has them."""

    position: int
    sequence_number: str
    time_ms: int
    name: str
    """INSERT, MODIFY or REMOVE."""
    keys: Item
    """The partition key first."""
    new: Item | None
    old: Item | None
    size_bytes: int
    is_expiry: bool
    view_type: str
    trace: str = ""
    """The trace header of the write; "" if it had none."""


def hash_of(partition: bytes) -> int:
    return int.from_bytes(partition[:_HASH_BYTES])


def first_ranges() -> list[HashRange]:
    """The shards of a new stream."""
    return _divide(HashRange(0, _HASHES - 1), FIRST_SHARDS)


def is_over(*, opened_ms: int, records: int, now_ms: int) -> bool:
    """Does a shard with so many records close now?"""
    return records >= MAX_SHARD_RECORDS or now_ms - opened_ms >= MAX_SHARD_AGE_MS


def child_ranges(hashes: HashRange, *, records: int, open_shards: int) -> list[HashRange]:
    is_halved = records >= MAX_SHARD_RECORDS and open_shards < MAX_OPEN_SHARDS and hashes.first < hashes.last
    return _divide(hashes, 2) if is_halved else [hashes]


def shard_id_of(opened_ms: int, hashes: HashRange) -> str:
    return f"shardId-{opened_ms:020d}-{hashes.first:08x}"


def sequence_number_of(opened_ms: int, position: int) -> str:
    """Unique in a stream; they order as numbers within a shard, and from a shard to its descendants."""
    return f"{opened_ms}{position:0{_POSITION_DIGITS}d}"


def position_of(opened_ms: int, sequence_number: int) -> int:
    """Where in the shard that opened then a sequence number is; below 1 if it is an ancestor's."""
    return sequence_number - opened_ms * _POSITIONS


def payload_of(change: ItemChange, view_type: str) -> dict[str, Any]:
    """What is kept of a change that is not empty.

    `size` is SizeBytes: the keys and the images that the view type has (the record in the API Reference, GetRecords,
    adds up so).
    """
    old, new = change.old, change.new
    payload: dict[str, Any] = {"name": _event_name(old, new), "keys": change.keys}
    size = item_size(change.keys)
    if new is not None and view_type in ("NEW_IMAGE", "NEW_AND_OLD_IMAGES"):
        payload["new"] = new.fragment
        size += new.size
    if old is not None and view_type in ("OLD_IMAGE", "NEW_AND_OLD_IMAGES"):
        payload["old"] = old.fragment
        size += old.size
    payload["size"] = size
    if change.is_expiry:
        payload["expiry"] = True
    if change.trace:
        payload["trace"] = change.trace
    return payload


def record_of(shard: Shard, *, position: int, time_ms: int, payload: Mapping[str, Any]) -> StreamRecord:
    return StreamRecord(
        position=position,
        sequence_number=sequence_number_of(shard.opened_ms, position),
        time_ms=time_ms,
        name=payload["name"],
        keys=payload["keys"],
        new=payload.get("new"),
        old=payload.get("old"),
        size_bytes=payload["size"],
        is_expiry=payload.get("expiry", False),
        view_type=shard.view_type,
        trace=payload.get("trace", ""),
    )


def to_api_record(record: StreamRecord, stream_arn: str, region: str) -> dict[str, Any]:
    """As GetRecords returns it."""
    shaped = _to_record(record, stream_arn, region)
    if record.is_expiry:
        shaped["userIdentity"] = {"PrincipalId": _EXPIRY_PRINCIPAL, "Type": "Service"}
    return shaped


def to_event_record(record: StreamRecord, stream_arn: str, region: str) -> dict[str, Any]:
    """As a function receives it (Lambda Developer Guide, "Process Amazon DynamoDB records with Lambda")."""
    shaped = _to_record(record, stream_arn, region)
    if record.is_expiry:
        shaped["userIdentity"] = EXPIRY_IDENTITY
    shaped["eventSourceARN"] = stream_arn
    return shaped


def _to_record(record: StreamRecord, stream_arn: str, region: str) -> dict[str, Any]:
    change: dict[str, Any] = {
        # "rounded down to the closest second" (API Reference, StreamRecord)
        "ApproximateCreationDateTime": record.time_ms // 1000,
        "Keys": record.keys,
    }
    if record.new is not None:
        change["NewImage"] = record.new
    if record.old is not None:
        change["OldImage"] = record.old
    change["SequenceNumber"] = record.sequence_number
    change["SizeBytes"] = record.size_bytes
    change["StreamViewType"] = record.view_type
    return {
        "eventID": _event_id(stream_arn, record.sequence_number),
        "eventName": record.name,
        "eventVersion": "1.1",
        "eventSource": "aws:dynamodb",
        "awsRegion": region,
        "dynamodb": change,
    }


def _event_id(stream_arn: str, sequence_number: str) -> str:
    """The same at every reading."""
    return hashlib.blake2b(f"{stream_arn}/{sequence_number}".encode(), digest_size=16).hexdigest()


def _event_name(old: StoredItem | None, new: StoredItem | None) -> str:
    if old is None:
        return "INSERT"
    return "REMOVE" if new is None else "MODIFY"


def _divide(hashes: HashRange, parts: int) -> list[HashRange]:
    width = hashes.last - hashes.first + 1
    edges = [hashes.first + width * part // parts for part in range(parts + 1)]
    return [HashRange(first, after - 1) for first, after in itertools.pairwise(edges)]

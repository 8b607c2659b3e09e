"""Placement: what a request to put a record means for a stream: which shard, which bytes in its log."""

from collections.abc import Mapping
from typing import Any

from lambent.kit.frozen import frozen
from lambent.kit.ids import Ids
from lambent.services.kinesis import hash_keys, records
from lambent.services.kinesis.errors import InvalidArgument
from lambent.services.kinesis.shards import Shard
from lambent.services.kinesis.streams import Distribution, StreamView


@frozen
class Placed:
    shard: Shard
    payload: bytes
    size_bytes: int
    """As AWS counts: partition key and data."""


def place(view: StreamView, entry: Mapping[str, Any], trace: str, ids: Ids) -> Placed:
    """Raises InvalidArgument."""
    settings = view.stream.settings
    data: bytes = entry["Data"]
    key: str | None = entry.get("PartitionKey")
    explicit: int | None = None
    if settings.distribution is Distribution.AUTO:
        hash_key = hash_keys.hash_of(ids.uuid())
    elif key is None:
        raise InvalidArgument(f"PartitionKey must be provided for records of stream {view.stream.key.name}.")
    elif "ExplicitHashKey" in entry:
        hash_key = explicit = hash_keys.explicit(entry["ExplicitHashKey"])
    else:
        hash_key = hash_keys.hash_of(key)
    if len(key or "") > records.MAX_KEY_CHARACTERS:
        raise InvalidArgument(f"PartitionKey must have at most {records.MAX_KEY_CHARACTERS} characters.")
    size = len(data) + len((key or "").encode())
    if size > settings.max_record_kib * 1024:
        raise InvalidArgument(
            f"Record of {size} bytes exceeds the maximum record size of stream {view.stream.key.name}: "
            f"{settings.max_record_kib} KiB, partition key and data together."
        )
    payload = records.pack(key, data, explicit_hash=explicit, is_encrypted=bool(settings.key_id), trace=trace)
    return Placed(view.owner_of(hash_key), payload, size)

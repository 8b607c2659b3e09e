"""Records as they lie in a shard's log: a fixed head, the partition key, the trace header, the data.

    flags u8 | length of the key u16 | length of the trace u16 | hash key (16 bytes, if explicit) | key | trace | data

The arrival time is the log's own column, the sequence number follows from the position.
"""

import struct
from typing import NamedTuple

_HEAD = struct.Struct(">BHH")
_HEAD_BYTES = _HEAD.size
_HASH_BYTES = 16
_EXPLICIT, _ENCRYPTED, _KEYLESS = 1, 2, 4

#: API Reference, PutRecord and UpdateMaxRecordSize: of partition key and data together.
DEFAULT_MAX_KIB = 1024
#: API Reference, PutRecords: "up to a limit of 10 MiB for the entire request, including partition keys".
MAX_REQUEST_BYTES = 10 * 1024 * 1024
#: API Reference, PutRecord: "Partition keys are Unicode strings, with a maximum length limit of 256 characters".
MAX_KEY_CHARACTERS = 256
#: Beside the data in a payload, at most: the head, a hash, a key, a trace header.
OVERHEAD_BYTES = _HEAD_BYTES + _HASH_BYTES + 4 * MAX_KEY_CHARACTERS + 512


class Record(NamedTuple):
    partition_key: str | None
    """None: a stream that distributes records by itself was given none."""
    data: bytes
    explicit_hash: int | None
    is_encrypted: bool
    """KMS encryption was on when it was written: AWS says so with every record."""
    trace: str


def pack(
    partition_key: str | None,
    data: bytes,
    *,
    explicit_hash: int | None = None,
    is_encrypted: bool = False,
    trace: str = "",
) -> bytes:
    key, header = (partition_key or "").encode(), trace.encode()
    flags = (_ENCRYPTED if is_encrypted else 0) | (_KEYLESS if partition_key is None else 0)
    if explicit_hash is None:
        return _HEAD.pack(flags, len(key), len(header)) + key + header + data
    return b"".join(
        (_HEAD.pack(flags | _EXPLICIT, len(key), len(header)), explicit_hash.to_bytes(_HASH_BYTES), key, header, data)
    )


def read(payload: bytes) -> tuple[str | None, bytes, bool]:
    """Partition key, data and whether it is encrypted: what a reader is told. A page has thousands of these."""
    flags, key_length, trace_length = _HEAD.unpack_from(payload)
    if not flags and not trace_length:  # nearly always
        end = _HEAD_BYTES + key_length
        return payload[_HEAD_BYTES:end].decode(), payload[end:], False
    record = unpack(payload)
    return record.partition_key, record.data, record.is_encrypted


def unpack(payload: bytes) -> Record:
    flags, key_length, trace_length = _HEAD.unpack_from(payload)
    if not flags and not trace_length:  # nearly always
        end = _HEAD_BYTES + key_length
        return Record(payload[_HEAD_BYTES:end].decode(), payload[end:], None, False, "")
    at = _HEAD_BYTES
    explicit_hash = None
    if flags & _EXPLICIT:
        explicit_hash = int.from_bytes(payload[at : at + _HASH_BYTES])
        at += _HASH_BYTES
    key_end = at + key_length
    trace_end = key_end + trace_length
    return Record(
        None if flags & _KEYLESS else payload[at:key_end].decode(),
        payload[trace_end:],
        explicit_hash,
        bool(flags & _ENCRYPTED),
        payload[key_end:trace_end].decode(),
    )

"""Records as they go to a function: each written as JSON once, joined to an event with what the window adds."""

import hashlib
from collections.abc import Sequence
from typing import Any

import orjson

from lambent.delivery.event_source_mappings.sources import SourceRecord
from lambent.kit import trace
from lambent.kit.frozen import frozen


@frozen
class PreparedRecord:
    position: int
    time_ms: int
    sequence_number: str
    body: bytes
    """The event record as JSON."""
    trace: str = ""
    """The trace header of what brought it."""


def prepare(record: SourceRecord) -> PreparedRecord:
    return PreparedRecord(
        record.position, record.time_ms, record.sequence_number, orjson.dumps(record.event), record.trace
    )


def trace_of(records: Sequence[PreparedRecord], source_arn: str) -> str:
    """The trace that a batch goes on with: its first record's that has one; else one that is the same at each attempt.

    "" if there are no records: the end of a window.
    """
    found = next((record.trace for record in records if record.trace), "")
    if found or not records:
        return found
    first = records[0]
    digest = hashlib.sha256(f"{source_arn} {first.sequence_number}".encode()).hexdigest()
    return trace.begin(digest, first.time_ms / 1000)


#: What stands around the records, generously.
ENVELOPE_BYTES = 64


def event(records: Sequence[PreparedRecord], extra: dict[str, Any] | None = None) -> bytes:
    """`{"Records": [...]}`, with the members of `extra` behind."""
    joined = b'{"Records":[' + b",".join([record.body for record in records]) + b"]"
    return joined + b"," + orjson.dumps(extra)[1:] if extra else joined + b"}"

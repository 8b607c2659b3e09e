"""Batches of a queue: what a function is to see, what fits, and which messages are done with after an invocation.

Filters and partial responses: https://docs.aws.amazon.com/lambda/latest/dg/invocation-eventfiltering.html and
https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html. A message that is not done with stays in
the queue, invisible until its timeout runs out.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from lambent.delivery.event_source_mappings.filters import IsWanted
from lambent.delivery.event_source_mappings.records import ENVELOPE_BYTES
from lambent.kit.frozen import frozen
from lambent.services.lambda_.payloads import MAX_SYNC_BYTES

MAX_BATCH_BYTES = MAX_SYNC_BYTES - ENVELOPE_BYTES


@frozen
class QueuedMessage:
    """A message that was received for a function."""

    box_id: int
    position: int
    receive_count: int
    message_id: str
    group_id: str
    """Of a FIFO queue, else ""."""
    trace: str
    """The header it came with, or one that is the same at every attempt with this message."""
    record: bytes
    """The event record as JSON."""


def is_wanted(matches: IsWanted | None, record: Mapping[str, Any]) -> bool:
    """Patterns look into a body that is a JSON object; a pattern for an object never matches another body."""
    if matches is None:
        return True
    return matches({**record, "body": _body_seen(record["body"])})


def _body_seen(body: str) -> Any:
    if not body.lstrip().startswith("{"):
        return body
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        return body


def to_json(record: Mapping[str, Any]) -> bytes:
    return orjson.dumps(record)


def fitting(messages: Sequence[QueuedMessage], max_messages: int, max_bytes: int = MAX_BATCH_BYTES) -> int:
    """How many of the first make up one batch; at least one, if there is one."""
    total = 0
    for count, message in enumerate(messages[:max_messages]):
        total += len(message.record) + 1
        if total > max_bytes and count:
            return count
    return min(len(messages), max_messages)


def event(messages: Sequence[QueuedMessage]) -> bytes:
    return b'{"Records":[' + b",".join([message.record for message in messages]) + b"]}"


def handled(messages: Sequence[QueuedMessage], payload: bytes, *, reports_item_failures: bool) -> list[QueuedMessage]:
    """Those that are done with, after an invocation without a function error.

    Of a FIFO queue's group, nothing behind the first that failed is: otherwise its order would be lost.
    """
    if not reports_item_failures:
        return list(messages)
    failed = _failed(payload, {message.message_id for message in messages})
    if failed is None:
        return []
    stopped: set[str] = set()
    done = []
    for message in messages:
        if message.message_id in failed:
            stopped.add(message.group_id)
        if message.message_id not in failed and not (message.group_id and message.group_id in stopped):
            done.append(message)
    return done


def _failed(payload: bytes, known: set[str]) -> set[str] | None:
    """Message ids of `batchItemFailures`; None: the response makes no sense, which counts as a complete failure."""
    try:
        document = orjson.loads(payload) if payload else None
    except orjson.JSONDecodeError:
        return None
    if document is None:
        return set()
    if not isinstance(document, Mapping):
        return None
    failures = document.get("batchItemFailures")
    if failures is None:
        return set()
    if not isinstance(failures, list):
        return None
    ids = {one.get("itemIdentifier") if isinstance(one, Mapping) else None for one in failures}
    return {one for one in ids if isinstance(one, str)} if ids <= known else None


def prospect(left: int, count: int) -> str:
    """For people: what becomes of messages that the function did not handle."""
    which = "the message comes" if count == 1 else f"{left} of {count} messages come"
    return f"{which} again when the visibility timeout is over"

"""Batches of up to ten entries: what is wrong with one as a whole, and how single failures are told."""

import re
from collections.abc import Sequence
from typing import Any

from lambent.services.sqs.errors import (
    BatchEntryIdsNotDistinct,
    BatchRequestTooLong,
    EmptyBatchRequest,
    InvalidBatchEntryId,
    TooManyEntriesInBatchRequest,
)
from lambent.services.sqs.queues import MAX_MESSAGE_BYTES
from lambent.wire.errors import ServiceError

MAX_ENTRIES = 10

_ID = re.compile(r"[A-Za-z0-9_-]{1,80}\Z")

Entry = dict[str, Any]


def check_entries(entries: Sequence[Entry], kind: str) -> None:
    """`kind` is what AWS calls one. Raises ServiceError."""
    if not entries:
        raise EmptyBatchRequest(kind)
    if len(entries) > MAX_ENTRIES:
        raise TooManyEntriesInBatchRequest(
            f"Maximum number of entries per request are {MAX_ENTRIES}. You have sent {len(entries)}."
        )
    seen: set[str] = set()
    for entry in entries:
        entry_id = entry["Id"]
        if not _ID.match(entry_id):
            raise InvalidBatchEntryId(
                "A batch entry id can only contain alphanumeric characters, hyphens and underscores. It can be at most "
                "80 letters long."
            )
        if entry_id in seen:
            raise BatchEntryIdsNotDistinct(f"Id {entry_id} repeated.")
        seen.add(entry_id)


def check_size(sizes: Sequence[int]) -> None:
    """Raises BatchRequestTooLong."""
    total = sum(sizes)
    if total > MAX_MESSAGE_BYTES:
        raise BatchRequestTooLong(
            f"Batch requests cannot be longer than {MAX_MESSAGE_BYTES} bytes. You have sent {total} bytes."
        )


def failure(entry_id: str, error: ServiceError) -> Entry:
    """A BatchResultErrorEntry."""
    return {
        "Id": entry_id,
        "SenderFault": error.is_client_fault,
        "Code": error.query_code or error.code,
        "Message": error.message,
    }

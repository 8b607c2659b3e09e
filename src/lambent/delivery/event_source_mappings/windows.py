"""Tumbling windows: records of one stretch of time are summed up over several invocations, which hand on a state.

"Implementing stateful DynamoDB stream processing in Lambda",
https://docs.aws.amazon.com/lambda/latest/dg/services-ddb-windows.html. A record belongs to the window its arrival falls
into; one that comes when its window has ended belongs to the next. A window ends with an invocation of its own,
without records; retries of that are limited as all others, and by default go on until it succeeds. A state beyond 1 MB
ends the window early: the function is invoked as at the end, and goes on in the same window with an empty state.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import orjson

from lambent.delivery.event_source_mappings.progress import OpenWindow, Progress

MAX_STATE_BYTES = 1024 * 1024

#: What a window adds to an event beside its state, generously.
EVENT_BYTES = 1024


def start_of(time_ms: int, size_ms: int, closed_ms: int) -> int:
    """The beginning of the window that a record of that time belongs to."""
    return max(time_ms - time_ms % size_ms, closed_ms)


def belongs(progress: Progress, window_start_ms: int, time_ms: int, size_ms: int) -> bool:
    """Into the window that begins then? What is older does, too: windows are never opened again."""
    return start_of(time_ms, size_ms, progress.windows_closed_ms) <= window_start_ms


def opened(progress: Progress, first_time_ms: int, size_ms: int) -> Progress:
    """With the window of the next record open."""
    if progress.window is not None:
        return progress
    start_ms = start_of(first_time_ms, size_ms, progress.windows_closed_ms)
    return replace(progress, window=OpenWindow(start_ms, size_ms, progress.position))


def ended(progress: Progress) -> Progress:
    """After the invocation that ends the window, or continues it with an empty state."""
    window = progress.window
    assert window is not None
    if window.is_overfull:
        fresh = OpenWindow(window.start_ms, window.size_ms, progress.position)
        return replace(progress, window=fresh)
    return replace(progress, window=None, windows_closed_ms=window.end_ms)


def read_state(payload: bytes) -> str | None:
    """The state a function returned, as JSON; None (a failed invocation) if there is none in its answer.

    Nor is there one of more than 254 levels, which could be read but not be handed on.
    """
    try:
        document = orjson.loads(payload) if payload else None
        if not isinstance(document, Mapping) or "state" not in document:
            return None
        return orjson.dumps(document["state"]).decode()
    except (orjson.JSONDecodeError, orjson.JSONEncodeError):
        return None


def with_state(window: OpenWindow, state: str) -> OpenWindow:
    return replace(window, state=state, is_overfull=len(state.encode()) > MAX_STATE_BYTES, attempts=0)


def event_members(window: OpenWindow, *, shard_id: str, source_arn: str, is_final: bool) -> dict[str, Any]:
    """What an event of a window has beside its records."""
    return {
        "window": {"start": _time(window.start_ms), "end": _time(window.end_ms)},
        "state": orjson.Fragment(window.state),
        "shardId": shard_id,
        "eventSourceARN": source_arn,
        "isFinalInvokeForWindow": is_final,
        "isWindowTerminatedEarly": is_final and window.is_overfull,
    }


def _time(time_ms: int) -> str:
    return datetime.fromtimestamp(time_ms / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")

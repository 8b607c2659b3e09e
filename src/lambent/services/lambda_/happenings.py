"""What ran lately, for people who look (`lambent events`, `GET /_lambent/events`).

A ring in memory: recording costs an append and nothing else, so it can stand on the path of every invocation. What was
discarded for good is kept in the database (`queue_store.latest_discards`), not here.
"""

import itertools
from collections import deque
from enum import Enum
from typing import Any

#: Enough to look back on some minutes of work; about 1 MB when full.
KEPT = 2_000

MAX_DETAIL_CHARS = 300


class HappeningKind(Enum):
    #: The function answered.
    OK = "ok"
    #: The function reported an error or died.
    ERROR = "error"
    #: No concurrency was left.
    THROTTLED = "throttled"
    #: The platform failed to run it.
    FAULT = "fault"
    #: An asynchronous invocation was given up; `detail` says why.
    DISCARDED = "discarded"


class Happenings:
    """Numbered from 1 since the start of the process; the newest KEPT of them."""

    def __init__(self) -> None:
        self._ring: deque[tuple[Any, ...]] = deque(maxlen=KEPT)
        self._numbers = itertools.count(1)

    def record(
        self,
        kind: HappeningKind,
        *,
        time_ms: int,
        source: str,
        function_arn: str,
        request_id: str,
        duration_ms: float = 0.0,
        detail: bytes | str = "",
    ) -> None:
        self._ring.append((next(self._numbers), time_ms, kind, source, function_arn, request_id, duration_ms, detail))

    def after(self, number: int, limit: int, *, account_id: str) -> list[dict[str, Any]]:
        """The newest `limit` of an account's that are numbered above `number`, oldest first."""
        belongs = f":{account_id}:function:"
        chosen: list[tuple[Any, ...]] = []
        for entry in reversed(self._ring):
            if entry[0] <= number or len(chosen) == limit:
                break
            if belongs in entry[4]:
                chosen.append(entry)
        return [_document(entry) for entry in reversed(chosen)]


def _document(entry: tuple[Any, ...]) -> dict[str, Any]:
    number, time_ms, kind, source, function_arn, request_id, duration_ms, detail = entry
    text = detail.decode(errors="replace") if isinstance(detail, bytes) else detail
    return {
        "number": number,
        "timeMs": time_ms,
        "outcome": kind.value,
        "source": source,
        "functionArn": function_arn,
        "requestId": request_id,
        "durationMs": round(duration_ms, 2),
        "detail": text[:MAX_DETAIL_CHARS],
    }

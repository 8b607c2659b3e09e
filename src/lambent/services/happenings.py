"""What ran and what was sent lately, for people who look (`lambent events`, `GET /_lambent/events`).

A ring in memory: recording costs an append and nothing else, so it can stand on the path of every invocation. What was
discarded for good is kept in the database (`lambda_.queue_store.latest_discards`), not here.

A happening knows the chain it belongs to by the trace header (`kit.trace`) that its event came with. The segment of an
invocation is made of its request id, and what the function sets off carries it as its parent: so a chain can be drawn
as a tree.
"""

import itertools
from collections import deque
from enum import Enum
from typing import Any

from lambent.kit import trace as headers

#: Enough to look back on some minutes of work; about 1 MB when full.
KEPT = 2_000

MAX_DETAIL_CHARS = 300

#: How far back an attempt is looked for that ended just now.
_LOOKED_BACK = 16


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
    #: The chain had run the function too often: it was stopped as a loop; `detail` says what to do.
    STOPPED = "stopped"
    #: A queue, topic, bus or bucket took what was sent to it.
    DELIVERED = "delivered"
    #: It did not; `detail` says why.
    REFUSED = "refused"


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
        trace: str = "",
    ) -> None:
        """What came of running a function. `trace`: the header its event came with, or the one it got as the first."""
        self._ring.append(
            (next(self._numbers), time_ms, kind, source, function_arn, request_id, duration_ms, detail, trace, "", "")
        )

    def record_sent(
        self,
        kind: HappeningKind,
        *,
        time_ms: int,
        source: str,
        target_arn: str,
        account_id: str,
        request_id: str = "",
        detail: bytes | str = "",
        trace: str = "",
    ) -> None:
        """What came of sending something to anything: `source` is who sent it, `account_id` who may look."""
        self._ring.append(
            (next(self._numbers), time_ms, kind, source, target_arn, request_id, 0.0, detail, trace, account_id, "")
        )

    def add_prospect(self, request_id: str, prospect: str) -> None:
        """What follows, told by whoever decided on it, right after that request's attempt was recorded."""
        for index in range(-1, -min(len(self._ring), _LOOKED_BACK) - 1, -1):
            if self._ring[index][5] == request_id:
                self._ring[index] = (*self._ring[index][:-1], prospect)
                return

    def after(
        self, number: int, limit: int, *, account_id: str, root: str = "", function: str = ""
    ) -> list[dict[str, Any]]:
        """The newest `limit` of an account's that are numbered above `number`, oldest first.

        `root`: only of the chain whose root is that, or ends so; `function`: only of the one with that name. A number
        that was not given yet is from before a restart, and whoever follows has seen none of these.
        """
        if self._ring and number > self._ring[-1][0]:
            number = 0
        chosen: list[tuple[Any, ...]] = []
        for entry in reversed(self._ring):
            if entry[0] <= number or len(chosen) == limit:
                break
            if _owner(entry) == account_id and _is_of_chain(entry, root) and _is_of_function(entry, function):
                chosen.append(entry)
        return [_document(entry) for entry in reversed(chosen)]


def _owner(entry: tuple[Any, ...]) -> str:
    """Who may see it: as recorded, else the account in the ARN."""
    owner: str = entry[9]
    if owner:
        return owner
    parts = entry[4].split(":", 5)
    return parts[4] if len(parts) == 6 else ""


def _is_of_chain(entry: tuple[Any, ...], root: str) -> bool:
    return not root or (root in entry[8] and headers.root(entry[8]).endswith(root))


def _is_of_function(entry: tuple[Any, ...], function: str) -> bool:
    return not function or entry[4].partition(":function:")[2].partition(":")[0] == function


def _document(entry: tuple[Any, ...]) -> dict[str, Any]:
    number, time_ms, kind, source, target_arn, request_id, duration_ms, detail, trace, _, prospect = entry
    text = detail.decode(errors="replace") if isinstance(detail, bytes) else detail
    segment, parent = headers.segment_of(request_id), headers.parent(trace)
    return {
        "number": number,
        "timeMs": time_ms,
        "outcome": kind.value,
        "source": source,
        "functionArn": target_arn if ":function:" in target_arn else "",
        "targetArn": target_arn,
        "requestId": request_id,
        "durationMs": round(duration_ms, 2),
        "detail": text[:MAX_DETAIL_CHARS],
        "prospect": prospect,
        "traceRoot": headers.root(trace),
        "segment": segment,
        "parent": parent if parent != segment else "",
    }

"""Reading: chunks in, events out, in order of time, a page at a time.

Chunks come ordered by their first event but overlap (streams run side by side; PutLogEvents may send old events
late), so events wait in a heap until no later chunk can hold an earlier one. Only events that are wanted enter the
heap, and a page ends at AWS's limits or when it has looked at enough, leaving a cursor for the next.
"""

import heapq
from collections.abc import Callable, Iterable, Iterator

from lambent.kit.frozen import frozen
from lambent.services.logs.chunks import Chunk, LogEvent, Place, event_id, parse_event_id, unpack

#: GetLogEvents and FilterLogEvents return "as many log events as can fit in a response size of 1 MB, up to 10,000".
MAX_PAGE_EVENTS = 10_000
MAX_PAGE_BYTES = 1 << 20
#: Payload bytes one FilterLogEvents call looks at before it answers with what it has and a token.
SEARCH_BYTES = 32 << 20

FIRST_PLACE = Place(0, 0, 0, 0)
LAST_PLACE = Place(10**15 - 1, 10**15 - 1, 10**16 - 1, 10**10 - 1)


@frozen
class Window:
    """Which events: from `start_ms` to before `end_ms`, and strictly between two places."""

    start_ms: int
    end_ms: int
    reach_ms: int
    """No chunk that is read spans more time: how far to look around for what belongs in between."""
    after: Place = FIRST_PLACE
    before: Place = LAST_PLACE

    @property
    def first_ms(self) -> int:
        return max(self.start_ms, self.after.time_ms)

    @property
    def last_ms(self) -> int:
        return min(self.end_ms - 1, self.before.time_ms)


@frozen
class Page:
    events: list[LogEvent]
    """In the order they were read."""
    resume: Place | None
    """Where the next page goes on; None when the window holds nothing more."""


class Search:
    """One pass over chunks: what to keep, and how much may be looked at."""

    def __init__(self, window: Window, keep: Callable[[bytes], bool] | None = None, budget: int = SEARCH_BYTES) -> None:
        self._window = window
        self._keep = keep
        self._budget = budget
        self.resume: Place | None = None
        """Set when the budget ran out before the chunks did: everything up to here was looked at."""

    def ascending(self, chunks: Iterable[Chunk]) -> Iterator[LogEvent]:
        """`chunks` ordered by first_ms."""
        heap: list[LogEvent] = []
        for chunk in chunks:
            while heap and heap[0].place.time_ms < chunk.first_ms:
                yield heapq.heappop(heap)
            if self._budget <= 0:
                self.resume = Place(chunk.first_ms, 0, 0, 0)
                return
            if chunk.first_ms > self._window.first_ms:  # what reaches into the window would be paid for by every page
                self._budget -= len(chunk.payload)
            for event in self._wanted(chunk):
                heapq.heappush(heap, event)
        while heap:
            yield heapq.heappop(heap)

    def descending(self, chunks: Iterable[Chunk]) -> Iterator[LogEvent]:
        """`chunks` ordered by first_ms, latest first."""
        heap: list[tuple[Place, LogEvent]] = []
        for chunk in chunks:
            horizon = chunk.first_ms + self._window.reach_ms
            while heap and heap[0][1].place.time_ms > horizon:
                yield heapq.heappop(heap)[1]
            if self._budget <= 0:
                self.resume = Place(horizon + 1, 0, 0, 0)
                return
            if horizon + 1 < self._window.last_ms:
                self._budget -= len(chunk.payload)
            for event in self._wanted(chunk):
                heapq.heappush(heap, (_mirrored(event.place), event))
        while heap:
            yield heapq.heappop(heap)[1]

    def page(self, events: Iterator[LogEvent], limit: int) -> Page:
        """Up to `limit` events and AWS's megabyte; at least one event, if there is one."""
        taken: list[LogEvent] = []
        size = 0
        for event in events:
            size += len(event.message)
            if len(taken) == limit or (taken and size > MAX_PAGE_BYTES):
                return Page(taken, taken[-1].place)
            taken.append(event)
        return Page(taken, self.resume)

    def _wanted(self, chunk: Chunk) -> Iterator[LogEvent]:
        window, keep = self._window, self._keep
        for event in unpack(chunk):
            place = event.place
            if (
                window.start_ms <= place.time_ms < window.end_ms
                and window.after < place < window.before
                and (keep is None or keep(event.message))
            ):
                yield event


def forward_token(place: Place) -> str:
    """GetLogEvents: what comes after `place`."""
    return f"f/{event_id(place)}/s"


def backward_token(place: Place) -> str:
    return f"b/{event_id(place)}/s"


def parse_token(token: str) -> tuple[bool, Place]:
    """(is it a forward token?, its place). Raises ValueError."""
    direction, _, rest = token.partition("/")
    if direction not in ("f", "b") or not rest.endswith("/s"):
        raise ValueError(f"not a token: {token!r}")
    return direction == "f", parse_event_id(rest.removesuffix("/s"))


def before(place: Place) -> Place:
    """The place just before: an event at `place` comes after it."""
    return parse_event_id(f"{max(int(event_id(place)) - 1, 0):056d}")


def after(place: Place) -> Place:
    return parse_event_id(f"{min(int(event_id(place)) + 1, 10**56 - 1):056d}")


def _mirrored(place: Place) -> Place:
    return Place(-place.time_ms, -place.stream_id, -place.position, -place.ordinal)

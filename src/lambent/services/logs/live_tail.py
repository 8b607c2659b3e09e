"""Live tails: whoever watches log groups gets each event the moment it arrives, before it is even stored.

A tail holds a bounded queue; a reader that is too slow loses the oldest events and is told so (AWS calls such an
update "sampled"). Used by StartLiveTail, once a second, and by `lambent logs -f`, at once.
"""

import asyncio
import contextlib
from collections import deque
from collections.abc import Callable, Iterator

from lambent.kit.frozen import frozen
from lambent.services.logs.names import GroupKey

#: Events a tail keeps for a reader that is busy.
MAX_WAITING_EVENTS = 10_000


@frozen
class TailedEvent:
    group: GroupKey
    stream: str
    time_ms: int
    message: bytes
    ingested_ms: int


@frozen
class Interest:
    """What a tail wants to see."""

    groups: frozenset[GroupKey]
    wants_stream: Callable[[str], bool]
    wants_message: Callable[[bytes], bool] | None
    """None: all."""


class Tail:
    def __init__(self, interest: Interest) -> None:
        self._interest = interest
        self._waiting: deque[TailedEvent] = deque(maxlen=MAX_WAITING_EVENTS)
        self._arrived = asyncio.Event()
        self._lost = 0
        self.is_open = True

    def offer(self, event: TailedEvent) -> None:
        interest = self._interest
        if not interest.wants_stream(event.stream):
            return
        if interest.wants_message is not None and not interest.wants_message(event.message):
            return
        self._lost += len(self._waiting) == MAX_WAITING_EVENTS
        self._waiting.append(event)
        self._arrived.set()

    def end(self) -> None:
        """Wake the reader, for the last time."""
        self.is_open = False
        self._arrived.set()

    async def next_events(self, patience_seconds: float) -> tuple[list[TailedEvent], int]:
        """Like `take` as soon as there is something; nothing after `patience_seconds` (of real time)."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(patience_seconds):
                await self._arrived.wait()
        return self.take()

    def take(self) -> tuple[list[TailedEvent], int]:
        """What has arrived since the last time, and how many events were lost before it."""
        events, lost = list(self._waiting), self._lost
        self._waiting.clear()
        self._lost = 0
        self._arrived.clear()
        return events, lost


class LiveTails:
    """Who watches which log group. `is_watching` is asked once per line that any function prints."""

    def __init__(self) -> None:
        self._tails: dict[GroupKey, list[Tail]] = {}
        self._is_closed = False

    def close(self) -> None:
        """End all tails: the platform is about to stop, and would wait for them."""
        self._is_closed = True
        for tails in self._tails.values():
            for tail in tails:
                tail.end()

    @property
    def count(self) -> int:
        return len({tail for tails in self._tails.values() for tail in tails})

    def is_watching(self, group: GroupKey) -> bool:
        return group in self._tails

    def publish(self, event: TailedEvent) -> None:
        for tail in self._tails.get(event.group, ()):
            tail.offer(event)

    @contextlib.contextmanager
    def watch(self, interest: Interest) -> Iterator[Tail]:
        tail = Tail(interest)
        tail.is_open = not self._is_closed
        for group in interest.groups:
            self._tails.setdefault(group, []).append(tail)
        try:
            yield tail
        finally:
            for group in interest.groups:
                self._tails[group].remove(tail)
                if not self._tails[group]:
                    del self._tails[group]

"""An alarm: rings a bell when the clock comes to a time, the earliest of those it was set to."""

import asyncio

from lambent.kit.clock import Clock
from lambent.storage.signal import Signal


class Alarm:
    """For loops that wait for commits and for due times alike."""

    def __init__(self, bell: Signal, clock: Clock, tasks: asyncio.TaskGroup) -> None:
        self._bell = bell
        self._clock = clock
        self._tasks = tasks
        self._times: set[int] = set()

    def set(self, due_ms: int | None) -> None:
        """Nothing to do if somebody sleeps until then or before already."""
        if due_ms is not None and due_ms < min(self._times, default=due_ms + 1):
            self._times.add(due_ms)
            self._tasks.create_task(self._ring_at(due_ms))

    async def _ring_at(self, due_ms: int) -> None:
        await self._clock.sleep(max(0.0, (due_ms - self._clock.now_ms()) / 1000))
        self._times.discard(due_ms)
        self._bell.ring()

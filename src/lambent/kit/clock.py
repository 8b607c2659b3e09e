"""Time as an argument: `SystemClock` in the platform, `VirtualClock` in tests that wait.

Everything durable stores wall-clock milliseconds (`now_ms`); everything that measures a length uses
`monotonic`, which does not jump when the machine's clock is set. Sleeping goes through the clock as well, so that
a test moves two retries' worth of minutes by one call of `VirtualClock.advance`.
"""

import asyncio
import heapq
import itertools
import time
from typing import Protocol


class Clock(Protocol):
    def now(self) -> float:
        """Seconds since the epoch, UTC."""
        ...

    def now_ms(self) -> int:
        """Milliseconds since the epoch, UTC."""
        ...

    def monotonic(self) -> float:
        """Seconds on a scale that only goes forward."""
        ...

    async def sleep(self, seconds: float) -> None: ...


class SystemClock:
    def now(self) -> float:
        return time.time()

    def now_ms(self) -> int:
        return time.time_ns() // 1_000_000

    def monotonic(self) -> float:
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


class VirtualClock:
    """Stands still until somebody calls `advance`; sleepers wake in the order of their due times."""

    def __init__(self, start: float = 1_750_000_000.0) -> None:
        self._now = start
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []
        self._tickets = itertools.count()

    def now(self) -> float:
        return self._now

    def now_ms(self) -> int:
        return round(self._now * 1000)

    def monotonic(self) -> float:
        return self._now

    async def sleep(self, seconds: float) -> None:
        if seconds <= 0:
            await asyncio.sleep(0)
            return
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (self._now + seconds, next(self._tickets), waiter))
        await waiter

    async def advance(self, seconds: float) -> None:
        """Move time forward, waking every sleeper that falls due, each at its own due time."""
        target = self._now + seconds
        await _settle()
        while self._sleepers and self._sleepers[0][0] <= target:
            due, _, waiter = heapq.heappop(self._sleepers)
            self._now = max(self._now, due)
            if not waiter.done():
                waiter.set_result(None)
            await _settle()
        self._now = target
        await _settle()


async def _settle() -> None:
    """Let everything that can run now run (a bounded number of turns of the loop)."""
    for _ in range(20):
        await asyncio.sleep(0)

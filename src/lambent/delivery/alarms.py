"""Alarms for loops that wait for commits and for times of the wall clock alike, which somebody may set meanwhile.

An alarm rings a bell at the earliest of the times it was set to, and never sleeps longer than LOOK_SECONDS: so late is
noticed at most that the clock was set forward. That it was set back a `ClockWatch` tells: what was planned by a clock
that was wrong may be due in years.
"""

import asyncio

from lambent.kit.clock import Clock
from lambent.storage.signal import Signal

#: The longest sleep, and so how late a wall clock that is set is noticed.
LOOK_SECONDS = 60.0
#: Clocks are corrected by so much without anything being planned anew.
CLOCK_TOLERANCE_SECONDS = 300.0


class Alarm:
    def __init__(self, bell: Signal, clock: Clock, tasks: asyncio.TaskGroup) -> None:
        self._bell = bell
        self._clock = clock
        self._tasks = tasks
        self._earliest: float | None = None
        """The earliest moment (monotonic) that somebody sleeps until."""

    def set(self, due_ms: int | None) -> None:
        if due_ms is not None:
            self.ring_in(min(max((due_ms - self._clock.now_ms()) / 1000, 0.0), LOOK_SECONDS))

    def ring_in(self, seconds: float) -> None:
        """Nothing to do if somebody sleeps no longer than that already."""
        moment = self._clock.monotonic() + seconds
        if self._earliest is None or moment < self._earliest:
            self._earliest = moment
            self._tasks.create_task(self._sleep_until(moment, seconds))

    async def _sleep_until(self, moment: float, seconds: float) -> None:
        """Never longer than `seconds`, which `moment` is but for rounding; shorter if this began late."""
        await self._clock.sleep(max(min(seconds, moment - self._clock.monotonic()), 0.0))
        if self._earliest == moment:
            self._earliest = None
        self._bell.ring()


class ClockWatch:
    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._latest_ms = 0
        """The latest time the wall clock has shown."""

    def went_back(self) -> bool:
        """By more than a correction, since this was asked last; True at first as well, when nobody knows."""
        now_ms = self._clock.now_ms()
        went_back = self._latest_ms == 0 or now_ms < self._latest_ms - round(CLOCK_TOLERANCE_SECONDS * 1000)
        self._latest_ms = now_ms if went_back else max(now_ms, self._latest_ms)
        return went_back

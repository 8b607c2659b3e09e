"""Schedules: what is due is sent, and the next time decided, in one transaction.

So each occurrence is sent exactly once, whatever moment the platform is killed at; what a target refuses becomes a
parcel in the same transaction and is tried again by the schedule's retry policy. Due schedules are found by an index on
their due time: those that wait cost nothing. A change of a schedule wakes us, else the clock does when the next one is
due.

Due times are times of the wall clock, which somebody may set while we sleep: so nobody sleeps longer than
LOOK_SECONDS while there is a schedule at all; and what was planned by a clock that was wrong (later than now by more
than CLOCK_TOLERANCE_SECONDS) is planned again.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence

from lambent.delivery import schedule_messages
from lambent.delivery.parcel_store import Parcel
from lambent.delivery.parcels import End, Parcels
from lambent.kit import trace
from lambent.kit.clock import Clock
from lambent.kit.ids import Ids
from lambent.services.scheduler import group_store, store, timing
from lambent.services.scheduler.schedules import Schedule, ScheduleKey
from lambent.storage.database import Database
from lambent.storage.errors import StorageError
from lambent.storage.transaction import Transaction

#: Schedules fired in one transaction: bounds how long another write waits behind it.
PAGE = 100
#: The longest sleep, and so how late a wall clock that is set is noticed.
LOOK_SECONDS = 60.0
#: Clocks are corrected by so much without a schedule being planned anew.
CLOCK_TOLERANCE_SECONDS = 300.0
#: Pause after trouble with the disk.
RETRY_SECONDS = 1.0
#: A schedule that meets a bug of ours is tried again after this.
FAULT_SECONDS = 60.0

log = logging.getLogger(__name__)


class Schedules:
    def __init__(
        self,
        *,
        database: Database,
        parcels: Parcels,
        clock: Clock,
        ids: Ids,
        spread: Callable[[], float],
    ) -> None:
        self._database = database
        self._parcels = parcels
        self._clock = clock
        self._ids = ids
        self._spread = spread
        self._bell = database.subscribe(store.TOPIC)
        self._alarm: float | None = None
        """The earliest moment (monotonic) that somebody sleeps until."""
        self._latest_ms = 0
        """The latest time the wall clock has shown."""

    async def run(self) -> None:
        """Runs until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            while True:
                try:
                    await self._work()
                    self._set_alarm(tasks)
                except StorageError:
                    log.exception("schedules wait for the disk")
                    self._ring_in(RETRY_SECONDS, tasks)
                await self._bell.wait()

    async def _work(self) -> None:
        if self._clock_went_back():
            await self._plan_anew()
        while await self._fire_due():
            pass
        while self._has_deletions() and await self._database.write(group_store.continue_deletions):
            pass

    def _has_deletions(self) -> bool:
        return self._database.read(group_store.is_deleting)

    async def _fire_due(self) -> bool:
        """A page of what is due; False if that was all."""
        now_ms = self._clock.now_ms()
        due = self._database.read(lambda tx: store.due_schedules(tx, now_ms, PAGE))
        if due:
            await self._fire_all(due)
        return len(due) == PAGE

    async def _fire_all(self, keys: Sequence[ScheduleKey]) -> None:
        """In one transaction; if that fails, one by one, so that a bug holds up only what it concerns."""
        now_ms = self._clock.now_ms()
        executions = [self._ids.uuid() for _ in keys]
        try:
            fired = await self._database.write(
                lambda tx: [self._fire(tx, key, one, now_ms) for key, one in zip(keys, executions, strict=True)]
            )
        except StorageError:
            raise
        except Exception:
            if len(keys) == 1:
                log.exception("%s failed; it is tried again in a minute", keys[0].arn)
                due_ms = now_ms + round(FAULT_SECONDS * 1000)
                await self._database.write(lambda tx: store.postpone(tx, keys, due_ms))
                return
            for key in keys:
                await self._fire_all([key])
            return
        self._parcels.report_all([one for one in fired if one is not None])

    def _fire(self, tx: Transaction, key: ScheduleKey, execution_id: str, now_ms: int) -> tuple[Parcel, End] | None:
        """Send the planned occurrence, plan the next one. None if it was changed meanwhile and is not due."""
        schedule = store.find_schedule(tx, key)
        if schedule is None or schedule.plan.due_ms is None or schedule.plan.due_ms > now_ms:
            return None
        parcel = schedule_messages.parcel(
            schedule,
            execution_id=execution_id.replace("-", "")[:16],
            trace=trace.begin(execution_id, now_ms / 1000),
            now_ms=now_ms,
        )
        end = self._parcels.send(tx, parcel)
        self._plan_next(tx, schedule, now_ms)
        return parcel, end

    def _plan_next(self, tx: Transaction, schedule: Schedule, now_ms: int) -> None:
        definition = schedule.definition
        plan = timing.following_plan(definition.timetable, schedule.plan, now_ms, self._spread)
        if plan.occurrence_ms is None and definition.is_deleted_after:
            store.delete_schedule(tx, schedule.key)
        else:
            store.update_plan(tx, schedule.key, plan)

    # The clock

    def _clock_went_back(self) -> bool:
        """By more than a correction; True at the start as well, when nobody knows."""
        now_ms = self._clock.now_ms()
        went_back = self._latest_ms == 0 or now_ms < self._latest_ms - round(CLOCK_TOLERANCE_SECONDS * 1000)
        self._latest_ms = now_ms if went_back else max(now_ms, self._latest_ms)
        return went_back

    async def _plan_anew(self) -> None:
        """Whatever was planned in what is now the future: its next time may be years away."""
        now_ms = self._clock.now_ms()
        limit_ms = now_ms + round(CLOCK_TOLERANCE_SECONDS * 1000)
        stranded = await self._database.scan(lambda tx: store.planned_after(tx, limit_ms))
        for start in range(0, len(stranded), PAGE):
            page = stranded[start : start + PAGE]
            await self._database.write(lambda tx, page=page: self._replan(tx, page, now_ms))  # type: ignore[misc]  # the bound page

    def _replan(self, tx: Transaction, keys: Sequence[ScheduleKey], now_ms: int) -> None:
        for key in keys:
            schedule = store.find_schedule(tx, key)
            if schedule is not None and schedule.plan.occurrence_ms is not None:
                times, anchor_ms = schedule.definition.timetable, schedule.plan.anchor_ms
                store.update_plan(tx, key, timing.first_plan(times, now_ms, self._spread, anchor_ms=anchor_ms))

    # Waking up

    def _set_alarm(self, tasks: asyncio.TaskGroup) -> None:
        due_ms = self._database.read(store.next_due_ms)
        if due_ms is not None:
            self._ring_in(min(max((due_ms - self._clock.now_ms()) / 1000, 0.0), LOOK_SECONDS), tasks)

    def _ring_in(self, seconds: float, tasks: asyncio.TaskGroup) -> None:
        """Unless somebody sleeps no longer than that already."""
        moment = self._clock.monotonic() + seconds
        if self._alarm is None or moment < self._alarm:
            self._alarm = moment
            tasks.create_task(self._sleep_until(moment, seconds))

    async def _sleep_until(self, moment: float, seconds: float) -> None:
        """Never longer than `seconds`, which `moment` is but for rounding; shorter if this began late."""
        await self._clock.sleep(max(min(seconds, moment - self._clock.monotonic()), 0.0))
        if self._alarm == moment:
            self._alarm = None
        self._bell.ring()

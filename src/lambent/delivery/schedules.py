"""Schedules: what is due is sent, and the next time decided, in one transaction.

So each occurrence is sent exactly once, whatever moment the platform is killed at; what a target refuses becomes a
parcel in the same transaction and is tried again by the schedule's retry policy. Due schedules are found by an index on
their due time: those that wait cost nothing. A change of a schedule wakes us, else the clock does when the next one is
due.

Due times are times of the wall clock, which somebody may set while we sleep (`alarms`): what was planned by a clock
that was wrong is planned again.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence

from lambent.delivery import schedule_messages, together
from lambent.delivery.alarms import CLOCK_TOLERANCE_SECONDS, Alarm, ClockWatch
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
        self._watch = ClockWatch(clock)

    async def run(self) -> None:
        """Runs until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            alarm = Alarm(self._bell, self._clock, tasks)
            while True:
                try:
                    await self._work()
                    alarm.set(self._database.read(store.next_due_ms))
                except StorageError:
                    log.exception("schedules wait for the disk")
                    alarm.ring_in(RETRY_SECONDS)
                await self._bell.wait()

    async def _work(self) -> None:
        if self._watch.went_back():
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
        now_ms = self._clock.now_ms()
        due = [(key, self._ids.uuid()) for key in keys]
        async for _, fired in together.done(
            self._database, due, lambda tx, one: self._fire(tx, *one, now_ms), self._set_aside
        ):
            if fired is not None:
                self._parcels.report(*fired)

    async def _set_aside(self, due: tuple[ScheduleKey, str], error: Exception) -> None:
        key, later_ms = due[0], self._clock.now_ms() + round(FAULT_SECONDS * 1000)
        log.error("%s failed; it is tried again in a minute", key.arn, exc_info=error)
        await self._database.write(lambda tx: store.postpone(tx, [key], later_ms))

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

    async def _plan_anew(self) -> None:
        """Whatever was planned in what is now the future: its next time may be years away."""
        now_ms = self._clock.now_ms()
        limit_ms = now_ms + round(CLOCK_TOLERANCE_SECONDS * 1000)
        stranded = await self._database.scan(lambda tx: store.planned_after(tx, limit_ms))
        for start in range(0, len(stranded), PAGE):
            await self._replan_all(stranded[start : start + PAGE], now_ms)

    async def _replan_all(self, keys: Sequence[ScheduleKey], now_ms: int) -> None:
        """As `_fire_all`."""
        try:
            await self._database.write(lambda tx: self._replan(tx, keys, now_ms))
        except StorageError:
            raise
        except Exception:
            if len(keys) == 1:
                log.exception("%s stays planned as it was", keys[0].arn)
                return
            for key in keys:
                await self._replan_all([key], now_ms)

    def _replan(self, tx: Transaction, keys: Sequence[ScheduleKey], now_ms: int) -> None:
        for key in keys:
            schedule = store.find_schedule(tx, key)
            if schedule is not None and schedule.plan.occurrence_ms is not None:
                times, anchor_ms = schedule.definition.timetable, schedule.plan.anchor_ms
                store.update_plan(tx, key, timing.first_plan(times, now_ms, self._spread, anchor_ms=anchor_ms))

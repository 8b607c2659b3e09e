"""Asynchronous invocations: due rows of the queue are invoked, and what came of them is committed.

The commit that accepts an invocation wakes us; we read on from the last position we saw, so that a row is started once
and none is missed. A row leaves the queue only in the transaction that carries its result. Killed at any moment, we
start again from the beginning of the queue: every accepted invocation runs at least once.

An event that follows from a commit already made (an object notification) may start while its row is still being
committed: `start_early` saves the wait for a disk, and a crash in between means a second run, not a lost one.

`backlog` decides who may start, `settlements` what follows an attempt, `settler` commits it.
"""

import asyncio
import heapq
import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import field
from typing import Protocol

from lambent.delivery import settlements
from lambent.delivery.alarms import Alarm
from lambent.delivery.backlog import Backlog
from lambent.delivery.pace import Pace
from lambent.delivery.parcels import Parcels
from lambent.delivery.retries import DiscardReason, RetrySchedule
from lambent.delivery.settlements import Attempt, Settlement
from lambent.delivery.settler import Settler
from lambent.kit.clock import Clock
from lambent.kit.frozen import frozen
from lambent.kit.meter import Meter
from lambent.sandbox.types import Outcome
from lambent.services.happenings import HappeningKind, Happenings
from lambent.services.lambda_ import metrics, queue_store
from lambent.services.lambda_.errors import RecursiveInvocation, ResourceNotFound, TooManyRequests
from lambent.services.lambda_.event_invoke import AsyncPolicy
from lambent.services.lambda_.metrics import FunctionMeter
from lambent.services.lambda_.queue_store import Discard, NewInvocation, QueuedInvocation
from lambent.storage.database import Database

#: Rows looked at in one read on the event loop.
PAGE = 64

#: While invocations wait for a place although not all are taken: pause before looking whether their function may be run
#: wider (`pace`).
WIDEN_MS = 100

#: Functions whose pace is remembered.
MAX_PACES = 10_000

#: More at once than this is a backlog, and there the wait for a disk no longer matters.
MAX_EARLY = 16

log = logging.getLogger(__name__)

Invoke = Callable[[QueuedInvocation, bytes], Awaitable[Outcome]]
"""(row, its payload).

Raises ResourceNotFound, TooManyRequests, RecursiveInvocation; anything else is a fault of the platform.
"""


class Functions(Protocol):
    """What delivery asks about functions; `lambda_.invoker.Invoker` answers."""

    def async_policy(self, function_arn: str) -> AsyncPolicy:
        """Raises ResourceNotFound."""
        ...

    def spare_concurrency(self, function_arn: str) -> int:
        """Raises ResourceNotFound."""
        ...

    def meter_of(self, function_arn: str) -> FunctionMeter:
        """Raises ResourceNotFound."""
        ...


@frozen
class AsyncSettings:
    schedule: RetrySchedule = field(default_factory=RetrySchedule)
    max_running: int = 64
    max_running_per_function: int | None = None
    """None: three quarters of all places, so that no function ever takes all of them."""
    max_waiting: int = 200_000
    """Due invocations whose positions are held in memory; the rest waits unread on disk."""


class AsyncInvocations:
    def __init__(
        self,
        *,
        database: Database,
        invoke: Invoke,
        functions: Functions,
        happenings: Happenings,
        meter: Meter,
        clock: Clock,
        parcels: Parcels,
        settings: AsyncSettings,
    ) -> None:
        self._database = database
        self._invoke = invoke
        self._functions = functions
        self._happenings = happenings
        self._meter = meter
        self._clock = clock
        self._settings = settings
        self._backlog = Backlog(
            max_running=settings.max_running, max_waiting=settings.max_waiting, limit_of=self._limit_of
        )
        self._function_limit = settings.max_running_per_function or max(1, settings.max_running * 3 // 4)
        self._paces: dict[str, Pace] = {}
        self._settler = Settler(database=database, clock=clock, parcels=parcels, committed=self._after_commit)
        self._bell = database.subscribe(queue_store.TOPIC)
        self._read_through = 0
        self._later: list[tuple[int, int]] = []
        """Heap of (due_ms, position)."""
        self._is_behind = False
        """Whether reading stopped for want of room."""
        self._draining = False
        self._quiet = asyncio.Event()
        self._tasks: asyncio.TaskGroup | None = None
        self._early: dict[str, asyncio.Future[QueuedInvocation | None]] = {}
        """Request ids of what was started early -> its row, once that is committed; None if it never is."""

    async def run(self) -> None:
        """Runs until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            self._tasks = tasks
            tasks.create_task(self._settler.run())
            alarm = Alarm(self._bell, self._clock, tasks)
            while True:
                self._dispatch(tasks)
                alarm.set(self._next_look_ms())
                await self._bell.wait()

    def start_early(self, invocations: Sequence[NewInvocation]) -> None:
        """Start what is about to be committed, if there is room; its rows are recognized when they appear.

        Whatever the previous call started and no commit has brought by now is not going to appear, or was not seen
        yet and will then run again.
        """
        if self._tasks is None or not self._may_read:
            return
        self._read_on(self._tasks)
        for committed in self._early.values():
            committed.set_result(None)
        self._early.clear()
        if len(invocations) > MAX_EARLY:
            return
        for new in invocations:
            if self._backlog.try_start(new.function_arn):
                committed = self._early[new.request_id] = asyncio.get_running_loop().create_future()
                self._tasks.create_task(self._run_early(self._tasks, new, committed))

    def depths(self) -> Counter[str]:
        """How many run, and how many wait in memory, for people who look."""
        return Counter(running=self._backlog.running, waiting=self._backlog.waiting + len(self._later))

    async def drain(self) -> None:
        """Start nothing more; return when what runs has ended and its results are on disk."""
        self._draining = True
        while self._backlog.running:
            self._quiet.clear()
            await self._quiet.wait()
        await self._settler.flush()

    def _dispatch(self, tasks: asyncio.TaskGroup) -> None:
        """Start what is due and has a place."""
        self._start_waiting(tasks)
        self._offer_due(tasks)
        self._read_on(tasks)
        self._is_behind = not self._may_read

    def _read_on(self, tasks: asyncio.TaskGroup) -> None:
        """New rows, in the order they were accepted; those due later are remembered by position.

        Whoever started early keeps a place until its row is read: so reading goes on for them even without room.
        """
        while self._may_read or self._early:
            rows = self._database.read(lambda tx: queue_store.invocations_after(tx, self._read_through, PAGE))
            now_ms = self._clock.now_ms()
            for row in rows:
                self._read_through = row.position
                if row.request_id in self._early:
                    self._early.pop(row.request_id).set_result(row)
                elif row.due_ms > now_ms:
                    heapq.heappush(self._later, (row.due_ms, row.position))
                elif self._is_held:
                    self._backlog.park(row)
                elif self._backlog.offer(row):
                    tasks.create_task(self._run(tasks, row))
            if len(rows) < PAGE:
                return

    def _offer_due(self, tasks: asyncio.TaskGroup) -> None:
        now_ms = self._clock.now_ms()
        while self._later and self._later[0][0] <= now_ms and self._may_read:
            row = self._row(heapq.heappop(self._later)[1])
            if self._backlog.offer(row):
                tasks.create_task(self._run(tasks, row))

    def _start_waiting(self, tasks: asyncio.TaskGroup) -> None:
        while not self._is_held and (waiting := self._backlog.next_to_start()) is not None:
            tasks.create_task(self._run(tasks, waiting.row or self._row(waiting.position)))

    @property
    def _is_held(self) -> bool:
        return self._draining or self._settler.is_full

    @property
    def _may_read(self) -> bool:
        return self._backlog.has_room and not self._is_held

    def _next_look_ms(self) -> int | None:
        """When the next row is due, or may have a place; None: a commit will tell."""
        times = [self._later[0][0]] if self._later else []
        if self._backlog.waiting and self._may_read:
            times.append(self._clock.now_ms() + WIDEN_MS)
        return min(times, default=None)

    async def _run(self, tasks: asyncio.TaskGroup, row: QueuedInvocation) -> None:
        """From its place in the backlog to its settlement."""
        try:
            self._settler.add(await self._attempt(row))
        finally:
            self._backlog.finish(row.function_arn)
        self._after_run(tasks)

    async def _run_early(
        self, tasks: asyncio.TaskGroup, new: NewInvocation, committed: asyncio.Future[QueuedInvocation | None]
    ) -> None:
        """The attempt needs no row, its settlement does."""
        try:
            settlement = await self._attempt(queue_store.as_queued(new, self._clock.now_ms()))
            row = await committed
            if row is not None:
                self._settler.add(settlements.of_row(settlement, row))
        finally:
            self._backlog.finish(new.function_arn)
        self._after_run(tasks)

    def _after_run(self, tasks: asyncio.TaskGroup) -> None:
        self._start_waiting(tasks)
        self._is_behind = self._is_behind or self._is_held
        if self._is_behind and self._may_read:
            self._bell.ring()
        if not self._backlog.running:
            self._quiet.set()

    async def _attempt(self, row: QueuedInvocation) -> Settlement:
        payload = row.payload
        if payload is None:
            payload = await self._database.scan(lambda tx: queue_store.find_payload(tx, row.position))
        try:
            policy = self._functions.async_policy(row.function_arn)
            attempt = Attempt(row, payload, policy, self._settings.schedule)
            refused = settlements.refused(attempt, self._clock.now_ms())
            if refused is not None:
                return refused
            settlement = await self._invoke_once(attempt)
        except ResourceNotFound as error:
            return settlements.function_gone(row, payload, error.message, self._clock.now_ms())
        if settlement.retry is not None:
            prospect = settlements.prospect(attempt, settlement.retry, self._clock.now_ms())
            self._happenings.add_prospect(row.request_id, prospect)
        return settlement

    async def _invoke_once(self, attempt: Attempt) -> Settlement:
        """Raises ResourceNotFound."""
        row = attempt.row
        meter = self._functions.meter_of(row.function_arn)
        if not row.errors and not row.throttles:
            meter.async_received.add()
        meter.async_age.add(self._clock.now_ms() - row.accepted_ms)
        pace = self._pace_of(row.function_arn)
        ticket = pace.start(self._clock.monotonic())
        try:
            outcome = await self._invoke(row, attempt.payload)
        except ResourceNotFound:
            raise
        except RecursiveInvocation as error:
            return settlements.stopped(attempt, error.message, self._clock.now_ms())
        except TooManyRequests as error:
            return settlements.not_run(attempt, error.message, self._clock.now_ms())
        except Exception as error:
            # A fault of ours: the invocation is owed all the same, so it is tried again like a throttled one.
            log.exception("asynchronous invocation %s of %s met a fault", row.request_id, row.function_arn)
            return settlements.not_run(attempt, repr(error), self._clock.now_ms())
        finally:
            pace.end(ticket)
        pace.note(outcome.duration_ms, self._clock.monotonic())
        return settlements.answered(attempt, outcome, self._clock.now_ms())

    def _after_commit(self, batch: Sequence[Settlement]) -> None:
        rescheduled = False
        for settlement in batch:
            if settlement.retry is not None:
                heapq.heappush(self._later, (settlement.retry.due_ms, settlement.position))
                rescheduled = True
            elif settlement.discard is not None:
                self._note_discard(settlement.discard, settlement.whereabouts)
        if rescheduled or self._is_behind:
            self._bell.ring()

    def _note_discard(self, discard: Discard, whereabouts: str) -> None:
        row = discard.invocation
        metrics.of_function(self._meter, row.function_arn).series("AsyncEventsDropped").add()
        if discard.reason == DiscardReason.RECURSIVE_INVOCATION.value:
            return  # the invoker has said what happened, and what to do
        self._happenings.record(
            HappeningKind.DISCARDED,
            time_ms=discard.discarded_ms,
            source=row.source,
            function_arn=row.function_arn,
            request_id=row.request_id,
            detail=f"{discard.reason} {settlements.after_attempts(discard.attempts)}: {whereabouts}",
            trace=row.trace_id,
        )

    def _limit_of(self, function_arn: str) -> int:
        """How many of a function may run: no more than will be admitted, but one, so that somebody finds out."""
        try:
            spare = self._functions.spare_concurrency(function_arn)
        except ResourceNotFound:
            return 1
        admitted = self._backlog.running_of(function_arn) + spare
        width = self._pace_of(function_arn).width(self._clock.monotonic())
        return max(1, min(self._function_limit, width, admitted))

    def _pace_of(self, function_arn: str) -> Pace:
        pace = self._paces.get(function_arn)
        if pace is None:
            if len(self._paces) >= MAX_PACES:
                self._paces.clear()
            pace = self._paces[function_arn] = Pace()
        return pace

    def _row(self, position: int) -> QueuedInvocation:
        row = self._database.read(lambda tx: queue_store.find_invocation(tx, position))
        assert row is not None, "a queued invocation disappeared although nobody else consumes the queue"
        return row

"""A lane: one batch after the other, from the log to the function, and the checkpoint behind it.

Each turn of `run` takes what is due (a section to be tried again, new records, the end of a tumbling window), invokes
the function, lets the rules say what that means, and commits. The commit that appends wakes it; timers run only while a
batch is gathered, a window is open, or a failure is waited out. Killed at any moment, a lane starts again from its row.
"""

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from lambent.delivery.checkpoints import CheckpointMoved
from lambent.delivery.event_source_mappings import failures, progress_store, records, windows
from lambent.delivery.event_source_mappings.batching import Gathering
from lambent.delivery.event_source_mappings.destination import Destination
from lambent.delivery.event_source_mappings.discards import Discard
from lambent.delivery.event_source_mappings.event_counts import EventCounts, EventMetric
from lambent.delivery.event_source_mappings.failures import Batch, DiscardCondition, RetryPolicy, Step
from lambent.delivery.event_source_mappings.parts import LaneStanding, MappingParts, MappingStanding
from lambent.delivery.event_source_mappings.progress import Progress, Section
from lambent.delivery.event_source_mappings.reading import LaneReader
from lambent.delivery.event_source_mappings.records import PreparedRecord
from lambent.delivery.event_source_mappings.sources import LogSource, record_topic
from lambent.delivery.parcel_store import Parcel
from lambent.delivery.parcels import End
from lambent.sandbox.types import Outcome
from lambent.services.lambda_ import event_source_store, metrics
from lambent.services.lambda_.event_source_mappings import CALL_FAILED, INFINITE, OK, EventSourceMapping
from lambent.services.lambda_.invoker import address_of
from lambent.storage.transaction import Transaction
from lambent.wire.errors import ServiceError

#: Pause after a fault of ours (a full disk, a bug) before the same records are tried again.
FAULT_SECONDS = 1.0
#: A wait that short is over.
MOMENT_SECONDS = 0.0005

log = logging.getLogger(__name__)


class Lane:
    def __init__(
        self,
        parts: MappingParts,
        standing: MappingStanding,
        mapping: EventSourceMapping,
        reader: LaneReader,
        *,
        number: int,
        tasks: asyncio.TaskGroup,
    ) -> None:
        self._parts = parts
        self._standing = standing
        self._gauge = standing.lanes.setdefault((reader.shard.shard_id, number), LaneStanding())
        self._mapping = mapping
        self._options = mapping.options
        self._policy = RetryPolicy(mapping.options.max_retries, mapping.options.bisects)
        self._reader = reader
        self._shard_id = reader.shard.shard_id
        self._shown_id = reader.shard.shown_id
        self._number = number
        self._tasks = tasks
        self._destination = Destination(parts, mapping)
        self._counts = EventCounts(parts.meter, mapping)
        self._bell = parts.database.subscribe(record_topic(reader.shard))
        self._is_closed = reader.shard.is_closed
        self._is_stopping = False
        self._address = address_of(mapping.function_arn)
        self._age = metrics.of_function(parts.meter, mapping.function_arn).series("IteratorAge", "Milliseconds")
        self._revision: int | None = None
        """Of the row that `_progress` was read from; None: not read yet."""
        self._progress = Progress(0)
        self._held: Batch | None = None
        """Could not be invoked; it is tried again as it is."""
        self._kept: Sequence[PreparedRecord] = ()
        """Of the batch that failed, up to `_kept_through`."""
        self._kept_through = 0
        self._failures = 0
        """In a row."""
        self._request_id = ""
        self.is_finished = False
        """The shard is closed and all of it is settled."""

    def stop(self) -> None:
        """After the invocation that is under way."""
        self._is_stopping = True
        self._bell.ring()

    def use(self, source: LogSource) -> None:
        """The source as it is now: records may be kept for another time."""
        self._reader.source = source

    def close(self) -> None:
        """Nothing will be appended to the shard any more."""
        self._is_closed = True
        self._bell.ring()

    async def run(self) -> None:
        """Until it is finished or stopped, or its row is gone."""
        try:
            while await self._turn():
                pass
        finally:
            self._parts.database.unsubscribe(record_topic(self._reader.shard), self._bell)

    async def _turn(self) -> bool:
        """One step, or what is left to do after it failed. False: it is over."""
        try:
            if self._revision is None and not self._load():
                return False
            await self._step()
        except CheckpointMoved:
            # A commit of ours, cancelled while it was on its way, or the mapping is gone: look again.
            return self._load()
        except Exception:
            # Whatever it is: the records must wait for its mending, neither be skipped nor stop the platform.
            log.exception("mapping %s failed on shard %s; it tries again", self._mapping.uuid, self._shard_id)
            self._revision = None
            await self._sleep(FAULT_SECONDS)
        return not (self._is_stopping or self.is_finished)

    def _load(self) -> bool:
        """From the row; False if there is none any more."""
        try:
            self._revision, self._progress = self._parts.database.read(
                lambda tx: progress_store.load_lane(tx, self._mapping.uuid, self._shard_id, self._number)
            )
        except CheckpointMoved:
            return False
        self._held = None
        self._gauge.position = self._progress.position
        return not self._is_stopping

    async def _step(self) -> None:
        progress = self._progress
        window = progress.window
        if window is not None and window.size_ms != self._reader.tumbling_ms:
            await self._commit(progress.rewound())
        elif self._held is not None:
            await self._attempt(self._held)
        elif progress.sections:
            await self._attempt_section(progress.sections[0])
        elif window is not None and window.is_overfull:
            await self._end_window()
        else:
            await self._gather_and_attempt()

    async def _gather_and_attempt(self) -> None:
        gathering = await self._gather()
        if gathering is None:
            return
        self._count_polled(gathering)
        if gathering.records:
            await self._attempt(Batch(gathering.records, Section(gathering.through)))
        elif gathering.through > self._progress.position:
            await self._commit(self._progress.moved(gathering.through, ()))
        elif self._progress.window is not None:
            await self._end_window()
        else:
            self.is_finished = True

    def _count_polled(self, gathering: Gathering) -> None:
        polled = len(gathering.records) + gathering.filtered_out
        if polled:
            self._counts.add(EventMetric.POLLED, polled)
            if self._options.filters:
                self._counts.add(EventMetric.FILTERED_OUT, gathering.filtered_out)

    async def _gather(self) -> Gathering | None:
        """The next batch, perhaps empty: then the shard, or a window, has come to its end. None: we are to stop."""
        progress = self._progress
        gathering = Gathering(progress.position, self._options.batch_size)
        if progress.window is not None:
            gathering.max_bytes -= len(progress.window.state) + windows.EVENT_BYTES
        deadline: float | None = None
        while not self._is_stopping:
            was_closed = self._is_closed  # asked before reading: all that was appended by then is seen
            is_end = self._reader.fill(gathering, progress)
            if gathering.is_full or (is_end and was_closed):
                return gathering
            if not is_end:
                await asyncio.sleep(0)
                continue
            if gathering.records and deadline is None:
                deadline = self._parts.clock.monotonic() + self._options.batching_window_seconds
            left = self._left(progress, deadline)
            if left is None and gathering.through > progress.position:
                return gathering
            if left is not None and left < MOMENT_SECONDS:
                return gathering
            await self._wait(left)
        return None

    def _left(self, progress: Progress, deadline: float | None) -> float | None:
        """Seconds until the batch is due as it is; None: there is nothing to wait for but records."""
        clock = self._parts.clock
        until = [] if deadline is None else [deadline - clock.monotonic()]
        if progress.window is not None:
            until.append((progress.window.end_ms - clock.now_ms()) / 1000)
        return min(until, default=None)

    async def _attempt_section(self, section: Section) -> None:
        position = self._progress.position
        if self._kept and self._kept_through >= section.through:
            found = [one for one in self._kept if position < one.position <= section.through]
        else:
            found = self._reader.section(self._progress, section.through)
        if found:
            await self._attempt(Batch(found, section))
        else:  # expired in the source, or no longer wanted
            await self._commit(self._progress.moved(section.through, self._progress.sections[1:]))

    async def _attempt(self, batch: Batch) -> None:
        expired = failures.without_expired(batch, self._oldest_ms())
        if expired is not None:
            await self._settle(self._progress, batch, expired)
            return
        progress = self._progress
        members = None
        if self._reader.tumbling_ms:
            progress = windows.opened(progress, batch.records[0].time_ms, self._reader.tumbling_ms)
            members = self._window_members(progress, is_final=False)
        age_ms = self._parts.clock.now_ms() - batch.records[-1].time_ms
        self._counts.add(EventMetric.INVOKED, len(batch.records))
        trace = records.trace_of(batch.records, self._reader.source.arn)
        outcome = await self._invoke(records.event(batch.records, members), trace)
        if outcome is None:
            self._counts.add(EventMetric.FAILED, len(batch.records))
            self._held = batch
            await self._pause()
            return
        self._gauge.iterator_age_ms = age_ms
        self._age.add(age_ms)
        self._gauge.records += len(batch.records)
        progress, step = self._judge(progress, batch, outcome)
        self._counts.add(EventMetric.FAILED, failures.failed_events(batch, step))
        await self._settle(progress, batch, step, outcome)

    def _judge(self, progress: Progress, batch: Batch, outcome: Outcome) -> tuple[Progress, Step]:
        """What the answer means: for the window's state, and for the batch."""
        before = progress.position
        if outcome.function_error:
            return progress, failures.after_error(batch, self._policy, before)
        response = failures.SUCCESS
        if self._options.reports_item_failures:
            response = failures.read_response(outcome.payload, batch.records)
        if progress.window is not None:
            state = windows.read_state(outcome.payload)
            if state is None or response.is_failure:
                return progress, failures.after_error(batch, self._policy, before)
            if response.failed_from != 0:
                progress = replace(progress, window=windows.with_state(progress.window, state))
        return progress, failures.after_response(batch, response, self._policy, before)

    async def _settle(self, progress: Progress, batch: Batch, step: Step, outcome: Outcome | None = None) -> None:
        """Commit what follows; what was given up goes to its destination in the same transaction."""
        discard: Discard | None = None
        if step.condition is not None:
            discard = self._discard(step.condition, step.discarded, batch.section.invocations, outcome)
        sections = step.sections + self._progress.sections[1:]
        if not sections:
            self._kept, self._kept_through = (), 0
        elif not self._progress.sections:
            self._kept, self._kept_through = batch.records, batch.section.through
        if step.position > self._progress.position:
            self._failures = 0
        self._held = None
        await self._commit(progress.moved(step.position, sections), _result(step, outcome), discard)
        if step.is_delayed:
            await self._pause()

    async def _end_window(self) -> None:
        """Invoke for the end of the tumbling window that is open."""
        progress = self._progress
        window = progress.window
        assert window is not None
        outcome = await self._invoke(records.event((), self._window_members(progress, is_final=True)))
        if outcome is None:
            await self._pause()
            return
        if not outcome.function_error:
            self._failures = 0
            await self._commit(windows.ended(progress), OK)
            return
        attempts = window.attempts + 1
        if 0 <= self._policy.max_retries < attempts:
            discard = self._discard(DiscardCondition.RETRIES_EXHAUSTED, (), window.attempts, outcome)
            await self._commit(windows.ended(progress), CALL_FAILED, discard)
            return
        await self._commit(replace(progress, window=replace(window, attempts=attempts)), CALL_FAILED)
        await self._pause()

    def _window_members(self, progress: Progress, *, is_final: bool) -> dict[str, Any]:
        assert progress.window is not None
        return windows.event_members(
            progress.window, shard_id=self._shown_id, source_arn=self._reader.source.arn, is_final=is_final
        )

    async def _invoke(self, payload: bytes, trace_id: str = "") -> Outcome | None:
        """None: it did not come to the function (throttled, or there is none); nobody's retries are used up."""
        self._request_id = self._parts.ids.uuid()
        try:
            outcome = await self._parts.functions.invoke(
                self._address,
                request_id=self._request_id,
                payload=payload,
                trace_id=trace_id,
                source=self._reader.source.label,
            )
        except ServiceError:
            await self._note_result(CALL_FAILED)
            return None
        self._gauge.invocations += 1
        self._gauge.errors += outcome.function_error is not None
        return outcome

    def _discard(
        self,
        condition: DiscardCondition,
        discarded: Sequence[PreparedRecord],
        invocations: int,
        outcome: Outcome | None,
    ) -> Discard:
        """`invocations` before the one that answered `outcome`."""
        return Discard(
            condition=condition,
            records=discarded,
            shard_id=self._shown_id,
            source_arn=self._reader.source.arn,
            batch_info=self._reader.source.batch_info,
            function_arn=self._mapping.function_arn,
            invocations=invocations + (outcome is not None),
            request_id=self._request_id or self._parts.ids.uuid(),
            function_error=outcome.function_error if outcome else None,
            discarded_ms=self._parts.clock.now_ms(),
        )

    async def _commit(self, progress: Progress, result: str | None = None, discard: Discard | None = None) -> None:
        """Raises CheckpointMoved."""
        uuid, revision = self._mapping.uuid, self._revision
        assert revision is not None
        news = result if result != self._standing.last_result else None

        def commit(tx: Transaction) -> tuple[Parcel, End] | None:
            progress_store.commit_lane(tx, uuid, self._shard_id, self._number, revision=revision, progress=progress)
            if news is not None:
                event_source_store.set_last_result(tx, uuid, news)
            return self._destination.send(tx, discard) if discard is not None else None

        sent = await self._parts.database.write(commit)
        if discard is not None:
            self._gauge.discarded += len(discard.records)
            self._destination.note(discard, sent, self._reader.source.label)
            if sent is None and not (discard.condition is DiscardCondition.TOO_OLD and self._is_aged_by_source):
                self._counts.add(EventMetric.DROPPED, len(discard.records))
        self._revision, self._progress = revision + 1, progress
        self._standing.last_result = result or self._standing.last_result
        self._gauge.position = progress.position

    async def _note_result(self, result: str) -> None:
        if result != self._standing.last_result:
            uuid = self._mapping.uuid
            await self._parts.database.write(lambda tx: event_source_store.set_last_result(tx, uuid, result))
            self._standing.last_result = result

    def _oldest_ms(self) -> int:
        """Records that arrived before are given up."""
        of_source, of_mapping = self._reader.source.retention_seconds, self._options.max_record_age_seconds
        age = of_source if self._is_aged_by_source else of_mapping
        return self._parts.clock.now_ms() - age * 1000

    @property
    def _is_aged_by_source(self) -> bool:
        """Records expire in the stream, before they are too old for the mapping."""
        age = self._options.max_record_age_seconds
        return age == INFINITE or self._reader.source.retention_seconds < age

    async def _pause(self) -> None:
        self._failures += 1
        await self._sleep(failures.pause_seconds(self._failures, self._parts.jitter()))

    async def _sleep(self, seconds: float) -> None:
        """Less if we are to stop."""
        clock = self._parts.clock
        due = clock.monotonic() + seconds
        while not self._is_stopping and (left := due - clock.monotonic()) > MOMENT_SECONDS:
            await self._wait(left)

    async def _wait(self, seconds: float | None) -> None:
        """Until the bell rings, but no longer."""
        if seconds is None:
            await self._bell.wait()
            return
        alarm = self._tasks.create_task(self._ring_after(seconds))
        try:
            await self._bell.wait()
        finally:
            alarm.cancel()

    async def _ring_after(self, seconds: float) -> None:
        await self._parts.clock.sleep(seconds)
        self._bell.ring()


def _result(step: Step, outcome: Outcome | None) -> str | None:
    """LastProcessingResult, if the function was invoked."""
    if outcome is None:
        return None
    return OK if step.condition is None and not step.sections else CALL_FAILED

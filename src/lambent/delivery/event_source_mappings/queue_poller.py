"""A poller of a queue: receives in the platform's own transactions, and keeps as many batches with the function as fit.

A batch is deleted when the function has handled it; what failed stays invisible until its timeout and comes again. Who
waits for messages leaves a standing order: they are received in the very transaction that sends them. Any other commit
that makes one visible wakes us; timers run only while a batch is gathered, until an invisible message is due, or while
a throttled function is left alone. Killed at any moment, nothing is lost: what was received is visible again in time.
"""

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import field

from lambent.delivery.event_source_mappings import queue_batches, queue_source, queue_width
from lambent.delivery.event_source_mappings.event_counts import EventCounts, EventMetric
from lambent.delivery.event_source_mappings.filters import compile_filters
from lambent.delivery.event_source_mappings.parts import MappingParts, QueueStanding
from lambent.delivery.event_source_mappings.queue_batches import MAX_BATCH_BYTES, QueuedMessage
from lambent.delivery.event_source_mappings.queue_width import Width
from lambent.kit import trace
from lambent.kit.frozen import frozen, mutable
from lambent.sandbox.types import Outcome
from lambent.services.lambda_ import event_source_store
from lambent.services.lambda_.errors import RecursiveInvocation
from lambent.services.lambda_.event_source_mappings import CALL_FAILED, OK, EventSourceMapping
from lambent.services.lambda_.invoker import address_of
from lambent.services.sqs import message_store, queues, receive_store
from lambent.services.sqs.in_flight import InFlight
from lambent.services.sqs.message_store import Received
from lambent.services.sqs.queue_meters import QueueMeter
from lambent.services.sqs.queues import Queue
from lambent.services.sqs.receipts import Receipt
from lambent.services.sqs.receive_store import Wish
from lambent.storage.standing_orders import StandingOrder
from lambent.storage.transaction import Transaction
from lambent.wire.errors import ServiceError

QUEUE_GONE = "PROBLEM: Queue not found"

#: Pause after a fault of ours (a full disk, a bug) before it goes on.
FAULT_SECONDS = 1.0
#: While more messages wait than places: how soon to see whether there are more places.
GROWTH_SECONDS = 0.25
#: What one transaction receives at most.
MAX_BATCHES_AT_ONCE = 20
MAX_BYTES_AT_ONCE = 2 * MAX_BATCH_BYTES
MAX_MESSAGES_AT_ONCE = 2_000

log = logging.getLogger(__name__)


@mutable
class _Gathering:
    """A batch that is not full yet and waits for more until `deadline`."""

    messages: list[QueuedMessage] = field(default_factory=list)
    deadline: float = 0.0


@frozen
class _Haul:
    """What one transaction received: of a FIFO queue, each list is a batch for itself.

    No list: so much was dropped or buried that it had to stop before the end.
    """

    queue: Queue
    lists: Sequence[Sequence[Received]]


class QueuePoller:
    def __init__(
        self, parts: MappingParts, standing: QueueStanding, mapping: EventSourceMapping, tasks: asyncio.TaskGroup
    ) -> None:
        self._parts = parts
        self._standing = standing
        self._tasks = tasks
        key = queues.parse_arn(mapping.source_arn)
        assert key is not None, "mappings of queues have queues' ARNs"
        self._key = key
        self._meter = QueueMeter(parts.meter, key)
        self._label = f"sqs:{key.name}"
        self._in_flight = InFlight()
        self._bell = parts.database.subscribe(key.topic)
        self._running = 0
        self._gathering = _Gathering()
        self._order: StandingOrder[_Haul] | None = None
        self._is_stopping = False
        self._width = Width(queue_width.Scaling())
        self.update(mapping)

    def update(self, mapping: EventSourceMapping) -> None:
        """The mapping as it is now; invocations under way go on."""
        self._mapping = mapping
        self._options = mapping.options
        self._address = address_of(mapping.function_arn)
        self._matches = compile_filters(mapping.options.filters)
        self._counts = EventCounts(self._parts.meter, mapping)
        self._width.scale(queue_width.scaling_of(mapping.options))
        self._bell.ring()

    @property
    def provisioned_pollers(self) -> int:
        """That are at work; 0 if the mapping is not in provisioned mode."""
        return max(self._options.minimum_pollers, self._width.pollers) if self._options.maximum_pollers else 0

    def stop(self) -> None:
        """Receive nothing more; invocations under way end by themselves."""
        self._is_stopping = True
        self._bell.ring()

    async def run(self) -> None:
        """Until stopped."""
        try:
            while not self._is_stopping:
                try:
                    await self._turn()
                except Exception:
                    # Whatever it is: the messages come back by their timeout, and the platform goes on.
                    log.exception("mapping %s failed on %s; it tries again", self._mapping.uuid, self._key.name)
                    await self._wait(FAULT_SECONDS)
            await self._release(self._gathering.messages)
            await self._withdraw()
        finally:
            self._is_stopping = True
            self._parts.database.unsubscribe(self._key.topic, self._bell)

    # One turn: receive what there are places for, start what is ready, else wait.

    async def _turn(self) -> None:
        if self._order is not None and self._order.is_done:
            await self._take_in(await self._ordered(self._order))
            return
        now = self._parts.clock.monotonic()
        pause = self._width.pause_left(now)
        if pause:
            await self._wait(pause)
            return
        free = self._width.places - self._running
        if free <= 0:
            await self._wait_for_a_place(now)
            return
        self._width.is_wide_enough()
        if self._is_due(now):
            self._start_gathered()
            return
        exists, due_ms = self._parts.database.read(self._peek)
        if not exists:
            await self._note_result(QUEUE_GONE)
        order = self._order or self._parts.database.when_announced(self._key.topic, self._receive)
        if due_ms is None or due_ms > self._parts.clock.now_ms():
            self._order = order
            await self._wait_for_messages(due_ms)
            return
        haul = await self._ordered(order)
        if haul is None:
            # Taken by somebody else, or too many are in flight: a commit will tell.
            await self._wait(FAULT_SECONDS)
        await self._take_in(haul)

    async def _ordered(self, order: StandingOrder[_Haul]) -> _Haul | None:
        self._order = None
        return await order.demand()

    def _is_due(self, now: float) -> bool:
        return bool(self._gathering.messages) and self._gathering.deadline <= now

    def _peek(self, tx: Transaction) -> tuple[bool, int | None]:
        """Whether there is the queue, and when a message may be received next, if anybody knows."""
        queue = queue_source.find(tx, self._mapping.source_arn)
        return (False, None) if queue is None else (True, message_store.next_visible_ms(tx, queue))

    def _receive(self, tx: Transaction) -> _Haul | None:
        """As much as there is a place for; None: nothing. In the writer's thread, and perhaps when we do not ask."""
        queue = queue_source.find(tx, self._mapping.source_arn)
        if queue is None or self._is_stopping or self._width.pause_left(self._parts.clock.monotonic()):
            return None
        now_ms = self._parts.clock.now_ms()
        lists: list[Sequence[Received]] = []
        count = size = 0
        room = max(1, self._options.batch_size - len(self._gathering.messages))
        goes_on = False
        for _ in range(min(self._width.places - self._running, MAX_BATCHES_AT_ONCE)):
            if size >= MAX_BYTES_AT_ONCE or count >= MAX_MESSAGES_AT_ONCE:
                break
            try:
                limit = self._in_flight.admit(tx, queue, min(room, MAX_MESSAGES_AT_ONCE), now_ms)
            except ServiceError:
                limit = 0
            if not limit:
                break
            taken = receive_store.receive(tx, queue, Wish(limit, max_bytes=MAX_BATCH_BYTES), now_ms)
            goes_on = taken.is_unfinished
            if not taken.messages:
                break
            lists.append(taken.messages)
            count += len(taken.messages)
            size += sum(len(one.body) for one in taken.messages)
            room = self._options.batch_size
        return _Haul(queue, lists) if lists or goes_on else None

    async def _take_in(self, haul: _Haul | None) -> None:
        if haul is None:
            return
        polled = sum(map(len, haul.lists))
        self._meter.received(polled)
        self._counts.add(EventMetric.POLLED, polled)
        unwanted: list[QueuedMessage] = []
        for received in haul.lists:
            wanted: list[QueuedMessage] = []
            for one in received:
                message, is_wanted = self._prepare(haul.queue, one)
                (wanted if is_wanted else unwanted).append(message)
            await self._add(wanted)
        if self._matches is not None:
            self._counts.add(EventMetric.FILTERED_OUT, len(unwanted))
        if unwanted:
            await self._delete(unwanted)
            self._standing.filtered += len(unwanted)

    def _prepare(self, queue: Queue, received: Received) -> tuple[QueuedMessage, bool]:
        record = queue_source.event_record(queue, received)
        message = QueuedMessage(
            box_id=queue.box_id,
            position=received.position,
            receive_count=received.receive_count,
            message_id=received.message_id,
            group_id=received.details.group_id if queue.key.is_fifo else "",
            trace=trace.accepted(received.details.trace) or trace.begin(received.message_id, received.sent_ms / 1000),
            record=queue_batches.to_json(record),
        )
        return message, queue_batches.is_wanted(self._matches, record)

    async def _add(self, messages: Sequence[QueuedMessage]) -> None:
        """To the batch that is being gathered; what is full, or need not wait, starts."""
        gathering = self._gathering
        if messages and not gathering.messages:
            gathering.deadline = self._parts.clock.monotonic() + self._options.batching_window_seconds
        gathering.messages += messages
        count = queue_batches.fitting(gathering.messages, self._options.batch_size)
        overflow = gathering.messages[count:]
        del gathering.messages[count:]
        is_full = bool(overflow) or count >= self._options.batch_size
        if is_full or (messages and not self._options.batching_window_seconds):
            self._start_gathered()
        await self._release(overflow)

    def _start_gathered(self) -> None:
        batch, self._gathering = self._gathering.messages, _Gathering()
        self._running += 1
        self._standing.running = self._running
        self._tasks.create_task(self._deliver(batch))

    # An invocation.

    async def _deliver(self, batch: Sequence[QueuedMessage]) -> None:
        try:
            request_id = self._parts.ids.uuid()
            outcome = await self._invoke(batch, request_id)
            if outcome is not None:
                await self._settle(batch, outcome, request_id)
        except Exception:
            log.exception("mapping %s failed with a batch of %s", self._mapping.uuid, self._key.name)
        finally:
            self._running -= 1
            self._standing.running = self._running
            self._bell.ring()

    async def _invoke(self, batch: Sequence[QueuedMessage], request_id: str) -> Outcome | None:
        """None: it did not come to the function (throttled, or there is none); the messages come again by time."""
        self._counts.add(EventMetric.INVOKED, len(batch))
        try:
            outcome = await self._parts.functions.invoke(
                self._address,
                request_id=request_id,
                payload=queue_batches.event(batch),
                trace_id=batch[0].trace,
                source=self._label,
            )
        except ServiceError as error:
            self._standing.refused += 1
            self._counts.add(EventMetric.FAILED, len(batch))
            if not isinstance(error, RecursiveInvocation):  # that is about these messages, not about the function
                self._width.refused(self._parts.clock.monotonic())
            await self._note_result(CALL_FAILED)
            return None
        self._width.admitted()
        self._standing.invocations += 1
        self._standing.records += len(batch)
        self._standing.errors += outcome.function_error is not None
        return outcome

    async def _settle(self, batch: Sequence[QueuedMessage], outcome: Outcome, request_id: str) -> None:
        done: Sequence[QueuedMessage] = ()
        if not outcome.function_error:
            done = queue_batches.handled(
                batch, outcome.payload, reports_item_failures=self._options.reports_item_failures
            )
        if left := len(batch) - len(done):
            self._parts.happenings.add_prospect(request_id, queue_batches.prospect(left, len(batch)))
        self._counts.add(EventMetric.FAILED, left)
        deleted = await self._delete(done, OK if len(done) == len(batch) else CALL_FAILED)
        if done:
            self._counts.add(EventMetric.DELETED, deleted)

    async def _delete(self, messages: Sequence[QueuedMessage], result: str | None = None) -> int:
        """What the function has handled, or was not to see; how many were deleted, others having come again since."""
        is_new = result is not None and result != self._standing.last_result
        deleted = 0

        def delete(tx: Transaction) -> int:
            receipts = [Receipt(one.box_id, one.position, one.receive_count) for one in messages]
            deleted = message_store.delete_latest(tx, receipts)
            if any(one.group_id for one in messages):
                tx.announce(self._key.topic)
            if is_new and result is not None:
                event_source_store.set_last_result(tx, self._mapping.uuid, result)
            return deleted

        if messages or is_new:
            deleted = await self._parts.database.write(delete)
            self._meter.deleted(len(messages))
        if result is not None:
            self._standing.last_result = result
        return deleted

    async def _release(self, messages: Sequence[QueuedMessage]) -> None:
        """What was received and not delivered: others may have it at once."""
        now_ms = self._parts.clock.now_ms()

        def release(tx: Transaction) -> None:
            for one in messages:
                message_store.release_received(tx, one.box_id, one.position, one.receive_count, now_ms)
            tx.announce(self._key.topic)

        if messages:
            await self._parts.database.write(release)

    async def _withdraw(self) -> None:
        """The standing order; what it has received is released."""
        haul = await self._order.withdraw() if self._order is not None else None
        if haul is not None:
            received = (self._prepare(haul.queue, one)[0] for each in haul.lists for one in each)
            await self._release(tuple(received))

    async def _note_result(self, result: str) -> None:
        if result != self._standing.last_result:
            await self._delete((), result)

    # Waiting.

    async def _wait_for_a_place(self, now: float) -> None:
        """Until a batch ends, or there is one place more because messages wait."""
        _, due_ms = self._parts.database.read(self._peek)
        has_backlog = due_ms is not None and due_ms <= self._parts.clock.now_ms()
        if has_backlog:
            self._width.is_too_narrow(now)
        if self._width.places > self._running:
            return
        await self._wait(GROWTH_SECONDS if has_backlog and self._width.can_grow else None)

    async def _wait_for_messages(self, due_ms: int | None) -> None:
        """Until a commit brings one, an invisible one is due, or the batch that is gathered has waited long enough."""
        if not self._running:
            self._width.has_emptied()
        clock = self._parts.clock
        until = []
        if due_ms is not None:
            until.append((due_ms - clock.now_ms()) / 1000)
        if self._gathering.messages:
            until.append(self._gathering.deadline - clock.monotonic())
        await self._wait(min(until, default=None))

    async def _wait(self, seconds: float | None) -> None:
        """Until the bell rings, but no longer."""
        if seconds is None:
            await self._bell.wait()
        elif seconds > 0:
            alarm = self._tasks.create_task(self._ring_after(seconds))
            try:
                await self._bell.wait()
            finally:
                alarm.cancel()

    async def _ring_after(self, seconds: float) -> None:
        await self._parts.clock.sleep(seconds)
        self._bell.ring()

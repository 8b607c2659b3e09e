"""Receiving, with patience: long polls wait for the commit that sends, and for messages that become visible by time.

https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-short-and-long-polling.html. Nothing is
asked again and again: a waiting receiver sleeps until its queue's topic is announced, until the next message is due,
or until its time is over.
"""

import asyncio
from collections.abc import Callable, Sequence

from lambent.kit.clock import Clock
from lambent.kit.frozen import frozen
from lambent.services.sqs import message_store, shared_store, store
from lambent.services.sqs.access import Approach
from lambent.services.sqs.in_flight import InFlight
from lambent.services.sqs.message_store import Received
from lambent.services.sqs.queues import Queue
from lambent.services.sqs.receive_store import Wish
from lambent.services.sqs.shared_store import Reception
from lambent.storage.database import Database
from lambent.storage.signal import Signal
from lambent.wire.http import stays


@frozen
class Delivery:
    queue: Queue
    messages: Sequence[Received] = ()


@frozen
class _Peeked:
    queue: Queue
    due_ms: int | None
    """When a message may be received next; None: there is none."""


@frozen
class _Looked:
    delivery: Delivery
    due_ms: int | None = None
    """When it is worth looking again; None: a commit will tell."""


class Receiver:
    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._in_flight = InFlight()
        self._waiting: set[Signal] = set()
        self._is_closed = False

    async def receive(
        self, approach: Approach, wish: Wish, wait_seconds: int | None, *, has_left: Callable[[], bool] = stays
    ) -> Delivery:
        """At once what there is, or the first that comes within `wait_seconds` (None: as the queue says). Raises
        QueueDoesNotExist, AccessDenied, OverLimit.

        `has_left`: nobody waits any more, so nothing must be taken: it would stay invisible until its timeout.
        """
        peeked = self._peek(approach)
        patience = peeked.queue.settings.wait_seconds if wait_seconds is None else wait_seconds
        if patience:
            return await self._wait_for(peeked, approach, wish, self._clock.monotonic() + patience, has_left)
        return (await self._look(peeked, approach, wish)).delivery

    def close(self) -> None:
        """Whoever waits is answered now, and nobody waits any more."""
        self._is_closed = True
        for bell in self._waiting:
            bell.ring()

    async def _wait_for(
        self, peeked: _Peeked, approach: Approach, wish: Wish, deadline: float, has_left: Callable[[], bool]
    ) -> Delivery:
        topic = peeked.queue.topic
        bell = self._database.subscribe(topic)
        self._waiting.add(bell)
        try:
            while not has_left():
                looked = await self._look(peeked, approach, wish)
                left = deadline - self._clock.monotonic()
                if looked.delivery.messages or left <= 0 or self._is_closed:
                    return looked.delivery
                if looked.due_ms is not None:
                    left = min(left, max((looked.due_ms - self._clock.now_ms()) / 1000, 0))
                await self._ring_within(bell, left)
                peeked = self._peek(approach)
            return Delivery(peeked.queue)
        finally:
            self._waiting.discard(bell)
            self._database.unsubscribe(topic, bell)

    async def _look(self, peeked: _Peeked, approach: Approach, wish: Wish) -> _Looked:
        """What can be received now; an empty queue is found out without a transaction of the writer."""
        queue = peeked.queue
        while wish.attempt_id or self._is_due(peeked.due_ms):
            reception = Reception(approach, wish, self._in_flight, self._clock)
            queue, taken = await self._database.write_shared(shared_store.receive_all, reception)
            if taken.messages:
                return _Looked(Delivery(queue, taken.messages))
            peeked = self._peek(approach)
            if not taken.is_unfinished:
                break
        # What is visible and was not taken (another receiver was faster, too many are in flight) comes by a commit.
        return _Looked(Delivery(queue), None if self._is_due(peeked.due_ms) else peeked.due_ms)

    def _is_due(self, due_ms: int | None) -> bool:
        return due_ms is not None and due_ms <= self._clock.now_ms()

    def _peek(self, approach: Approach) -> _Peeked:
        """Two look-ups, in no snapshot together: of a queue that is purged between them the old messages are seen, and
        then not found when they are to be received.
        """
        queue = self._database.look_up(lambda tx: store.enter(tx, approach))
        return _Peeked(queue, self._database.look_up(lambda tx: message_store.next_visible_ms(tx, queue)))

    async def _ring_within(self, bell: Signal, seconds: float) -> None:
        async with asyncio.TaskGroup() as tasks:
            alarm = tasks.create_task(self._ring_after(bell, seconds))
            await bell.wait()
            alarm.cancel()

    async def _ring_after(self, bell: Signal, seconds: float) -> None:
        await self._clock.sleep(seconds)
        bell.ring()

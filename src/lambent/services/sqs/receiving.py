"""Receiving, with patience: long polls wait for the commit that sends, and for messages that become visible by time.

https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-short-and-long-polling.html. Nothing is
asked again and again: a waiting receiver sleeps until its queue's topic is announced, until the next message is due,
or until its time is over.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace

from lambent.kit.clock import Clock
from lambent.kit.frozen import frozen
from lambent.services.sqs import message_store, receive_store
from lambent.services.sqs.in_flight import InFlight
from lambent.services.sqs.message_store import Received
from lambent.services.sqs.queues import Queue
from lambent.services.sqs.receive_store import Taken, Wish
from lambent.storage.database import Database
from lambent.storage.signal import Signal
from lambent.storage.transaction import Transaction
from lambent.wire.http import stays

FindQueue = Callable[[Transaction], Queue]
"""Raises ServiceError if there is none, or the caller may not receive from it."""


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
        self, find: FindQueue, wish: Wish, wait_seconds: int | None, *, has_left: Callable[[], bool] = stays
    ) -> Delivery:
        """At once what there is, or the first that comes within `wait_seconds` (None: as the queue says).

        `has_left`: nobody waits any more, so nothing must be taken: it would stay invisible until its timeout.
        """
        peeked = self._database.read(lambda tx: self._peek(tx, find))
        patience = peeked.queue.settings.wait_seconds if wait_seconds is None else wait_seconds
        if patience:
            return await self._wait_for(peeked, find, wish, self._clock.monotonic() + patience, has_left)
        return (await self._look(peeked, find, wish)).delivery

    def close(self) -> None:
        """Whoever waits is answered now, and nobody waits any more."""
        self._is_closed = True
        for bell in self._waiting:
            bell.ring()

    async def _wait_for(
        self, peeked: _Peeked, find: FindQueue, wish: Wish, deadline: float, has_left: Callable[[], bool]
    ) -> Delivery:
        topic = peeked.queue.topic
        bell = self._database.subscribe(topic)
        self._waiting.add(bell)
        try:
            while not has_left():
                looked = await self._look(peeked, find, wish)
                left = deadline - self._clock.monotonic()
                if looked.delivery.messages or left <= 0 or self._is_closed:
                    return looked.delivery
                if looked.due_ms is not None:
                    left = min(left, max((looked.due_ms - self._clock.now_ms()) / 1000, 0))
                await self._ring_within(bell, left)
                peeked = self._database.read(lambda tx: self._peek(tx, find))
            return Delivery(peeked.queue)
        finally:
            self._waiting.discard(bell)
            self._database.unsubscribe(topic, bell)

    async def _look(self, peeked: _Peeked, find: FindQueue, wish: Wish) -> _Looked:
        """What can be received now; an empty queue is found out without a transaction of the writer."""
        queue = peeked.queue
        while wish.attempt_id or self._is_due(peeked.due_ms):
            queue, taken = await self._database.write(lambda tx: self._take(tx, find, wish))
            if taken.messages:
                return _Looked(Delivery(queue, taken.messages))
            peeked = self._database.read(lambda tx: self._peek(tx, find))
            if not taken.is_unfinished:
                break
        # What is visible and was not taken (another receiver was faster, too many are in flight) comes by a commit.
        return _Looked(Delivery(queue), None if self._is_due(peeked.due_ms) else peeked.due_ms)

    def _is_due(self, due_ms: int | None) -> bool:
        return due_ms is not None and due_ms <= self._clock.now_ms()

    def _peek(self, tx: Transaction, find: FindQueue) -> _Peeked:
        queue = find(tx)
        return _Peeked(queue, message_store.next_visible_ms(tx, queue))

    def _take(self, tx: Transaction, find: FindQueue, wish: Wish) -> tuple[Queue, Taken]:
        queue, now_ms = find(tx), self._clock.now_ms()
        admitted = self._in_flight.admit(tx, queue, wish.limit, now_ms)
        if not admitted:
            return queue, Taken()
        return queue, receive_store.receive(tx, queue, replace(wish, limit=admitted), now_ms)

    async def _ring_within(self, bell: Signal, seconds: float) -> None:
        async with asyncio.TaskGroup() as tasks:
            alarm = tasks.create_task(self._ring_after(bell, seconds))
            await bell.wait()
            alarm.cancel()

    async def _ring_after(self, bell: Signal, seconds: float) -> None:
        await self._clock.sleep(seconds)
        bell.ring()

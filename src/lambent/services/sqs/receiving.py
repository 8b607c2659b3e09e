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
        queue = self._database.read(find)
        patience = queue.settings.wait_seconds if wait_seconds is None else wait_seconds
        if patience:
            return await self._wait_for(queue, find, wish, self._clock.monotonic() + patience, has_left)
        delivery, _ = await self._look(find, wish)
        return delivery

    def close(self) -> None:
        """Whoever waits is answered now, and nobody waits any more."""
        self._is_closed = True
        for bell in self._waiting:
            bell.ring()

    async def _wait_for(
        self, queue: Queue, find: FindQueue, wish: Wish, deadline: float, has_left: Callable[[], bool]
    ) -> Delivery:
        bell = self._database.subscribe(queue.topic)
        self._waiting.add(bell)
        try:
            while not has_left():
                delivery, due_ms = await self._look(find, wish)
                left = deadline - self._clock.monotonic()
                if delivery.messages or left <= 0 or self._is_closed:
                    return delivery
                if due_ms is not None:
                    left = min(left, max((due_ms - self._clock.now_ms()) / 1000, 0))
                await self._ring_within(bell, left)
            return Delivery(queue)
        finally:
            self._waiting.discard(bell)
            self._database.unsubscribe(queue.topic, bell)

    async def _look(self, find: FindQueue, wish: Wish) -> tuple[Delivery, int | None]:
        """What can be received now; else when something may be next, None if only a commit can bring it.

        An empty queue is found out without a transaction of the writer.
        """
        while True:
            queue, due_ms = self._database.read(lambda tx: self._peek(tx, find))
            if not wish.attempt_id and (due_ms is None or due_ms > self._clock.now_ms()):
                return Delivery(queue), due_ms
            queue, taken = await self._database.write(lambda tx: self._take(tx, find, wish))
            if taken.messages:
                return Delivery(queue, taken.messages), None
            if not taken.is_unfinished:
                break
        # What is visible and was not taken (another receiver was faster, too many are in flight) comes by a commit.
        _, due_ms = self._database.read(lambda tx: self._peek(tx, find))
        is_later = due_ms is not None and due_ms > self._clock.now_ms()
        return Delivery(queue), due_ms if is_later else None

    def _peek(self, tx: Transaction, find: FindQueue) -> tuple[Queue, int | None]:
        queue = find(tx)
        return queue, message_store.next_visible_ms(tx, queue)

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

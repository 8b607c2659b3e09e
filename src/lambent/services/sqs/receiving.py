"""Receiving, with patience: long polls wait for the commit that sends, and for messages that become visible by time.

https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-short-and-long-polling.html. Nothing is
asked again and again: a waiting receiver leaves a standing order, and what is sent is received for it in the same
transaction. Whoever has waited longest heeds the clock as well, for messages that come into sight without a commit.
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
from lambent.services.sqs.receive_store import Taken, Wish
from lambent.services.sqs.shared_store import Reception
from lambent.services.sqs.waiting_lines import Place, WaitingLines
from lambent.storage.database import Database
from lambent.storage.signal import Signal
from lambent.storage.standing_orders import StandingOrder
from lambent.storage.transaction import Transaction
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
class _Waiting:
    """A receiver with patience."""

    approach: Approach
    wish: Wish
    deadline: float
    has_left: Callable[[], bool]


_Answer = tuple[Queue, Taken]


class Receiver:
    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._in_flight = InFlight()
        self._lines = WaitingLines(database)
        self._is_closed = False

    async def receive(
        self, approach: Approach, wish: Wish, wait_seconds: int | None, *, has_left: Callable[[], bool] = stays
    ) -> Delivery:
        """At once what there is, or the first that comes within `wait_seconds` (None: as the queue says).

        `has_left`: nobody waits any more, so nothing must be taken: it would stay invisible until its timeout.
        """
        peeked = self._peek(approach)
        delivery = await self._look(peeked, approach, wish)
        patience = peeked.queue.settings.wait_seconds if wait_seconds is None else wait_seconds
        if delivery.messages or not patience:
            return delivery
        waiting = _Waiting(approach, wish, self._clock.monotonic() + patience, has_left)
        with self._lines.place(peeked.queue.topic) as place:
            return await self._wait(place, waiting) or Delivery(peeked.queue)

    def close(self) -> None:
        """Whoever waits is answered now, and nobody waits any more."""
        self._is_closed = True
        self._lines.ring_all()

    async def _look(self, peeked: _Peeked, approach: Approach, wish: Wish) -> Delivery:
        """What can be received now; an empty queue is found out without a transaction of the writer."""
        queue, taken = peeked.queue, Taken()
        is_worth_it = wish.attempt_id or self._is_due(peeked.due_ms)
        while is_worth_it:
            reception = self._reception(approach, wish)
            queue, taken = await self._database.write_shared(shared_store.receive_all, reception)
            is_worth_it = taken.is_unfinished and not taken.messages
        return Delivery(queue, taken.messages)

    async def _wait(self, place: Place, waiting: _Waiting) -> Delivery | None:
        """Until there is something, or nobody waits any more. Raises what looking the queue up raises."""
        order = self._order(place, waiting)
        has_tried = False
        try:
            while not (waiting.has_left() or self._is_closed):
                # The order was placed before we look: what comes after this look finds the order.
                due_ms = self._peek(waiting.approach).due_ms
                is_due = self._is_due(due_ms)
                if order.is_done or (is_due and not has_tried):
                    answer = await order.demand()
                    if answer is not None and answer[1].messages:
                        return _delivery(answer)
                    has_tried = answer is None
                    order = self._order(place, waiting)
                    continue
                left = waiting.deadline - self._clock.monotonic()
                if left <= 0:
                    break
                # What is due and was not taken (another was faster, too many are in flight) comes by a commit.
                if place.is_first and due_ms is not None and not is_due:
                    left = min(left, (due_ms - self._clock.now_ms()) / 1000)
                await self._ring_within(place.bell, left)
                has_tried = False
            return _delivery(await order.withdraw())
        except BaseException:
            order.abandon()
            raise

    def _order(self, place: Place, waiting: _Waiting) -> StandingOrder[_Answer]:
        """To receive in the very transaction that sends, or in whatever else brings a message into sight."""

        def work(tx: Transaction) -> _Answer | None:
            if waiting.has_left():
                return store.enter(tx, waiting.approach), Taken()
            queue, taken = self._take(tx, waiting.approach, waiting.wish)
            if len(taken.messages) == waiting.wish.limit:
                tx.announce(queue.topic)  # there may be more, for those behind
            return (queue, taken) if taken.messages or taken.is_unfinished else None

        order = self._database.when_announced(place.topic, work, in_line=True)
        order.when_done(place.bell.ring)
        return order

    def _is_due(self, due_ms: int | None) -> bool:
        return due_ms is not None and due_ms <= self._clock.now_ms()

    def _peek(self, approach: Approach) -> _Peeked:
        """Two look-ups, in no snapshot together: of a queue that is purged between them the old messages are seen, and
        then not found when they are to be received.
        """
        queue = self._database.look_up(lambda tx: store.enter(tx, approach))
        return _Peeked(queue, self._database.look_up(lambda tx: message_store.next_visible_ms(tx, queue)))

    def _take(self, tx: Transaction, approach: Approach, wish: Wish) -> _Answer:
        [answer] = shared_store.receive_all(tx, (self._reception(approach, wish),))
        if isinstance(answer, Exception):
            raise answer
        return answer

    def _reception(self, approach: Approach, wish: Wish) -> Reception:
        return Reception(approach, wish, self._in_flight, self._clock)

    async def _ring_within(self, bell: Signal, seconds: float) -> None:
        async with asyncio.TaskGroup() as tasks:
            alarm = tasks.create_task(self._ring_after(bell, seconds))
            await bell.wait()
            alarm.cancel()

    async def _ring_after(self, bell: Signal, seconds: float) -> None:
        await self._clock.sleep(seconds)
        bell.ring()


def _delivery(answer: _Answer | None) -> Delivery | None:
    return None if answer is None else Delivery(answer[0], answer[1].messages)

"""Standing orders: work that waits for a topic, and is done in the very transaction that announces it.

A consumer that has to write before it can begin (to claim a message, say) would wait for two commits: that of its cause
and its own. Its order makes them one: when the commit that announces the topic is on disk, the order is done.

The registry belongs to the writer's thread; orders, and what is to become of them, come to it among the other jobs.
"""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from enum import Enum
from typing import Any, Generic, TypeVar

from lambent.kit.frozen import frozen
from lambent.storage.job import Job

T = TypeVar("T")


class Verb(Enum):
    PLACE = "place"
    #: Do it now, whatever is announced.
    DEMAND = "demand"
    WITHDRAW = "withdraw"


@frozen
class Errand:
    """What is to become of an order. If it is done already, nothing."""

    verb: Verb
    order: Job


class StandingOrder(Generic[T]):
    """As its consumer has it; see `Database.when_announced`."""

    def __init__(self, job: Job, send: Callable[[Errand], None]) -> None:
        self._job = job
        self._send = send
        send(Errand(Verb.PLACE, job))

    @property
    def is_done(self) -> bool:
        """And the commit that it was done in is on disk; or it was withdrawn."""
        return self._job.answer.done()

    def when_done(self, tell: Callable[[], None]) -> None:
        """Called on the event loop, soon, if it is done already."""
        self._job.answer.add_done_callback(lambda _: tell())

    def demand(self) -> Awaitable[T | None]:
        """To be done now, if it is not done yet. What it came to; raises as `Database.write` does."""
        return self._ask(Verb.DEMAND)

    def withdraw(self) -> Awaitable[T | None]:
        """To be done no more. What it came to before that; None if it was not done."""
        return self._ask(Verb.WITHDRAW)

    def abandon(self) -> None:
        """To be done no more, and nobody wants to know what it came to."""
        self.withdraw()
        self._job.answer.add_done_callback(lambda answer: answer.cancelled() or answer.exception())

    def _ask(self, verb: Verb) -> Awaitable[Any]:
        if not self.is_done:
            self._send(Errand(verb, self._job))
        return self._job.answer


class StandingOrders:
    def __init__(self) -> None:
        self._by_topic: dict[str, list[Job]] = {}

    def run(self, errand: Errand) -> bool:
        """True if it ends the order: one that is demanded is then to be performed, one that is withdrawn answered."""
        order = errand.order
        if errand.verb is Verb.PLACE:
            self._by_topic.setdefault(order.topic, []).append(order)
            return False
        is_standing = order in self._by_topic.get(order.topic, ())
        if is_standing:
            self.remove([order])
        return is_standing

    def waiting_for(self, topics: Iterable[str]) -> Sequence[Job]:
        if not self._by_topic:
            return ()
        return [order for topic in topics for order in self._by_topic.get(topic, ())]

    def remove(self, orders: Iterable[Job]) -> None:
        for order in orders:
            waiting = self._by_topic[order.topic]
            waiting.remove(order)
            if not waiting:
                del self._by_topic[order.topic]

"""The backlog: asynchronous invocations that are due but have to wait for a place, function by function.

Two limits: on all running together, and on each function, so that a slow one does not take every place. Decides who
starts; the shell starts it.
"""

from collections import Counter, deque
from collections.abc import Callable

from lambent.kit.frozen import frozen
from lambent.services.lambda_.queue_store import QueuedInvocation

#: Waiting invocations whose row stays in memory; of further ones only the position.
MAX_ROWS_KEPT = 1_000


@frozen
class Waiting:
    position: int
    row: QueuedInvocation | None
    """None: read it back when its turn comes."""


LimitOf = Callable[[str], int]
"""Function ARN -> how many of it may run now; at least 1."""


class Backlog:
    def __init__(self, *, max_running: int, max_waiting: int, limit_of: LimitOf) -> None:
        self._max_running = max_running
        self._max_waiting = max_waiting
        self._limit_of = limit_of
        self._running: Counter[str] = Counter()
        self._running_total = 0
        self._waiting: dict[str, deque[Waiting]] = {}
        self._waiting_total = 0

    @property
    def running(self) -> int:
        return self._running_total

    @property
    def waiting(self) -> int:
        return self._waiting_total

    @property
    def has_room(self) -> bool:
        """Whether it is worth reading on in the queue."""
        return self._running_total < self._max_running and self._waiting_total < self._max_waiting

    def running_of(self, function_arn: str) -> int:
        return self._running[function_arn]

    def offer(self, row: QueuedInvocation) -> bool:
        """True: start it, it has a place. False: it waits behind the others of its function."""
        arn = row.function_arn
        if arn not in self._waiting and self._has_place(arn):
            self._occupy(arn)
            return True
        self.park(row)
        return False

    def park(self, row: QueuedInvocation) -> None:
        """Let it wait, behind the others of its function."""
        kept = row if self._waiting_total < MAX_ROWS_KEPT else None
        self._waiting.setdefault(row.function_arn, deque()).append(Waiting(row.position, kept))
        self._waiting_total += 1

    def try_start(self, function_arn: str) -> bool:
        """Take a place if one is free and nobody waits for it."""
        if self._waiting_total or not self._has_place(function_arn):
            return False
        self._occupy(function_arn)
        return True

    def finish(self, function_arn: str) -> None:
        """A place is free again: ask `next_to_start`."""
        self._running_total -= 1
        self._running[function_arn] -= 1
        if not self._running[function_arn]:
            del self._running[function_arn]

    def next_to_start(self) -> Waiting | None:
        """The longest waiting of the first function that may run one more; its place is taken by the call."""
        for arn in self._waiting:
            if self._has_place(arn):
                return self._take(arn)
        return None

    def _take(self, arn: str) -> Waiting:
        queue = self._waiting.pop(arn)
        chosen = queue.popleft()
        if queue:
            self._waiting[arn] = queue  # at the end: functions take turns
        self._waiting_total -= 1
        self._occupy(arn)
        return chosen

    def _has_place(self, arn: str) -> bool:
        return self._running_total < self._max_running and self._running[arn] < self._limit_of(arn)

    def _occupy(self, arn: str) -> None:
        self._running[arn] += 1
        self._running_total += 1

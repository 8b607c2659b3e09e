"""The reserve: execution environments made before anybody needs them, so that a cold start finds one ready.

They belong to no function yet, only to a Kind (runtime, way of starting, network). Taking one sets off making another,
a moment later and one at a time, so that it costs running functions as little as possible. Where the reserve is
empty, one is made at once for whoever asks; whichever is ready first is whose turn it is.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import field, replace

from lambent.kit.frozen import mutable
from lambent.sandbox.execution_environment import ExecutionEnvironment
from lambent.sandbox.isolation.contract import ChildFailed, Kind

Make = Callable[[Kind, bool], Awaitable[ExecutionEnvironment]]
"""(kind, hurry)."""

_log = logging.getLogger(__name__)

#: Long enough for the cold start that took one to be over.
REFILL_PAUSE_SECONDS = 0.05


@mutable
class _Shelf:
    ready: deque[ExecutionEnvironment] = field(default_factory=deque)
    asking: deque["asyncio.Future[ExecutionEnvironment]"] = field(default_factory=deque)
    is_refilling: bool = False


class Reserve:
    def __init__(self, make: Make, tasks: asyncio.TaskGroup, *, target: int) -> None:
        self._make = make
        self._tasks = tasks
        self._target = target
        self._shelves: dict[Kind, _Shelf] = {}
        self._is_closed = False

    def prepare(self, kind: Kind) -> None:
        """Fills the shelf for `kind` in the background."""
        shelf = self._shelf(kind)
        if not shelf.is_refilling and not self._is_closed:
            shelf.is_refilling = True
            self._tasks.create_task(self._refill(kind, shelf))

    async def take(self, kind: Kind) -> ExecutionEnvironment:
        """One of that kind or, where none is ready, one that only lacks the rehearsal. Raises ChildFailed."""
        plain = replace(kind, uses_sdk=False)
        environment = self._take_ready(kind) or (self._take_ready(plain) if plain != kind else None)
        if environment is not None:
            return environment
        shelf = self._shelf(plain)
        asking: asyncio.Future[ExecutionEnvironment] = asyncio.get_running_loop().create_future()
        shelf.asking.append(asking)
        self._tasks.create_task(self._make_in_a_hurry(plain, shelf))
        return await asking

    def _take_ready(self, kind: Kind) -> ExecutionEnvironment | None:
        self.prepare(kind)
        ready = self._shelf(kind).ready
        while ready:
            environment = ready.popleft()
            if not environment.is_over:
                return environment
        return None

    def waiting(self) -> list[ExecutionEnvironment]:
        return [environment for shelf in self._shelves.values() for environment in shelf.ready]

    def close(self) -> list[ExecutionEnvironment]:
        """Makes no more; answers with those that nobody took."""
        self._is_closed = True
        left = self.waiting()
        self._shelves.clear()
        return left

    def _shelf(self, kind: Kind) -> _Shelf:
        return self._shelves.setdefault(kind, _Shelf())

    async def _make_in_a_hurry(self, kind: Kind, shelf: _Shelf) -> None:
        try:
            environment = await self._make(kind, True)
        except (ChildFailed, OSError) as error:
            asking = _next_asking(shelf)
            if asking is not None:
                asking.set_exception(error)
            return
        self._shelve(shelf, environment)

    async def _refill(self, kind: Kind, shelf: _Shelf) -> None:
        try:
            await asyncio.sleep(REFILL_PAUSE_SECONDS)
            while len(shelf.ready) < self._target and not self._is_closed:
                self._shelve(shelf, await self._make(kind, False))
        except (ChildFailed, OSError) as error:
            if not self._is_closed:
                _log.warning("no execution environment in reserve for %s: %s", kind.runtime.name, error)
        finally:
            shelf.is_refilling = False

    def _shelve(self, shelf: _Shelf, environment: ExecutionEnvironment) -> None:
        asking = _next_asking(shelf)
        if asking is not None:
            asking.set_result(environment)
        else:
            shelf.ready.append(environment)


def _next_asking(shelf: _Shelf) -> "asyncio.Future[ExecutionEnvironment] | None":
    while shelf.asking:
        asking = shelf.asking.popleft()
        if not asking.done():
            return asking
    return None

"""The whole platform on a database and virtual time: everything that `app.parts` builds, but for the sandbox pool.

It is lived in lives: one ends by draining, by being cancelled where it stands (what the writer was given is committed),
or by a cut, after which nothing is there that was not on disk at that moment. The next begins on what is left.
"""

import asyncio
import contextlib
import heapq
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any, TypeVar, cast

import apsw

from delivery.conservation.edge import Door, Edge
from delivery.conservation.endpoint import Endpoint
from lambent.app.parts import Parts
from lambent.app.platform import Platform
from lambent.delivery.http_posts import HttpPosts
from lambent.delivery.parcel_store import Parcel
from lambent.kit.clock import Clock, VirtualClock
from lambent.kit.ids import RandomIds
from lambent.sandbox.pool import Pool
from lambent.services.caller import Caller
from lambent.services.lambda_.operations import LambdaOperations
from lambent.settings import Settings
from lambent.storage.database import Database
from lambent.storage.transaction import Transaction

ACCOUNT, REGION = "000000000000", "us-east-1"

#: Turns of the event loop in which nothing is asked of the database: then nothing happens until time passes.
QUIET_TURNS = 15
#: Real time for a drain.
DRAIN_SECONDS = 0.05

T = TypeVar("T")
Given = TypeVar("Given")


class Ending(Enum):
    #: SIGTERM: what runs may end, for a moment; then as below.
    DRAIN = "drain"
    #: Cancelled anywhere; what was handed to the writer is committed.
    STOP = "stop"
    #: kill -9, or the power: only what is on disk is left.
    CUT = "cut"


class SteppingClock(VirtualClock):
    """One that goes from one due time to the next."""

    def wake_next(self, end: float) -> bool:
        """Whoever is due next, and all who are at that very time; False if nobody is before `end`, which it is then."""
        due = self._first_due()
        self._now = max(self._now, min(due, end))
        while self._first_due() <= self._now:
            _, _, waiter = heapq.heappop(self._sleepers)
            waiter.set_result(None)
        return due < end

    def _first_due(self) -> float:
        """Infinity if nobody sleeps."""
        while self._sleepers and self._sleepers[0][2].done():
            heapq.heappop(self._sleepers)
        return self._sleepers[0][0] if self._sleepers else float("inf")


class WatchedDatabase(Database):
    """Says whether anything is asked of it."""

    asked = 0

    async def write(self, work: Callable[[Transaction], T]) -> T:
        with self._counted():
            return await super().write(work)

    async def write_shared(
        self, work: Callable[[Transaction, Sequence[Given]], Sequence[T | Exception]], given: Given
    ) -> T:
        with self._counted():
            return await super().write_shared(work, given)

    async def scan(self, work: Callable[[Transaction], T]) -> T:
        with self._counted():
            return await super().scan(work)

    @contextlib.contextmanager
    def _counted(self) -> Any:
        self.asked += 1
        try:
            yield
        finally:
            self.asked -= 1


class WatchedPosts(HttpPosts):
    """Says how many are on their way: in real time, as the disk's work is."""

    under_way = 0

    async def carry(self, parcel: Parcel) -> None:
        self.under_way += 1
        try:
            await super().carry(parcel)
        finally:
            self.under_way -= 1

    async def _keep_pace(self, subscription: str, per_second: int | None) -> None:
        """By the clock of all else."""
        self.under_way -= 1
        try:
            await super()._keep_pace(subscription, per_second)
        finally:
            self.under_way += 1


class PartsAtTheEdge(Parts):
    def __init__(self, door: Door, settings: Settings, database: Database, clock: Clock) -> None:
        self._door = door
        self.posts = WatchedPosts(clock)
        super().__init__(settings, database, clock, RandomIds())

    def _build_pool(self) -> Pool:
        return cast("Pool", self._door)

    def _build_posts(self) -> HttpPosts:
        return self.posts


@dataclass
class Life:
    """One life of the platform, from `begin` to `end`."""

    path: Path
    """Of its database."""
    clock: SteppingClock
    database: WatchedDatabase
    door: Door
    endpoint: Endpoint
    parts: PartsAtTheEdge
    tasks: Sequence[asyncio.Task[None]]

    @classmethod
    async def begin(cls, path: Path, clock: SteppingClock, edge: Edge, endpoint: Endpoint) -> "Life":
        database = WatchedDatabase.open(path)
        door = Door(edge)
        parts = PartsAtTheEdge(door, Settings(path.parent), database, clock)
        platform = Platform(parts)
        await parts.objects.sweep()
        await parts.packages.sweep()
        endpoint.life += 1
        tasks = [asyncio.create_task(one) for one in platform.background()]
        return cls(path, clock, database, door, endpoint, parts, tasks)

    async def end(self, how: Ending) -> Path:
        """The path of the database that the next life begins with."""
        assert not any(task.done() for task in self.tasks), "a part of the platform ended by itself"
        if how is Ending.DRAIN:
            await self._drain()
        left = self.path
        if how is Ending.CUT:
            left = _copied(self.path)
            self.door.is_closed = True
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)
        await self.database.close()
        self.parts.blobs.close()
        return left

    async def _drain(self) -> None:
        parts = self.parts
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(DRAIN_SECONDS):
                await asyncio.gather(parts.async_invocations.drain(), parts.mappings.drain(), parts.parcels.drain())

    async def call(self, service: str, action: str, **request: Any) -> Mapping[str, Any]:
        """An operation, as a client would ask for it. Raises ServiceError."""
        return await self.parts.gateway.calls.call(self._caller(), service, action, request)

    async def create_function(self, **request: Any) -> None:
        """Its package is bytes, which `call` does not take."""
        await LambdaOperations(self.parts.functions).create_function(self._caller(), request)

    def _caller(self) -> Caller:
        return Caller(ACCOUNT, REGION, f"arn:aws:iam::{ACCOUNT}:root", "test", self.parts.ids.uuid())

    async def settle(self) -> None:
        """Whatever can happen without time passing has happened."""
        turns = 0
        while turns < QUIET_TURNS:
            await asyncio.sleep(0)
            turns += 1
            if self.database.asked or self.parts.posts.under_way > self.endpoint.silent:
                turns = 0
                await asyncio.sleep(0.0003)

    async def pass_time(self, seconds: float) -> None:
        """From one due time to the next, and at each whatever follows from it is let finish."""
        end = self.clock.monotonic() + seconds
        await self.settle()
        while self.clock.wake_next(end):
            await self.settle()
        await self.settle()


def _copied(path: Path) -> Path:
    """What is committed at this moment, as a database of its own."""
    copy = path.with_name(f"{int(path.stem or 0) + 1}.db")
    with (
        contextlib.closing(apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)) as source,
        contextlib.closing(apsw.Connection(str(copy))) as target,
        target.backup("main", source, "main") as backup,
    ):
        backup.step(-1)
    return copy

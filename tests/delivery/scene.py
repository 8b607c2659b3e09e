"""Delivery on a real database and virtual time; functions are Python functions of the test.

A `Scene` can be stopped between any two steps and opened again on the same directory, as a restarted process would.
"""

import asyncio
import contextlib
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from lambent.delivery import outcomes
from lambent.delivery.async_invocations import AsyncInvocations, AsyncSettings
from lambent.delivery.event_source_mappings import event_counts
from lambent.delivery.outcomes import NewObject, PutObject
from lambent.delivery.parcels import Parcels
from lambent.delivery.targets import Message, Moment, Targets
from lambent.kit.clock import VirtualClock
from lambent.kit.ids import RandomIds
from lambent.kit.meter import Meter
from lambent.sandbox.types import Outcome
from lambent.services.happenings import Happenings
from lambent.services.lambda_ import metrics, queue_store
from lambent.services.lambda_.errors import ResourceNotFound
from lambent.services.lambda_.event_invoke import AsyncPolicy
from lambent.services.lambda_.metrics import FunctionMeter
from lambent.services.lambda_.queue_store import DiscardRecord, NewInvocation, QueuedInvocation
from lambent.storage.database import Database
from lambent.storage.transaction import Transaction

ACCOUNT_ID = "000000000000"
PATIENCE_SECONDS = 20.0

Behaviour = Callable[[bytes], Awaitable[Outcome]]


def arn(name: str) -> str:
    return f"arn:aws:lambda:us-east-1:{ACCOUNT_ID}:function:{name}"


def answer(payload: bytes = b"null") -> Outcome:
    return Outcome(payload, None, b"", None, 1.0, 10)


def failure(message: str = "no") -> Outcome:
    return Outcome(b'{"errorMessage": "%s"}' % message.encode(), "Unhandled", b"", None, 1.0, 10)


async def until(condition: Callable[[], Any]) -> None:
    """Real time passes, virtual time does not: commits happen in a thread of their own."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < deadline, "it did not happen"
        await asyncio.sleep(0.001)


async def limit_pages(database: Database, *, spare: int) -> None:
    """From now on the database may grow by so many pages and no more: a disk that is nearly full."""

    def limit(tx: Transaction) -> None:
        row = tx.row("PRAGMA page_count")
        assert row is not None
        tx.rows(f"PRAGMA max_page_count = {row[0] + spare}")

    await database.write(limit)


@dataclass
class Functions:
    """What the test's functions do, and what was configured for them."""

    behaviours: dict[str, Behaviour] = field(default_factory=dict)
    policies: defaultdict[str, AsyncPolicy] = field(default_factory=lambda: defaultdict(AsyncPolicy))
    spare: int = 1_000
    calls: list[tuple[str, str, bytes]] = field(default_factory=list)
    """(function name, request id, payload) of every attempt that reached a function."""

    def async_policy(self, function_arn: str) -> AsyncPolicy:
        self._present(function_arn)
        return self.policies[function_arn]

    def spare_concurrency(self, function_arn: str) -> int:
        self._present(function_arn)
        return self.spare

    def meter_of(self, function_arn: str) -> FunctionMeter:
        self._present(function_arn)
        return metrics.of_function(Meter(), function_arn)

    async def invoke(self, row: QueuedInvocation, payload: bytes) -> Outcome:
        behaviour = self._present(row.function_arn)
        self.calls.append((row.function_arn.rpartition(":")[2], row.request_id, payload))
        return await behaviour(payload)

    def _present(self, function_arn: str) -> Behaviour:
        try:
            return self.behaviours[function_arn]
        except KeyError as error:
            raise ResourceNotFound(f"Function not found: {function_arn}") from error

    def define(self, name: str, behaviour: Behaviour, **policy: Any) -> str:
        self.behaviours[arn(name)] = behaviour
        self.policies[arn(name)] = AsyncPolicy(**policy)
        return arn(name)

    def count(self, name: str) -> int:
        return sum(called == name for called, _, _ in self.calls)


@dataclass
class Scene:
    database: Database
    clock: VirtualClock
    functions: Functions
    delivery: AsyncInvocations

    async def accept(self, function_arn: str, payload: bytes = b"{}", request_id: str = "request") -> None:
        new = NewInvocation(request_id, function_arn, payload, "invoke")
        await self.database.write(lambda tx: queue_store.enqueue(tx, [new], self.clock.now_ms()))

    def waiting(self) -> int:
        return self.database.read(queue_store.count_waiting)

    def rows(self) -> list[QueuedInvocation]:
        return self.database.read(lambda tx: queue_store.invocations_after(tx, 0, 1000))

    def discards(self) -> list[DiscardRecord]:
        return self.database.read(lambda tx: queue_store.latest_discards(tx, ACCOUNT_ID, 1000))


def _enqueue(tx: Transaction, message: Message, moment: Moment) -> None:
    """The test's functions are nobody's rows: whatever ARN is one."""
    new = NewInvocation(moment.ids.uuid(), message.target_arn, message.body, message.source, trace_id=message.trace)
    queue_store.enqueue(tx, [new], moment.now_ms)


async def _no_bucket(put: NewObject) -> None:
    raise AssertionError(f"nobody here has a bucket {put.bucket}")


@contextlib.asynccontextmanager
async def scene(
    directory: Path,
    functions: Functions,
    *,
    clock: VirtualClock | None = None,
    settings: AsyncSettings | None = None,
    put_object: PutObject = _no_bucket,
) -> AsyncIterator[Scene]:
    """At the end everything is cancelled where it stands."""
    clock = clock or VirtualClock()
    database = Database.open(directory / "lambent.db")
    targets = Targets({"lambda": _enqueue})
    meter = Meter()
    parcels = Parcels(
        database=database, targets=targets, happenings=Happenings(), meter=meter, clock=clock, ids=RandomIds()
    )
    parcels.register(outcomes.owner(put_object, partial(event_counts.count_end, meter)))
    delivery = AsyncInvocations(
        database=database,
        invoke=functions.invoke,
        functions=functions,
        happenings=Happenings(),
        meter=Meter(),
        clock=clock,
        parcels=parcels,
        settings=settings or AsyncSettings(),
    )
    running = [asyncio.create_task(one.run()) for one in (delivery, parcels)]
    try:
        yield Scene(database, clock, functions, delivery)
        assert not any(task.done() for task in running), "delivery ended by itself"
    finally:
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
        await database.close()

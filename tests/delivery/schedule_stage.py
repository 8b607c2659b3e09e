"""Schedules on a real database and virtual time. The target keeps what it is sent in the database it is sent in.

Time passes from one due time to the next, and at each the platform is let finish what it does: `Stage.pass_time`.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson

from delivery.scene import until
from lambent.delivery import parcel_store, schedule_messages
from lambent.delivery.parcel_store import Parcel
from lambent.delivery.parcels import Parcels
from lambent.delivery.schedules import Schedules
from lambent.delivery.targets import Message, Moment, Refused, Targets
from lambent.kit.clock import VirtualClock
from lambent.kit.ids import RandomIds
from lambent.kit.meter import Meter
from lambent.services.caller import Caller
from lambent.services.happenings import Happenings
from lambent.services.scheduler import store
from lambent.services.scheduler.operations import SchedulerOperations
from lambent.services.scheduler.schedules import Schedule, ScheduleKey
from lambent.storage.database import Database
from lambent.storage.transaction import Transaction

CALLER = Caller("000000000000", "us-east-1", "arn:aws:iam::000000000000:root", "test", "request")
TARGET = "arn:aws:test:us-east-1:000000000000:target"
DEAD = "arn:aws:test:us-east-1:000000000000:dead"
CALLED = "arn:aws:scheduler:::aws-sdk:sqs:sendMessage"
ROLE = "arn:aws:iam::000000000000:role/r"


class SettableClock(VirtualClock):
    """A wall clock that somebody sets, while the time that passes is what it is."""

    def __init__(self, start: float) -> None:
        super().__init__(start)
        self.error_seconds = 0.0

    def now(self) -> float:
        return super().now() + self.error_seconds

    def now_ms(self) -> int:
        return round(self.now() * 1000)


def clock_at(text: str) -> SettableClock:
    return SettableClock(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())


@dataclass
class Outside:
    """What outlives the platform."""

    clock: SettableClock
    refusing: set[str] = field(default_factory=set)
    is_final: bool = False
    attempts: int = 0
    calls: list[bytes] = field(default_factory=list)
    meter: Meter = field(default_factory=Meter)

    def send(self, tx: Transaction, message: Message, _moment: Moment) -> None:
        self.attempts += 1
        if message.target_arn in self.refusing:
            raise Refused("Throttled", "not now", is_final=self.is_final)
        document = {
            "attributes": {name: one.value for name, one in message.attributes.items()},
            "trace": message.trace,
            "group": message.group_id,
            "key": message.partition_key,
            "sender": message.sender.service,
        }
        tx.execute(
            "INSERT INTO sent (arn, body, ms, rest) VALUES (?, ?, ?, ?)",
            (message.target_arn, message.body, self.clock.now_ms(), orjson.dumps(document)),
        )

    async def carry(self, parcel: Parcel) -> None:
        self.calls.append(schedule_messages.render(parcel).body)
        if parcel.message.target_arn in self.refusing:
            raise Refused("Throttled", "not now", is_final=self.is_final)


@dataclass
class Stage:
    database: Database
    outside: Outside
    operations: SchedulerOperations

    @property
    def clock(self) -> SettableClock:
        return self.outside.clock

    async def create(self, name: str, expression: str, **more: Any) -> None:
        await self.operations.create_schedule(CALLER, self.request(name, expression, more))
        await self.settle()

    async def update(self, name: str, expression: str, **more: Any) -> None:
        await self.operations.update_schedule(CALLER, self.request(name, expression, more))
        await self.settle()

    def request(self, name: str, expression: str, more: dict[str, Any]) -> dict[str, Any]:
        target = {"Arn": TARGET, "RoleArn": ROLE, "Input": f"{name} <aws.scheduler.scheduled-time>"}
        target |= more.pop("Target", {})
        window = more.pop("Window", 0)
        flexible = {"Mode": "FLEXIBLE", "MaximumWindowInMinutes": window} if window else {"Mode": "OFF"}
        times: dict[str, Any] = {
            member: datetime.fromisoformat(more.pop(member)).replace(tzinfo=UTC).timestamp()
            for member in ("StartDate", "EndDate")
            if member in more
        }
        return {
            "Name": name,
            "ScheduleExpression": expression,
            "Target": target,
            "FlexibleTimeWindow": flexible,
            **times,
            **more,
        }

    def find(self, name: str) -> Schedule | None:
        key = ScheduleKey(CALLER.account_id, CALLER.region, "default", name)
        return self.database.read(lambda tx: store.find_schedule(tx, key))

    def sent(self, arn: str = TARGET) -> list[tuple[str, str]]:
        """(what, when): "s 12:00:00" and the time it was sent at."""
        rows = self.database.read(lambda tx: tx.rows("SELECT body, ms FROM sent WHERE arn = ? ORDER BY n", (arn,)))
        return [(bytes(body).decode(), clock_text(ms)) for body, ms in rows]

    def bodies(self, arn: str = TARGET) -> list[str]:
        return [body for body, _ in self.sent(arn)]

    def rest(self, arn: str = TARGET) -> list[dict[str, Any]]:
        rows = self.database.read(lambda tx: tx.rows("SELECT rest FROM sent WHERE arn = ? ORDER BY n", (arn,)))
        return [orjson.loads(rest) for (rest,) in rows]

    async def pass_time(self, seconds: float) -> None:
        """From one due time to the next."""
        end = self.clock.monotonic() + seconds
        await self.settle()
        while (pause := min(self._until_due(), end - self.clock.monotonic())) > 0:
            await self.clock.advance(pause)
            await self.settle()

    async def settle(self) -> None:
        """What is due is done."""
        await until(lambda: self._until_due() > 0)

    def _until_due(self) -> float:
        def read(tx: Transaction) -> float:
            now_ms = self.clock.now_ms()
            waiting = [row[0] for row in tx.rows("SELECT min(due_ms) FROM parcel") if row[0] is not None]
            due_ms = store.next_due_ms(tx)
            times = waiting + ([] if due_ms is None else [due_ms])
            return (min(times) - now_ms) / 1000 if times else float("inf")

        return self.database.read(read)

    def waiting(self) -> int:
        return self.database.read(parcel_store.count_parcels)


def clock_text(ms: int) -> str:
    return datetime.fromtimestamp(ms / 1000, UTC).strftime("%dT%H:%M:%S")


def middle() -> float:
    return 0.5


@contextlib.asynccontextmanager
async def stage(path: Path, outside: Outside, spread: Callable[[], float] = middle) -> AsyncIterator[Stage]:
    """At the end everything is cancelled where it stands."""
    database = Database.open(path / "db")
    await database.write(
        lambda tx: tx.execute(
            "CREATE TABLE IF NOT EXISTS sent (n INTEGER PRIMARY KEY, arn TEXT, body BLOB, ms INTEGER, rest BLOB)"
        )
    )
    clock, ids, happenings = outside.clock, RandomIds(), Happenings()
    targets = Targets({"test": outside.send})
    parcels = Parcels(
        database=database,
        targets=targets,
        happenings=happenings,
        meter=Meter(),
        clock=clock,
        ids=ids,
    )
    parcels.register(schedule_messages.owner(outside.carry, lambda: 1.0, outside.meter))
    schedules = Schedules(database=database, parcels=parcels, clock=clock, ids=ids, spread=spread)
    operations = SchedulerOperations(database, clock, accepts=lambda _: True, spread=spread)
    running = [asyncio.create_task(part) for part in (parcels.run(), schedules.run())]
    try:
        yield Stage(database, outside, operations)
        assert not any(one.done() for one in running), "delivery ended by itself"
    finally:
        for one in running:
            one.cancel()
        await asyncio.gather(*running, return_exceptions=True)
        await database.close()

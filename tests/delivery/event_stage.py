"""EventBridge on a real database and virtual time. Targets of kind `test` append to a log what they are sent."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import orjson

from delivery.scene import until
from lambent.delivery import bus_target, checkpoints, log_group_target, parcel_store
from lambent.delivery.parcels import Parcels
from lambent.delivery.replays import Replays
from lambent.delivery.rule_deliveries import OWNER
from lambent.delivery.rules import CONSUMER, Rules
from lambent.delivery.scheduled_rules import ScheduledRules
from lambent.delivery.targets import Message, Moment, Refused, Targets
from lambent.kit.clock import VirtualClock
from lambent.kit.ids import RandomIds
from lambent.kit.meter import Meter
from lambent.services.events import envelopes, putting, rule_store, rules
from lambent.services.events.envelopes import LOG, Facts
from lambent.services.events.names import BusKey, RuleKey
from lambent.services.events.rules import Rule
from lambent.services.events.targets import requested_target
from lambent.services.happenings import Happenings
from lambent.services.logs.live_tail import LiveTails
from lambent.storage import log
from lambent.storage.database import Database
from lambent.storage.transaction import Transaction

ACCOUNT = "000000000000"
BUS = BusKey(ACCOUNT, "us-east-1", "default")
OPEN, CLOSED, DEAD = (f"arn:aws:sqs:us-east-1:{ACCOUNT}:{name}" for name in ("open", "closed", "dead"))


@dataclass
class Stage:
    database: Database
    clock: VirtualClock
    happenings: Happenings
    meter: Meter = field(default_factory=Meter)
    tails: LiveTails = field(default_factory=LiveTails)
    refusals: dict[str, Refused] = field(default_factory=dict)
    """Target ARN -> what it says instead of taking anything."""
    sent: list[Message] = field(default_factory=list)
    """In this life."""

    def take(self, tx: Transaction, message: Message, moment: Moment) -> None:
        if message.target_arn in self.refusals:
            raise self.refusals[message.target_arn]
        log.append(tx, message.target_arn, message.body, moment.now_ms)
        self.sent.append(message)

    def bodies(self, target: str = OPEN) -> list[bytes]:
        return [one.payload for one in self.database.read(lambda tx: log.read_after(tx, target, 0, 10_000))]

    def documents(self, target: str = OPEN) -> list[Any]:
        return [orjson.loads(body) for body in self.bodies(target)]

    async def rule(self, name: str, *targets: dict[str, Any], bus: BusKey = BUS, **fields: Any) -> str:
        """Its ARN; without a pattern or a schedule it matches the source `orders`."""
        if "schedule" not in fields:
            fields = {"pattern": '{"source": ["orders"]}', **fields}
        now_ms = self.clock.now_ms()
        rule = Rule(RuleKey(*bus, name), **{"started_ms": now_ms, **fields})

        def save(tx: Transaction) -> None:
            rule_store.save_rule(tx, replace(rule, next_ms=rules.next_time(rule, now_ms)))
            for number, target in enumerate(targets):
                rule_store.save_target(tx, rule.key, requested_target({"Id": f"{number}", "Arn": OPEN, **target}))

        await self.database.write(save)
        return rule.key.arn

    async def put(self, detail: str = "{}", *, source: str = "orders", bus: BusKey = BUS, trace: str = "") -> None:
        now_ms = self.clock.now_ms()
        facts = Facts(RandomIds().uuid(), source, "placed", ACCOUNT, "us-east-1", now_ms)
        assert await self.database.write(lambda tx: putting.accept(tx, bus, facts, detail, now_ms=now_ms, trace=trace))

    async def settled(self) -> None:
        """Every event has been matched and sent, and every attempt made that is due."""

        def is_done(tx: Transaction) -> bool:
            is_read = checkpoints.find(tx, LOG, CONSUMER) == log.head(tx, LOG)
            return is_read and not parcel_store.due_parcels(tx, self.clock.now_ms(), owners=[OWNER], limit=1)

        await until(lambda: self.database.read(is_done))

    async def advance(self, seconds: float) -> None:
        await self.clock.advance(seconds)
        await asyncio.sleep(0.02)  # commits happen in a thread of their own
        await self.settled()

    def counted(self, rule: str = "") -> dict[str, float]:
        """Of a rule on the default bus, or of the account."""
        wanted = (("RuleName", rule),) if rule else ()
        return {one.series.metric: one.total for one in self.meter.totals() if wanted in one.series.dimension_sets}

    def waiting(self) -> int:
        return self.database.read(parcel_store.count_parcels)


@contextlib.asynccontextmanager
async def stage(directory: Path, *, clock: VirtualClock | None = None, closed: bool = True) -> AsyncIterator[Stage]:
    """At the end everything is cancelled where it stands."""
    clock = clock or VirtualClock()
    database = Database.open(directory / "lambent.db")
    made = Stage(database, clock, Happenings())
    if closed:
        made.refusals[CLOSED] = Refused("ThrottlingException", "too much")
    targets = Targets(
        {"sqs": made.take, "kinesis": made.take, "events": bus_target.send, "logs": log_group_target.sender(made.tails)}
    )
    ids = RandomIds()
    parcels = Parcels(
        database=database, targets=targets, happenings=made.happenings, meter=Meter(), clock=clock, ids=ids
    )
    loops = [
        Rules(database=database, parcels=parcels, meter=made.meter, clock=clock).run(),
        ScheduledRules(database=database, clock=clock, ids=ids).run(),
        Replays(database, clock).run(),
        parcels.run(),
    ]
    running = [asyncio.create_task(loop) for loop in loops]
    try:
        yield made
        for task in running:
            assert not task.done(), f"it ended by itself: {task}"
    finally:
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
        await database.close()


def in_stage(body: Callable[[Stage], Awaitable[None]], directory: Path, **options: Any) -> None:
    async def scenario() -> None:
        async with stage(directory, **options) as one:
            await body(one)

    asyncio.run(scenario())


def document_of(stage: Stage, detail: str) -> bytes:
    """An event as it is put now, but for its id."""
    facts = Facts("id", "orders", "placed", ACCOUNT, "us-east-1", stage.clock.now_ms())
    return envelopes.document(facts, detail)

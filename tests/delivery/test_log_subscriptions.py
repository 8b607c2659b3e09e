"""Log subscriptions on a real database and virtual time; destinations are functions of the test."""

import asyncio
import contextlib
import gzip
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson
import pytest

from delivery.scene import until
from lambent.delivery.log_subscriptions import LOOP_PAUSE_SECONDS, MAX_LOOP_BATCHES, LogSubscriptions
from lambent.delivery.targets import Message, Moment, Refused, Targets
from lambent.kit.clock import VirtualClock
from lambent.kit.ids import RandomIds
from lambent.services.happenings import Happenings
from lambent.services.lambda_ import store as function_store
from lambent.services.lambda_.configuration import Function, FunctionConfiguration
from lambent.services.lambda_.names import FunctionKey
from lambent.services.logs import store, subscription_store, subscriptions
from lambent.services.logs.chunks import Batch
from lambent.services.logs.names import GroupKey
from lambent.services.logs.subscriptions import SubscriptionFilter
from lambent.storage import log as storage_log
from lambent.storage.database import Database
from lambent.storage.transaction import Transaction

KEY = GroupKey("000000000000", "us-east-1", "/g")
STREAM = "arn:aws:kinesis:us-east-1:000000000000:stream/"
FUNCTION = "arn:aws:lambda:us-east-1:000000000000:function:"


@dataclass
class Destination:
    """What arrived, by ARN; it is kept in the database, so that what is rolled back has not arrived."""

    refusing: set[str] = field(default_factory=set)
    attempts: int = 0

    def send(self, tx: Transaction, message: Message, _moment: Moment) -> None:
        self.attempts += 1
        if message.target_arn in self.refusing:
            raise Refused("ProvisionedThroughputExceededException", "too fast")
        tx.execute(
            "INSERT INTO arrived (arn, key, body) VALUES (?, ?, ?)",
            (message.target_arn, message.partition_key, message.body),
        )


@dataclass
class Scene:
    database: Database
    clock: VirtualClock
    destination: Destination
    deliveries: LogSubscriptions
    happenings: Happenings

    async def subscribe(self, name: str, arn: str, pattern: str = "", distribution: str = "ByLogStream") -> None:
        role = "" if ":lambda:" in arn else "arn:aws:iam::000000000000:role/r"
        new = SubscriptionFilter(name, pattern, arn, role, distribution, False, self.clock.now_ms())

        def put(tx: Transaction) -> None:
            group_id = store.existing_group(tx, KEY).group_id
            if any(one.name == name for one in subscription_store.list_filters(tx, group_id)):
                subscription_store.update_filter(tx, group_id, new)
            else:
                subscription_store.insert_filter(tx, group_id, new)

        await self.database.write(put)

    async def print(self, *lines: str, stream: str = "s") -> None:
        now_ms = self.clock.now_ms()
        batch = Batch([now_ms] * len(lines), [line.encode() for line in lines])
        await self.database.write(lambda tx: store.append_lines(tx, KEY, {stream: batch}, now_ms=now_ms))

    def arrived(self, arn: str) -> list[str]:
        rows = self.database.read(lambda tx: tx.rows("SELECT body FROM arrived WHERE arn = ? ORDER BY n", (arn,)))
        documents = [orjson.loads(gzip.decompress(body)) for (body,) in rows]
        return [event["message"] for document in documents for event in document["logEvents"]]

    async def wait_for(self, stream: str, messages: list[str]) -> None:
        """Virtual time passes until they have arrived."""
        for _ in range(2_000):
            if self.arrived(STREAM + stream) == messages:
                return
            await self.clock.advance(0.5)
            await asyncio.sleep(0.001)
        raise AssertionError(f"arrived: {self.arrived(STREAM + stream)}")

    def told(self) -> list[dict[str, Any]]:
        """What people who look see."""
        return self.happenings.after(0, 100, account_id=KEY.account_id)

    def count_arrived(self) -> int:
        return len(self.database.read(lambda tx: tx.rows("SELECT 1 FROM arrived")))

    def records(self) -> int:
        def count(tx: Transaction) -> int:
            return len(storage_log.read_after(tx, subscriptions.log_name(1), 0, 1000))

        return self.database.read(count)


@contextlib.asynccontextmanager
async def scene(path: Path, clock: VirtualClock | None = None, destination: Destination | None = None
) -> AsyncIterator[Scene]:  # fmt: skip
    clock, destination = clock or VirtualClock(), destination or Destination()
    database = Database.open(path / "db")
    await database.write(_prepare)
    targets = Targets({"kinesis": destination.send, "lambda": destination.send})
    happenings = Happenings()
    deliveries = LogSubscriptions(
        database=database, targets=targets, happenings=happenings, clock=clock, ids=RandomIds()
    )
    running = asyncio.create_task(deliveries.run())
    try:
        yield Scene(database, clock, destination, deliveries, happenings)
        assert not running.done(), "delivery ended by itself"
    finally:
        running.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await running
        await database.close()


def _prepare(tx: Transaction) -> None:
    tx.execute(
        "CREATE TABLE IF NOT EXISTS arrived (n INTEGER PRIMARY KEY, arn TEXT, key TEXT, body BLOB)",
    )
    store.insert_group(tx, KEY, store.GroupSettings(), now_ms=0)


def test_filters_are_sent_what_they_want_in_order_and_the_log_is_trimmed(tmp_path: Path) -> None:
    async def main() -> None:
        async with scene(tmp_path) as world:
            await world.print("before")
            await world.subscribe("all", STREAM + "all")
            await world.subscribe("odd", STREAM + "odd", "odd")
            for number in range(20):
                await world.print("odd" if number % 2 else "even", str(number), stream=f"s{number % 3}")
            await until(lambda: len(world.arrived(STREAM + "all")) == 40)
            assert [text for text in world.arrived(STREAM + "all") if text.isdecimal()] == [*map(str, range(20))]
            await until(lambda: len(world.arrived(STREAM + "odd")) == 10)
            await until(lambda: world.records() == 0)

    asyncio.run(main())


def test_a_group_without_filters_writes_no_records(tmp_path: Path) -> None:
    async def main() -> None:
        async with scene(tmp_path) as world:
            await world.print("a")
            assert world.records() == 0
            world.destination.refusing.add(STREAM + "s")
            await world.subscribe("f", STREAM + "s")
            await world.print("b")
            assert world.records() == 1
            await world.database.write(lambda tx: subscription_store.delete_filter(tx, 1, "f"))
            assert world.records() == 0
            await world.print("c")
            assert world.records() == 0
            await world.subscribe("f", STREAM + "t")
            await world.print("d")
            await until(lambda: world.arrived(STREAM + "t") == ["d"])

    asyncio.run(main())


def test_a_refusal_holds_up_its_own_filter_only_and_keeps_the_order(tmp_path: Path) -> None:
    async def main() -> None:
        async with scene(tmp_path) as world:
            world.destination.refusing.add(STREAM + "slow")
            await world.subscribe("slow", STREAM + "slow")
            await world.subscribe("fast", STREAM + "fast")
            await world.print("a")
            await world.print("b")
            await until(lambda: world.arrived(STREAM + "fast") == ["a", "b"])
            world.destination.refusing.clear()
            await world.print("c")
            await until(lambda: world.arrived(STREAM + "fast") == ["a", "b", "c"])
            assert world.arrived(STREAM + "slow") == []
            assert [(one["outcome"], one["source"], one["targetArn"]) for one in world.told()] == [
                ("refused", "logs:/g", STREAM + "slow")
            ]
            assert world.told()[0]["detail"].endswith("; tried again in 1 s, for 24 hours")
            await world.wait_for("slow", ["a", "b", "c"])

    asyncio.run(main())


def test_a_filter_that_is_put_again_is_tried_at_once(tmp_path: Path) -> None:
    async def main() -> None:
        async with scene(tmp_path) as world:
            world.destination.refusing.add(STREAM + "wrong")
            await world.subscribe("f", STREAM + "wrong")
            await world.print("a")
            await until(lambda: world.destination.attempts == 1)
            await world.clock.advance(0.5)
            await world.subscribe("f", STREAM + "right")
            await until(lambda: world.arrived(STREAM + "right") == ["a"])

    asyncio.run(main())


def test_what_is_a_day_old_is_given_up(tmp_path: Path) -> None:
    async def main() -> None:
        async with scene(tmp_path) as world:
            world.destination.refusing.add(STREAM + "s")
            await world.subscribe("f", STREAM + "s")
            await world.print("old")
            await until(lambda: world.destination.attempts == 1)
            await world.clock.advance(24 * 3_600 + 1)
            await world.print("new")
            seen = world.destination.attempts
            while world.destination.attempts < seen + 2:  # what was read before the day was over is out of the way
                await world.clock.advance(30)
                await asyncio.sleep(0.001)
            world.destination.refusing.clear()
            await world.wait_for("s", ["new"])

    asyncio.run(main())


def test_a_chunk_that_is_larger_than_a_portion_is_sent_bit_by_bit(tmp_path: Path) -> None:
    async def main() -> None:
        async with scene(tmp_path) as world:
            await world.subscribe("f", STREAM + "s")
            lines = [f"{number:04d}{'x' * 10_000}" for number in range(300)]
            await world.print(*lines)
            await world.print("end")
            await until(lambda: world.arrived(STREAM + "s") == [*lines, "end"])
            assert world.count_arrived() in (6, 7)  # "end" may go with the last of them

    asyncio.run(main())


def test_restarted_at_any_moment_each_event_is_sent_once(tmp_path: Path) -> None:
    clock = VirtualClock()

    async def life(number: int) -> None:
        async with scene(tmp_path, clock) as world:
            if number == 0:
                await world.subscribe("f", STREAM + "s")
            for step in range(number * 5, number * 5 + 5):
                await world.print(str(step))
                for _ in range(number):
                    await asyncio.sleep(0)

    async def main() -> None:
        for number in range(8):
            await life(number)
        async with scene(tmp_path, clock) as world:
            await until(lambda: len(world.arrived(STREAM + "s")) >= 40)
            assert world.arrived(STREAM + "s") == [*map(str, range(40))]

    asyncio.run(main())


def test_the_group_and_its_filters_go_together(tmp_path: Path) -> None:
    async def main() -> None:
        async with scene(tmp_path) as world:
            await world.subscribe("f", STREAM + "s")
            await world.database.write(lambda tx: store.delete_group(tx, store.existing_group(tx, KEY)))
            await world.print("a group made anew is another one")
            await world.subscribe("f", STREAM + "t")
            await world.print("b")
            await until(lambda: world.arrived(STREAM + "t") == ["b"])
            assert world.arrived(STREAM + "s") == []

    asyncio.run(main())


def test_a_function_that_feeds_on_its_own_output_is_stopped_until_it_is_silent(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def main() -> None:
        async with scene(tmp_path) as world:
            await world.database.write(_create_function_that_logs_to_the_group)
            await world.subscribe("self", FUNCTION + "f")
            for number in range(2 * MAX_LOOP_BATCHES):  # the function logs once for each batch, and so on
                await world.clock.advance(1)
                await world.print(str(number))
                await until(lambda: world.records() == 0)
            assert world.count_arrived() == MAX_LOOP_BATCHES
            assert [one["outcome"] for one in world.told()] == ["stopped"]
            await world.clock.advance(LOOP_PAUSE_SECONDS)
            await world.print("again")
            await until(lambda: world.count_arrived() == MAX_LOOP_BATCHES + 1)

    asyncio.run(main())
    assert caplog.text.count("subscribed to its own log group") == 1


def _create_function_that_logs_to_the_group(tx: Transaction) -> None:
    key = FunctionKey("000000000000", "us-east-1", "f")
    configuration = FunctionConfiguration(
        "python3.11", "app.handler", "arn:aws:iam::000000000000:role/r", log_group="/g"
    )
    function_store.insert_function(tx, Function(key, configuration, "", 0, "", 0))

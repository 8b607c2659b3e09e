"""What time does to a stream, on a virtual clock and a real database: records expire, shards go, subscriptions end."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from lambent.kit.clock import VirtualClock
from lambent.kit.ids import RandomIds
from lambent.kit.meter import Meter
from lambent.services.caller import Caller
from lambent.services.kinesis import record_store
from lambent.services.kinesis.errors import ExpiredIterator, ExpiredNextToken, ResourceInUse
from lambent.services.kinesis.operations import KinesisOperations
from lambent.services.kinesis.parts import KinesisParts
from lambent.services.kinesis.retention import PORTION, TRIM_SECONDS, RecordRetention
from lambent.services.kinesis.stream_cache import StreamCache
from lambent.services.kinesis.stream_meters import StreamMeters
from lambent.services.kinesis.subscriptions import Subscriptions
from lambent.services.kinesis.throttling import Throttle
from lambent.storage.database import Database

CALLER = Caller("000000000000", "us-east-1", "arn:aws:iam::000000000000:root", "test", "r")
ARN = "arn:aws:kinesis:us-east-1:000000000000:stream/s"
HOUR = 3600.0
FIRST = "shardId-000000000000"

Result = dict[str, Any]


@dataclass
class Scene:
    database: Database
    clock: VirtualClock
    kinesis: KinesisOperations
    retention: RecordRetention

    async def put(self, *data: str) -> None:
        entries = [{"PartitionKey": "k", "Data": one.encode()} for one in data]
        await self.kinesis.put_records(CALLER, {"StreamName": "s", "Records": entries})

    async def iterator(self, shard_id: str = FIRST, kind: str = "TRIM_HORIZON", **where: Any) -> str:
        request = {"StreamName": "s", "ShardId": shard_id, "ShardIteratorType": kind, **where}
        return str((await self.kinesis.get_shard_iterator(CALLER, request))["ShardIterator"])

    async def read(self, shard_id: str = FIRST, kind: str = "TRIM_HORIZON", **where: Any) -> list[str]:
        page = await self.kinesis.get_records(CALLER, {"ShardIterator": await self.iterator(shard_id, kind, **where)})
        return [record["Data"].decode() for record in page["Records"]]

    async def shard_ids(self) -> list[str]:
        return [one["ShardId"] for one in (await self.kinesis.list_shards(CALLER, {"StreamName": "s"}))["Shards"]]

    async def subscribe(self, name: str = "c") -> AsyncIterator[Result]:
        consumer = {"StreamARN": ARN, "ConsumerName": name}
        with contextlib.suppress(ResourceInUse):
            await self.kinesis.register_stream_consumer(CALLER, consumer)
        found = await self.kinesis.describe_stream_consumer(CALLER, consumer)
        request = {
            "ConsumerARN": found["ConsumerDescription"]["ConsumerARN"],
            "ShardId": FIRST,
            "StartingPosition": {"Type": "TRIM_HORIZON"},
        }
        events: AsyncIterator[Result] = (await self.kinesis.subscribe_to_shard(CALLER, request))["EventStream"]
        return events


def play(directory: Path, scene: Callable[[Scene], Awaitable[None]]) -> None:
    """With a stream `s` of one shard."""

    async def run() -> None:
        clock = VirtualClock()
        database = Database.open(directory / "lambent.db")
        retention = RecordRetention(database, clock)
        parts = KinesisParts(
            database=database,
            streams=StreamCache(database),
            retention=retention,
            subscriptions=Subscriptions(clock),
            throttle=Throttle(clock),
            meters=StreamMeters(Meter()),
            clock=clock,
            ids=RandomIds(),
        )
        kinesis = KinesisOperations(parts)
        try:
            await kinesis.create_stream(CALLER, {"StreamName": "s", "ShardCount": 1})
            await scene(Scene(database, clock, kinesis, retention))
        finally:
            await database.close()

    asyncio.run(run())


def test_records_expire_by_the_hour_and_are_really_gone(tmp_path: Path) -> None:
    async def scene(on: Scene) -> None:
        await on.put("old")
        await on.clock.advance(23 * HOUR)
        await on.put("young")
        assert await on.read() == ["old", "young"]
        await on.clock.advance(1 * HOUR + 1)
        assert await on.read() == ["young"], "readers are held to it before anything is trimmed"
        assert _stored(on) == 2
        await on.retention.trim()
        assert _stored(on) == 1
        assert await on.read() == ["young"]

    play(tmp_path, scene)


def test_trimming_goes_on_by_itself_in_portions(tmp_path: Path) -> None:
    async def scene(on: Scene) -> None:
        for _ in range(3):
            await on.put(*map(str, range(PORTION - 100)))
        running = asyncio.create_task(on.retention.run())
        await on.clock.advance(24 * HOUR)
        while _stored(on):
            await on.clock.advance(TRIM_SECONDS)
            await asyncio.sleep(0.01)
        running.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await running

    play(tmp_path, scene)


def test_a_closed_shard_goes_with_the_last_of_its_records(tmp_path: Path) -> None:
    async def scene(on: Scene) -> None:
        await on.put("parent")
        await on.clock.advance(HOUR)
        await on.kinesis.split_shard(CALLER, {"StreamName": "s", "ShardToSplit": FIRST, "NewStartingHashKey": "1000"})
        await on.clock.advance(23 * HOUR + 1)
        await on.retention.trim()
        assert len(await on.shard_ids()) == 3, "its records are gone, but it was open within the day"
        await on.clock.advance(1 * HOUR)
        await on.retention.trim()
        assert await on.shard_ids() == ["shardId-000000000001", "shardId-000000000002"]

    play(tmp_path, scene)


def test_a_longer_retention_period_keeps_records_but_brings_none_back(tmp_path: Path) -> None:
    async def scene(on: Scene) -> None:
        await on.put("expired")
        await on.clock.advance(2 * HOUR)
        await on.put("kept")
        await on.clock.advance(23 * HOUR)
        await on.kinesis.increase_stream_retention_period(CALLER, {"StreamName": "s", "RetentionPeriodHours": 8760})
        assert await on.read() == ["kept"]
        await on.clock.advance(364 * 24 * HOUR)
        await on.retention.trim()
        assert await on.read() == ["kept"]
        await on.kinesis.decrease_stream_retention_period(CALLER, {"StreamName": "s", "RetentionPeriodHours": 24})
        assert _stored(on) == 0, "a shorter one takes effect at once"

    play(tmp_path, scene)


def test_the_records_of_a_deleted_stream_are_removed(tmp_path: Path) -> None:
    async def scene(on: Scene) -> None:
        await on.put(*map(str, range(200)))
        await on.kinesis.delete_stream(CALLER, {"StreamName": "s"})
        assert _stored(on) == 200
        await on.retention.trim()
        assert _stored(on) == 0
        assert on.database.read(record_store.list_leftovers) == []

    play(tmp_path, scene)


def test_a_timestamp_finds_its_record(tmp_path: Path) -> None:
    async def scene(on: Scene) -> None:
        begun = on.clock.now()
        for number in range(20):
            await on.put(str(number))
            await on.clock.advance(10)
        for number in (0, 7, 19):
            found = await on.read(FIRST, "AT_TIMESTAMP", Timestamp=begun + 10 * number)
            assert found == [str(one) for one in range(number, 20)]
        assert await on.read(FIRST, "AT_TIMESTAMP", Timestamp=begun + 195) == []

    play(tmp_path, scene)


def test_iterators_and_tokens_live_five_minutes(tmp_path: Path) -> None:
    async def scene(on: Scene) -> None:
        await on.kinesis.update_shard_count(
            CALLER, {"StreamName": "s", "TargetShardCount": 2, "ScalingType": "UNIFORM_SCALING"}
        )
        iterator = await on.iterator()
        token = (await on.kinesis.list_shards(CALLER, {"StreamName": "s", "MaxResults": 1}))["NextToken"]
        await on.clock.advance(300)
        await on.kinesis.get_records(CALLER, {"ShardIterator": iterator})
        await on.kinesis.list_shards(CALLER, {"NextToken": token})
        await on.clock.advance(1)
        with pytest.raises(ExpiredIterator):
            await on.kinesis.get_records(CALLER, {"ShardIterator": iterator})
        with pytest.raises(ExpiredNextToken):
            await on.kinesis.list_shards(CALLER, {"NextToken": token})

    play(tmp_path, scene)


def test_a_subscription_sends_heartbeats_and_ends_after_five_minutes(tmp_path: Path) -> None:
    async def scene(on: Scene) -> None:
        events = await on.subscribe()
        count = 0
        while True:
            waiting = asyncio.ensure_future(anext(events, None))
            while not waiting.done():
                await on.clock.advance(1)
            event = waiting.result()
            if event is None:
                break
            assert event["SubscribeToShardEvent"]["Records"] == []
            count += 1
        assert count == 60, "one at the start, and one every five seconds"

    play(tmp_path, scene)


def test_a_later_subscription_takes_over(tmp_path: Path) -> None:
    async def scene(on: Scene) -> None:
        first = await on.subscribe()
        await anext(first)
        await on.clock.advance(4.9)
        with pytest.raises(ResourceInUse):
            await on.subscribe()
        await on.clock.advance(0.1)
        second = await on.subscribe()
        await anext(second)
        with pytest.raises(ResourceInUse, match="Another active subscription exists for this consumer"):
            async for _ in first:
                pass
        await on.put("for the second")
        assert (await anext(second))["SubscribeToShardEvent"]["Records"][0]["Data"] == b"for the second"

    play(tmp_path, scene)


def _stored(on: Scene) -> int:
    """Records in the database, whoever may read them."""
    row = on.database.read(lambda tx: tx.row("SELECT COUNT(*) FROM log_record"))
    assert row is not None
    count: int = row[0]
    return count

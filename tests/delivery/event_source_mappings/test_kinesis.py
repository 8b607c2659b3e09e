"""Mappings over a real Kinesis stream: records as events, the tree of shards, consumers, filters, and its end."""

import asyncio
import base64
import contextlib
import itertools
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
import pytest

from delivery.event_source_mappings.stage import Behaviour, Function, Stage, accept, refuse, stage, until
from lambent.delivery.event_source_mappings import source_finder
from lambent.delivery.event_source_mappings.mappings import STREAM_GONE
from lambent.kit.clock import VirtualClock
from lambent.kit.ids import RandomIds
from lambent.kit.meter import Meter
from lambent.services.caller import Caller
from lambent.services.kinesis import hash_keys
from lambent.services.kinesis.operations import KinesisOperations
from lambent.services.kinesis.parts import KinesisParts
from lambent.services.kinesis.retention import RecordRetention
from lambent.services.kinesis.stream_cache import StreamCache
from lambent.services.kinesis.stream_meters import StreamMeters
from lambent.services.kinesis.subscriptions import Subscriptions
from lambent.services.kinesis.throttling import Throttle
from lambent.services.lambda_.errors import InvalidParameterValue
from lambent.services.lambda_.event_source_mappings import StartingPosition, State
from lambent.storage.database import Database
from lambent.storage.transaction import Transaction

ARN = "arn:aws:kinesis:us-east-1:000000000000:stream/s"
BUCKET_ARN = "arn:aws:s3:::failures"
CALLER = Caller("000000000000", "us-east-1", "arn:aws:iam::000000000000:root", "test", "r")
HOUR = 3600.0
FIRST = "shardId-000000000000"
HALF = str(hash_keys.HASH_KEYS // 2)


@dataclass
class Scene:
    on: Stage
    kinesis: KinesisOperations
    retention: RecordRetention

    async def create_stream(self, shards: int = 1) -> None:
        await self.kinesis.create_stream(CALLER, {"StreamName": "s", "ShardCount": shards})

    async def put(self, *values: Any, key: str = "k", **more: Any) -> None:
        """Each as JSON."""
        entries = [{"PartitionKey": key, "Data": orjson.dumps(value), **more} for value in values]
        await self.kinesis.put_records(CALLER, {"StreamName": "s", "Records": entries})

    async def split(self, shard_id: str, at: str = HALF) -> None:
        await self.kinesis.split_shard(CALLER, {"StreamName": "s", "ShardToSplit": shard_id, "NewStartingHashKey": at})

    async def scale(self, target: int) -> None:
        request = {"StreamName": "s", "TargetShardCount": target, "ScalingType": "UNIFORM_SCALING"}
        await self.kinesis.update_shard_count(CALLER, request)

    async def map(
        self, starting: StartingPosition = StartingPosition.TRIM_HORIZON, source_arn: str = ARN, **options: Any
    ) -> str:
        return await self.on.create(starting, source_arn=source_arn, **options)

    @property
    def records(self) -> list[dict[str, Any]]:
        return [record for event in self.on.function.events for record in event["Records"]]

    @property
    def values(self) -> list[Any]:
        return [orjson.loads(base64.b64decode(record["kinesis"]["data"])) for record in self.records]


@contextlib.asynccontextmanager
async def opened(
    directory: Path, behaviour: Behaviour = accept, shards: int = 1, *, has_stream: bool = True
) -> AsyncIterator[Scene]:
    function = Function(behaviour, source="kinesis:s")
    clock = VirtualClock()
    async with stage(directory, function=function, clock=clock, find_source=source_finder.find) as on:
        retention = RecordRetention(on.database, clock)
        scene = Scene(on, KinesisOperations(_parts(on.database, clock, retention)), retention)
        if has_stream:
            await scene.create_stream(shards)
        yield scene


def _parts(database: Database, clock: VirtualClock, retention: RecordRetention) -> KinesisParts:
    return KinesisParts(
        database=database,
        streams=StreamCache(database),
        retention=retention,
        subscriptions=Subscriptions(clock),
        throttle=Throttle(clock),
        meters=StreamMeters(Meter()),
        clock=clock,
        ids=RandomIds(),
    )


def play(directory: Path, scene: Callable[[Scene], Awaitable[None]], **options: Any) -> None:
    async def run() -> None:
        async with opened(directory, **options) as on:
            await scene(on)

    asyncio.run(run())


def test_an_event_record_is_as_lambda_documents_it(tmp_path: Path) -> None:
    async def scene(at: Scene) -> None:
        answer = await at.kinesis.put_record(
            CALLER, {"StreamName": "s", "PartitionKey": "pk", "Data": b"\x00\xff", "ExplicitHashKey": "0"}
        )
        await at.map()
        await until(lambda: at.records)
        number = answer["SequenceNumber"]
        assert at.records == [
            {
                "kinesis": {
                    "kinesisSchemaVersion": "1.0",
                    "partitionKey": "pk",
                    "sequenceNumber": number,
                    "data": "AP8=",
                    "approximateArrivalTimestamp": at.on.clock.now(),
                },
                "eventSource": "aws:kinesis",
                "eventVersion": "1.0",
                "eventID": f"{FIRST}:{number}",
                "eventName": "aws:kinesis:record",
                "invokeIdentityArn": "",
                "awsRegion": "us-east-1",
                "eventSourceARN": ARN,
            }
        ]

    play(tmp_path, scene)


def test_parents_are_read_before_their_children(tmp_path: Path) -> None:
    """Through splits and merges, every record once and every key in order."""

    async def scene(at: Scene) -> None:
        numbers = itertools.count()
        keys = [f"key-{n}" for n in range(6)]

        async def put_some() -> None:
            for _ in range(3):
                for key in keys:
                    await at.put([key, next(numbers)], key=key)

        await put_some()
        for target in (4, 3, 2):
            await at.scale(target)
            await put_some()
        await at.map(batch_size=5)
        await until(lambda: len(at.values) >= 18 * 4)
        await at.scale(3)
        await put_some()
        await until(lambda: len(at.values) >= 18 * 5)
        assert sorted(number for _, number in at.values) == list(range(18 * 5))
        for key in keys:
            seen = [number for one, number in at.values if one == key]
            assert seen == sorted(seen)

    play(tmp_path, scene, shards=2)


def test_a_child_waits_for_a_parent_that_fails(tmp_path: Path) -> None:
    async def scene(at: Scene) -> None:
        await at.put("parent")
        await at.split(FIRST)
        await at.put("child")
        await at.map()
        await until(lambda: len(at.on.function.events) >= 1)
        await at.on.advance_until(lambda: len(at.on.function.events) >= 5)
        assert set(at.values) == {"parent"}
        at.on.function.behaviour = accept
        await at.on.advance_until(lambda: "child" in at.values)

    play(tmp_path, scene, behaviour=refuse)


@pytest.mark.parametrize(
    ("starting", "found"),
    [
        (StartingPosition.TRIM_HORIZON, ["before", "between", "after"]),
        (StartingPosition.AT_TIMESTAMP, ["between", "after"]),
        (StartingPosition.LATEST, ["after"]),
    ],
)
def test_where_reading_begins(tmp_path: Path, starting: StartingPosition, found: list[str]) -> None:
    async def scene(at: Scene) -> None:
        await at.put("before")
        await at.on.clock.advance(10)
        moment = at.on.clock.now_ms() if starting is StartingPosition.AT_TIMESTAMP else None
        await at.put("between")
        await at.on.clock.advance(10)
        await at.map(starting, starting_timestamp_ms=moment)
        await at.put("after")
        await until(lambda: "after" in at.values)
        assert at.values == found

    play(tmp_path, scene)


def test_a_consumer_is_read_until_it_is_deregistered(tmp_path: Path) -> None:
    async def scene(at: Scene) -> None:
        consumer = {"StreamARN": ARN, "ConsumerName": "c"}
        registered = await at.kinesis.register_stream_consumer(CALLER, consumer)
        arn = registered["Consumer"]["ConsumerARN"]
        uuid = await at.map(source_arn=arn)
        await at.put("pushed")
        await until(lambda: at.values == ["pushed"])
        assert at.records[0]["eventSourceARN"] == ARN
        await at.kinesis.deregister_stream_consumer(CALLER, consumer)
        await until(lambda: at.on.last_result(uuid) == STREAM_GONE)
        await at.put("unheard")
        await asyncio.sleep(0.05)
        assert at.values == ["pushed"]

    play(tmp_path, scene)


def test_filters_look_into_the_data(tmp_path: Path) -> None:
    async def scene(at: Scene) -> None:
        pattern = orjson.dumps({"data.temperature": [{"numeric": [">", 30]}]}).decode()
        by_key = orjson.dumps({"partitionKey": ["special"]}).decode()
        await at.map(filters=(pattern, by_key))
        await at.put({"temperature": 20}, {"temperature": 40}, [1, 2], "text")
        await at.kinesis.put_record(CALLER, {"StreamName": "s", "PartitionKey": "k", "Data": b"no json"})
        await at.put("metadata is enough", key="special")
        await until(lambda: len(at.values) >= 2)
        await at.put({"temperature": 50})
        await until(lambda: len(at.values) >= 3)
        assert at.values == [{"temperature": 40}, "metadata is enough", {"temperature": 50}]

    play(tmp_path, scene)


def test_a_pattern_that_asks_for_data_drops_what_is_no_json(tmp_path: Path) -> None:
    async def scene(at: Scene) -> None:
        await at.map(filters=('{"data": {"x": [{"exists": false}]}}',))
        await at.kinesis.put_record(CALLER, {"StreamName": "s", "PartitionKey": "k", "Data": b"no json"})
        await at.put({"y": 1})
        await until(lambda: at.values)
        assert at.values == [{"y": 1}]

    play(tmp_path, scene)


def test_a_stream_of_the_same_name_is_read_from_its_beginning(tmp_path: Path) -> None:
    async def scene(at: Scene) -> None:
        uuid = await at.map()
        await at.put(1, 2, 3)
        await until(lambda: at.values == [1, 2, 3])
        await at.kinesis.delete_stream(CALLER, {"StreamName": "s"})
        await until(lambda: at.on.last_result(uuid) == STREAM_GONE)
        await at.create_stream()
        await at.put(4, 5)
        await until(lambda: at.values == [1, 2, 3, 4, 5])

    play(tmp_path, scene)


def test_a_stream_that_comes_again_after_a_restart_is_read(tmp_path: Path) -> None:
    """It was deleted while nobody ran, and its mapping hears of the next one of its name."""

    async def run() -> None:
        async with opened(tmp_path) as at:
            uuid = await at.map(enabled=False)
            await at.kinesis.delete_stream(CALLER, {"StreamName": "s"})
        async with opened(tmp_path, has_stream=False) as at:
            await at.on.change(uuid, State.ENABLING)
            await until(lambda: at.on.last_result(uuid) == STREAM_GONE)
            await at.create_stream()
            await at.put("again")
            await until(lambda: at.values == ["again"])

    asyncio.run(run())


def test_a_shard_that_expires_unread_keeps_nobody_waiting(tmp_path: Path) -> None:
    """A mapping was switched off while its shard closed and expired: its children are read all the same."""

    async def scene(at: Scene) -> None:
        uuid = await at.map()
        await at.put("read")
        await until(lambda: at.values == ["read"])
        await at.on.change(uuid, State.DISABLING)
        await until(lambda: at.on.state(uuid) is State.DISABLED)
        await at.put("expires")
        await at.split(FIRST)
        await at.on.clock.advance(25 * HOUR)
        await at.retention.trim()
        await at.put("fresh")
        await at.on.change(uuid, State.ENABLING)
        await until(lambda: at.values == ["read", "fresh"])

    play(tmp_path, scene)


def test_a_longer_retention_period_holds_for_mappings_at_once(tmp_path: Path) -> None:
    """A function that fails for two days gets its records on the third, none of them given up."""

    async def scene(at: Scene) -> None:
        await at.map()
        await at.put("patient")
        await until(lambda: at.on.function.events)
        await at.kinesis.increase_stream_retention_period(CALLER, {"StreamName": "s", "RetentionPeriodHours": 168})
        await at.on.clock.advance(48 * HOUR)
        at.on.function.behaviour = accept
        tried = len(at.values)
        await at.on.advance_until(lambda: len(at.values) > tried, step=60)
        assert set(at.values) == {"patient"}

    play(tmp_path, scene, behaviour=refuse)


def test_a_discarded_batch_says_where_it_stood(tmp_path: Path) -> None:
    async def scene(at: Scene) -> None:
        await at.put("bad")
        await at.map(max_retries=0, on_failure=BUCKET_ARN)
        await until(lambda: at.on.bucket.objects)
        (key, document) = at.on.bucket.objects[0]
        info = document["KinesisBatchInfo"]
        assert (info["shardId"], info["streamArn"], info["batchSize"]) == (FIRST, ARN, 1)
        assert info["startSequenceNumber"] == at.records[0]["kinesis"]["sequenceNumber"]
        assert f"/{FIRST}/" in key

    play(tmp_path, scene, behaviour=refuse)


def test_windows_name_the_shard(tmp_path: Path) -> None:
    async def scene(at: Scene) -> None:
        await at.map(tumbling_window_seconds=60)
        await at.put(1)
        await until(lambda: at.on.function.events)
        event = at.on.function.events[0]
        assert (event["shardId"], event["eventSourceARN"]) == (FIRST, ARN)

    async def summed(_: Any) -> Any:
        return {"state": {}}

    play(tmp_path, scene, behaviour=summed)


def test_the_trace_of_a_request_stays_with_its_records(tmp_path: Path) -> None:
    trace = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1"

    async def scene(at: Scene) -> None:
        entry = {"PartitionKey": "k", "Data": b"x"}
        await at.kinesis.put_records(CALLER._replace(trace=trace), {"StreamName": "s", "Records": [entry]})
        uuid = await at.map()
        mapping = at.on.mapping(uuid)
        assert mapping is not None

        def read(tx: Transaction) -> list[str]:
            source = source_finder.find(tx, mapping)
            assert source is not None
            (shard,) = source.list_shards(tx)
            return [record.trace for record in source.read(tx, shard, 0, 10)]

        assert at.on.database.read(read) == [trace]

    play(tmp_path, scene)


@pytest.mark.parametrize(
    "arn", [ARN.replace("/s", "/t"), f"{ARN}/consumer/c:1", "arn:aws:nothing:us-east-1:000000000000:stream/s", "s"]
)
def test_sources_that_are_not_there(tmp_path: Path, arn: str) -> None:
    async def scene(at: Scene) -> None:
        with pytest.raises(InvalidParameterValue):
            await at.map(source_arn=arn)

    play(tmp_path, scene)

"""A table's changes in a Kinesis stream, without HTTP and on virtual time: time to live, restores, what is counted."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lambent.services.dynamodb import stream_store, table_store
from lambent.services.dynamodb.errors import TransactionCanceled
from lambent.services.dynamodb.names import TableKey
from lambent.services.dynamodb.streams import StreamRecord
from lambent.services.kinesis import records
from lambent.services.kinesis import stream_store as kinesis_store
from lambent.services.kinesis.names import StreamKey
from lambent.services.kinesis.streams import Mode, Settings
from lambent.storage import log
from lambent.storage.log import LogRecord
from lambent.storage.transaction import Transaction
from services.dynamodb.world import CALLER, World, world

KEY = StreamKey("000000000000", "us-east-1", "s")
ARN = "arn:aws:kinesis:us-east-1:000000000000:stream/s"
TABLE = {"TableName": "table"}
TRACE = "Root=1-5759e988-bd862e3fe1be46a994272793"
SHARDS = 2


async def with_stream(it: World, **options: Any) -> None:
    """A table whose changes go to the stream of ARN."""
    await it.create(**options)
    await it.database.write(
        lambda tx: kinesis_store.insert_stream(tx, KEY, Settings(Mode.PROVISIONED), shard_count=SHARDS, now_ms=1)
    )
    await it.call("enable_kinesis_streaming_destination", **TABLE, StreamArn=ARN)


def replicated(it: World) -> list[dict[str, Any]]:
    """What the records say, shard by shard."""
    return [orjson.loads(record.data) for record in stored(it)]


def stored(it: World) -> list[records.Record]:
    def read(tx: Transaction) -> list[LogRecord]:
        return [one for shard in range(SHARDS) for one in log.read_after(tx, f"kinesis/1/{shard}", 0, 1_000)]

    return [records.unpack(one.payload) for one in it.database.read(read)]


def play(act: Callable[[World], Awaitable[None]], path: Path) -> None:
    async def main() -> None:
        async with world(path) as it:
            await act(it)

    asyncio.run(main())


def test_what_time_to_live_deletes(tmp_path: Path) -> None:
    async def act(it: World) -> None:
        await with_stream(it)
        await it.expire_by("until")
        await it.upkeep.work_off()
        await it.put("a", until={"N": "1750000001"})
        await it.clock.advance(2)
        await it.lifetime.sweep()
        inserted, removed = replicated(it)
        assert (inserted["eventName"], inserted["userIdentity"]) == ("INSERT", None)
        assert removed["eventName"] == "REMOVE"
        assert removed["userIdentity"] == {"type": "Service", "principalId": "dynamodb.amazonaws.com"}
        assert removed["dynamodb"]["ApproximateCreationDateTime"] == 1_750_000_002_000

    play(act, tmp_path)


def test_a_restored_table_has_no_destination(tmp_path: Path) -> None:
    async def act(it: World) -> None:
        await with_stream(it)
        await it.put("a")
        backup = await it.call("create_backup", **TABLE, BackupName="backup")
        await it.upkeep.work_off()
        arn = backup["BackupDetails"]["BackupArn"]
        await it.call("restore_table_from_backup", TargetTableName="again", BackupArn=arn)
        await it.upkeep.work_off()
        assert len(await it.items("again")) == 1
        described = await it.call("describe_kinesis_streaming_destination", TableName="again")
        assert described["KinesisDataStreamDestinations"] == []
        assert len(replicated(it)) == 1

    play(act, tmp_path)


def test_what_is_put_and_what_is_not_is_counted(tmp_path: Path) -> None:
    async def act(it: World) -> None:
        await with_stream(it)
        counting = asyncio.create_task(it.table_replication.run())
        await it.call("put_item", **TABLE, Item={"pk": {"S": "a"}})
        blob = {"B": "eHh4" * 133_000}
        await it.put("large", b=blob)
        await it.put("large", b=blob, n={"N": "1"})  # both images are more than the stream takes
        await it.database.write(_delete_stream)
        await it.put("b")
        await it.clock.advance(0)
        counting.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await counting
        counted = {one.series.metric: one.total for one in it.meter.totals()}
        assert counted["IncomingRecords"] == 2
        assert 532_000 < counted["IncomingBytes"] < 534_000
        assert counted["FailedToReplicateRecordCount"] == 2

    play(act, tmp_path)


def _delete_stream(tx: Transaction) -> None:
    stream = kinesis_store.find_stream(tx, KEY)
    assert stream is not None
    kinesis_store.delete_stream(tx, stream)


def test_the_trace_goes_along(tmp_path: Path) -> None:
    async def act(it: World) -> None:
        await with_stream(it)
        caller = CALLER._replace(trace=TRACE)
        await it.operations.put_item(caller, {**TABLE, "Item": {"pk": {"S": "a"}}})
        assert [record.trace for record in stored(it)] == [TRACE]

    play(act, tmp_path)


ACTIONS = st.tuples(st.sampled_from(("Put", "Delete", "Check")), st.sampled_from("abcd"), st.sampled_from(("1", "2")))


@settings(max_examples=20, deadline=None)
@given(
    view=st.sampled_from(("KEYS_ONLY", "NEW_AND_OLD_IMAGES")),
    requests=st.lists(st.lists(ACTIONS, min_size=1, max_size=4, unique_by=lambda one: one[1]), max_size=8),
)
def test_it_gets_what_the_change_stream_gets(
    view: str, requests: list[list[tuple[str, str, str]]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Once, and in the order of each item."""

    async def act(it: World) -> None:
        await with_stream(it, StreamSpecification={"StreamEnabled": True, "StreamViewType": view})
        for actions in requests:
            with contextlib.suppress(TransactionCanceled):  # by a check that does not hold
                await it.call("transact_write_items", TransactItems=[_action(*one) for one in actions])
        told: dict[str, list[str]] = {}
        for record in replicated(it):
            told.setdefault(record["dynamodb"]["Keys"]["pk"]["S"], []).append(record["eventName"])
        assert told == _change_stream(it)

    play(act, tmp_path_factory.mktemp("world"))


def _action(kind: str, key: str, number: str) -> dict[str, Any]:
    if kind == "Put":
        return {"Put": {**TABLE, "Item": {"pk": {"S": key}, "n": {"N": number}}}}
    condition = {"ConditionExpression": "attribute_exists(pk)"} if kind == "Check" else {}
    return {"ConditionCheck" if condition else "Delete": {**TABLE, "Key": {"pk": {"S": key}}, **condition}}


def _change_stream(it: World) -> dict[str, list[str]]:
    """The names of changes, by item."""

    def read(tx: Transaction) -> list[StreamRecord]:
        table = table_store.find_table(tx, TableKey("000000000000", "us-east-1", "table"))
        assert table is not None
        shards = stream_store.shards(tx, table.stream_arn)
        return [one for shard in shards for one in stream_store.read_shard(tx, shard, 0, 1_000)]

    found: dict[str, list[str]] = {}
    for record in it.database.read(read):
        found.setdefault(record.keys["pk"]["S"], []).append(record.name)
    return found

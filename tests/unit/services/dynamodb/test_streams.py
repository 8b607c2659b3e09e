"""Streams without HTTP: the rules as tables, retention on a virtual clock, the stream against the table's history."""

import asyncio
import itertools
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lambent.kit.clock import VirtualClock
from lambent.services.caller import Caller
from lambent.services.dynamodb import drafts, item_store, shard_iterators, stream_store, streams, table_store
from lambent.services.dynamodb.errors import (
    ExpiredIterator,
    ResourceNotFound,
    TrimmedDataAccess,
    ValidationException,
)
from lambent.services.dynamodb.item_store import Cause, Write
from lambent.services.dynamodb.keys import KeySchema
from lambent.services.dynamodb.names import TableKey
from lambent.services.dynamodb.shard_iterators import LIFETIME_MS, ShardIterator
from lambent.services.dynamodb.stream_operations import StreamOperations
from lambent.services.dynamodb.stream_retention import TRIM_SECONDS, StreamRetention
from lambent.services.dynamodb.streams import HashRange, Shard, StreamRecord
from lambent.services.dynamodb.tables import Definition, Table
from lambent.services.dynamodb.values import Item
from lambent.storage.database import Database

CALLER = Caller("000000000000", "us-east-1", "arn:aws:iam::000000000000:root", "test", "request-1")
HOUR_SECONDS = 3_600
ALL = HashRange(0, 2**32 - 1)


class Scene:
    """A table with a stream on a real database, and a clock that stands still."""

    def __init__(self, database: Database, clock: VirtualClock, table: Table) -> None:
        self.database = database
        self.clock = clock
        self.table = table
        self.operations = StreamOperations(database, clock)
        self.retention = StreamRetention(database, clock)

    async def put(self, key: str, number: int = 0) -> None:
        await self._write(drafts.draft_put({"Item": {"pk": {"S": key}, "n": {"N": str(number)}}}))

    async def delete(self, key: str, cause: Cause = Cause.CLIENT) -> None:
        await self._write(drafts.draft_delete({"Key": {"pk": {"S": key}}}), cause)

    async def _write(self, draft: drafts.Draft, cause: Cause = Cause.CLIENT) -> None:
        write = Write(self.table, drafts.change_of(draft, self.table), self.clock.now_ms(), cause)
        await self.database.write(lambda tx: item_store.write_item(tx, write))

    def shards(self) -> list[Shard]:
        return self.database.read(lambda tx: stream_store.shards(tx, self.table.stream_arn))

    def records(self, shard: Shard) -> list[StreamRecord]:
        return self.database.read(lambda tx: stream_store.read_shard(tx, shard, 0, 1_000))

    def all_records(self) -> list[StreamRecord]:
        """Parents before children."""
        return [record for shard in self.shards() for record in self.records(shard)]

    async def iterator(self, shard: Shard, kind: str, **more: Any) -> str:
        request = {"StreamArn": self.table.stream_arn, "ShardId": shard.shard_id, "ShardIteratorType": kind, **more}
        token: str = (await self.operations.get_shard_iterator(CALLER, request))["ShardIterator"]
        return token

    async def get_records(self, iterator: str) -> dict[str, Any]:
        return await self.operations.get_records(CALLER, {"ShardIterator": iterator})


def play(act: Callable[[Scene], Awaitable[None]], path: Path) -> None:
    async def main() -> None:
        database, clock = Database.open(path / "lambent.db"), VirtualClock()
        definition = Definition(
            uuid="u",
            created_ms=0,
            attributes=(("pk", "S"),),
            schema=KeySchema("pk", "S"),
            stream_view="NEW_AND_OLD_IMAGES",
            stream_label="2025-06-15T15:06:40.000",
        )
        key = TableKey(CALLER.account_id, CALLER.region, "games")
        try:
            table = await database.write(
                lambda tx: table_store.insert_table(tx, key, definition, now_ms=clock.now_ms())
            )
            await act(Scene(database, clock, table))
        finally:
            await database.close()

    asyncio.run(main())


def shard_at(opened_ms: int, trimmed: int = 0) -> Shard:
    return Shard(1, streams.shard_id_of(opened_ms, ALL), None, ALL, opened_ms, None, trimmed, "KEYS_ONLY")


# Rules


def test_ranges_cover_every_hash() -> None:
    ranges = streams.first_ranges()
    assert (len(ranges), ranges[0].first, ranges[-1].last) == (4, 0, 2**32 - 1)
    assert all(left.last + 1 == right.first for left, right in itertools.pairwise(ranges))


@pytest.mark.parametrize(
    ("records", "open_shards", "children"),
    [
        (streams.MAX_SHARD_RECORDS, 4, [HashRange(0, 2**31 - 1), HashRange(2**31, 2**32 - 1)]),
        (streams.MAX_SHARD_RECORDS, streams.MAX_OPEN_SHARDS, [ALL]),
        (streams.MAX_SHARD_RECORDS - 1, 4, [ALL]),
    ],
)
def test_children(records: int, open_shards: int, children: list[HashRange]) -> None:
    assert streams.child_ranges(ALL, records=records, open_shards=open_shards) == children


def test_range_of_one_hash_is_not_halved() -> None:
    one = HashRange(7, 7)
    assert streams.child_ranges(one, records=streams.MAX_SHARD_RECORDS, open_shards=1) == [one]


@given(st.integers(10**12, 10**13 - 1), st.integers(1, 10**12 - 1))
def test_sequence_numbers_tell_positions(opened_ms: int, position: int) -> None:
    number = streams.sequence_number_of(opened_ms, position)
    assert 21 <= len(number) <= 40
    assert streams.position_of(opened_ms, int(number)) == position
    assert streams.position_of(opened_ms + 1, int(number)) < 1


def test_shard_ids_are_as_long_as_the_model_wants() -> None:
    assert 28 <= len(streams.shard_id_of(1_750_000_000_000, ALL)) <= 65


ISSUED_MS = 1_750_000_000_000
TOKEN = shard_iterators.write_token(ShardIterator("arn:stream", "shard", 7, ISSUED_MS))


def test_token_comes_back() -> None:
    found = shard_iterators.read_token(TOKEN, now_ms=ISSUED_MS + LIFETIME_MS)
    assert found == ShardIterator("arn:stream", "shard", 7, ISSUED_MS)


def test_token_expires() -> None:
    with pytest.raises(ExpiredIterator):
        shard_iterators.read_token(TOKEN, now_ms=ISSUED_MS + LIFETIME_MS + 1)


@pytest.mark.parametrize("token", ["", "x", "|1|", TOKEN[:-4], TOKEN.replace("stream", "other"), TOKEN + "ÿ", "a|1|é"])
def test_token_of_somebody_else_is_refused(token: str) -> None:
    with pytest.raises(ValidationException, match="Invalid ShardIterator"):
        shard_iterators.read_token(token, now_ms=ISSUED_MS)


@pytest.mark.parametrize(
    ("position", "is_included", "after"),
    [(3, True, 2), (3, False, 3), (6, True, 5), (9, False, 9), (2, False, 2)],
)
def test_sequence_number_within_shard(position: int, is_included: bool, after: int) -> None:
    number = streams.sequence_number_of(5, position)
    shard = shard_at(5, trimmed=2)
    assert shard_iterators.position_before(shard, number, is_included=is_included, last=9) == after


@pytest.mark.parametrize(
    ("position", "is_included", "error"),
    [(2, True, TrimmedDataAccess), (1, False, TrimmedDataAccess), (10, True, ValidationException)],
)
def test_sequence_number_outside(position: int, is_included: bool, error: type[Exception]) -> None:
    number = streams.sequence_number_of(5, position)
    with pytest.raises(error):
        shard_iterators.position_before(shard_at(5, trimmed=2), number, is_included=is_included, last=9)


def test_ancestors_sequence_number_is_trimmed() -> None:
    number = streams.sequence_number_of(4, 10)
    with pytest.raises(TrimmedDataAccess):
        shard_iterators.position_before(shard_at(5), number, is_included=False, last=9)


# On a database


def test_expiry_names_the_service(tmp_path: Path) -> None:
    async def act(scene: Scene) -> None:
        await scene.put("k")
        await scene.delete("k", Cause.EXPIRY)
        insert, remove = scene.all_records()
        arn = scene.table.stream_arn
        assert "userIdentity" not in streams.to_event_record(insert, arn, "us-east-1")
        event = streams.to_event_record(remove, arn, "us-east-1")
        assert event["userIdentity"] == {"principalId": "dynamodb.amazonaws.com", "type": "Service"}
        assert event["eventSourceARN"] == arn
        record = streams.to_api_record(remove, arn, "us-east-1")
        assert record["userIdentity"] == {"PrincipalId": "dynamodb.amazonaws.com", "Type": "Service"}
        assert record["eventID"] == event["eventID"]

    play(act, tmp_path)


def test_old_shard_is_followed_by_one_child(tmp_path: Path) -> None:
    async def act(scene: Scene) -> None:
        await scene.put("k", 1)
        await scene.clock.advance(4 * HOUR_SECONDS + 1)
        await scene.put("k", 2)
        await scene.put("k", 3)
        shards = scene.shards()
        (closed,) = [shard for shard in shards if shard.is_closed]
        (child,) = [shard for shard in shards if shard.parent_id == closed.shard_id]
        assert (len(shards), child.hashes) == (5, closed.hashes)
        assert [len(scene.records(shard)) for shard in (closed, child)] == [2, 1]

    play(act, tmp_path)


def test_closed_shard_ends(tmp_path: Path) -> None:
    async def act(scene: Scene) -> None:
        await scene.put("k", 1)
        (shard,) = [shard for shard in scene.shards() if scene.records(shard)]
        early = await scene.iterator(shard, "LATEST")
        page = await scene.get_records(early)
        assert page["Records"] == []
        assert "NextShardIterator" in page
        await scene.clock.advance(4 * HOUR_SECONDS + 1)
        await scene.put("k", 2)
        page = await scene.get_records(await scene.iterator(shard, "TRIM_HORIZON"))
        assert (len(page["Records"]), "NextShardIterator" in page) == (2, False)
        page = await scene.get_records(await scene.iterator(shard, "LATEST"))
        assert (page["Records"], "NextShardIterator" in page) == ([], False)
        with pytest.raises(ExpiredIterator):
            await scene.get_records(early)

    play(act, tmp_path)


def test_reading_from_a_time(tmp_path: Path) -> None:
    async def act(scene: Scene) -> None:
        await scene.put("k", 1)
        await scene.clock.advance(10)
        await scene.put("k", 2)
        (shard,) = [shard for shard in scene.shards() if scene.records(shard)]
        for seconds_ago, count in ((20, 2), (5, 1), (-5, 0)):
            at = await scene.iterator(shard, "AT_TIMESTAMP", Timestamp=scene.clock.now() - seconds_ago)
            assert len((await scene.get_records(at))["Records"]) == count

    play(act, tmp_path)


def test_records_live_a_day(tmp_path: Path) -> None:
    async def act(scene: Scene) -> None:
        await scene.put("k", 1)
        await scene.clock.advance(3 * HOUR_SECONDS)
        await scene.put("k", 2)
        (shard,) = [shard for shard in scene.shards() if scene.records(shard)]
        await scene.clock.advance(21 * HOUR_SECONDS)
        first = scene.records(shard)[0].sequence_number
        early = await scene.iterator(shard, "TRIM_HORIZON")
        await scene.retention.trim()
        assert len(scene.records(shard)) == 2
        await scene.clock.advance(1)
        await scene.retention.trim()
        (shard, *_) = [shard for shard in scene.shards() if scene.records(shard)]
        assert [record.new["n"] for record in scene.records(shard) if record.new] == [{"N": "2"}]
        for kind in ("AT_SEQUENCE_NUMBER",):
            with pytest.raises(TrimmedDataAccess):
                await scene.iterator(shard, kind, SequenceNumber=first)
        with pytest.raises(TrimmedDataAccess):
            await scene.get_records(early)
        page = await scene.get_records(await scene.iterator(shard, "AFTER_SEQUENCE_NUMBER", SequenceNumber=first))
        assert len(page["Records"]) == 1

    play(act, tmp_path)


def test_closed_stream_goes_after_a_day(tmp_path: Path) -> None:
    async def act(scene: Scene) -> None:
        await scene.put("k")
        now_ms = scene.clock.now_ms()
        await scene.database.write(lambda tx: table_store.delete_table(tx, scene.table, now_ms=now_ms))
        await scene.clock.advance(24 * HOUR_SECONDS)
        await scene.retention.trim()
        assert len(scene.all_records()) == 1
        await scene.clock.advance(1)
        await scene.retention.trim()
        assert scene.shards() == []
        with pytest.raises(ResourceNotFound):
            await scene.operations.describe_stream(CALLER, {"StreamArn": scene.table.stream_arn})
        leftovers = scene.database.read(
            lambda tx: tx.rows("SELECT log FROM log_head") + tx.rows("SELECT log FROM log_record")
        )
        assert leftovers == []

    play(act, tmp_path)


def test_retention_shell_trims_on_the_clock(tmp_path: Path) -> None:
    async def act(scene: Scene) -> None:
        await scene.put("k")
        async with asyncio.TaskGroup() as tasks:
            running = tasks.create_task(scene.retention.run())
            await scene.clock.advance(24 * HOUR_SECONDS)
            async with asyncio.timeout(20):
                while scene.all_records():
                    await scene.clock.advance(TRIM_SECONDS)
                    await asyncio.sleep(0.01)
            running.cancel()

    play(act, tmp_path)


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("put"), st.sampled_from("abcdef"), st.integers(0, 2)),
        st.tuples(st.just("delete"), st.sampled_from("abcdef"), st.just(0)),
        st.tuples(st.just("wait"), st.just(""), st.integers(1, 3)),
    ),
    max_size=60,
)


@settings(max_examples=40, deadline=None)
@given(STEPS)
def test_stream_replayed_is_the_history(steps: list[tuple[str, str, int]]) -> None:
    """Shards that hold five records split all the time; whoever walks the tree still sees each key's history."""

    async def act(scene: Scene) -> None:
        history: dict[str, list[Item | None]] = {}
        for what, key, number in steps:
            if what == "wait":
                await scene.clock.advance(number * HOUR_SECONDS)
                continue
            new = {"pk": {"S": key}, "n": {"N": str(number)}} if what == "put" else None
            past = history.setdefault(key, [None])
            if new != past[-1]:
                past.append(new)
            await (scene.put(key, number) if what == "put" else scene.delete(key))
        replayed: dict[str, list[Item | None]] = {key: [None] for key in history}
        for record in scene.all_records():
            past = replayed[record.keys["pk"]["S"]]
            assert record.old == past[-1]
            past.append(record.new)
        assert replayed == history
        open_ranges = sorted((one.hashes.first, one.hashes.last) for one in scene.shards() if not one.is_closed)
        assert open_ranges[0][0] == 0
        assert open_ranges[-1][1] == 2**32 - 1
        assert all(left[1] + 1 == right[0] for left, right in itertools.pairwise(open_ranges))

    with pytest.MonkeyPatch.context() as patched, tempfile.TemporaryDirectory() as folder:
        patched.setattr(streams, "MAX_SHARD_RECORDS", 5)
        play(act, Path(folder))

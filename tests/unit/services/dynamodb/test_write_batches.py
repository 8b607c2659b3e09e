"""Writes done together leave what the same writes leave one by one: items, indexes, volumes and change records."""

import asyncio
import dataclasses
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from lambent.services.dynamodb import drafts, item_store, stream_store, table_store
from lambent.services.dynamodb.errors import ConditionalCheckFailed, ResourceNotFound
from lambent.services.dynamodb.item_store import Outcome, TableChanged, Write, Written
from lambent.services.dynamodb.keys import KeySchema
from lambent.services.dynamodb.names import TableKey
from lambent.services.dynamodb.tables import Definition, Index, Projection, Table
from lambent.storage.database import Database
from lambent.storage.transaction import Transaction

DEFINITION = Definition(
    uuid="u",
    created_ms=0,
    attributes=(("pk", "S"), ("n", "N")),
    schema=KeySchema("pk", "S"),
    indexes=(Index(0, "by_n", KeySchema("n", "N"), is_global=True, projection=Projection.KEYS_ONLY),),
    stream_view="NEW_AND_OLD_IMAGES",
    stream_label="2025-01-01T00:00:00.000",
    ttl_attribute="until",
)
ABSENT = {"ConditionExpression": "attribute_not_exists(pk)"}


def put(key: str, number: int, **more: Any) -> drafts.Draft:
    item = {"pk": {"S": key}, "n": {"N": str(number)}, "until": {"N": str(number)}}
    return drafts.draft_put({"Item": item, **more})


def delete(key: str) -> drafts.Draft:
    return drafts.draft_delete({"Key": {"pk": {"S": key}}})


def add(key: str, number: int) -> drafts.Draft:
    values = {":n": {"N": str(number)}}
    return drafts.draft_update(
        {"Key": {"pk": {"S": key}}, "UpdateExpression": "ADD n :n", "ExpressionAttributeValues": values}
    )


@contextmanager
def a_table() -> Iterator[tuple[asyncio.Runner, Database, Table]]:
    with tempfile.TemporaryDirectory() as folder, asyncio.Runner() as runner:
        database, table = runner.run(_open(Path(folder), "games"))
        try:
            yield runner, database, table
        finally:
            runner.run(database.close())


async def _open(folder: Path, name: str) -> tuple[Database, Table]:
    database = Database.open(folder / "lambent.db")
    return database, await _create(database, name)


async def _create(database: Database, name: str) -> Table:
    key = TableKey("000000000000", "us-east-1", name)
    return await database.write(lambda tx: table_store.insert_table(tx, key, DEFINITION, now_ms=0))


def writes_to(table: Table, wanted: Sequence[drafts.Draft], now_ms: int = 5) -> list[Write]:
    return [Write(table, drafts.change_of(draft, table), now_ms) for draft in wanted]


def described(outcome: Outcome | Exception) -> object:
    if isinstance(outcome, Written):
        return [one.encoded if one is not None else None for one in (outcome.old, outcome.new)]
    return type(outcome)


def contents(tx: Transaction, table: Table) -> dict[str, Any]:
    index_id = table.definition.indexes[0].index_id
    shards = stream_store.shards(tx, table.stream_arn)
    return {
        "items": tx.rows(
            "SELECT partition, sort, item, size, expires_s FROM dynamodb_item WHERE table_id = ? ORDER BY partition",
            (table.table_id,),
        ),
        "index": tx.rows(
            "SELECT partition, sort, item_partition, item, size FROM dynamodb_index_entry WHERE index_id = ?"
            " ORDER BY partition, item_partition",
            (index_id,),
        ),
        "volumes": [table_store.find_volume(tx, holder) for holder in (table.table_id, index_id)],
        "records": [
            [(one.position, one.name, one.keys, one.old, one.new) for one in stream_store.read_shard(tx, shard, 0, 999)]
            for shard in shards
        ],
    }


KEYS, NUMBERS = st.sampled_from("abcd"), st.integers(0, 3)
DRAFTS = st.one_of(
    st.builds(put, KEYS, NUMBERS),
    st.builds(lambda key, number: put(key, number, **ABSENT), KEYS, NUMBERS),
    st.builds(delete, KEYS),
    st.builds(add, KEYS, NUMBERS),
)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.lists(DRAFTS, max_size=6), max_size=6))
def test_together_as_one_by_one(requests: list[list[drafts.Draft]]) -> None:
    with a_table() as (runner, database, table):
        other = runner.run(_create(database, "one-by-one"))
        together = runner.run(
            database.write(lambda tx: item_store.write_requests(tx, [writes_to(table, one) for one in requests]))
        )
        alone: list[object] = []
        for write in [write for one in requests for write in writes_to(other, one)]:
            try:
                written = runner.run(database.write(lambda tx, write=write: item_store.write_item(tx, write)))  # type: ignore[misc]  # the bound write
                alone.append(described(written))
            except ConditionalCheckFailed as error:
                alone.append(type(error))
        assert [described(outcome) for one in together if isinstance(one, list) for outcome in one] == alone
        assert database.read(lambda tx: contents(tx, table)) == database.read(lambda tx: contents(tx, other))


def test_a_request_for_a_table_that_has_changed_is_not_begun_and_stops_no_other() -> None:
    with a_table() as (runner, database, table):
        older = dataclasses.replace(table, epoch=table.epoch - 1)
        gone = dataclasses.replace(table, table_id=999)
        requests = [
            writes_to(table, [put("a", 1)]),
            [*writes_to(table, [put("b", 1)]), *writes_to(older, [put("c", 1)])],
            writes_to(gone, [put("d", 1)]),
            writes_to(table, [put("e", 1)]),
        ]
        ends = runner.run(database.write(lambda tx: item_store.write_requests(tx, requests)))
        assert [type(end) for end in ends] == [list, TableChanged, ResourceNotFound, list]
        stored = database.read(lambda tx: contents(tx, table))["items"]
        assert {row[0][8:] for row in stored} == {b"a", b"e"}


def test_many_items_of_one_batch() -> None:
    """More than one statement holds."""
    with a_table() as (runner, database, table):
        count = 300
        requests = [writes_to(table, [put(f"k{start + n}", n) for n in range(25)]) for start in range(0, count, 25)]
        runner.run(database.write(lambda tx: item_store.write_requests(tx, requests)))
        assert database.read(lambda tx: table_store.find_volume(tx, table.table_id)).items == count
        found = database.read(lambda tx: contents(tx, table))
        assert len(found["items"]) == len(found["index"]) == sum(map(len, found["records"])) == count
        gone = [writes_to(table, [delete(f"k{n}") for n in range(count)])]
        runner.run(database.write(lambda tx: item_store.write_requests(tx, gone)))
        assert database.read(lambda tx: contents(tx, table))["items"] == []

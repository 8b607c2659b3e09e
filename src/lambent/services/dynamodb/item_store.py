"""All SQL on items, and `WriteBatch`: the one way by which items change.

Put, update, delete, batches, transactions, PartiQL and time to live all end here: the condition is asked of the item as
it is now, inside the writer's batch, and the new item, its index entries and its change records go into the same
transaction. What was prepared for another definition of the table is refused with `TableChanged`, and prepared again.
"""

import itertools
from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from typing import NamedTuple

import orjson

from lambent.services.dynamodb import index_store, past_store, stream_store
from lambent.services.dynamodb.errors import ConditionalCheckFailed, ResourceNotFound
from lambent.services.dynamodb.expiry import expiry_of
from lambent.services.dynamodb.expressions.conditions import Condition
from lambent.services.dynamodb.expressions.updates import Update
from lambent.services.dynamodb.index_entries import IndexChange
from lambent.services.dynamodb.keys import Key, key_attributes
from lambent.services.dynamodb.names import table_not_found
from lambent.services.dynamodb.past_store import PastItem
from lambent.services.dynamodb.replication import Replicate
from lambent.services.dynamodb.sizes import check_update_size, item_size
from lambent.services.dynamodb.stored_items import StoredItem
from lambent.services.dynamodb.streams import ItemChange
from lambent.services.dynamodb.table_store import Growth
from lambent.services.dynamodb.tables import Table
from lambent.services.dynamodb.values import Item
from lambent.storage.transaction import Transaction
from lambent.wire.errors import ServiceError

#: Encoded partition and sort key.
Place = tuple[bytes, bytes]


class TableChanged(Exception):
    """The table's definition is another by now than the one this write was prepared with."""


class Cause(StrEnum):
    """Who writes."""

    CLIENT = "CLIENT"
    #: Time to live; its change records carry `userIdentity`.
    EXPIRY = "EXPIRY"


class Change(NamedTuple):
    """One write to one item. With neither `put` nor `update` the item is deleted, or only checked."""

    key: Key
    key_item: Item
    """The key attributes, which an update starts from where there is no item; of a put the whole item."""
    put: StoredItem | None = None
    update: Update | None = None
    is_check: bool = False
    condition: Condition | None = None
    returns_item_on_failure: bool = False
    trace: str = ""
    """The trace header of the request."""


class Write(NamedTuple):
    """A change as it goes to the writer."""

    table: Table
    change: Change
    now_ms: int
    cause: Cause = Cause.CLIENT


class Written(NamedTuple):
    old: StoredItem | None
    new: StoredItem | None
    indexes: tuple[IndexChange, ...] = ()


Outcome = Written | ServiceError


class WriteBatch:
    """Writes of one transaction, at the cost of a few statements for all of them.

    Their items are read at the start; each write is decided in its turn, on the item as those before it left it, and
    `store` puts down what has become of them. A write that is refused has begun nothing. Without `replicate` no table
    may have a destination.
    """

    __slots__ = ("_growth", "_replicate", "_tables", "_tx")

    def __init__(self, tx: Transaction, writes: Iterable[Write], replicate: Replicate | None = None) -> None:
        self._tx = tx
        self._replicate = replicate
        keys: dict[int, dict[Place, None]] = {}
        for write in writes:
            keys.setdefault(write.table.table_id, {})[write.change.key] = None
        self._tables = {table_id: _OfTable(tx, table_id, list(places)) for table_id, places in keys.items()}
        self._growth = Growth()

    def check_table(self, table: Table) -> None:
        """Whether it still is what the write was prepared for. Raises TableChanged, ResourceNotFound."""
        epoch = self._tables[table.table_id].epoch
        if epoch is None:
            raise table_not_found()
        if epoch != table.epoch:
            raise TableChanged

    def perform(self, write: Write) -> Written:
        """Raises ConditionalCheckFailed, ValidationException. The table must have been checked."""
        table, change = write.table, write.change
        of_table = self._tables[table.table_id]
        old = of_table.items.get(change.key)
        if change.condition is not None and not change.condition.matches(old.item if old is not None else {}):
            raise ConditionalCheckFailed(old.item if old is not None and change.returns_item_on_failure else None)
        if change.is_check:
            return Written(old, old)
        new = _next(table, change, old)
        if old is new or (old is not None and new is not None and old.encoded == new.encoded):
            return Written(old, new)
        of_table.note(write, old, new)
        if not table.indexes:
            return Written(old, new)
        return Written(old, new, index_store.update_entries(self._tx, table, change.key, old, new, self._growth))

    def store(self) -> None:
        """After the last write."""
        for of_table in self._tables.values():
            of_table.store(self._tx, self._growth, self._replicate)
        self._growth.apply(self._tx)


class _OfTable:
    """What a batch finds and leaves in one table."""

    __slots__ = ("_bytes", "_changes", "_count", "_past", "_stored", "_table", "_table_id", "epoch", "items")

    def __init__(self, tx: Transaction, table_id: int, places: Sequence[Place]) -> None:
        self.epoch, self.items = _find_items(tx, table_id, places)
        self._table_id = table_id
        self._table: Table
        self._stored: dict[Place, StoredItem | None] = {}
        self._changes: list[ItemChange] = []
        self._past: list[PastItem] = []
        self._count = self._bytes = 0

    def note(self, write: Write, old: StoredItem | None, new: StoredItem | None) -> None:
        table, change = write.table, write.change
        self._table = table
        self.items[change.key] = self._stored[change.key] = new
        if old is not None:
            self._count -= 1
            self._bytes -= old.size
        if new is not None:
            self._count += 1
            self._bytes += new.size
        if table.keeps_past:
            self._past.append(PastItem(*change.key, old, write.now_ms))
        if table.records_changes:
            keys = key_attributes(change.key_item, table.schema)
            is_expiry = write.cause is Cause.EXPIRY
            recorded = ItemChange(change.key.partition, keys, old, new, write.now_ms, is_expiry, change.trace)
            self._changes.append(recorded)

    def store(self, tx: Transaction, growth: Growth, replicate: Replicate | None) -> None:
        if not self._stored:
            return
        _store(tx, self._table, self._stored)
        growth.add(self._table_id, self._count, self._bytes)
        if self._changes:
            _tell(tx, self._table, self._changes, replicate)
        if self._past:
            past_store.record(tx, self._table_id, self._past)


def write_requests(
    tx: Transaction, requests: Sequence[Sequence[Write]], replicate: Replicate | None = None
) -> list[list[Outcome] | Exception]:
    """The writes of many requests, as `Database.write_shared` wants it.

    A request whose tables are not what they were gets TableChanged or ResourceNotFound, and none of it is done; of all
    others each write has its outcome.
    """
    batch = WriteBatch(tx, itertools.chain.from_iterable(requests), replicate)
    ends = [_perform_request(batch, writes) for writes in requests]
    batch.store()
    return ends


def write_item(tx: Transaction, write: Write, replicate: Replicate | None = None) -> Written:
    """Only this one. Raises what `WriteBatch.check_table` and `perform` do."""
    batch = WriteBatch(tx, (write,), replicate)
    batch.check_table(write.table)
    written = batch.perform(write)
    batch.store()
    return written


def find_item(tx: Transaction, table_id: int, key: Key) -> StoredItem | None:
    row = tx.row(
        "SELECT item, size FROM dynamodb_item WHERE table_id = ? AND partition = ? AND sort = ?",
        (table_id, key.partition, key.sort),
    )
    return StoredItem(row[0], row[1]) if row else None


def collection_size(tx: Transaction, table_id: int, partition: bytes) -> int:
    """Bytes of all items with one partition key."""
    row = tx.row(
        "SELECT COALESCE(SUM(size), 0) FROM dynamodb_item WHERE table_id = ? AND partition = ?", (table_id, partition)
    )
    assert row is not None
    return int(row[0])


def _perform_request(batch: WriteBatch, writes: Sequence[Write]) -> list[Outcome] | Exception:
    try:
        for write in writes:
            batch.check_table(write.table)
    except (TableChanged, ResourceNotFound) as error:
        return error
    outcomes: list[Outcome] = []
    for write in writes:
        try:
            outcomes.append(batch.perform(write))
        except ServiceError as refusal:
            outcomes.append(refusal)
    return outcomes


def _find_items(
    tx: Transaction, table_id: int, places: Sequence[Place]
) -> tuple[int | None, dict[Place, StoredItem | None]]:
    """The table's epoch, None if it is gone, and those of the items that are there: in one statement."""
    rows = tx.find_rows(
        "SELECT NULL, NULL, NULL, epoch FROM dynamodb_table WHERE table_id = ? UNION ALL"
        " SELECT partition, sort, item, size FROM dynamodb_item"
        " WHERE table_id = ? AND (partition, sort) IN (VALUES (*))",
        (table_id, table_id),
        places,
    )
    epoch = None
    items: dict[Place, StoredItem | None] = {}
    for partition, sort, encoded, number in rows:
        if partition is None:
            epoch = number
        else:
            items[partition, sort] = StoredItem(encoded, number)
    return epoch, items


def _next(table: Table, change: Change, old: StoredItem | None) -> StoredItem | None:
    if change.put is not None:
        return change.put
    if change.update is None:
        return None
    update = change.update
    item = update.apply(old.item) if old is not None else update.apply(change.key_item, existed=False)
    if old is None and update.paths and item == change.key_item:
        return None  # what only removes creates nothing; an update of nothing at all does (ScyllaDB issue 5862)
    size = item_size(item)
    check_update_size(size)
    index_store.check_updated_keys(table, item)
    return StoredItem(orjson.dumps(item), size, item)


def _store(tx: Transaction, table: Table, items: Mapping[Place, StoredItem | None]) -> None:
    """None: the item is gone."""
    table_id = table.table_id
    put = [
        (table_id, *place, item.encoded, item.size, _expiry(table, item))
        for place, item in items.items()
        if item is not None
    ]
    tx.execute_rows(
        "INSERT INTO dynamodb_item (table_id, partition, sort, item, size, expires_s) VALUES (*)"
        " ON CONFLICT (table_id, partition, sort) DO UPDATE"
        " SET item = excluded.item, size = excluded.size, expires_s = excluded.expires_s",
        put,
    )
    if len(put) < len(items):
        tx.execute_many(
            "DELETE FROM dynamodb_item WHERE table_id = ? AND partition = ? AND sort = ?",
            [(table_id, *place) for place, item in items.items() if item is None],
        )


def _tell(tx: Transaction, table: Table, noted: Sequence[ItemChange], replicate: Replicate | None) -> None:
    """All who read the changes of the table."""
    changes = [one for one in noted if not one.is_empty()]
    if changes and table.stream_view:
        stream_store.record_changes(tx, table, changes)
    if changes and table.destination is not None:
        assert replicate is not None, f"{table.name} has a destination"
        replicate(tx, table, changes)


def _expiry(table: Table, item: StoredItem) -> int | None:
    return expiry_of(item.item, table.ttl_attribute) if table.ttl_attribute else None

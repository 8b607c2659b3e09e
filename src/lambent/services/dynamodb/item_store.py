"""All SQL on items, and `write_item`: the one way by which an item changes.

Put, update, delete, batches, transactions, PartiQL and time to live all end here: the condition is asked of the item as
it is now, inside the writer's batch, and the new item, its index entries and its change record go into the same
transaction. What was prepared for another definition of the table is refused with `TableChanged`, and prepared again.
"""

from dataclasses import dataclass
from enum import StrEnum

import orjson

from lambent.services.dynamodb import index_store, stream_store
from lambent.services.dynamodb.errors import ConditionalCheckFailed
from lambent.services.dynamodb.expiry import expiry_of
from lambent.services.dynamodb.expressions.conditions import Condition
from lambent.services.dynamodb.expressions.updates import Update
from lambent.services.dynamodb.index_entries import IndexChange
from lambent.services.dynamodb.keys import Key, key_attributes
from lambent.services.dynamodb.names import table_not_found
from lambent.services.dynamodb.sizes import check_update_size, item_size
from lambent.services.dynamodb.stored_items import StoredItem
from lambent.services.dynamodb.streams import ItemChange
from lambent.services.dynamodb.table_store import Growth
from lambent.services.dynamodb.tables import Table
from lambent.services.dynamodb.values import Item
from lambent.storage.transaction import Transaction


class TableChanged(Exception):
    """The table's definition is another by now than the one this write was prepared with."""


class Cause(StrEnum):
    """Who writes."""

    CLIENT = "CLIENT"
    #: Time to live; its change records carry `userIdentity`.
    EXPIRY = "EXPIRY"


@dataclass(frozen=True, slots=True)
class Change:
    """One write to one item. With neither `put` nor `update` the item is deleted, or only checked."""

    key: Key
    key_item: Item
    """The key attributes: what an update starts from where there is no item."""
    put: StoredItem | None = None
    update: Update | None = None
    is_check: bool = False
    condition: Condition | None = None
    returns_item_on_failure: bool = False
    trace: str = ""
    """The trace header of the request."""


@dataclass(frozen=True, slots=True)
class Written:
    old: StoredItem | None
    new: StoredItem | None
    indexes: tuple[IndexChange, ...] = ()


def write_item(
    tx: Transaction,
    table: Table,
    change: Change,
    *,
    now_ms: int,
    cause: Cause = Cause.CLIENT,
    growth: Growth | None = None,
) -> Written:
    """Who writes many items passes a `growth` and applies it after the last.

    Raises TableChanged, ResourceNotFound, ConditionalCheckFailed, ValidationException.
    """
    old = _find_current(tx, table, change.key)
    if change.condition is not None and not change.condition.matches(old.item if old is not None else {}):
        raise ConditionalCheckFailed(old.item if old is not None and change.returns_item_on_failure else None)
    if change.is_check:
        return Written(old, old)
    new = _next(table, change, old)
    if old is new or (old is not None and new is not None and old.encoded == new.encoded):
        return Written(old, new)
    _store(tx, table, change.key, new)
    grown = growth if growth is not None else Growth()
    grown.add(table.table_id, *_difference(old, new))
    indexes = index_store.update_entries(tx, table, change.key, old, new, grown) if table.indexes else ()
    if growth is None:
        grown.apply(tx)
    if table.stream_view:
        recorded = ItemChange(
            *(change.key.partition, key_attributes(change.key_item, table.schema), old, new),
            is_expiry=cause is Cause.EXPIRY,
            trace=change.trace,
        )
        stream_store.record_change(tx, table, recorded, now_ms=now_ms)
    return Written(old, new, indexes)


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


def _find_current(tx: Transaction, table: Table, key: Key) -> StoredItem | None:
    """The item, and in the same statement whether the table still is what it was."""
    row = tx.row(
        "SELECT t.epoch, i.item, i.size FROM dynamodb_table AS t"
        " LEFT JOIN dynamodb_item AS i ON i.table_id = t.table_id AND i.partition = ? AND i.sort = ?"
        " WHERE t.table_id = ?",
        (key.partition, key.sort, table.table_id),
    )
    if row is None:
        raise table_not_found()
    if row[0] != table.epoch:
        raise TableChanged
    return StoredItem(row[1], row[2]) if row[1] is not None else None


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


def _store(tx: Transaction, table: Table, key: Key, new: StoredItem | None) -> None:
    if new is None:
        tx.execute(
            "DELETE FROM dynamodb_item WHERE table_id = ? AND partition = ? AND sort = ?",
            (table.table_id, key.partition, key.sort),
        )
    else:
        expires_s = expiry_of(new.item, table.ttl_attribute) if table.ttl_attribute else None
        tx.execute(
            "INSERT INTO dynamodb_item (table_id, partition, sort, item, size, expires_s) VALUES (?, ?, ?, ?, ?, ?)"
            " ON CONFLICT (table_id, partition, sort) DO UPDATE"
            " SET item = excluded.item, size = excluded.size, expires_s = excluded.expires_s",
            (table.table_id, key.partition, key.sort, new.encoded, new.size, expires_s),
        )


def _difference(old: StoredItem | None, new: StoredItem | None) -> tuple[int, int]:
    """Items and bytes that a write adds."""
    items = (new is not None) - (old is not None)
    return items, (new.size if new is not None else 0) - (old.size if old is not None else 0)

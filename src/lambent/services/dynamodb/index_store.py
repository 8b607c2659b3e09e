"""All SQL that writes secondary indexes: their entries follow the item in the item's own transaction.

An entry of an index that projects everything points at the item; any other holds its projected attributes, and is not
touched by a write that does not concern them (nor is it charged, as AWS does not charge it).
"""

from lambent.services.dynamodb.index_entries import Entry, IndexChange, entry_of
from lambent.services.dynamodb.keys import Key, check_index_key, check_updated_index_key
from lambent.services.dynamodb.stored_items import StoredItem
from lambent.services.dynamodb.table_store import Growth
from lambent.services.dynamodb.tables import Index, IndexStatus, Table
from lambent.services.dynamodb.values import Item
from lambent.storage.transaction import Transaction


def check_put_keys(table: Table, item: Item) -> None:
    """Raises ValidationException when an item to put has an unfit value for the key of an index."""
    for index in table.indexes:
        check_index_key(item, index.schema, index.name)


def check_updated_keys(table: Table, item: Item) -> None:
    for index in table.indexes:
        check_updated_index_key(item, index.schema, index.name)


def update_entries(
    tx: Transaction, table: Table, key: Key, old: StoredItem | None, new: StoredItem | None, growth: Growth
) -> tuple[IndexChange, ...]:
    """What changed in which index; indexes that this write does not concern are left out."""
    changes = []
    for index in table.indexes:
        before, after = entry_of(index, table.schema, old), entry_of(index, table.schema, new)
        if before is None and after is None:
            continue
        if before is not None and after is not None and before == after and before.encoded is not None:
            continue
        growth.add(index.index_id, *_replace(tx, index, key, before, after))
        changes.append(IndexChange(index, before, after))
    return tuple(changes)


def put_entry(tx: Transaction, index: Index, key: Key, entry: Entry, growth: Growth) -> None:
    """For an item that was there before the index was; nothing if a write has entered it already."""
    found = tx.row(
        "INSERT INTO dynamodb_index_entry (index_id, partition, sort, item_partition, item_sort, item, size)"
        " VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING RETURNING 1",
        _row(index, key, entry),
    )
    if found is not None:
        growth.add(index.index_id, 1, entry.size)


def _replace(tx: Transaction, index: Index, key: Key, before: Entry | None, after: Entry | None) -> tuple[int, int]:
    """Returns the entries and bytes it added. An index that is being filled may not have `before` yet."""
    items = size_bytes = 0
    if before is not None and (after is None or after.key != before.key):
        gone = tx.row(
            "DELETE FROM dynamodb_index_entry WHERE index_id = ? AND partition = ? AND sort = ?"
            " AND item_partition = ? AND item_sort = ? RETURNING 1",
            (index.index_id, before.key.partition, before.key.sort, key.partition, key.sort),
        )
        if gone is not None:
            items, size_bytes = -1, -before.size
    if after is not None:
        is_new = True
        if before is not None and after.key == before.key:
            is_new = index.status is IndexStatus.CREATING and not _has_entry(tx, index, key, before)
        if is_new or after.encoded is not None:
            tx.execute(
                "INSERT INTO dynamodb_index_entry (index_id, partition, sort, item_partition, item_sort, item, size)"
                " VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (index_id, partition, sort, item_partition, item_sort)"
                " DO UPDATE SET item = excluded.item, size = excluded.size",
                _row(index, key, after),
            )
        items += is_new
        size_bytes += after.size if is_new or before is None else after.size - before.size
    return items, size_bytes


def _has_entry(tx: Transaction, index: Index, key: Key, entry: Entry) -> bool:
    found = tx.row(
        "SELECT 1 FROM dynamodb_index_entry WHERE index_id = ? AND partition = ? AND sort = ?"
        " AND item_partition = ? AND item_sort = ?",
        (index.index_id, entry.key.partition, entry.key.sort, key.partition, key.sort),
    )
    return found is not None


def _row(index: Index, key: Key, entry: Entry) -> tuple[object, ...]:
    size = 0 if entry.encoded is None else entry.size
    return (index.index_id, entry.key.partition, entry.key.sort, key.partition, key.sort, entry.encoded, size)

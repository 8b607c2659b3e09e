"""The SQL of chores and of expiry: work on many items, one portion per transaction."""

import dataclasses

from lambent.services.dynamodb import copy_store, holder_store, index_store, item_store, table_store
from lambent.services.dynamodb.chores import Chore, ChoreKind
from lambent.services.dynamodb.expiry import FIVE_YEARS_SECONDS, expiry_of
from lambent.services.dynamodb.index_entries import entry_of
from lambent.services.dynamodb.item_store import Cause, Change, Write
from lambent.services.dynamodb.keys import Key, key_attributes
from lambent.services.dynamodb.replication import Replicate
from lambent.services.dynamodb.stored_items import StoredItem
from lambent.services.dynamodb.table_store import Growth
from lambent.services.dynamodb.tables import Index, IndexStatus, Table
from lambent.storage.transaction import Transaction

#: Rows of one portion, so that no request waits for long behind one.
PORTION = 200


def do_portion(tx: Transaction, *, after: int, now_ms: int) -> int:
    """One portion of the chore whose turn is after that of chore `after`. Returns its id, 0 if there is none."""
    chore = table_store.next_chore(tx, after)
    if chore is None:
        return 0
    match chore.kind:
        case ChoreKind.EMPTY_TABLE:
            is_done = not _delete_items(tx, chore.table_id)
        case ChoreKind.EMPTY_INDEX:
            is_done = not _delete_entries(tx, chore.index_id)
            if is_done:
                _forget_index(tx, chore, now_ms)
        case ChoreKind.FILL_INDEX:
            is_done = _fill_index(tx, chore, now_ms)
        case ChoreKind.NOTE_EXPIRY:
            is_done = _note_expiry(tx, chore)
        case ChoreKind.COPY_ITEMS:
            is_done = copy_store.copy_portion(tx, chore, now_ms=now_ms)
        case ChoreKind.FORGET_PAST:
            is_done = holder_store.forget_past(tx, chore, now_ms=now_ms)
    if is_done:
        table_store.finish_chore(tx, chore)
    return chore.chore_id


def delete_expired(tx: Transaction, replicate: Replicate, *, now_ms: int) -> bool:
    """A portion of the items whose time has come; is there more?"""
    now_s = now_ms // 1000
    rows = tx.rows(
        "SELECT table_id, partition, sort, item, size FROM dynamodb_item"
        " WHERE expires_s <= ? AND expires_s > ? LIMIT ?",
        (now_s, now_s - FIVE_YEARS_SECONDS, PORTION),
    )
    tables: dict[int, Table | None] = {}
    for table_id, partition, sort, encoded, size in rows:
        if table_id not in tables:
            tables[table_id] = table_store.find_table_by_id(tx, table_id)
        table, key, stored = tables[table_id], Key(partition, sort), StoredItem(encoded, size)
        attribute = table.ttl_attribute if table is not None else ""
        expires_s = expiry_of(stored.item, attribute) if attribute else None
        if table is None or expires_s is None or expires_s > now_s:
            # Deleted, or time to live is disabled or looks at another attribute, and the chore has not come here yet.
            _update_expiry(tx, table_id, key, expires_s)
        else:
            change = Change(key, key_attributes(stored.item, table.schema))
            item_store.write_item(tx, Write(table, change, now_ms, Cause.EXPIRY), replicate)
    return len(rows) == PORTION


def has_expired(tx: Transaction, *, now_ms: int) -> bool:
    now_s = now_ms // 1000
    return (
        tx.row(
            "SELECT 1 FROM dynamodb_item WHERE expires_s <= ? AND expires_s > ? LIMIT 1",
            (now_s, now_s - FIVE_YEARS_SECONDS),
        )
        is not None
    )


def _delete_items(tx: Transaction, table_id: int) -> bool:
    found = tx.rows(
        "DELETE FROM dynamodb_item WHERE row_id IN (SELECT row_id FROM dynamodb_item WHERE table_id = ? LIMIT ?)"
        " RETURNING 1",
        (table_id, PORTION),
    )
    return bool(found)


def _delete_entries(tx: Transaction, index_id: int) -> bool:
    found = tx.rows(
        "DELETE FROM dynamodb_index_entry WHERE (index_id, partition, sort, item_partition, item_sort) IN"
        " (SELECT index_id, partition, sort, item_partition, item_sort FROM dynamodb_index_entry"
        "  WHERE index_id = ? LIMIT ?) RETURNING 1",
        (index_id, PORTION),
    )
    return bool(found)


def _forget_index(tx: Transaction, chore: Chore, now_ms: int) -> None:
    """A deleted index of a table that lives on leaves its definition when its last entry is gone."""
    table = table_store.find_table_by_id(tx, chore.table_id)
    if table is None:
        return
    definition = table.definition
    kept = tuple(index for index in definition.indexes if index.index_id != chore.index_id)
    used = {*definition.schema.names, *(name for index in kept for name in index.schema.names)}
    attributes = tuple((name, kind) for name, kind in definition.attributes if name in used)
    changed = dataclasses.replace(definition, indexes=kept, attributes=attributes)
    table_store.update_definition(tx, table, changed, now_ms=now_ms)
    table_store.delete_volume(tx, chore.index_id)


def _fill_index(tx: Transaction, chore: Chore, now_ms: int) -> bool:
    """True when done, or when the index is no longer wanted."""
    table = table_store.find_table_by_id(tx, chore.table_id)
    index = _index_of(table, chore.index_id)
    if table is None or index is None or index.status is not IndexStatus.CREATING:
        return True
    portion = _next_items(tx, chore)
    growth = Growth()
    for key, stored in portion:
        entry = entry_of(index, table.schema, stored)
        if entry is not None:
            index_store.put_entry(tx, index, key, entry, growth)
    growth.apply(tx)
    if len(portion) == PORTION:
        table_store.advance_chore(tx, chore, portion[-1][0])
        return False
    indexes = tuple(
        dataclasses.replace(one, status=IndexStatus.ACTIVE) if one.index_id == index.index_id else one
        for one in table.definition.indexes
    )
    changed = dataclasses.replace(table.definition, indexes=indexes)
    table_store.update_definition(tx, table, changed, now_ms=now_ms)
    return True


def _note_expiry(tx: Transaction, chore: Chore) -> bool:
    table = table_store.find_table_by_id(tx, chore.table_id)
    if table is None:
        return True
    portion = _next_items(tx, chore)
    for key, stored in portion:
        expires_s = expiry_of(stored.item, table.ttl_attribute) if table.ttl_attribute else None
        _update_expiry(tx, table.table_id, key, expires_s)
    if len(portion) < PORTION:
        return True
    table_store.advance_chore(tx, chore, portion[-1][0])
    return False


def _index_of(table: Table | None, index_id: int) -> Index | None:
    indexes = table.definition.indexes if table is not None else ()
    return next((index for index in indexes if index.index_id == index_id), None)


def _next_items(tx: Transaction, chore: Chore) -> list[tuple[Key, StoredItem]]:
    rows = tx.rows(
        "SELECT partition, sort, item, size FROM dynamodb_item WHERE table_id = ? AND (partition, sort) > (?, ?)"
        " ORDER BY partition, sort LIMIT ?",
        (chore.table_id, chore.done.partition, chore.done.sort, PORTION),
    )
    return [(Key(partition, sort), StoredItem(item, size)) for partition, sort, item, size in rows]


def _update_expiry(tx: Transaction, table_id: int, key: Key, expires_s: int | None) -> None:
    tx.execute(
        "UPDATE dynamodb_item SET expires_s = ? WHERE table_id = ? AND partition = ? AND sort = ?",
        (expires_s, table_id, key.partition, key.sort),
    )

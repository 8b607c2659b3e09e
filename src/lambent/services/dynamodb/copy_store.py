"""Copies: what makes a backup or an export, and what fills a restored table. All their SQL.

A copy is a chore, done in portions. It has the items of its source as they were at one moment, its cut, though requests
go on writing meanwhile. From the cut on the source keeps what items were before they changed (`past_store`). First the
items are copied in the order of their keys, those without a change since the cut; then the changes since are replayed
in theirs, and each that is the first of its item puts the item down as it was. Both are statements that take items from
one place of the database to another. What changes after the last key was passed concerns nobody: the item is in the
copy, or has changed before, or is new. So the changes to replay have an end, however much is written.

What a portion has done is committed with how far it came, so a copy that was begun is finished, however often the
platform dies meanwhile; and until then nobody can restore the backup or use the table.
"""

import dataclasses
from collections.abc import Sequence

from lambent.kit.frozen import frozen
from lambent.services.dynamodb import backup_store, holder_store, index_store, moments, past_store, table_store
from lambent.services.dynamodb.backups import Backup
from lambent.services.dynamodb.chores import Chore, ChoreKind
from lambent.services.dynamodb.index_entries import entry_of
from lambent.services.dynamodb.keys import Key
from lambent.services.dynamodb.stored_items import StoredItem
from lambent.services.dynamodb.table_store import Growth
from lambent.services.dynamodb.tables import Table
from lambent.storage.transaction import Row, Transaction

#: A copy has ended.
COPIES_TOPIC = "dynamodb-copies"
#: What one portion copies at most: items, and bytes of them (but at least one item).
PORTION = 200
PORTION_BYTES = 1024 * 1024


@frozen
class Copy:
    target_id: int
    source_id: int
    cut: int
    """Changes from this moment on are not in it."""
    replayed: int | None
    """Changes up to here have been taken back; None: items are still being copied."""
    last: int | None
    """... and this one is the last to be."""


# Beginning


def copy_table(tx: Transaction, source: Table, target_id: int, *, time_ms: int | None, now_ms: int) -> None:
    """As it was at that time, to which it can be restored; None: as it is now."""
    head = past_store.begin(tx, source.table_id, now_ms=now_ms)
    since_ms = source.definition.recovery_since_ms
    cut = head + 1 if time_ms is None else moments.cut_behind(time_ms, head, since_ms=since_ms)
    _begin(tx, target_id, source.table_id, cut)
    if not source.definition.is_copied:
        definition = dataclasses.replace(source.definition, is_copied=True)
        table_store.update_definition(tx, source, definition, now_ms=now_ms)


def copy_backup(tx: Transaction, source: Backup, target_id: int) -> None:
    _begin(tx, target_id, source.holder_id, moments.NEVER)


def is_being_copied(tx: Transaction, source_id: int) -> bool:
    return tx.row("SELECT 1 FROM dynamodb_copy WHERE source_id = ?", (source_id,)) is not None


def count_restores(tx: Transaction, account_id: str) -> int:
    """Copies into tables."""
    row = tx.row(
        "SELECT COUNT(*) FROM dynamodb_copy AS c JOIN dynamodb_table AS t ON t.table_id = c.target_id"
        " WHERE t.account_id = ?",
        (account_id,),
    )
    assert row is not None
    return int(row[0])


def _begin(tx: Transaction, target_id: int, source_id: int, cut: int) -> None:
    tx.execute(
        "INSERT INTO dynamodb_copy (target_id, source_id, cut) VALUES (?, ?, ?)",
        (target_id, source_id, cut),
    )
    table_store.add_chore(tx, ChoreKind.COPY_ITEMS, target_id)


# Going on


def copy_portion(tx: Transaction, chore: Chore, *, now_ms: int) -> bool:
    """The next portion; True when the copy has ended."""
    copy = _find(tx, chore.table_id)
    table = table_store.find_table_by_id(tx, copy.target_id)
    if copy.replayed is None:
        _copy_unchanged(tx, copy, chore, table)
        return False
    if _replay(tx, copy, table):
        return False
    _end(tx, copy, now_ms=now_ms)
    return True


def _copy_unchanged(tx: Transaction, copy: Copy, chore: Chore, table: Table | None) -> None:
    """`table`: the target, unless it is a backup."""
    found = tx.rows(
        "SELECT partition, sort, size FROM dynamodb_item WHERE table_id = ? AND (partition, sort) > (?, ?)"
        " ORDER BY partition, sort LIMIT ?",
        (copy.source_id, *chore.done, _portion(table)),
    )
    sized = _within_bytes(found)
    if not sized:
        tx.execute(
            "UPDATE dynamodb_copy SET replayed = ?, last = ? WHERE target_id = ?",
            (copy.cut - 1, past_store.head(tx, copy.source_id), copy.target_id),
        )
        return
    last = Key(*sized[-1][:2])
    copied = tx.rows(
        "INSERT INTO dynamodb_item (table_id, partition, sort, item, size)"
        " SELECT ?, i.partition, i.sort, i.item, i.size FROM dynamodb_item AS i"
        " WHERE i.table_id = ? AND (i.partition, i.sort) > (?, ?) AND (i.partition, i.sort) <= (?, ?)"
        " AND NOT EXISTS (SELECT 1 FROM dynamodb_past_item AS p WHERE p.table_id = i.table_id"
        " AND p.partition = i.partition AND p.sort = i.sort AND p.moment >= ?)"
        " RETURNING partition, sort, item, size",
        (copy.target_id, copy.source_id, *chore.done, *last, copy.cut),
    )
    _enter(tx, table, copied)
    table_store.advance_chore(tx, chore, last)


def _replay(tx: Transaction, copy: Copy, table: Table | None) -> bool:
    """Was there a change left?"""
    found = tx.rows(
        "SELECT moment, size FROM dynamodb_past_item WHERE table_id = ? AND moment > ? AND moment <= ?"
        " ORDER BY moment LIMIT ?",
        (copy.source_id, copy.replayed, copy.last, _portion(table)),
    )
    changes = _within_bytes(found)
    if not changes:
        return False
    through = changes[-1][0]
    # An item that was copied before it changed is there already.
    restored = tx.rows(
        "INSERT INTO dynamodb_item (table_id, partition, sort, item, size)"
        " SELECT ?, p.partition, p.sort, p.item, p.size FROM dynamodb_past_item AS p"
        " WHERE p.table_id = ? AND p.moment > ? AND p.moment <= ? AND p.item IS NOT NULL"
        " AND NOT EXISTS (SELECT 1 FROM dynamodb_past_item AS q WHERE q.table_id = p.table_id"
        " AND q.partition = p.partition AND q.sort = p.sort AND q.moment >= ? AND q.moment < p.moment)"
        " ON CONFLICT DO NOTHING RETURNING partition, sort, item, size",
        (copy.target_id, copy.source_id, copy.replayed, through, copy.cut),
    )
    _enter(tx, table, restored)
    tx.execute("UPDATE dynamodb_copy SET replayed = ? WHERE target_id = ?", (through, copy.target_id))
    return True


def _enter(tx: Transaction, table: Table | None, rows: Sequence[Row]) -> None:
    """Items that are new in the target, into its indexes and its volume; a backup has neither."""
    if table is None:
        return
    growth = Growth()
    for partition, sort, encoded, size in rows:
        growth.add(table.table_id, 1, size)
        item = StoredItem(encoded, size)
        for index in table.indexes:
            entry = entry_of(index, table.schema, item)
            if entry is not None:
                index_store.put_entry(tx, index, Key(partition, sort), entry, growth)
    growth.apply(tx)


def _end(tx: Transaction, copy: Copy, *, now_ms: int) -> None:
    tx.execute("DELETE FROM dynamodb_copy WHERE target_id = ?", (copy.target_id,))
    backup_store.finish_backup(tx, copy.target_id)
    table = table_store.find_table_by_id(tx, copy.target_id)
    if table is not None and table.definition.restore is not None:
        restore = dataclasses.replace(table.definition.restore, is_in_progress=False)
        definition = dataclasses.replace(table.definition, restore=restore)
        table_store.update_definition(tx, table, definition, now_ms=now_ms)
    holder_store.let_go(tx, copy.source_id, now_ms=now_ms)
    tx.announce(COPIES_TOPIC)


def _find(tx: Transaction, target_id: int) -> Copy:
    row = tx.row(
        "SELECT target_id, source_id, cut, replayed, last FROM dynamodb_copy WHERE target_id = ?", (target_id,)
    )
    assert row is not None, "a copy ends together with its chore"
    return Copy(*row)


def _portion(table: Table | None) -> int:
    """Items; fewer where each has entries in indexes as well."""
    return PORTION if table is None else max(1, PORTION // (1 + len(table.indexes)))


def _within_bytes(rows: Sequence[Row]) -> Sequence[Row]:
    """The first of them, whose sizes (their last columns) are within a portion, but at least one."""
    total = 0
    for number, row in enumerate(rows):
        total += row[-1]
        if total > PORTION_BYTES and number:
            return rows[:number]
    return rows

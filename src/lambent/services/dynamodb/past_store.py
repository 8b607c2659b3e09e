"""All SQL on the past of items: what each was before it changed, for tables whose changes are kept.

The earliest of them from a moment on is what the item was at that moment; where there is none, the item has not changed
since. Every change puts its own down in its own transaction (`item_store.WriteBatch`); who reads them is `copy_store`.
"""

from collections.abc import Sequence
from typing import NamedTuple

from lambent.services.dynamodb import moments
from lambent.services.dynamodb.stored_items import StoredItem
from lambent.storage.transaction import Transaction


class PastItem(NamedTuple):
    partition: bytes
    sort: bytes
    image: StoredItem | None
    """None: it was not there."""
    time_ms: int
    """Of the change."""


def begin(tx: Transaction, table_id: int, *, now_ms: int) -> int:
    """Changes of the table are kept from now on. Returns the moment that the first of them cannot precede."""
    row = tx.row(
        "INSERT INTO dynamodb_history (table_id, head) VALUES (?, ?) ON CONFLICT (table_id) DO UPDATE"
        " SET head = CASE WHEN dynamodb_history.head < excluded.head THEN excluded.head ELSE dynamodb_history.head END"
        " RETURNING head",
        (table_id, moments.first_of(now_ms)),
    )
    assert row is not None
    return int(row[0])


def record(tx: Transaction, table_id: int, changes: Sequence[PastItem]) -> None:
    """Changes of a table that has begun, in their order."""
    last = head(tx, table_id)
    rows = []
    for partition, sort, image, time_ms in changes:
        last = moments.next_after(last, time_ms)
        encoded, size = (image.encoded, image.size) if image is not None else (None, 0)
        rows.append((table_id, partition, sort, last, encoded, size))
    tx.execute_rows(
        "INSERT INTO dynamodb_past_item (table_id, partition, sort, moment, item, size) VALUES (*)",
        rows,
    )
    tx.execute("UPDATE dynamodb_history SET head = ? WHERE table_id = ?", (last, table_id))


def head(tx: Transaction, table_id: int) -> int:
    """The moment of the table's last change; 0 if none was ever kept."""
    row = tx.row("SELECT head FROM dynamodb_history WHERE table_id = ?", (table_id,))
    return int(row[0]) if row else 0


def has_history(tx: Transaction, table_id: int) -> bool:
    return tx.row("SELECT 1 FROM dynamodb_history WHERE table_id = ?", (table_id,)) is not None


def list_histories(tx: Transaction) -> list[int]:
    """The tables that have one."""
    return [row[0] for row in tx.rows("SELECT table_id FROM dynamodb_history ORDER BY table_id")]


def trim(tx: Transaction, table_id: int, before: int, limit: int) -> bool:
    """Forget at most `limit` changes from before that moment; was there one?"""
    found = tx.rows(
        "DELETE FROM dynamodb_past_item WHERE row_id IN"
        " (SELECT row_id FROM dynamodb_past_item WHERE table_id = ? AND moment < ? ORDER BY moment LIMIT ?)"
        " RETURNING 1",
        (table_id, before, limit),
    )
    return bool(found)


def end(tx: Transaction, table_id: int) -> None:
    """The table is gone, and all its past is trimmed."""
    tx.execute("DELETE FROM dynamodb_history WHERE table_id = ?", (table_id,))

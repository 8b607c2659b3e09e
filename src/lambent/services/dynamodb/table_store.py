"""All SQL on tables as a whole: their definitions, what they hold, and the chores that deleting and indexing leave.

Every change of a definition raises its epoch and announces `TABLES_TOPIC`, which empties the cache of tables.
"""

import dataclasses

from lambent.kit.frozen import frozen
from lambent.services.dynamodb import chores, stream_store, table_documents
from lambent.services.dynamodb.chores import Chore, ChoreKind
from lambent.services.dynamodb.errors import LimitExceeded
from lambent.services.dynamodb.keys import Key
from lambent.services.dynamodb.names import TableKey
from lambent.services.dynamodb.tables import Definition, Index, Table
from lambent.storage.transaction import Row, Transaction

#: Developer Guide, "Quotas": 2,500 tables per account and region.
MAX_TABLES = 2_500
#: A definition changed.
TABLES_TOPIC = "dynamodb-tables"
#: There is work for the background.
CHORES_TOPIC = "dynamodb-chores"

_TABLE = "SELECT table_id, epoch, account_id, region, name, definition FROM dynamodb_table"


@frozen
class Volume:
    """What a table or an index holds."""

    items: int = 0
    size_bytes: int = 0


def find_table(tx: Transaction, key: TableKey) -> Table | None:
    row = tx.row(f"{_TABLE} WHERE account_id = ? AND region = ? AND name = ?", key)
    return _table(row) if row else None


def find_table_by_id(tx: Transaction, table_id: int) -> Table | None:
    row = tx.row(f"{_TABLE} WHERE table_id = ?", (table_id,))
    return _table(row) if row else None


def list_names(tx: Transaction, after: TableKey, limit: int) -> list[str]:
    """Names in the account and region of `after`, by name, those behind it."""
    found = tx.rows(
        "SELECT name FROM dynamodb_table WHERE account_id = ? AND region = ? AND name > ? ORDER BY name LIMIT ?",
        (*after, limit),
    )
    return [row[0] for row in found]


def check_room(tx: Transaction, key: TableKey) -> None:
    """For one more table in the account and region of `key`. Raises LimitExceeded."""
    row = tx.row("SELECT COUNT(*) FROM dynamodb_table WHERE account_id = ? AND region = ?", key[:2])
    assert row is not None
    if row[0] >= MAX_TABLES:
        raise LimitExceeded(
            f"Subscriber limit exceeded: The number of tables in the account is limited to {MAX_TABLES}"
        )


def insert_table(tx: Transaction, key: TableKey, definition: Definition, *, now_ms: int) -> Table:
    """The name must be free."""
    table_id = take_id(tx)
    definition = dataclasses.replace(definition, indexes=tuple(_with_id(tx, index) for index in definition.indexes))
    tx.execute(
        "INSERT INTO dynamodb_table (table_id, account_id, region, name, epoch, definition) VALUES (?, ?, ?, ?, 1, ?)",
        (table_id, *key, table_documents.dump(definition)),
    )
    tx.execute("INSERT INTO dynamodb_volume (holder_id, items, bytes) VALUES (?, 0, 0)", (table_id,))
    table = Table(table_id, 1, key, definition)
    if definition.stream_view:
        stream_store.open_stream(tx, table, now_ms=now_ms)
    tx.announce(TABLES_TOPIC)
    return table


def update_definition(tx: Transaction, table: Table, definition: Definition, *, now_ms: int) -> Table:
    """`table` as this transaction found it, under its next epoch; new indexes get their ids, and chores what to do."""
    definition = dataclasses.replace(
        definition,
        indexes=tuple(index if index.index_id else _with_id(tx, index) for index in definition.indexes),
    )
    changed = Table(table.table_id, table.epoch + 1, table.key, definition)
    tx.execute(
        "UPDATE dynamodb_table SET epoch = ?, definition = ? WHERE table_id = ?",
        (changed.epoch, table_documents.dump(definition), table.table_id),
    )
    for kind, index_id in chores.caused_by(table.definition, definition):
        add_chore(tx, kind, table.table_id, index_id)
    if table.stream_view and not changed.stream_view:
        stream_store.close_stream(tx, table, now_ms=now_ms)
    elif changed.stream_view and not table.stream_view:
        stream_store.open_stream(tx, changed, now_ms=now_ms)
    tx.announce(TABLES_TOPIC)
    return changed


def delete_table(tx: Transaction, table: Table, *, now_ms: int) -> None:
    """Its name is free at once. Index entries go in the background; what becomes of items is `holder_store`'s."""
    if table.stream_view:
        stream_store.close_stream(tx, table, now_ms=now_ms)
    tx.execute("DELETE FROM dynamodb_table WHERE table_id = ?", (table.table_id,))
    tx.execute("DELETE FROM dynamodb_chore WHERE table_id = ?", (table.table_id,))
    holders = (table.table_id, *(index.index_id for index in table.definition.indexes))
    for holder_id in holders:
        delete_volume(tx, holder_id)
    for index in table.definition.indexes:
        add_chore(tx, ChoreKind.EMPTY_INDEX, table.table_id, index.index_id)
    tx.announce(TABLES_TOPIC)


def take_id(tx: Transaction) -> int:
    """For a table, an index or a backup; none is given twice."""
    row = tx.row("UPDATE dynamodb_identity SET next_id = next_id + 1 RETURNING next_id - 1")
    assert row is not None, "dynamodb_identity has one row"
    return int(row[0])


def find_volume(tx: Transaction, holder_id: int) -> Volume:
    row = tx.row("SELECT items, bytes FROM dynamodb_volume WHERE holder_id = ?", (holder_id,))
    return Volume(*row) if row else Volume()


class Growth:
    """What writes add to volumes (or take away), summed up until `apply`: one statement for all items of a batch."""

    __slots__ = ("_added",)

    def __init__(self) -> None:
        self._added: dict[int, tuple[int, int]] = {}

    def add(self, holder_id: int, items: int, size_bytes: int) -> None:
        if items or size_bytes:
            before_items, before_bytes = self._added.get(holder_id, (0, 0))
            self._added[holder_id] = (before_items + items, before_bytes + size_bytes)

    def apply(self, tx: Transaction) -> None:
        for holder_id, (items, size_bytes) in self._added.items():
            tx.execute(
                "UPDATE dynamodb_volume SET items = items + ?, bytes = bytes + ? WHERE holder_id = ?",
                (items, size_bytes, holder_id),
            )


def delete_volume(tx: Transaction, holder_id: int) -> None:
    tx.execute("DELETE FROM dynamodb_volume WHERE holder_id = ?", (holder_id,))


# Chores


def add_chore(tx: Transaction, kind: ChoreKind, table_id: int, index_id: int = 0) -> None:
    tx.execute(
        "INSERT INTO dynamodb_chore (kind, table_id, index_id, partition, sort) VALUES (?, ?, ?, ?, ?)",
        (kind, table_id, index_id, b"", b""),
    )
    tx.announce(CHORES_TOPIC)


def next_chore(tx: Transaction, after: int) -> Chore | None:
    """The one behind chore `after`, or the first: they take turns, so that a small one waits for no large one."""
    row = tx.row(
        "SELECT chore_id, kind, table_id, index_id, partition, sort FROM dynamodb_chore"
        " ORDER BY chore_id <= ?, chore_id LIMIT 1",
        (after,),
    )
    if row is None:
        return None
    chore_id, kind, table_id, index_id, partition, sort = row
    return Chore(chore_id, ChoreKind(kind), table_id, index_id, Key(partition, sort))


def advance_chore(tx: Transaction, chore: Chore, done: Key) -> None:
    tx.execute(
        "UPDATE dynamodb_chore SET partition = ?, sort = ? WHERE chore_id = ?",
        (done.partition, done.sort, chore.chore_id),
    )


def finish_chore(tx: Transaction, chore: Chore) -> None:
    tx.execute("DELETE FROM dynamodb_chore WHERE chore_id = ?", (chore.chore_id,))


# Below the surface


def _with_id(tx: Transaction, index: Index) -> Index:
    index_id = take_id(tx)
    tx.execute("INSERT INTO dynamodb_volume (holder_id, items, bytes) VALUES (?, 0, 0)", (index_id,))
    return dataclasses.replace(index, index_id=index_id)


def _table(row: Row) -> Table:
    table_id, epoch, account_id, region, name, definition = row
    return Table(table_id, epoch, TableKey(account_id, region, name), table_documents.load(definition))

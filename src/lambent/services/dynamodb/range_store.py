"""All SQL that reads many items: ranges of a table or of an index, in key order, forwards or backwards.

A `Span` says where; SQLite walks its tree from there and stops at the limit. Texts of statements come from a few
pieces, all of them constants, so that each of the possible ones is prepared once.
"""

# ruff: noqa: S608 - the parts put together are constants of this module; values are always parameters

from typing import Any

from lambent.kit.frozen import frozen
from lambent.services.dynamodb.keys import Key, SortRange
from lambent.services.dynamodb.tables import Index, Projection, Table
from lambent.storage.transaction import Transaction

_ALL = SortRange()


@frozen
class Position:
    """An item in a table or an index. `item` is its key in the table, where the position is in an index."""

    key: Key
    item: Key | None = None

    def parts(self, *, with_partition: bool) -> tuple[bytes, ...]:
        head = (self.key.partition, self.key.sort) if with_partition else (self.key.sort,)
        return head if self.item is None else (*head, self.item.partition, self.item.sort)


@frozen
class Span:
    """One partition with a range of sort keys (a query), or a range of partitions (a scan)."""

    partition: bytes | None = None
    sort: SortRange = _ALL
    first_partition: bytes | None = None
    """Scan: partitions from here (included) ..."""
    end_partition: bytes | None = None
    """... to here (excluded)."""
    after: Position | None = None
    """Only what comes behind this one, in the direction of reading."""
    is_descending: bool = False


#: (JSON, size) of what the table or index has of an item; where asked for, the same of the item itself behind it.
Found = tuple[Any, ...]


def read_table(tx: Transaction, table: Table, span: Span, limit: int) -> list[Found]:
    where, params = _conditions(span, ("partition", "sort"))
    return tx.rows(
        f"SELECT item, size FROM dynamodb_item WHERE table_id = ?{where} LIMIT ?", (table.table_id, *params, limit)
    )


def read_index(
    tx: Transaction, table: Table, index: Index, span: Span, limit: int, *, with_whole: bool = False
) -> list[Found]:
    where, params = _conditions(span, ("e.partition", "e.sort", "e.item_partition", "e.item_sort"))
    if index.projection is Projection.ALL:
        columns, join = "i.item, i.size", _JOIN
    elif with_whole:
        columns, join = "e.item, e.size, i.item, i.size", _JOIN
    else:
        columns, join = "e.item, e.size", ""
    first = (table.table_id,) if join else ()
    return tx.rows(
        f"SELECT {columns} FROM dynamodb_index_entry AS e{join} WHERE e.index_id = ?{where} LIMIT ?",
        (*first, index.index_id, *params, limit),
    )


_JOIN = " JOIN dynamodb_item AS i ON i.table_id = ? AND i.partition = e.item_partition AND i.sort = e.item_sort"


def _conditions(span: Span, columns: tuple[str, ...]) -> tuple[str, tuple[bytes, ...]]:
    partition, sort = columns[0], columns[1]
    pieces: list[str] = []
    params: list[bytes] = []
    if span.partition is not None:
        pieces.append(f" AND {partition} = ?")
        params.append(span.partition)
        after_columns = columns[1:]
        _add_bound(pieces, params, sort, span.sort.lower, ">=" if span.sort.lower_inclusive else ">")
        _add_bound(pieces, params, sort, span.sort.upper, "<=" if span.sort.upper_inclusive else "<")
    else:
        after_columns = columns
        _add_bound(pieces, params, partition, span.first_partition, ">=")
        _add_bound(pieces, params, partition, span.end_partition, "<")
    if span.after is not None:
        values = span.after.parts(with_partition=span.partition is None)
        marks = ", ".join("?" * len(values))
        compare = "<" if span.is_descending else ">"
        pieces.append(f" AND ({', '.join(after_columns)}) {compare} ({marks})")
        params += values
    direction = " DESC" if span.is_descending else ""
    pieces.append(f" ORDER BY {', '.join([column + direction for column in after_columns])}")
    return "".join(pieces), tuple(params)


def _add_bound(pieces: list[str], params: list[bytes], column: str, bound: bytes | None, compare: str) -> None:
    if bound is not None:
        pieces.append(f" AND {column} {compare} ?")
        params.append(bound)

"""Capacity units: what an operation consumes, by AWS's rules, and how that is told.

Developer Guide, "DynamoDB read and write operations" (capacity unit consumption): a write costs one unit for each
begun KB of the larger of old and new item, a strongly consistent read one for each begun 4 KB, an eventually consistent
read half of that, and both double in transactions. Indexes are charged for the entries they write or read.
"""

from collections.abc import Mapping, Sequence
from dataclasses import field
from typing import Any

from lambent.kit.frozen import mutable
from lambent.services.dynamodb.index_entries import IndexChange
from lambent.services.dynamodb.item_store import Written
from lambent.services.dynamodb.tables import Index, Table

WRITE_UNIT_BYTES = 1024
READ_UNIT_BYTES = 4096
TRANSACTION_FACTOR = 2


@mutable
class Consumed:
    """Units by table and index, summed up over one operation."""

    table: float = 0.0
    indexes: dict[str, float] = field(default_factory=dict)

    @property
    def total(self) -> float:
        return self.table + sum(self.indexes.values())

    def add(self, other: "Consumed") -> None:
        self.table += other.table
        for name, units in other.indexes.items():
            self.indexes[name] = self.indexes.get(name, 0.0) + units


def read_units(size_bytes: int, *, is_consistent: bool) -> float:
    units = max(1, -(-size_bytes // READ_UNIT_BYTES))
    return float(units) if is_consistent else units / 2


def write_units(*sizes_bytes: int) -> float:
    return float(max(1, -(-max(sizes_bytes) // WRITE_UNIT_BYTES)))


def of_write(written: Written, *, factor: int = 1) -> Consumed:
    sizes = [stored.size for stored in (written.old, written.new) if stored is not None]
    consumed = Consumed(write_units(0, *sizes) * factor)
    for change in written.indexes:
        consumed.indexes[change.index.name] = _index_units(change) * factor
    return consumed


def _index_units(change: IndexChange) -> float:
    """A changed key is a removal and an entry; the rest is one write."""
    old, new = change.old, change.new
    if old is None or new is None or old.key == new.key:
        return write_units(*(entry.size for entry in (old, new) if entry is not None))
    return write_units(old.size) + write_units(new.size)


def describe(table: Table, consumed: Consumed, mode: str, *, is_write: bool | None = None) -> dict[str, Any] | None:
    """ConsumedCapacity for ReturnConsumedCapacity `mode`; with `is_write` (transactions) also by kind."""
    if mode == "NONE":
        return None
    described: dict[str, Any] = {"TableName": table.name, **_units(consumed.total, is_write)}
    if mode == "INDEXES":
        described["Table"] = _units(consumed.table, is_write)
        by_kind = _by_kind(table, consumed.indexes)
        for name, units in by_kind.items():
            described[name] = {index: _units(one, is_write) for index, one in units.items()}
    return described


def _by_kind(table: Table, indexes: Mapping[str, float]) -> dict[str, dict[str, float]]:
    found: dict[str, dict[str, float]] = {}
    for name, units in indexes.items():
        index = table.index(name)
        if index is not None:
            found.setdefault(_kind(index), {})[name] = units
    return found


def _kind(index: Index) -> str:
    return "GlobalSecondaryIndexes" if index.is_global else "LocalSecondaryIndexes"


def _units(units: float, is_write: bool | None) -> dict[str, float]:
    if is_write is None:
        return {"CapacityUnits": units}
    return {"CapacityUnits": units, "WriteCapacityUnits" if is_write else "ReadCapacityUnits": units}


def describe_writes(
    tables: Sequence[Table], written: Sequence[Written], mode: str, *, factor: int = 1
) -> list[dict[str, Any]]:
    """One ConsumedCapacity for each table of a batch, or with a factor of a transaction."""
    by_table: dict[int, tuple[Table, Consumed]] = {}
    for table, outcome in zip(tables, written, strict=True):
        _, consumed = by_table.setdefault(table.table_id, (table, Consumed()))
        consumed.add(of_write(outcome, factor=factor))
    is_write = True if factor > 1 else None
    described = (describe(table, consumed, mode, is_write=is_write) for table, consumed in by_table.values())
    return [one for one in described if one is not None]

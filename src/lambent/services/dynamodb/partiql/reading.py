"""One page of a SELECT: branch by branch, until the limit, a megabyte, or the last branch's end."""

from collections.abc import Sequence
from dataclasses import field, replace
from typing import Any

from lambent.kit.frozen import frozen, mutable
from lambent.services.dynamodb import start_keys
from lambent.services.dynamodb.capacity import Consumed
from lambent.services.dynamodb.errors import ValidationException, invalid_values
from lambent.services.dynamodb.expressions.paths import Path, find
from lambent.services.dynamodb.expressions.placeholders import Placeholders
from lambent.services.dynamodb.expressions.projections import Projection, project
from lambent.services.dynamodb.index_entries import projected_names
from lambent.services.dynamodb.keys import partition_bytes
from lambent.services.dynamodb.pages import MAX_PAGE_BYTES, Reading, consumed_by, read_page
from lambent.services.dynamodb.partiql.key_terms import condition_of
from lambent.services.dynamodb.partiql.page_tokens import Start
from lambent.services.dynamodb.partiql.plans import Branch, Plan
from lambent.services.dynamodb.partiql.tree import Select
from lambent.services.dynamodb.range_store import Span
from lambent.services.dynamodb.selections import Selection, fetches_whole
from lambent.services.dynamodb.tables import Index, Table
from lambent.services.dynamodb.tables import Projection as IndexProjection
from lambent.services.dynamodb.values import Item
from lambent.storage.transaction import Transaction


@frozen
class Columns:
    """What a SELECT returns of an item, each under its path's last part."""

    paths: tuple[Path, ...]
    projection: Projection | None
    """The attributes that must be read; None: all."""

    def pick(self, item: Item) -> Item:
        named = ((self._name(number), find(item, path)) for number, path in enumerate(self.paths))
        return {name: value for name, value in named if value is not None}

    def _name(self, number: int) -> str:
        """A list's element has no name; PartiQL numbers such columns, from 1."""
        last = self.paths[number][-1]
        return last if isinstance(last, str) else f"_{number + 1}"


@mutable
class Found:
    items: list[Any] = field(default_factory=list)
    consumed: Consumed = field(default_factory=Consumed)
    next_start: Start | None = None


def columns_of(select: Select) -> Columns:
    paths = tuple(column.parts for column in select.columns)
    if not paths:
        return Columns((), None)
    return Columns(paths, project([(name,) for name in dict.fromkeys(path[0] for path in paths)]))


def readings_of(
    plan: Plan, table: Table, index: Index | None, columns: Columns, placeholders: Placeholders, *, is_consistent: bool
) -> list[Reading]:
    """One for each branch. Raises ValidationException."""
    readings = []
    for branch in plan.branches:
        condition = condition_of(branch.filters, placeholders)
        if condition is not None and index is not None:
            _check_projected(table, index, condition.attributes)
        readings.append(
            Reading(
                table,
                index,
                _span(branch, is_descending=plan.is_descending),
                condition=condition,
                projection=columns.projection,
                fetches_whole=fetches_whole(table, index, Selection("", columns.projection, None)),
                is_consistent=is_consistent,
            )
        )
    return readings


def read_branches(tx: Transaction, readings: Sequence[Reading], start: Start, limit: int | None) -> Found:
    """Raises ValidationException for a start that does not fit."""
    found = Found()
    scanned = size = 0
    key = start.key
    for number, reading in enumerate(readings[start.branch :], start.branch):
        if scanned == limit or size >= MAX_PAGE_BYTES:
            found.next_start = Start(number)
            return found
        after = start_keys.read_start_key(key, reading.table, reading.index) if key is not None else None
        left = None if limit is None else limit - scanned
        page = read_page(tx, replace(reading, span=replace(reading.span, after=after), limit=left))
        assert page is not None, "there is no limit of portions"
        found.items += page.items
        found.consumed.add(consumed_by(reading, page))
        if page.last is not None:
            last = start_keys.last_evaluated_key(page.last, reading.table, reading.index)
            found.next_start = Start(number, last)
            return found
        scanned, size, key = scanned + page.scanned, size + page.size, None
    return found


def _span(branch: Branch, *, is_descending: bool) -> Span:
    if branch.partition is None:
        return Span()
    return Span(partition_bytes(branch.partition), branch.sort, is_descending=is_descending)


def _check_projected(table: Table, index: Index, attributes: frozenset[str]) -> None:
    """Raises ValidationException when a filter asks for what the index does not have."""
    if index.projection is IndexProjection.ALL:
        return
    missing = attributes - projected_names(index, table.schema)
    if missing:
        names = ", ".join(sorted(missing))
        raise invalid_values(f"Secondary index {index.name} does not project one or more filter attributes: [{names}]")


def check_consistency(index: Index, *, is_consistent: bool) -> None:
    if index.is_global and is_consistent:
        raise ValidationException("Strongly consistent read is not supported on Global Secondary Indexes")

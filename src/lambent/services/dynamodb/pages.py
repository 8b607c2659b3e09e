"""One page of a query or scan: read in portions until the limit, a megabyte, or the end.

Developer Guide, "Querying tables", paginating: "DynamoDB paginates the results from Query operations [...] divided into
pages of data that are 1 MB in size (or less)", counted before any filter.
"""

import dataclasses
from collections.abc import Sequence
from dataclasses import field
from typing import Any

import orjson

from lambent.kit.frozen import frozen, mutable
from lambent.services.dynamodb import capacity, range_store
from lambent.services.dynamodb.capacity import Consumed
from lambent.services.dynamodb.expressions.conditions import Condition
from lambent.services.dynamodb.expressions.projections import Projection
from lambent.services.dynamodb.keys import Key, key_of_item
from lambent.services.dynamodb.range_store import Found, Position, Span
from lambent.services.dynamodb.tables import Index, Table
from lambent.services.dynamodb.values import Item
from lambent.storage.transaction import Transaction

MAX_PAGE_BYTES = 1024 * 1024
#: Rows of the first portion, read on the event loop; a page that needs more is read in a thread.
FIRST_PORTION = 32
_LARGEST_PORTION = 1024


@frozen
class Reading:
    """What to read, from where, and what of it to return."""

    table: Table
    index: Index | None
    span: Span
    limit: int | None = None
    condition: Condition | None = None
    """The filter."""
    projection: Projection | None = None
    counts_only: bool = False
    fetches_whole: bool = False
    """From a local index: attributes that it does not project."""
    is_consistent: bool = False


@mutable
class Page:
    items: list[Any] = field(default_factory=list)
    """Items, or their JSON where nobody had to look inside."""
    count: int = 0
    scanned: int = 0
    size: int = 0
    fetched_units: float = 0.0
    last: Item | None = None
    """The last item read, unless it was the last there is."""


def read_page(tx: Transaction, reading: Reading, *, portions: int | None = None) -> Page | None:
    """None if the page needs more than `portions`."""
    page = Page()
    span, portion = reading.span, FIRST_PORTION
    while portions is None or portions > 0:
        wanted = portion if reading.limit is None else min(portion, reading.limit - page.scanned)
        found = _read(tx, reading, span, wanted)
        taken = _up_to_a_page(page.size, found)
        _take(page, reading, found[:taken])
        if page.size >= MAX_PAGE_BYTES or page.scanned == reading.limit:
            page.last = orjson.loads(found[taken - 1][0])
            return page
        if len(found) < wanted:
            return page
        span = dataclasses.replace(span, after=position_of(reading, orjson.loads(found[-1][0])))
        room = (MAX_PAGE_BYTES - page.size) * page.scanned // page.size + 1
        portion = min(_LARGEST_PORTION, room)
        portions = None if portions is None else portions - 1
    return None


def position_of(reading: Reading, item: Item) -> Position:
    return position(reading.table, reading.index, item)


def position(table: Table, index: Index | None, item: Item) -> Position:
    """Of an item (or of all its key attributes). Raises ValidationException."""
    key: Key = key_of_item(item, table.schema)
    if index is None:
        return Position(key)
    return Position(key_of_item(item, index.schema), key)


def consumed_by(reading: Reading, page: Page) -> Consumed:
    units = capacity.read_units(page.size, is_consistent=reading.is_consistent)
    if reading.index is None:
        return Consumed(units)
    return Consumed(page.fetched_units, {reading.index.name: units})


def _read(tx: Transaction, reading: Reading, span: Span, limit: int) -> list[Found]:
    if reading.index is None:
        return range_store.read_table(tx, reading.table, span, limit)
    return range_store.read_index(tx, reading.table, reading.index, span, limit, with_whole=reading.fetches_whole)


def _up_to_a_page(size: int, found: Sequence[Found]) -> int:
    """How many of them fit; the one that reaches the megabyte is the last."""
    for number, one in enumerate(found, 1):
        size += one[1]
        if size >= MAX_PAGE_BYTES:
            return number
    return len(found)


def _take(page: Page, reading: Reading, found: Sequence[Found]) -> None:
    """Count them, ask the filter, pick what is wanted of each."""
    page.scanned += len(found)
    page.size += sum([one[1] for one in found])
    documents = [one[0] for one in found]
    if reading.fetches_whole:
        documents = [one[2] for one in found]
        page.fetched_units += sum(capacity.read_units(one[3], is_consistent=reading.is_consistent) for one in found)
    condition, projection = reading.condition, reading.projection
    if condition is None and (projection is None or reading.counts_only):
        page.count += len(found)
        if not reading.counts_only:
            page.items += map(orjson.Fragment, documents)
        return
    for encoded in documents:
        item = orjson.loads(encoded)
        if condition is None or condition.matches(item):
            page.count += 1
            if not reading.counts_only:
                page.items.append(orjson.Fragment(encoded) if projection is None else projection.pick(item))

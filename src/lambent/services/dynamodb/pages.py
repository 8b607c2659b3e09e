"""One page of a query or scan: read in portions until the limit, a megabyte, or the end.

Developer Guide, "Querying tables", paginating: "DynamoDB paginates the results from Query operations [...] divided into
pages of data that are 1 MB in size (or less)", counted before any filter.
"""

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import orjson

from lambent.services.dynamodb import capacity, range_store
from lambent.services.dynamodb.capacity import Consumed
from lambent.services.dynamodb.expressions.conditions import Condition
from lambent.services.dynamodb.expressions.projections import Projection
from lambent.services.dynamodb.keys import Key, key_of_item
from lambent.services.dynamodb.range_store import FoundItem, Position, Span
from lambent.services.dynamodb.tables import Index, Table
from lambent.services.dynamodb.values import Item
from lambent.storage.transaction import Transaction

MAX_PAGE_BYTES = 1024 * 1024
#: Rows of the first portion, read on the event loop; a page that needs more is read in a thread.
FIRST_PORTION = 64
_LARGEST_PORTION = 1024


@dataclass(frozen=True, slots=True)
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


@dataclass(slots=True)
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
    accept = _accepter(reading, page)
    span, portion = reading.span, FIRST_PORTION
    while portions is None or portions > 0:
        wanted = portion if reading.limit is None else min(portion, reading.limit - page.scanned)
        found = _read(tx, reading, span, wanted)
        for one in found:
            accept(one)
            if page.size >= MAX_PAGE_BYTES:
                page.last = orjson.loads(one.encoded)
                return page
        if page.scanned == reading.limit:
            page.last = orjson.loads(found[-1].encoded)
            return page
        if len(found) < wanted:
            return page
        span = dataclasses.replace(span, after=position_of(reading, orjson.loads(found[-1].encoded)))
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


def _read(tx: Transaction, reading: Reading, span: Span, limit: int) -> list[FoundItem]:
    if reading.index is None:
        return range_store.read_table(tx, reading.table, span, limit)
    return range_store.read_index(tx, reading.table, reading.index, span, limit, with_whole=reading.fetches_whole)


def _accepter(reading: Reading, page: Page) -> Callable[[FoundItem], None]:
    """Takes one item into the page: counts it, asks the filter, picks what is wanted of it."""
    condition, projection = reading.condition, reading.projection
    must_decode = condition is not None or projection is not None

    def accept(found: FoundItem) -> None:
        page.scanned += 1
        page.size += found.size
        encoded = found.encoded
        if found.whole is not None:
            page.fetched_units += capacity.read_units(found.whole_size, is_consistent=reading.is_consistent)
            encoded = found.whole
        if must_decode:
            item = orjson.loads(encoded)
            if condition is not None and not condition.matches(item):
                return
            if not reading.counts_only:
                page.items.append(orjson.Fragment(encoded) if projection is None else projection.pick(item))
        elif not reading.counts_only:
            page.items.append(orjson.Fragment(encoded))
        page.count += 1

    return accept

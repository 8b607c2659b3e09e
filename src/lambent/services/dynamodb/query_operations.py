"""Query and Scan.

A first portion is read on the event loop, where most queries end; a page that needs more is read again in a thread, so
that no large one holds up the others.
"""

from typing import Any

from lambent.services.caller import Caller
from lambent.services.dynamodb import capacity, legacy, selections, start_keys
from lambent.services.dynamodb.errors import ValidationException
from lambent.services.dynamodb.expressions.conditions import check_filter
from lambent.services.dynamodb.expressions.key_conditions import KeyCondition, compile_key_condition
from lambent.services.dynamodb.expressions.placeholders import Placeholders
from lambent.services.dynamodb.keys import HASH_BYTES, KeySchema, SortRange, partition_bytes
from lambent.services.dynamodb.pages import Page, Reading, consumed_by, read_page
from lambent.services.dynamodb.parts import DynamoParts
from lambent.services.dynamodb.range_store import Span
from lambent.services.dynamodb.selections import Selection
from lambent.services.dynamodb.tables import Index, Table

Request = dict[str, Any]
Result = dict[str, Any]

_HASHES = 1 << (8 * HASH_BYTES)


class QueryOperations:
    SERVED = frozenset(("Query", "Scan"))

    def __init__(self, parts: DynamoParts) -> None:
        self._parts = parts

    async def query(self, caller: Caller, request: Request) -> Result:
        legacy.refuse_mixture(request)
        if "KeyConditions" not in request and "KeyConditionExpression" not in request:
            raise ValidationException(
                "Either the KeyConditions or KeyConditionExpression parameter must be specified in the request."
            )
        placeholders = Placeholders.of_request(
            request, ("ProjectionExpression", "FilterExpression", "KeyConditionExpression")
        )
        selection = selections.read_selection(request, placeholders, "QueryFilter")
        table = self._parts.tables.find(caller, request["TableName"])
        index = selections.find_index(table, request)
        schema = table.schema if index is None else index.schema
        key_condition = _key_condition(request, placeholders, schema)
        placeholders.check_all_used()
        if selection.condition is not None:
            check = legacy.check_query_filter if "QueryFilter" in request else check_filter
            check(selection.condition, schema.names)
            selections.check_filter_projected(table, index, selection)
        span = Span(
            partition=partition_bytes(key_condition.partition),
            sort=SortRange() if key_condition.operator is None else key_condition.sort_range(),
            is_descending=not request.get("ScanIndexForward", True),
        )
        if "ExclusiveStartKey" in request:
            start = start_keys.read_start_key(request["ExclusiveStartKey"], table, index)
            start_keys.check_in_query(start, span)
            span = Span(span.partition, span.sort, after=start, is_descending=span.is_descending)
        return await self._read(request, _reading(request, table, index, span, selection), on_loop=True)

    async def scan(self, caller: Caller, request: Request) -> Result:
        legacy.refuse_mixture(request)
        segment, segments = _read_segment(request)
        placeholders = Placeholders.of_request(request, ("ProjectionExpression", "FilterExpression"))
        selection = selections.read_selection(request, placeholders, "ScanFilter")
        placeholders.check_all_used()
        table = self._parts.tables.find(caller, request["TableName"])
        index = selections.find_index(table, request)
        span = _segment_span(segment, segments)
        if "ExclusiveStartKey" in request:
            start = start_keys.read_start_key(request["ExclusiveStartKey"], table, index)
            start_keys.check_in_segment(start, span, segment=segment, segments=segments)
            span = Span(first_partition=span.first_partition, end_partition=span.end_partition, after=start)
        return await self._read(request, _reading(request, table, index, span, selection), on_loop=False)

    async def _read(self, request: Request, reading: Reading, *, on_loop: bool) -> Result:
        table, parts = reading.table, self._parts
        if table.is_throttled:
            parts.throttle.admit(table, is_write=False)
        # One portion is one statement.
        page = parts.database.look_up(lambda tx: read_page(tx, reading, portions=1)) if on_loop else None
        if page is None:
            page = await parts.database.scan(lambda tx: read_page(tx, reading))
        assert page is not None, "only a limited number of portions may not be enough"
        result = _describe_page(page, reading)
        mode = request.get("ReturnConsumedCapacity", "NONE")
        consumed = consumed_by(reading, page)
        parts.charge_read(table, consumed)
        if mode != "NONE" or table.is_throttled:
            result["ConsumedCapacity"] = capacity.describe(table, consumed, mode)
        return result


def _key_condition(request: Request, placeholders: Placeholders, schema: KeySchema) -> KeyCondition:
    if "KeyConditions" in request:
        return legacy.compile_key_conditions(request["KeyConditions"], schema)
    return compile_key_condition(request["KeyConditionExpression"], placeholders, schema)


def _reading(request: Request, table: Table, index: Index | None, span: Span, selection: Selection) -> Reading:
    return Reading(
        table,
        index,
        span,
        limit=request.get("Limit"),
        condition=selection.condition,
        projection=selection.projection,
        counts_only=selection.select == "COUNT",
        fetches_whole=selections.fetches_whole(table, index, selection),
        is_consistent=request.get("ConsistentRead", False),
    )


def _describe_page(page: Page, reading: Reading) -> Result:
    result: Result = {"Count": page.count, "ScannedCount": page.scanned}
    if not reading.counts_only:
        result["Items"] = page.items
    if page.last is not None:
        result["LastEvaluatedKey"] = start_keys.last_evaluated_key(page.last, reading.table, reading.index)
    return result


def _read_segment(request: Request) -> tuple[int, int]:
    """(segment, how many). Raises ValidationException."""
    segment, segments = request.get("Segment"), request.get("TotalSegments")
    if segment is not None and segments is None:
        raise ValidationException(
            "The TotalSegments parameter is required but was not present in the request "
            "when Segment parameter is present"
        )
    if segments is not None and segment is None:
        raise ValidationException(
            "The Segment parameter is required but was not present in the request "
            "when parameter TotalSegments is present"
        )
    if segment is None or segments is None:
        return 0, 1
    if segment >= segments:
        raise ValidationException(
            "The Segment parameter is zero-based and must be less than parameter TotalSegments: "
            f"Segment: {segment} is not less than TotalSegments: {segments}"
        )
    return segment, segments


def _segment_span(segment: int, segments: int) -> Span:
    """Partitions stand in the order of their hashes, so a segment is a range of these."""

    def bound(number: int) -> bytes | None:
        first = -(-number * _HASHES // segments)
        return None if first in (0, _HASHES) else first.to_bytes(HASH_BYTES, "big")

    return Span(first_partition=bound(segment), end_partition=bound(segment + 1))

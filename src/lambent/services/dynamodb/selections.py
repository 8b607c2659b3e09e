"""What a query or scan returns of the items it finds: Select, projections, filters, and what an index can give."""

from collections.abc import Mapping
from typing import Any

from lambent.kit.frozen import frozen
from lambent.services.dynamodb import legacy
from lambent.services.dynamodb.errors import ValidationException, invalid_values
from lambent.services.dynamodb.expressions.conditions import Condition, compile_condition
from lambent.services.dynamodb.expressions.placeholders import Placeholders
from lambent.services.dynamodb.expressions.projections import Projection, compile_projection
from lambent.services.dynamodb.index_entries import projected_names
from lambent.services.dynamodb.tables import Index, IndexStatus, Table
from lambent.services.dynamodb.tables import Projection as IndexProjection

Request = Mapping[str, Any]


@frozen
class Selection:
    select: str
    """As requested; "" when nothing was said."""
    projection: Projection | None
    condition: Condition | None


def read_selection(request: Request, placeholders: Placeholders, legacy_filter: str) -> Selection:
    """`legacy_filter` is QueryFilter or ScanFilter. Raises ValidationException."""
    select = request.get("Select", "")
    _check_select(request, select)
    return Selection(select, _projection(request, placeholders), _filter(request, placeholders, legacy_filter))


def find_index(table: Table, request: Request) -> Index | None:
    """The index named. Raises ValidationException when it is not there, or cannot be read (so)."""
    name = request.get("IndexName")
    if name is None:
        return None
    index = table.index(name)
    if index is None or index.status is IndexStatus.DELETING:
        raise ValidationException(f"The table does not have the specified index: {name}")
    if index.is_global and request.get("ConsistentRead"):
        raise ValidationException("Consistent reads are not supported on global secondary indexes")
    if index.status is IndexStatus.CREATING:
        raise ValidationException(f"Cannot read from backfilling global secondary index: {name}")
    return index


def fetches_whole(table: Table, index: Index | None, selection: Selection) -> bool:
    """Must the items themselves be read, beside their index entries? Raises ValidationException (global indexes)."""
    if index is None or index.projection is IndexProjection.ALL:
        return False
    if selection.select == "ALL_ATTRIBUTES":
        if index.is_global:
            raise invalid_values(
                f"Select type ALL_ATTRIBUTES is not supported for global secondary index {index.name} "
                "because its projection type is not ALL"
            )
        return True
    wanted = selection.projection.attributes if selection.projection is not None else frozenset()
    missing = wanted - projected_names(index, table.schema)
    if missing and index.is_global:
        raise invalid_values(f"Global secondary index {index.name} does not project [{', '.join(sorted(missing))}]")
    return bool(missing)


def check_filter_projected(table: Table, index: Index | None, selection: Selection) -> None:
    """Raises ValidationException when a query filters by what its index does not have; a scan finds nothing then."""
    if index is None or index.projection is IndexProjection.ALL or selection.condition is None:
        return
    missing = selection.condition.attributes - projected_names(index, table.schema)
    if missing and not fetches_whole(table, index, selection):
        raise invalid_values(
            f"Secondary index {index.name} does not project one or more filter attributes: "
            f"[{', '.join(sorted(missing))}]"
        )


def _check_select(request: Request, select: str) -> None:
    if select == "ALL_PROJECTED_ATTRIBUTES" and "IndexName" not in request:
        raise ValidationException("ALL_PROJECTED_ATTRIBUTES can be used only when Querying using an IndexName")
    for parameter in ("AttributesToGet", "ProjectionExpression"):
        if parameter in request and select not in ("", "SPECIFIC_ATTRIBUTES"):
            wanted = "only the Count" if select == "COUNT" else select
            raise ValidationException(f"Cannot specify the {parameter} when choosing to get {wanted}")
    if select == "SPECIFIC_ATTRIBUTES" and not ("AttributesToGet" in request or "ProjectionExpression" in request):
        raise ValidationException(
            "Must specify the AttributesToGet or ProjectionExpression when choosing to get SPECIFIC_ATTRIBUTES"
        )


def _projection(request: Request, placeholders: Placeholders) -> Projection | None:
    if "AttributesToGet" in request:
        return legacy.compile_attributes_to_get(request["AttributesToGet"])
    text = request.get("ProjectionExpression")
    return compile_projection(text, placeholders) if text is not None else None


def _filter(request: Request, placeholders: Placeholders, legacy_filter: str) -> Condition | None:
    if legacy_filter in request:
        return legacy.compile_filter(request[legacy_filter], request.get("ConditionalOperator"))
    text = request.get("FilterExpression")
    return compile_condition(text, placeholders, parameter="FilterExpression") if text is not None else None

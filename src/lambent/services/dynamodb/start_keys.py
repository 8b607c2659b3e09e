"""ExclusiveStartKey and LastEvaluatedKey: where a page begins and where the next one will."""

from lambent.services.dynamodb.errors import ValidationException
from lambent.services.dynamodb.keys import SortRange
from lambent.services.dynamodb.pages import position
from lambent.services.dynamodb.range_store import Position, Span
from lambent.services.dynamodb.tables import Index, Table
from lambent.services.dynamodb.values import Item, check_item

_INVALID = "The provided starting key is invalid"
_MISMATCH = "The provided key element does not match the schema"


def read_start_key(given: Item, table: Table, index: Index | None) -> Position:
    """Raises ValidationException."""
    names = key_names(table, index)
    if len(given) != len(names):
        raise ValidationException(_INVALID if index is not None else f"{_INVALID}: {_MISMATCH}")
    try:
        checked = check_item(given)
    except ValidationException as error:
        raise ValidationException(f"{_INVALID}: {error.message}") from error
    try:
        return position(table, index, checked)
    except ValidationException as error:
        raise ValidationException(f"{_INVALID}: {_MISMATCH}") from error


def check_in_query(start: Position, span: Span) -> None:
    """Raises ValidationException if a query could not have stopped there."""
    if start.key.partition != span.partition:
        raise ValidationException("The provided starting key is outside query boundaries based on provided conditions")
    if not _is_within(start.key.sort, span.sort):
        raise ValidationException("The provided starting key does not match the range key predicate")


def check_in_segment(start: Position, span: Span, *, segment: int, segments: int) -> None:
    partition = start.key.partition
    is_before = span.first_partition is not None and partition < span.first_partition
    if is_before or (span.end_partition is not None and partition >= span.end_partition):
        raise ValidationException(
            f"{_INVALID}: Invalid ExclusiveStartKey. Please use ExclusiveStartKey with correct Segment. "
            f"TotalSegments: {segments} Segment: {segment}"
        )


def key_names(table: Table, index: Index | None) -> tuple[str, ...]:
    """The attributes of a start key: the index's key and the table's."""
    names = table.key_names if index is None else (*index.schema.names, *table.key_names)
    return tuple(dict.fromkeys(names))


def last_evaluated_key(item: Item, table: Table, index: Index | None) -> Item:
    return {name: item[name] for name in key_names(table, index)}


def _is_within(sort: bytes, bounds: SortRange) -> bool:
    if bounds.lower is not None and (sort < bounds.lower or (sort == bounds.lower and not bounds.lower_inclusive)):
        return False
    return bounds.upper is None or sort < bounds.upper or (sort == bounds.upper and bounds.upper_inclusive)

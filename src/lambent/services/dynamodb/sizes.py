"""What an item weighs (Developer Guide, "DynamoDB item sizes and formats"); capacity and limits are counted in it.

Names count as UTF-8; strings as UTF-8, binaries as their bytes, numbers as `numbers.number_size`, booleans and nulls
one byte; a list or map three bytes and one more for each member; a set the sum of its members.
"""

from collections.abc import Callable
from typing import Any

from lambent.services.dynamodb.errors import ValidationException
from lambent.services.dynamodb.numbers import number_size
from lambent.services.dynamodb.values import AttributeValue, Item

#: Developer Guide, "Quotas": "The maximum item size in DynamoDB is 400 KB, which includes both attribute name binary
#: length (UTF-8 length) and attribute value binary lengths".
MAX_ITEM_BYTES = 400 * 1024

CONTAINER_BYTES = 3
MEMBER_BYTES = 1
#: A boolean or a null.
FLAG_BYTES = 1


def item_size(item: Item) -> int:
    """Bytes, names included."""
    size = 0
    for name, value in item.items():
        size += len(name) if name.isascii() else len(name.encode())
        text = value.get("S")
        if text is None:
            size += value_size(value)
        else:
            size += len(text) if text.isascii() else len(text.encode())
    return size


def value_size(value: AttributeValue) -> int:
    for kind, content in value.items():
        measure = _MEASURES.get(kind)
        return measure(content) if measure is not None else FLAG_BYTES
    raise AssertionError(value)


def check_put_size(size: int) -> None:
    """Raises ValidationException when an item to put is too large."""
    if size > MAX_ITEM_BYTES:
        raise ValidationException("Item size has exceeded the maximum allowed size")


def check_update_size(size: int) -> None:
    """Raises ValidationException when an update makes its item too large."""
    if size > MAX_ITEM_BYTES:
        raise ValidationException("Item size to update has exceeded the maximum allowed size")


def text_size(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode())


def binary_size(base64: str) -> int:
    """Bytes behind a base64 text."""
    return len(base64) // 4 * 3 - base64.count("=")


def _map_size(content: Item) -> int:
    return CONTAINER_BYTES + len(content) * MEMBER_BYTES + item_size(content)


def _list_size(content: list[AttributeValue]) -> int:
    return CONTAINER_BYTES + len(content) * MEMBER_BYTES + sum(map(value_size, content))


def _set_size(measure: Callable[[str], int]) -> Callable[[list[str]], int]:
    return lambda content: sum(map(measure, content))


#: By type; a boolean or a null needs no measuring.
_MEASURES: dict[str, Callable[[Any], int]] = {
    "S": text_size,
    "N": number_size,
    "B": binary_size,
    "M": _map_size,
    "L": _list_size,
    "SS": _set_size(text_size),
    "NS": _set_size(number_size),
    "BS": _set_size(binary_size),
}

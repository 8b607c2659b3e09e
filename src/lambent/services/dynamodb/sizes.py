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

_CONTAINER_BYTES = 3
_MEMBER_BYTES = 1
#: A boolean or a null.
_FLAG_BYTES = 1


def item_size(item: Item) -> int:
    """Bytes, names included."""
    size = 0
    for name, value in item.items():
        size += len(name) if name.isascii() else len(name.encode())
        for kind, content in value.items():
            if kind == "S":
                size += len(content) if content.isascii() else len(content.encode())
            elif kind == "N":
                size += number_size(content)
            else:
                size += _content_size(kind, content)
    return size


def value_size(value: AttributeValue) -> int:
    ((kind, content),) = value.items()
    return _content_size(kind, content)


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


def _content_size(kind: str, content: Any) -> int:
    if kind == "S":
        return text_size(content)
    if kind == "N":
        return number_size(content)
    if kind == "B":
        return binary_size(content)
    if kind == "M":
        return _CONTAINER_BYTES + len(content) * _MEMBER_BYTES + item_size(content)
    if kind == "L":
        return _CONTAINER_BYTES + sum(_MEMBER_BYTES + value_size(member) for member in content)
    if kind in _MEMBER_SIZES:
        return sum(map(_MEMBER_SIZES[kind], content))
    return _FLAG_BYTES


_MEMBER_SIZES: dict[str, Callable[[str], int]] = {"SS": text_size, "NS": number_size, "BS": binary_size}

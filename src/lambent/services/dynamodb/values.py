"""Attribute values: what may be one, when two are equal, how they order.

A value is the wire's own form: one type tag and its content, `{"S": "x"}`, `{"N": "1.5"}`, `{"B": "base64"}`,
`{"BOOL": true}`, `{"NULL": true}`, `{"M": {...}}`, `{"L": [...]}`, `{"SS": [...]}`, `{"NS": [...]}`, `{"BS": [...]}`.
Values are never changed in place; what has passed `check_value` holds canonical numbers and base64.
"""

from typing import Any

AttributeValue = dict[str, Any]
Item = dict[str, AttributeValue]

#: Developer Guide, "Quotas": "up to 32 levels deep".
MAX_DEPTH = 32


def check_item(item: Item) -> Item:
    """The item with canonical numbers (the same object where nothing changed). Raises ValidationException."""
    raise NotImplementedError


def check_value(value: AttributeValue) -> AttributeValue:
    """As check_item, for one value (of ExpressionAttributeValues, a condition, a key)."""
    raise NotImplementedError


def type_of(value: AttributeValue) -> str:
    """The type tag: "S", "N", ... of a value that passed check_value."""
    raise NotImplementedError


def equal(left: AttributeValue, right: AttributeValue) -> bool:
    """Same type and content; sets regardless of order, documents deeply."""
    raise NotImplementedError


def compare(left: AttributeValue, right: AttributeValue) -> int | None:
    """-1, 0 or 1 for two S, two N or two B; None for all else."""
    raise NotImplementedError

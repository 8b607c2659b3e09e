"""Attribute values: what may be one, when two are equal, how they order.

A value is the wire's own form: one type tag and its content, `{"S": "x"}`, `{"N": "1.5"}`, `{"B": "base64"}`,
`{"BOOL": true}`, `{"NULL": true}`, `{"M": {...}}`, `{"L": [...]}`, `{"SS": [...]}`, `{"NS": [...]}`, `{"BS": [...]}`.
Values are never changed in place; what has passed `check_value` holds canonical numbers and base64.

The wire layer passes values through unseen, so everything a client can get wrong about one is found here.
"""

import binascii
from collections.abc import Callable
from typing import Any, TypeVar

from lambent.services.dynamodb.errors import ValidationException, invalid_values
from lambent.services.dynamodb.numbers import compare_numbers, is_canonical, normalise_number
from lambent.wire.errors import SerializationError

AttributeValue = dict[str, Any]
Item = dict[str, AttributeValue]
TextOrBytes = TypeVar("TextOrBytes", str, bytes)

#: Developer Guide, "Quotas": "up to 32 levels deep". The content of a top-level attribute is level 1.
MAX_DEPTH = 32

#: Developer Guide, "Quotas": attribute names are shorter than 64 KB.
MAX_NAME_BYTES = 65_535

#: Types whose content order sets and numbers in documents do not affect: equal values are equal objects.
SCALAR_TYPES = frozenset(("S", "N", "B", "BOOL", "NULL"))
SET_TYPES = frozenset(("SS", "NS", "BS"))

_EMPTY = "Supplied AttributeValue is empty, must contain exactly one of the supported datatypes"
_AMBIGUOUS = (
    "Supplied AttributeValue has more than one datatypes set, must contain exactly one of the supported datatypes"
)
_TOO_DEEP = (
    "Nesting Levels have exceeded supported limits: Attributes in the item have nested levels beyond supported limit"
)


def check_item(item: Item) -> Item:
    """The item with canonical numbers (the same object where nothing changed). Raises a ServiceError."""
    return _check_members(item, 1)


def check_value(value: AttributeValue) -> AttributeValue:
    """As check_item, for one value (of ExpressionAttributeValues, a condition, a key)."""
    return _check(value, 1)


def check_name(name: str) -> None:
    """Raises ValidationException for an attribute name that is empty or too long."""
    if not name:
        raise invalid_values("Empty attribute name")
    if len(name) * 4 > MAX_NAME_BYTES and len(name.encode()) > MAX_NAME_BYTES:
        raise invalid_values("Attribute name is too large, must be less than 65536 bytes")


def check_depth(value: AttributeValue, depth: int) -> None:
    """Raises ValidationException when a checked value, moved to this level of an item, reaches too deep."""
    for kind, content in value.items():
        if kind not in {"M", "L"}:
            return
        if depth >= MAX_DEPTH:
            raise ValidationException(_TOO_DEEP)
        for member in content.values() if kind == "M" else content:
            check_depth(member, depth + 1)


def type_of(value: AttributeValue) -> str:
    """The type tag, "S", "N", ..., of a value that passed check_value."""
    return next(iter(value))


def equal(left: AttributeValue, right: AttributeValue) -> bool:
    """Same type and content; sets regardless of order, documents deeply."""
    if left == right:
        return True
    kind = next(iter(left))
    if kind in SCALAR_TYPES or kind not in right:
        return False
    ours, theirs = left[kind], right[kind]
    if len(ours) != len(theirs):
        return False
    if kind in SET_TYPES:
        return set(ours) == set(theirs)
    if kind == "L":
        return all(map(equal, ours, theirs))
    return ours.keys() == theirs.keys() and all(equal(member, theirs[name]) for name, member in ours.items())


def compare(left: AttributeValue, right: AttributeValue) -> int | None:
    """-1, 0 or 1 for two S, two N or two B; None for all else.

    Strings order as their UTF-8 bytes do, which is the order of their code points.
    """
    kind = next(iter(left))
    if kind not in right:
        return None
    if kind == "N":
        return compare_numbers(left[kind], right[kind])
    if kind == "S":
        return _order(left[kind], right[kind])
    if kind == "B":
        return _order(binascii.a2b_base64(left[kind]), binascii.a2b_base64(right[kind]))
    return None


def _order(left: TextOrBytes, right: TextOrBytes) -> int:
    return (left > right) - (left < right)


def _check(value: AttributeValue, depth: int) -> AttributeValue:
    if not isinstance(value, dict):
        raise _misplaced(value, "an AttributeValue")
    if len(value) != 1:
        value = _only_content(value)
    for kind, content in value.items():
        checker = _CHECKERS.get(kind)
        if checker is None or content is None:
            raise ValidationException(_EMPTY)
        checked = checker(content, depth)
        return value if checked is content else {kind: checked}
    raise ValidationException(_EMPTY)


def _only_content(value: AttributeValue) -> AttributeValue:
    """Null and unknown members do not count. Of several contents AWS complains about the unfit ones first."""
    known = {kind: content for kind, content in value.items() if content is not None and kind in _CHECKERS}
    if len(known) > 1:
        for kind, content in known.items():
            _CHECKERS[kind](content, 1)
        raise ValidationException(_AMBIGUOUS)
    return known


def _check_string(content: Any, _depth: int) -> str:
    if isinstance(content, str):
        return content
    raise _misplaced(content, "String")


def _check_number(content: Any, _depth: int) -> str:
    if isinstance(content, str):
        return normalise_number(content)
    raise _misplaced(content, "String")


def _check_binary(content: Any, _depth: int) -> str:
    """Base64 text as it stands; CBOR sends the bytes themselves."""
    if isinstance(content, bytes):
        return binascii.b2a_base64(content, newline=False).decode("ascii")
    if not isinstance(content, str):
        raise _misplaced(content, "Blob")
    try:
        decoded = binascii.a2b_base64(content, strict_mode=True)
    except ValueError as error:
        raise SerializationError(f"'{content}' can not be converted to a Blob: {error}") from error
    if content.endswith("=") and binascii.b2a_base64(decoded, newline=False).decode("ascii") != content:
        # AWS's own spelling.
        reason = "Invalid last non-pad Base64 character dectected"
        raise SerializationError(f"'{content}' can not be converted to a Blob: {reason}")
    return content


def _check_boolean(content: Any, _depth: int) -> bool:
    if isinstance(content, bool):
        return content
    raise _misplaced(content, "Boolean")


def _check_null(content: Any, _depth: int) -> bool:
    if content is True:
        return True
    if content is False:
        raise invalid_values("Null attribute value types must have the value of true")
    raise _misplaced(content, "Boolean")


def _check_map(content: Any, depth: int) -> Item:
    if not isinstance(content, dict):
        raise _misplaced(content, "Map")
    if depth >= MAX_DEPTH:
        raise ValidationException(_TOO_DEEP)
    return _check_members(content, depth + 1)


def _check_members(members: Item, depth: int) -> Item:
    """Strings and canonical numbers, which most values are, without a call for each: a third of the time."""
    changed: Item = {}
    for name, value in members.items():
        if not name or len(name) > MAX_NAME_BYTES // 4:
            check_name(name)
        if type(value) is dict and len(value) == 1:
            if type(value.get("S")) is str:
                continue
            number = value.get("N")
            if type(number) is str and is_canonical(number):
                continue
        checked = _check(value, depth)
        if checked is not value:
            changed[name] = checked
    return {**members, **changed} if changed else members


def _check_list(content: Any, depth: int) -> list[AttributeValue]:
    if not isinstance(content, list):
        raise _misplaced(content, "List")
    if depth >= MAX_DEPTH:
        raise ValidationException(_TOO_DEEP)
    checked = [_check(value, depth + 1) for value in content]
    return content if all(map(_is, checked, content)) else checked


def _check_string_set(content: Any, depth: int) -> list[str]:
    members = _set_members(content, _check_string, depth)
    if not members:
        raise invalid_values("An string set  may not be empty")
    if len(set(members)) != len(members):
        raise invalid_values(f"Input collection [{', '.join(members)}] contains duplicates.")
    return members


def _check_number_set(content: Any, depth: int) -> list[str]:
    members = _set_members(content, _check_number, depth)
    if not members:
        raise invalid_values("An number set  may not be empty")
    if len(set(members)) != len(members):
        raise ValidationException("Input collection contains duplicates")
    return members


def _check_binary_set(content: Any, depth: int) -> list[str]:
    members = _set_members(content, _check_binary, depth)
    if not members:
        raise invalid_values("Binary sets should not be empty")
    if len(set(members)) != len(members):
        raise invalid_values(f"Input collection [{', '.join(members)}]of type BS contains duplicates.")
    return members


def _set_members(content: Any, check: Callable[[Any, int], str], depth: int) -> list[str]:
    if not isinstance(content, list):
        raise _misplaced(content, "List")
    checked = [check(member, depth) for member in content]
    return content if checked == content else checked


def _is(left: object, right: object) -> bool:
    return left is right


def _misplaced(content: Any, wanted: str) -> SerializationError:
    """What AWS's decoder says of JSON of the wrong kind."""
    if isinstance(content, dict):
        return SerializationError("Start of structure or map found where not expected.")
    if isinstance(content, list):
        return SerializationError("Start of list found where not expected")
    if wanted in {"Map", "List"}:
        return SerializationError(f"Expected {wanted.lower()} or null")
    kind = "STRING_VALUE"
    if isinstance(content, bool):
        kind = "TRUE_VALUE" if content else "FALSE_VALUE"
    elif isinstance(content, int | float):
        kind = "NUMBER_VALUE" if isinstance(content, int) else "DECIMAL_VALUE"
    return SerializationError(f"{kind} cannot be converted to {wanted}")


_CHECKERS: dict[str, Callable[[Any, int], Any]] = {
    "S": _check_string,
    "N": _check_number,
    "B": _check_binary,
    "BOOL": _check_boolean,
    "NULL": _check_null,
    "M": _check_map,
    "L": _check_list,
    "SS": _check_string_set,
    "NS": _check_number_set,
    "BS": _check_binary_set,
}

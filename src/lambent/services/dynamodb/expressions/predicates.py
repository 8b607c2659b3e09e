"""What conditions ask of values: closures over two or three getters, each from an item to a value or None.

A test on an attribute that is missing, or of a type it is not made for, does not hold; only "not equal" does.
"""

import binascii
import operator
from collections.abc import Callable, Sequence

from lambent.services.dynamodb.sizes import binary_size
from lambent.services.dynamodb.values import SCALAR_TYPES, AttributeValue, Item, compare, equal, type_of

Getter = Callable[[Item], AttributeValue | None]
Predicate = Callable[[Item], bool]

_ORDERS: dict[str, Callable[[int, int], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


def equals(left: Getter, right: Getter) -> Predicate:
    def predicate(item: Item) -> bool:
        one = left(item)
        two = right(item)
        return one is not None and two is not None and equal(one, two)

    return predicate


def equals_constant(left: Getter, constant: AttributeValue) -> Predicate:
    if type_of(constant) in SCALAR_TYPES:
        return lambda item: left(item) == constant

    def predicate(item: Item) -> bool:
        found = left(item)
        return found is not None and equal(found, constant)

    return predicate


def compares(sign: str, left: Getter, right: Getter) -> Predicate:
    """`sign` is one of < <= > >=."""
    holds = _ORDERS[sign]

    def predicate(item: Item) -> bool:
        one = left(item)
        two = right(item)
        if one is None or two is None:
            return False
        order = compare(one, two)
        return order is not None and holds(order, 0)

    return predicate


def between(operand: Getter, lower: Getter, upper: Getter) -> Predicate:
    above, below = compares(">=", operand, lower), compares("<=", operand, upper)
    return lambda item: above(item) and below(item)


def one_of(operand: Getter, options: Sequence[Getter]) -> Predicate:
    return any_of([equals(operand, option) for option in options])


def begins_with(operand: Getter, prefix: Getter) -> Predicate:
    def predicate(item: Item) -> bool:
        value = operand(item)
        beginning = prefix(item)
        if value is None or beginning is None:
            return False
        if "S" in value and "S" in beginning:
            return bool(value["S"].startswith(beginning["S"]))
        if "B" in value and "B" in beginning:
            return binascii.a2b_base64(value["B"]).startswith(binascii.a2b_base64(beginning["B"]))
        return False

    return predicate


def contains(container: Getter, part: Getter) -> Predicate:
    def predicate(item: Item) -> bool:
        value = container(item)
        sought = part(item)
        return value is not None and sought is not None and _holds(value, sought)

    return predicate


def _holds(value: AttributeValue, sought: AttributeValue) -> bool:
    """A string in a string or bytes in bytes, a member of a set, an element of a list."""
    kind = type_of(value)
    if kind == "L":
        return any(equal(element, sought) for element in value["L"])
    wanted = type_of(sought)
    if kind == wanted == "S":
        return sought["S"] in value["S"]
    if kind == wanted == "B":
        return binascii.a2b_base64(sought["B"]) in binascii.a2b_base64(value["B"])
    return kind == wanted + "S" and sought[wanted] in value[kind]


def exists(operand: Getter) -> Predicate:
    return lambda item: operand(item) is not None


def is_missing(operand: Getter) -> Predicate:
    return lambda item: operand(item) is None


def has_type(operand: Getter, kind: str) -> Predicate:
    def predicate(item: Item) -> bool:
        value = operand(item)
        return value is not None and kind in value

    return predicate


def negation(term: Predicate) -> Predicate:
    return lambda item: not term(item)


def all_of(terms: Sequence[Predicate]) -> Predicate:
    if len(terms) == 1:
        return terms[0]

    def predicate(item: Item) -> bool:
        for term in terms:  # noqa: SIM110  # a generator would cost as much again as the terms
            if not term(item):
                return False
        return True

    return predicate


def any_of(terms: Sequence[Predicate]) -> Predicate:
    if len(terms) == 1:
        return terms[0]

    def predicate(item: Item) -> bool:
        for term in terms:  # noqa: SIM110  # a generator would cost as much again as the terms
            if term(item):
                return True
        return False

    return predicate


def size_of(operand: Getter) -> Getter:
    """The function size: of text, bytes and members; nothing for numbers, booleans and nulls."""

    def size(item: Item) -> AttributeValue | None:
        value = operand(item)
        if value is None:
            return None
        kind = type_of(value)
        if kind in {"N", "BOOL", "NULL"}:
            return None
        content = value[kind]
        if kind == "S":
            return {"N": str(_utf16_length(content))}
        return {"N": str(binary_size(content) if kind == "B" else len(content))}

    return size


def _utf16_length(text: str) -> int:
    """AWS counts as Java does, some characters twice (observed by github.com/ExtendDB/extenddb, issue 60)."""
    return len(text) if text.isascii() else len(text.encode("utf-16-le")) // 2

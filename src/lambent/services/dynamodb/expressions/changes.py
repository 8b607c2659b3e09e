"""What an update does to one place in an item: from the value there (or None) to the new one (or None: gone).

Operands are read from the item as it was before the update. DynamoDB Developer Guide, "Update expressions".
"""

from collections.abc import Callable
from typing import Any

from lambent.services.dynamodb.errors import ValidationException
from lambent.services.dynamodb.expressions.predicates import Getter
from lambent.services.dynamodb.numbers import add_numbers, subtract_numbers
from lambent.services.dynamodb.values import AttributeValue, Item, type_of

#: From the value in place and the whole item before the update.
Change = Callable[[AttributeValue | None, Item], AttributeValue | None]
#: An operand's value. Raises ValidationException where the item has none.
Source = Callable[[Item], AttributeValue]

_WRONG_TYPE = "An operand in the update expression has an incorrect data type"


def put(source: Source) -> Change:
    return lambda _existing, item: source(item)


def remove(_existing: AttributeValue | None, _item: Item) -> None:
    return None


def add(value: AttributeValue, *, wrong_type: str = _WRONG_TYPE) -> Change:
    """To a number; to a set; a number or a set where there is nothing."""
    kind = type_of(value)

    def change(existing: AttributeValue | None, _item: Item) -> AttributeValue:
        if existing is None:
            return value
        if kind not in existing:
            raise ValidationException(wrong_type)
        if kind == "N":
            return {"N": add_numbers(existing["N"], value["N"])}
        held = set(existing[kind])
        return {kind: existing[kind] + [member for member in value[kind] if member not in held]}

    return change


def delete(value: AttributeValue, *, wrong_type: str = _WRONG_TYPE) -> Change:
    """From a set; the last member takes the set with it."""
    kind = type_of(value)
    dropped = set(value[kind])

    def change(existing: AttributeValue | None, _item: Item) -> AttributeValue | None:
        if existing is None:
            return None
        if kind not in existing:
            raise ValidationException(wrong_type)
        left = [member for member in existing[kind] if member not in dropped]
        return {kind: left} if left else None

    return change


def append(value: AttributeValue, *, wrong_type: str) -> Change:
    """The legacy ADD of a list to a list."""

    def change(existing: AttributeValue | None, _item: Item) -> AttributeValue:
        if existing is None:
            return value
        if "L" not in existing:
            raise ValidationException(wrong_type)
        return {"L": existing["L"] + value["L"]}

    return change


def attribute(get: Getter) -> Source:
    def source(item: Item) -> AttributeValue:
        value = get(item)
        if value is None:
            raise ValidationException("The provided expression refers to an attribute that does not exist in the item")
        return value

    return source


def literal(value: AttributeValue) -> Source:
    return lambda _item: value


def if_not_exists(get: Getter, default: Source) -> Source:
    def source(item: Item) -> AttributeValue:
        value = get(item)
        return default(item) if value is None else value

    return source


def list_append(first: Source, second: Source) -> Source:
    def source(item: Item) -> AttributeValue:
        return {"L": _content(first(item), "L") + _content(second(item), "L")}

    return source


def arithmetic(operator: str, left: Source, right: Source) -> Source:
    calculate = add_numbers if operator == "+" else subtract_numbers

    def source(item: Item) -> AttributeValue:
        return {"N": calculate(_content(left(item), "N"), _content(right(item), "N"))}

    return source


def _content(value: AttributeValue, kind: str) -> Any:
    content = value.get(kind)
    if content is None:
        raise ValidationException(_WRONG_TYPE)
    return content

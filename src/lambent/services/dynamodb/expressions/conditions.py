"""Condition and filter expressions: bound to names and values once, then asked of many items."""

from collections.abc import Callable
from dataclasses import dataclass

from lambent.services.dynamodb.expressions.placeholders import Placeholders
from lambent.services.dynamodb.values import Item


@dataclass(frozen=True, slots=True)
class Condition:
    """`matches({})` is the answer for an item that does not exist."""

    matches: Callable[[Item], bool]
    #: Top-level attributes it looks at.
    attributes: frozenset[str]


def compile_condition(
    text: str, placeholders: Placeholders, *, parameter: str = "ConditionExpression"
) -> Condition:
    """`parameter` (ConditionExpression or FilterExpression) opens the error messages. Raises ValidationException."""
    raise NotImplementedError


def check_filter(condition: Condition, key_names: tuple[str, ...], *, parameter: str = "FilterExpression") -> None:
    """Query: a filter may not look at key attributes of the table or index queried."""
    raise NotImplementedError

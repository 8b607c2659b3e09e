"""Key condition expressions: one partition, and optionally a range of its sort keys."""

from dataclasses import dataclass

from lambent.services.dynamodb.expressions.placeholders import Placeholders
from lambent.services.dynamodb.keys import KeySchema, SortRange
from lambent.services.dynamodb.values import AttributeValue


@dataclass(frozen=True, slots=True)
class KeyCondition:
    partition: AttributeValue
    #: One of = < <= > >= BETWEEN begins_with; None without a condition on the sort key.
    operator: str | None = None
    values: tuple[AttributeValue, ...] = ()

    def sort_range(self) -> SortRange:
        raise NotImplementedError


def compile_key_condition(text: str, placeholders: Placeholders, schema: KeySchema) -> KeyCondition:
    raise NotImplementedError

"""ExpressionAttributeNames and ExpressionAttributeValues of one request, and which of them its expressions used."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from lambent.services.dynamodb.errors import ValidationException
from lambent.services.dynamodb.expressions.invalid import InvalidExpression
from lambent.services.dynamodb.values import AttributeValue, check_name, check_value

_NAMES = "ExpressionAttributeNames"
_VALUES = "ExpressionAttributeValues"
_NAME_KEY = re.compile(r"#[A-Za-z0-9_]+")
_VALUE_KEY = re.compile(r":[A-Za-z0-9_]+")

#: Takes names only.
_PROJECTION = "ProjectionExpression"


class Placeholders:
    """Shared by all expressions of one request; `check_all_used` after the last of them is compiled."""

    __slots__ = ("_names", "_unused_names", "_unused_values", "_values")

    def __init__(
        self, names: Mapping[str, str] | None = None, values: Mapping[str, AttributeValue] | None = None
    ) -> None:
        """Raises ValidationException for empty maps, ill-formed keys and values that are no attribute values."""
        self._names = {} if names is None else _checked_names(names)
        self._values = {} if values is None else _checked_values(values)
        self._unused_names = set(self._names)
        self._unused_values = set(self._values)

    @classmethod
    def of_request(cls, request: Mapping[str, Any], expressions: Sequence[str]) -> "Placeholders":
        """From a request's parameters; refuses names and values when none of `expressions` (parameters) is given.

        AWS names the expressions that the values could have been for, e.g. "UpdateExpression and ConditionExpression
        are null".
        """
        names, values = request.get(_NAMES), request.get(_VALUES)
        if names is not None and all(request.get(expression) is None for expression in expressions):
            raise ValidationException(f"{_NAMES} can only be specified when using expressions")
        if values is not None:
            takers = [expression for expression in expressions if expression != _PROJECTION]
            if all(request.get(expression) is None for expression in takers):
                absent = f": {' and '.join(takers)} {'are' if len(takers) > 1 else 'is'} null" if takers else ""
                raise ValidationException(f"{_VALUES} can only be specified when using expressions{absent}")
        return cls(names, values)

    @property
    def is_empty(self) -> bool:
        return not self._names and not self._values

    def name(self, placeholder: str) -> str:
        """Raises InvalidExpression."""
        name = self._names.get(placeholder)
        if name is None:
            raise InvalidExpression(
                f"An expression attribute name used in the document path is not defined; attribute name: {placeholder}"
            )
        self._unused_names.discard(placeholder)
        return name

    def value(self, placeholder: str) -> AttributeValue:
        """Raises InvalidExpression."""
        value = self._values.get(placeholder)
        if value is None:
            raise InvalidExpression(
                f"An expression attribute value used in expression is not defined; attribute value: {placeholder}"
            )
        self._unused_values.discard(placeholder)
        return value

    def check_all_used(self) -> None:
        """Raises ValidationException naming what no expression used."""
        if self._unused_names:
            raise _unused(_NAMES, [name for name in self._names if name in self._unused_names])
        if self._unused_values:
            raise _unused(_VALUES, [name for name in self._values if name in self._unused_values])


def _unused(parameter: str, placeholders: list[str]) -> ValidationException:
    return ValidationException(
        f"Value provided in {parameter} unused in expressions: keys: {{{', '.join(placeholders)}}}"
    )


def _checked_names(names: Mapping[str, str]) -> dict[str, str]:
    if not names:
        raise ValidationException(f"{_NAMES} must not be empty")
    for placeholder, name in names.items():
        if not _NAME_KEY.fullmatch(placeholder):
            raise ValidationException(f'{_NAMES} contains invalid key: Syntax error; key: "{placeholder}"')
        check_name(name)
    return dict(names)


def _checked_values(values: Mapping[str, AttributeValue]) -> dict[str, AttributeValue]:
    if not values:
        raise ValidationException(f"{_VALUES} must not be empty")
    for placeholder in values:
        if not _VALUE_KEY.fullmatch(placeholder):
            raise ValidationException(f'{_VALUES} contains invalid key: Syntax error; key: "{placeholder}"')
    return {placeholder: _checked_value(placeholder, value) for placeholder, value in values.items()}


def _checked_value(placeholder: str, value: AttributeValue) -> AttributeValue:
    try:
        return check_value(value)
    except ValidationException as error:
        raise ValidationException(f"{_VALUES} contains invalid value: {error.message} for key {placeholder}") from error

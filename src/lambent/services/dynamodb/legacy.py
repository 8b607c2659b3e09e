"""The parameters from before expressions, compiled into the same objects (Developer Guide, "Legacy parameters")."""

from collections.abc import Mapping, Sequence
from typing import Any

from lambent.services.dynamodb.expressions.conditions import Condition
from lambent.services.dynamodb.expressions.key_conditions import KeyCondition
from lambent.services.dynamodb.expressions.projections import Projection
from lambent.services.dynamodb.expressions.updates import Update
from lambent.services.dynamodb.keys import KeySchema


def refuse_mixture(request: Mapping[str, Any]) -> None:
    """Raises ValidationException when a request has expression and legacy parameters, or a stray operator."""
    raise NotImplementedError


def compile_expected(expected: Mapping[str, Any], conditional_operator: str | None = None) -> Condition:
    """Expected of PutItem, UpdateItem and DeleteItem."""
    raise NotImplementedError


def compile_filter(conditions: Mapping[str, Any], conditional_operator: str | None = None) -> Condition:
    """QueryFilter or ScanFilter."""
    raise NotImplementedError


def compile_attribute_updates(updates: Mapping[str, Any]) -> Update:
    raise NotImplementedError


def compile_key_conditions(conditions: Mapping[str, Any], schema: KeySchema) -> KeyCondition:
    raise NotImplementedError


def compile_attributes_to_get(names: Sequence[str]) -> Projection:
    raise NotImplementedError

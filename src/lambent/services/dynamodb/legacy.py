"""The parameters from before expressions, compiled into the same objects as expressions are.

Developer Guide, "Legacy DynamoDB conditional parameters": Expected, AttributeUpdates, KeyConditions, QueryFilter,
ScanFilter, AttributesToGet, ConditionalOperator. They know top-level attributes only.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from lambent.services.dynamodb.errors import ValidationException, invalid_values
from lambent.services.dynamodb.expressions import changes, predicates
from lambent.services.dynamodb.expressions.changes import Change
from lambent.services.dynamodb.expressions.conditions import ORDERED_TYPES, TEXT_TYPES, Condition
from lambent.services.dynamodb.expressions.key_conditions import Clause, KeyClauses, KeyCondition
from lambent.services.dynamodb.expressions.operands import constant, getter
from lambent.services.dynamodb.expressions.predicates import Getter, Predicate
from lambent.services.dynamodb.expressions.projections import Projection, project
from lambent.services.dynamodb.expressions.updates import Update, update_of
from lambent.services.dynamodb.keys import KeySchema
from lambent.services.dynamodb.values import SET_TYPES, AttributeValue, check_name, check_value, compare, type_of

_EXPRESSIONS = (
    "ProjectionExpression",
    "FilterExpression",
    "UpdateExpression",
    "ConditionExpression",
    "KeyConditionExpression",
)
_CONDITIONS = ("Expected", "QueryFilter", "ScanFilter")
_LEGACY = ("AttributesToGet", "AttributeUpdates", *_CONDITIONS, "ConditionalOperator", "KeyConditions")
_ANY_LEGACY = frozenset(_LEGACY)

#: How many values each operator takes (IN: at least one), and of which types where not of all.
_COUNTS = {"NULL": 0, "NOT_NULL": 0, "BETWEEN": 2}
_TYPES = {
    "LE": ORDERED_TYPES,
    "LT": ORDERED_TYPES,
    "GE": ORDERED_TYPES,
    "GT": ORDERED_TYPES,
    "IN": ORDERED_TYPES,
    "BETWEEN": ORDERED_TYPES,
    "BEGINS_WITH": TEXT_TYPES,
    "CONTAINS": ORDERED_TYPES | {"BOOL", "NULL"},
    "NOT_CONTAINS": ORDERED_TYPES | {"BOOL", "NULL"},
}
_KEY_OPERATORS = {
    "EQ": "=",
    "LE": "<=",
    "LT": "<",
    "GE": ">=",
    "GT": ">",
    "BETWEEN": "BETWEEN",
    "BEGINS_WITH": "begins_with",
}

#: Types that the legacy ADD takes, and its complaint about an attribute of another type.
_ADDED_TYPES = SET_TYPES | {"N", "L"}
_WRONG_TYPE = "Type mismatch for attribute to update"


def refuse_mixture(request: Mapping[str, Any]) -> None:
    """Raises ValidationException when a request has expression and legacy parameters, or a stray operator."""
    if _ANY_LEGACY.isdisjoint(request):
        return
    expressions = [name for name in _EXPRESSIONS if request.get(name) is not None]
    if expressions:
        legacy = [name for name in _LEGACY if request.get(name) is not None]
        # KeyConditions goes with the other expressions.
        if "KeyConditionExpression" not in expressions and "KeyConditions" in legacy:
            legacy.remove("KeyConditions")
        if legacy:
            raise ValidationException(
                "Can not use both expression and non-expression parameters in the same request: "
                f"Non-expression parameters: {{{', '.join(legacy)}}} "
                f"Expression parameters: {{{', '.join(expressions)}}}"
            )
    if request.get("ConditionalOperator") is not None:
        _check_operator(request)


def _check_operator(request: Mapping[str, Any]) -> None:
    given = [request[name] for name in _CONDITIONS if request.get(name) is not None]
    if not given:
        raise ValidationException("ConditionalOperator cannot be used without Filter or Expected")
    if max(map(len, given)) < 2:
        raise ValidationException(
            "ConditionalOperator can only be used when Filter or Expected has two or more elements"
        )


def compile_expected(expected: Mapping[str, Any], conditional_operator: str | None = None) -> Condition:
    """Expected of PutItem, UpdateItem and DeleteItem. Raises ValidationException."""
    return _joined({name: _expectation(name, condition) for name, condition in expected.items()}, conditional_operator)


def compile_filter(conditions: Mapping[str, Any], conditional_operator: str | None = None) -> Condition:
    """QueryFilter or ScanFilter. Raises ValidationException."""
    return _joined({name: _comparison(name, condition) for name, condition in conditions.items()}, conditional_operator)


def check_query_filter(condition: Condition, key_names: Sequence[str]) -> None:
    """A QueryFilter may not look at key attributes of the table or index queried."""
    for name in key_names:
        if name in condition.attributes:
            raise ValidationException(
                f"QueryFilter can only contain non-primary key attributes: Primary key attribute: {name}"
            )


def compile_attribute_updates(updates: Mapping[str, Any]) -> Update:
    """Raises ValidationException."""
    return update_of([((name,), _change(update)) for name, update in updates.items()])


def compile_key_conditions(conditions: Mapping[str, Any], schema: KeySchema) -> KeyCondition:
    """Raises ValidationException."""
    taken = {name: _values(condition, condition.get("AttributeValueList")) for name, condition in conditions.items()}
    if not 1 <= len(conditions) <= 2:
        raise ValidationException("Conditions can be of length 1 or 2 only")
    clauses = {}
    for name, values in taken.items():
        operator = _KEY_OPERATORS.get(conditions[name]["ComparisonOperator"])
        if operator is None:
            raise ValidationException("Attempted conditional constraint is not an indexable operation")
        clauses[name] = Clause(operator, tuple(values))
    return KeyClauses(clauses).for_schema(schema)


def compile_attributes_to_get(names: Sequence[str]) -> Projection:
    """Raises ValidationException."""
    for index, name in enumerate(names):
        check_name(name)
        if name in names[:index]:
            raise invalid_values(f"Duplicate value in attribute name: {name}")
    return project((name,) for name in names)


def _joined(tests: Mapping[str, Predicate], conditional_operator: str | None) -> Condition:
    join = predicates.any_of if conditional_operator == "OR" and tests else predicates.all_of
    return Condition(join(list(tests.values())), frozenset(tests))


def _expectation(name: str, condition: Mapping[str, Any]) -> Predicate:
    value, listed = condition.get("Value"), condition.get("AttributeValueList")
    exists = condition.get("Exists")
    if value is not None and listed is not None:
        raise invalid_values(f"Value and AttributeValueList cannot be used together for Attribute: {name}")
    operator = condition.get("ComparisonOperator")
    if operator is not None:
        if exists is not None:
            raise invalid_values(f"Exists and ComparisonOperator cannot be used together for Attribute: {name}")
        if value is None and listed is None and operator not in {"NULL", "NOT_NULL"}:
            raise invalid_values(
                f"Value or AttributeValueList must be used with ComparisonOperator: {operator} for Attribute: {name}"
            )
        return _comparison(name, condition)
    if listed is not None:
        raise invalid_values(f"AttributeValueList can only be used with a ComparisonOperator for Attribute: {name}")
    return _existence(name, exists, value)


def _existence(name: str, exists: bool | None, value: AttributeValue | None) -> Predicate:
    """The oldest form: a value means that the attribute has it, Exists false that there is none."""
    if exists is False:
        if value is not None:
            raise invalid_values(f"Value cannot be used when Exists is false for Attribute: {name}")
        return predicates.is_missing(getter((name,)))
    if value is None:
        shown = "null" if exists is None else "true"
        raise invalid_values(f"Value must be provided when Exists is {shown} for Attribute: {name}")
    return predicates.equals_constant(getter((name,)), check_value(value))


def _comparison(name: str, condition: Mapping[str, Any]) -> Predicate:
    value = condition.get("Value")
    values = _values(condition, condition.get("AttributeValueList") if value is None else [value])
    check_name(name)
    return _TESTS[condition["ComparisonOperator"]](getter((name,)), values)


def _values(condition: Mapping[str, Any], listed: Sequence[AttributeValue] | None) -> list[AttributeValue]:
    """The operands of a condition, checked for count, type and order."""
    operator = condition["ComparisonOperator"]
    values = [check_value(value) for value in listed or ()]
    count = _COUNTS.get(operator, 1)
    if len(values) != count and (operator != "IN" or not values):
        raise invalid_values(f"Invalid number of argument(s) for the {operator} ComparisonOperator")
    kinds = [type_of(value) for value in values]
    if len(set(kinds)) > 1:
        raise invalid_values("AttributeValues inside AttributeValueList must be of same type")
    if kinds and operator in _TYPES and kinds[0] not in _TYPES[operator]:
        raise invalid_values(f"ComparisonOperator {operator} is not valid for {kinds[0]} AttributeValue type")
    if operator == "BETWEEN" and (compare(values[0], values[1]) or 0) > 0:
        raise ValidationException(
            "The BETWEEN condition was provided a range where the lower bound is greater than the upper bound"
        )
    return values


def _change(update: Mapping[str, Any]) -> Change:
    action = update.get("Action") or "PUT"
    if update.get("Value") is None:
        if action != "DELETE":
            raise invalid_values("Only DELETE action is allowed when no attribute value is specified")
        return changes.remove
    value = check_value(update["Value"])
    kind = type_of(value)
    if action == "DELETE":
        if kind not in SET_TYPES:
            raise invalid_values(f"DELETE action with value is not supported for the type {kind}")
        return changes.delete(value, wrong_type=_WRONG_TYPE)
    if action == "PUT":
        return changes.put(changes.literal(value))
    if kind not in _ADDED_TYPES:
        raise invalid_values(f"ADD action is not supported for the type {kind}")
    # Undocumented, but so it is: ADD appends lists.
    return (changes.append if kind == "L" else changes.add)(value, wrong_type=_WRONG_TYPE)


def _ordered(sign: str) -> Callable[[Getter, list[AttributeValue]], Predicate]:
    return lambda attribute, values: predicates.compares(sign, attribute, constant(values[0]))


def _not_contains(attribute: Getter, values: list[AttributeValue]) -> Predicate:
    """Of an attribute that is missing neither CONTAINS nor NOT_CONTAINS holds."""
    contains = predicates.contains(attribute, constant(values[0]))
    return lambda item: attribute(item) is not None and not contains(item)


_TESTS: dict[str, Callable[[Getter, list[AttributeValue]], Predicate]] = {
    "NULL": lambda attribute, _values: predicates.is_missing(attribute),
    "NOT_NULL": lambda attribute, _values: predicates.exists(attribute),
    "EQ": lambda attribute, values: predicates.equals_constant(attribute, values[0]),
    "NE": lambda attribute, values: predicates.negation(predicates.equals_constant(attribute, values[0])),
    "LE": _ordered("<="),
    "LT": _ordered("<"),
    "GE": _ordered(">="),
    "GT": _ordered(">"),
    "IN": lambda attribute, values: predicates.one_of(attribute, [constant(value) for value in values]),
    "BETWEEN": lambda attribute, values: predicates.between(attribute, constant(values[0]), constant(values[1])),
    "BEGINS_WITH": lambda attribute, values: predicates.begins_with(attribute, constant(values[0])),
    "CONTAINS": lambda attribute, values: predicates.contains(attribute, constant(values[0])),
    "NOT_CONTAINS": _not_contains,
}

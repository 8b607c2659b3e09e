"""Condition and filter expressions: bound to names and values once, then asked of many items."""

import functools
from collections.abc import Callable, Sequence
from typing import Any

from lambent.kit.frozen import frozen
from lambent.services.dynamodb.errors import ValidationException
from lambent.services.dynamodb.expressions import predicates
from lambent.services.dynamodb.expressions.condition_parser import MAX_CACHED, parse_condition
from lambent.services.dynamodb.expressions.invalid import InvalidExpression, incorrect_type, path_required
from lambent.services.dynamodb.expressions.operands import (
    Bound,
    Scope,
    bind,
    check_count,
    check_distinct,
    check_kinds,
)
from lambent.services.dynamodb.expressions.placeholders import Placeholders
from lambent.services.dynamodb.expressions.predicates import Predicate
from lambent.services.dynamodb.expressions.tree import (
    And,
    Between,
    Comparison,
    ConditionNode,
    Function,
    In,
    Not,
    Or,
)
from lambent.services.dynamodb.values import Item, compare

#: Developer Guide, "Condition and filter expressions": "IN [...] the list can contain up to 100 values".
MAX_IN_OPTIONS = 100

ORDERED_TYPES = frozenset(("S", "N", "B"))
TEXT_TYPES = frozenset(("S", "B"))
ALL_TYPES = ("B", "NULL", "SS", "BOOL", "L", "BS", "N", "NS", "S", "M")


@frozen
class Condition:
    """`matches({})` is the answer for an item that does not exist."""

    matches: Callable[[Item], bool]
    #: Top-level attributes it looks at.
    attributes: frozenset[str]


def compile_condition(text: str, placeholders: Placeholders, *, parameter: str = "ConditionExpression") -> Condition:
    """`parameter` (ConditionExpression or FilterExpression) opens the error messages. Raises ValidationException."""
    try:
        return _constant_condition(text) if placeholders.is_empty else _bound(text, placeholders)
    except InvalidExpression as error:
        raise error.in_parameter(parameter) from error


def _bound(text: str, placeholders: Placeholders) -> Condition:
    scope = Scope(placeholders)
    predicate = bind_condition(parse_condition(text), scope)
    return Condition(predicate, frozenset(scope.attributes))


@functools.lru_cache(MAX_CACHED)
def _constant_condition(text: str) -> Condition:
    """Of an expression that needs no names and values, such as attribute_not_exists(pk)."""
    return _bound(text, Placeholders())


def check_filter(condition: Condition, key_names: Sequence[str]) -> None:
    """Query: a filter expression may not look at key attributes of the table or index queried."""
    for name in key_names:
        if name in condition.attributes:
            raise ValidationException(
                f"Filter Expression can only contain non-primary key attributes: Primary key attribute: {name}"
            )


def bind_condition(node: ConditionNode, scope: Scope) -> Predicate:
    """Raises InvalidExpression."""
    return _BINDERS[type(node)](node, scope)


def _and(node: And, scope: Scope) -> Predicate:
    return predicates.all_of([bind_condition(term, scope) for term in node.terms])


def _or(node: Or, scope: Scope) -> Predicate:
    return predicates.any_of([bind_condition(term, scope) for term in node.terms])


def _not(node: Not, scope: Scope) -> Predicate:
    return predicates.negation(bind_condition(node.term, scope))


def _comparison(node: Comparison, scope: Scope) -> Predicate:
    left, right = bind(node.left, scope), bind(node.right, scope)
    check_distinct(node.operator, left, right)
    if node.operator not in {"=", "<>"}:
        check_kinds(node.operator, (left, right), ORDERED_TYPES)
        return predicates.compares(node.operator, left.get, right.get)
    if right.constant is not None:
        test = predicates.equals_constant(left.get, right.constant)
    else:
        test = predicates.equals(left.get, right.get)
    return test if node.operator == "=" else predicates.negation(test)


def _between(node: Between, scope: Scope) -> Predicate:
    operand, lower, upper = bind(node.operand, scope), bind(node.lower, scope), bind(node.upper, scope)
    check_kinds("BETWEEN", (operand, lower, upper), ORDERED_TYPES)
    check_bounds(lower, upper)
    return predicates.between(operand.get, lower.get, upper.get)


def check_bounds(lower: Bound, upper: Bound) -> None:
    """Bounds that are both constants must be of one type and in order."""
    if lower.constant is None or upper.constant is None:
        return
    order = compare(lower.constant, upper.constant)
    if order is not None and order <= 0:
        return
    rule = (
        "upper bound to be greater than or equal to lower bound"
        if order
        else "same data type for lower and upper bounds"
    )
    raise InvalidExpression(
        f"The BETWEEN operator requires {rule}; "
        f"lower bound operand: {_describe(lower)}, upper bound operand: {_describe(upper)}"
    )


def _describe(bound: Bound) -> str:
    ((kind, content),) = (bound.constant or {}).items()
    return f"AttributeValue: {{{kind}:{content}}}"


def _in(node: In, scope: Scope) -> Predicate:
    operand = bind(node.operand, scope)
    options = [bind(option, scope) for option in node.options]
    if len(options) > MAX_IN_OPTIONS:
        raise InvalidExpression(
            f"The IN operator is provided with too many operands; number of operands: {len(options)}"
        )
    return predicates.one_of(operand.get, [option.get for option in options])


def _function(node: Function, scope: Scope) -> Predicate:
    operands = [bind(operand, scope) for operand in node.operands]
    return _FUNCTIONS[node.name](node.name, operands)


def _attribute_exists(name: str, operands: Sequence[Bound]) -> Predicate:
    check_count(name, operands, 1)
    _check_path(name, operands[0])
    return predicates.exists(operands[0].get)


def _attribute_not_exists(name: str, operands: Sequence[Bound]) -> Predicate:
    check_count(name, operands, 1)
    _check_path(name, operands[0])
    return predicates.is_missing(operands[0].get)


def _attribute_type(name: str, operands: Sequence[Bound]) -> Predicate:
    check_count(name, operands, 2)
    operand, wanted = operands
    check_distinct(name, operand, wanted)
    if wanted.constant is None or "S" not in wanted.constant:
        raise incorrect_type(name, wanted.kind or "{NS,SS,L,BS,N,M,B,BOOL,NULL,S}")
    kind = wanted.constant["S"]
    if kind not in ALL_TYPES:
        raise InvalidExpression(
            f"Invalid attribute type name found; type: {kind}, valid types: {{{','.join(ALL_TYPES)}}}"
        )
    _check_path(name, operand)
    return predicates.has_type(operand.get, kind)


def _begins_with(name: str, operands: Sequence[Bound]) -> Predicate:
    check_count(name, operands, 2)
    check_distinct(name, *operands)
    check_kinds(name, operands, TEXT_TYPES)
    return predicates.begins_with(operands[0].get, operands[1].get)


def _contains(name: str, operands: Sequence[Bound]) -> Predicate:
    check_count(name, operands, 2)
    check_distinct(name, *operands)
    return predicates.contains(operands[0].get, operands[1].get)


def _check_path(name: str, operand: Bound) -> None:
    if operand.path is None:
        raise path_required(name)


_FUNCTIONS: dict[str, Callable[[str, Sequence[Bound]], Predicate]] = {
    "attribute_exists": _attribute_exists,
    "attribute_not_exists": _attribute_not_exists,
    "attribute_type": _attribute_type,
    "begins_with": _begins_with,
    "contains": _contains,
}

_BINDERS: dict[type, Callable[[Any, Scope], Predicate]] = {
    And: _and,
    Or: _or,
    Not: _not,
    Comparison: _comparison,
    Between: _between,
    In: _in,
    Function: _function,
}

"""Operands of conditions, bound to names and values: paths, constants, and the function size."""

from collections.abc import Sequence
from dataclasses import field

from lambent.kit.frozen import frozen, mutable
from lambent.services.dynamodb.expressions.invalid import InvalidExpression, incorrect_type, misused_function
from lambent.services.dynamodb.expressions.paths import Path, describe, find, resolve
from lambent.services.dynamodb.expressions.placeholders import Placeholders
from lambent.services.dynamodb.expressions.predicates import Getter, size_of
from lambent.services.dynamodb.expressions.tree import Operand, PathNode, ValueNode
from lambent.services.dynamodb.values import AttributeValue, Item, type_of

_UNSIZED = frozenset(("N", "BOOL", "NULL"))


@frozen
class Scope:
    """What an expression is bound to, and the top-level attributes found to be looked at."""

    placeholders: Placeholders
    attributes: set[str] = field(default_factory=set)


@mutable
class Bound:
    """An operand: how to get it from an item, and what is known of it without one."""

    get: Getter
    path: Path | None = None
    constant: AttributeValue | None = None
    #: Its type, where that is known: of constants, and of sizes.
    kind: str | None = None


def bind(node: Operand, scope: Scope) -> Bound:
    """Raises InvalidExpression."""
    if isinstance(node, PathNode):
        path = resolve(node, scope.placeholders)
        scope.attributes.add(path[0])  # type: ignore[arg-type]  # a path begins with a name
        return Bound(getter(path), path=path)
    if isinstance(node, ValueNode):
        value = scope.placeholders.value(node.placeholder)
        return Bound(constant(value), constant=value, kind=type_of(value))
    if node.name != "size":
        raise misused_function(node.name)
    operands = [bind(operand, scope) for operand in node.operands]
    check_count("size", operands, 1)
    if operands[0].kind in _UNSIZED:
        raise incorrect_type("size", operands[0].kind or "")
    return Bound(size_of(operands[0].get), kind="N")


def getter(path: Path) -> Getter:
    if len(path) == 1:
        name = path[0]
        return lambda item: item.get(name)  # type: ignore[arg-type]  # a path begins with a name

    def get(item: Item) -> AttributeValue | None:
        return find(item, path)

    return get


def constant(value: AttributeValue) -> Getter:
    return lambda _item: value


def check_count(function: str, operands: Sequence[Bound], wanted: int) -> None:
    if len(operands) != wanted:
        raise InvalidExpression(
            "Incorrect number of operands for operator or function; "
            f"operator or function: {function}, number of operands: {len(operands)}"
        )


def check_distinct(operator: str, first: Bound, second: Bound) -> None:
    """A path may not be compared with itself; a value may."""
    if first.path is not None and first.path == second.path:
        raise InvalidExpression(
            "The first operand must be distinct from the remaining operands for this operator or function; "
            f"operator: {operator}, first operand: {describe(first.path)}"
        )


def check_kinds(operator: str, operands: Sequence[Bound], allowed: frozenset[str]) -> None:
    """Refuses operands that are known to be of another type."""
    for operand in operands:
        if operand.kind is not None and operand.kind not in allowed:
            raise incorrect_type(operator, operand.kind)

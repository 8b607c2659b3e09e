"""Conditions against the plainest evaluator there could be: Python values, decided node by node."""

import base64
import decimal
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from lambent.services.dynamodb.errors import ValidationException
from lambent.services.dynamodb.expressions.conditions import bind_condition
from lambent.services.dynamodb.expressions.invalid import InvalidExpression
from lambent.services.dynamodb.expressions.operands import Scope
from lambent.services.dynamodb.expressions.placeholders import Placeholders
from lambent.services.dynamodb.expressions.tree import (
    And,
    Between,
    Comparison,
    ConditionNode,
    Function,
    In,
    Not,
    Operand,
    Or,
    PathNode,
    ValueNode,
)

VALUES: dict[str, Any] = {
    ":s": {"S": "b"},
    ":t": {"S": "é"},
    ":n": {"N": "2"},
    ":m": {"N": "-0.5"},
    ":b": {"B": "AQI="},
    ":y": {"BOOL": True},
    ":ss": {"SS": ["b", "a"]},
    ":l": {"L": [{"N": "2"}]},
}

scalars = st.sampled_from(
    [
        {"S": "a"},
        {"S": "b"},
        {"S": "abc"},
        {"S": "é"},
        {"S": ""},
        {"N": "2"},
        {"N": "-0.5"},
        {"N": "10"},
        {"B": "AQI="},
        {"B": "/w=="},
        {"BOOL": True},
        {"NULL": True},
        {"SS": ["a", "b"]},
        {"NS": ["10", "2"]},
        {"BS": ["AQI="]},
    ]
)
values = scalars | st.lists(scalars, max_size=3).map(lambda elements: {"L": elements})
items = st.fixed_dictionaries(
    {}, optional={"a": values, "b": values, "c": st.fixed_dictionaries({"x": values}).map(lambda m: {"M": m})}
)

paths = st.sampled_from([("a",), ("b",), ("c", "x"), ("a", 0), ("gone",)]).map(lambda parts: PathNode(parts, False))
constants = st.sampled_from(sorted(VALUES)).map(ValueNode)
operands: st.SearchStrategy[Operand] = paths | constants | paths.map(lambda path: Function("size", (path,)))
tests: st.SearchStrategy[ConditionNode] = (
    st.builds(Comparison, st.sampled_from(["=", "<>", "<", "<=", ">", ">="]), operands, operands)
    | st.builds(Between, operands, operands, operands)
    | st.builds(In, operands, st.lists(operands, min_size=1, max_size=3).map(tuple))
    | st.builds(
        lambda name, path: Function(name, (path,)), st.sampled_from(["attribute_exists", "attribute_not_exists"]), paths
    )
    | st.builds(
        lambda name, one, two: Function(name, (one, two)),
        st.sampled_from(["contains", "begins_with"]),
        operands,
        operands,
    )
)
conditions: st.SearchStrategy[ConditionNode] = st.recursive(
    tests,
    lambda inner: (
        st.builds(And, st.lists(inner, min_size=2, max_size=3).map(tuple))
        | st.builds(Or, st.lists(inner, min_size=2, max_size=3).map(tuple))
        | st.builds(Not, inner)
    ),
    max_leaves=5,
)


def python_value(value: dict[str, Any]) -> tuple[str, Any]:
    ((kind, content),) = value.items()
    match kind:
        case "N":
            return kind, decimal.Decimal(content)
        case "B":
            return kind, base64.b64decode(content)
        case "SS" | "BS":
            return kind, frozenset(content)
        case "NS":
            return kind, frozenset(map(decimal.Decimal, content))
        case "L":
            return kind, tuple(map(python_value, content))
        case "M":
            return kind, {name: python_value(member) for name, member in content.items()}
    return kind, content


def operand_value(node: Operand, item: dict[str, Any]) -> tuple[str, Any] | None:
    if isinstance(node, ValueNode):
        return python_value(VALUES[node.placeholder])
    if isinstance(node, Function):
        sized = operand_value(node.operands[0], item)
        return None if sized is None or sized[0] in {"N", "BOOL", "NULL"} else ("N", decimal.Decimal(len(sized[1])))
    found: Any = ("M", {name: python_value(value) for name, value in item.items()})
    for part in node.parts:
        try:
            found = found[1][part] if found[0] == ("M" if isinstance(part, str) else "L") else None
        except (KeyError, IndexError):
            found = None
        if found is None:
            return None
    return found  # type: ignore[no-any-return]  # a pair


def order_holds(sign: str, left: tuple[str, Any] | None, right: tuple[str, Any] | None) -> bool:
    if left is None or right is None or left[0] != right[0] or left[0] not in {"S", "N", "B"}:
        return False
    one, two = (pair[1].encode() if pair[0] == "S" else pair[1] for pair in (left, right))
    return bool({"<": one < two, "<=": one <= two, ">": one > two, ">=": one >= two}[sign])


def function_holds(name: str, arguments: list[tuple[str, Any] | None]) -> bool:
    if name == "attribute_exists":
        return arguments[0] is not None
    if name == "attribute_not_exists":
        return arguments[0] is None
    first, second = arguments
    if first is None or second is None:
        return False
    if name == "begins_with":
        return first[0] == second[0] and first[0] in {"S", "B"} and first[1].startswith(second[1])
    if first[0] == "L":
        return second in first[1]
    if first[0] in {"S", "B"}:
        return first[0] == second[0] and second[1] in first[1]
    if first[0] == "BS" and second[0] == "B":
        return base64.b64encode(second[1]).decode() in first[1]
    return first[0] == second[0] + "S" and second[1] in first[1]


def means(node: ConditionNode, item: dict[str, Any]) -> bool:
    match node:
        case Comparison("=", left, right):
            one, two = operand_value(left, item), operand_value(right, item)
            return one is not None and one == two
        case Comparison("<>", left, right):
            return not means(Comparison("=", left, right), item)
        case Comparison(sign, left, right):
            return order_holds(sign, operand_value(left, item), operand_value(right, item))
        case Between(operand, lower, upper):
            return means(Comparison(">=", operand, lower), item) and means(Comparison("<=", operand, upper), item)
        case In(operand, options):
            return any(means(Comparison("=", operand, option), item) for option in options)
        case Function(name, inner):
            return function_holds(name, [operand_value(argument, item) for argument in inner])
        case Not(term):
            return not means(term, item)
        case And(terms):
            return all(means(term, item) for term in terms)
        case Or(terms):
            return any(means(term, item) for term in terms)


@given(conditions, st.lists(items, min_size=1, max_size=4))
def test_a_condition_means_what_it_says(tree: ConditionNode, some: list[dict[str, Any]]) -> None:
    try:
        holds = bind_condition(tree, Scope(Placeholders(None, VALUES)))
    except (InvalidExpression, ValidationException):
        return
    for item in some:
        assert holds(item) is means(tree, item)

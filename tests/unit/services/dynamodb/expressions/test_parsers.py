"""Parsers against expressions made up: what is printed is read again, and noise never is more than an error."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambent.services.dynamodb.expressions.condition_parser import COMPARATORS, parse_condition
from lambent.services.dynamodb.expressions.conditions import compile_condition
from lambent.services.dynamodb.expressions.key_conditions import compile_key_condition
from lambent.services.dynamodb.expressions.placeholders import Placeholders
from lambent.services.dynamodb.expressions.projections import compile_projection
from lambent.services.dynamodb.expressions.tree import (
    Action,
    AddAction,
    And,
    Arithmetic,
    Between,
    Comparison,
    ConditionNode,
    DeleteAction,
    Function,
    In,
    Not,
    Operand,
    Or,
    PathNode,
    RemoveAction,
    SetAction,
    ValueNode,
)
from lambent.services.dynamodb.expressions.update_parser import parse_projection, parse_update
from lambent.services.dynamodb.expressions.updates import compile_update
from lambent.services.dynamodb.keys import KeySchema
from lambent.wire.errors import ServiceError

names = st.sampled_from(["a", "b1", "Long_Name", "#p", "#1"])
paths = st.builds(
    lambda head, rest: PathNode((head, *rest), any(str(part).startswith("#") for part in (head, *rest))),
    names,
    st.lists(names | st.integers(0, 99), max_size=3),
)
values = st.sampled_from([":v", ":1", ":_"]).map(ValueNode)
sizes = st.builds(lambda path: Function("size", (path,)), paths)
operands: st.SearchStrategy[Operand] = paths | values | sizes
tests = (
    st.builds(Comparison, st.sampled_from(sorted(COMPARATORS)), operands, operands)
    | st.builds(Between, operands, operands, operands)
    | st.builds(In, operands, st.lists(operands, min_size=1, max_size=3).map(tuple))
    | st.builds(lambda path: Function("attribute_exists", (path,)), paths)
    | st.builds(lambda one, two: Function("contains", (one, two)), operands, operands)
)


def _joined(
    inner: st.SearchStrategy[ConditionNode],
) -> st.SearchStrategy[ConditionNode]:
    terms = st.lists(inner, min_size=2, max_size=3).map(tuple)
    return st.builds(And, terms) | st.builds(Or, terms) | st.builds(Not, inner)


conditions: st.SearchStrategy[ConditionNode] = st.recursive(tests, _joined, max_leaves=8)

sources = operands.filter(lambda node: not isinstance(node, Function)) | st.builds(
    lambda path, value: Function("if_not_exists", (path, value)), paths, values
)
set_actions = st.builds(SetAction, paths, sources | st.builds(Arithmetic, st.sampled_from("+-"), sources, sources))
sections: list[st.SearchStrategy[Action]] = [
    set_actions,
    st.builds(RemoveAction, paths),
    st.builds(AddAction, paths, values),
    st.builds(DeleteAction, paths, values),
]


def written(node: ConditionNode | Operand | Arithmetic) -> str:
    match node:
        case PathNode(parts):
            return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in parts)[1:]
        case ValueNode(placeholder):
            return placeholder
        case Function(name, inner):
            return f"{name}({', '.join(map(written, inner))})"
        case Comparison(operator, left, right) | Arithmetic(operator, left, right):
            return f"{written(left)} {operator} {written(right)}"
        case Between(operand, lower, upper):
            return f"{written(operand)} BETWEEN {written(lower)} AND {written(upper)}"
        case In(operand, options):
            return f"{written(operand)} IN ({', '.join(map(written, options))})"
        case Not(term):
            return f"NOT {_bracketed(term)}"
        case And(terms):
            return " AND ".join(map(_bracketed, terms))
        case Or(terms):
            return " OR ".join(map(_bracketed, terms))


def _bracketed(node: ConditionNode) -> str:
    return f"({written(node)})" if isinstance(node, And | Or | Not) else written(node)


def written_action(action: Action) -> tuple[str, str]:
    match action:
        case SetAction(path, value):
            return "SET", f"{written(path)} = {written(value)}"
        case RemoveAction(path):
            return "REMOVE", written(path)
        case AddAction(path, placeholder):
            return "ADD", f"{written(path)} {written(placeholder)}"
        case DeleteAction(path, placeholder):
            return "DELETE", f"{written(path)} {written(placeholder)}"


@given(conditions)
def test_a_condition_is_read_as_it_was_written(tree: ConditionNode) -> None:
    assert parse_condition.__wrapped__(written(tree)) == tree
    assert parse_condition.__wrapped__(f"({written(tree)})") == tree


@given(
    st.permutations(sections).flatmap(lambda order: st.tuples(*(st.lists(section, max_size=3) for section in order)))
)
def test_an_update_is_read_as_it_was_written(parts: tuple[list[Action], ...]) -> None:
    actions = [action for part in parts for action in part]
    if not actions:
        return
    text = " ".join(
        f"{written_action(part[0])[0]} {', '.join(written_action(action)[1] for action in part)}"
        for part in parts
        if part
    )
    assert parse_update.__wrapped__(text) == tuple(actions)


@given(st.lists(paths, min_size=1, max_size=5))
def test_a_projection_is_read_as_it_was_written(nodes: list[PathNode]) -> None:
    assert parse_projection.__wrapped__(",".join(map(written, nodes))) == tuple(nodes)


words = st.sampled_from(
    [
        "SET", "REMOVE", "ADD", "DELETE", "AND", "OR", "NOT", "BETWEEN", "IN", "a", "b", "name", "#p", "#q", ":v", ":n",
        "(", ")", "((", "))", "[", "]", "[0]", ",", ".", "=", "<>", "<", ">=", "+", "-", "size(", "contains(", "f(",
        "attribute_exists(", "attribute_type(", "if_not_exists(", "list_append(", "begins_with(", "0", "99999999999",
        "!", "é", '"', " ", "  ", "#", ":",
    ]
)  # fmt: skip
noise = st.text(max_size=60) | st.lists(words, max_size=25).map(" ".join) | st.lists(words, max_size=25).map("".join)

SCHEMA = KeySchema("a", "S", "b", "N")
ITEM: dict[str, Any] = {
    "a": {"M": {"a": {"N": "1"}, "b": {"L": [{"S": "x"}]}}},
    "b": {"L": [{"N": "1"}]},
    "p": {"S": "x"},
}


@given(noise)
def test_noise_is_an_expression_or_an_aws_error(text: str) -> None:
    def attempt() -> None:
        placeholders = Placeholders({"#p": "p", "#q": "q.r"}, {":v": {"S": "x"}, ":n": {"N": "1"}})
        for use in (
            lambda: compile_condition(text, placeholders).matches(ITEM),
            lambda: compile_update(text, placeholders).apply(ITEM),
            lambda: compile_projection(text, placeholders).pick(ITEM),
            lambda: compile_key_condition(text, placeholders, SCHEMA).sort_range(),
        ):
            try:
                use()
            except ServiceError as error:
                assert error.status == 400  # noqa: PT017
                assert error.message  # noqa: PT017

    attempt()


@pytest.mark.parametrize(
    "text",
    [
        "(" * 4096,
        ")" * 4096,
        "not " * 1024,
        "f(" * 2048,
        "size(" * 800,
        "a[" * 2000,
        "a." * 2000,
        "SET a=" + "(" * 4000,
        "SET a=" + "if_not_exists(a," * 250 + "b" + ")" * 250,
        "a = b and (" * 370,
        "a" + "[0]" * 1300,
        "," * 4096,
    ],
    ids=lambda text: text[:20],
)
def test_deep_and_long_noise_is_an_aws_error(text: str) -> None:
    placeholders = Placeholders()
    for use in (compile_condition, compile_update, compile_projection):
        with pytest.raises(ServiceError):
            use(text, placeholders)

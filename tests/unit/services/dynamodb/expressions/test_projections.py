"""Projection expressions (Developer Guide, "Using projection expressions in DynamoDB"); semantics as captured from AWS
by github.com/scylladb/scylladb (test/alternator/test_projection_expression.py)."""

from typing import Any

import pytest

from lambent.services.dynamodb.errors import ValidationException
from lambent.services.dynamodb.expressions.placeholders import Placeholders
from lambent.services.dynamodb.expressions.projections import compile_projection

ITEM: dict[str, Any] = {
    "pk": {"S": "key"},
    "a": {"M": {"b": {"L": [{"N": "2"}, {"N": "4"}, {"M": {"x": {"S": "hi"}, "y": {"S": "yo"}}}]}, "c": {"N": "5"}}},
    "b": {"S": "hello"},
    "a.b": {"S": "dotted"},
}


def doc(**members: Any) -> dict[str, Any]:
    return {"a": {"M": members}}


PICKED: list[tuple[str, dict[str, Any]]] = [
    ("pk", {"pk": {"S": "key"}}),
    ("b, pk", {"pk": {"S": "key"}, "b": {"S": "hello"}}),
    (" b  ,   pk  ", {"pk": {"S": "key"}, "b": {"S": "hello"}}),
    ("a", {"a": ITEM["a"]}),
    ("absent", {}),
    ("a.b", doc(b=ITEM["a"]["M"]["b"])),
    ("a.b[0]", doc(b={"L": [{"N": "2"}]})),
    ("a.b[2].y", doc(b={"L": [{"M": {"y": {"S": "yo"}}}]})),
    ("a.b[2].y, a.b[0]", doc(b={"L": [{"N": "2"}, {"M": {"y": {"S": "yo"}}}]})),
    ("a.b[0], a.c", doc(b={"L": [{"N": "2"}]}, c={"N": "5"})),
    ("a.c, b", {**doc(c={"N": "5"}), "b": {"S": "hello"}}),
    ("a.b[3]", {}),
    ("a.x.y", {}),
    ("a.b[3].x", {}),
    ("a.b.x", {}),
    ("a[0]", {}),
    ("a.b[0].x", {}),
    ("a.b[0][0]", {}),
    ("a.x, a.b[0], x, a.b[3].x", doc(b={"L": [{"N": "2"}]})),
    ("#dotted", {"a.b": {"S": "dotted"}}),
    ("#a.#b[1]", doc(b={"L": [{"N": "4"}]})),
]


@pytest.mark.parametrize(("text", "picked"), PICKED)
def test_a_projection_keeps_the_items_shape(text: str, picked: dict[str, Any]) -> None:
    placeholders = Placeholders({"#dotted": "a.b", "#a": "a", "#b": "b"})
    assert compile_projection(text, placeholders).pick(ITEM) == picked


MESSAGES = [
    ("", "The expression can not be empty;"),
    ("a,", 'Syntax error; token: "<EOF>", near: ","'),
    (",a", 'Syntax error; token: ",", near: ",a"'),
    ("a,,b", 'Syntax error; token: ",", near: ",,b"'),
    ("event-id", 'Syntax error; token: "-", near: "event-id"'),
    ("a b", 'Syntax error; token: "b", near: "a b"'),
    (":a", 'Syntax error; token: ":a", near: ":a"'),
    ("a, name", "Attribute name is a reserved keyword; reserved keyword: name"),
    ("add", "Attribute name is a reserved keyword; reserved keyword: add"),
    (
        "a, #b",
        "An expression attribute name used in the document path is not defined; attribute name: #b",
    ),
    *(
        (
            text,
            (
                "Two document paths overlap with each other; must remove or rewrite one of these paths; "
                f"path one: {one}, path two: {two}"
            ),
        )
        for text, one, two in (
            ("a, a", "[a]", "[a]"),
            ("a.b, a.b", "[a, b]", "[a, b]"),
            ("a[1], a[1]", "[a, [1]]", "[a, [1]]"),
            ("a, a.b[2].c", "[a]", "[a, b, [2], c]"),
            ("a.b.d.e, a.b", "[a, b, d, e]", "[a, b]"),
        )
    ),
    (
        "a.b, a[1]",
        (
            "Two document paths conflict with each other; must remove or rewrite one of these paths; "
            "path one: [a, b], path two: [a, [1]]"
        ),
    ),
]


@pytest.mark.parametrize(("text", "message"), MESSAGES)
def test_wrong_expressions_are_refused_in_awss_words(text: str, message: str) -> None:
    with pytest.raises(ValidationException) as refused:
        compile_projection(text, Placeholders())
    assert refused.value.message == f"Invalid ProjectionExpression: {message}"


def test_a_projection_knows_the_attributes_it_names() -> None:
    projection = compile_projection("a.b, #c[0]", Placeholders({"#c": "x.y"}))
    assert projection.attributes == {"a", "x.y"}
    assert projection.paths == (("a", "b"), ("x.y", 0))

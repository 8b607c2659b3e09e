"""ExpressionAttributeNames and ExpressionAttributeValues (sentences as captured by the suites named in
test_conditions)."""

from typing import Any

import pytest

from lambent.services.dynamodb.errors import ValidationException
from lambent.services.dynamodb.expressions.conditions import compile_condition
from lambent.services.dynamodb.expressions.placeholders import Placeholders
from lambent.services.dynamodb.expressions.projections import compile_projection
from lambent.services.dynamodb.expressions.reserved_words import RESERVED_WORDS, is_reserved

UPDATE = ("UpdateExpression", "ConditionExpression")
QUERY = ("KeyConditionExpression", "FilterExpression", "ProjectionExpression")

REQUESTS: list[tuple[dict[str, Any], tuple[str, ...], str]] = [
    (
        {"ExpressionAttributeNames": {}},
        UPDATE,
        "ExpressionAttributeNames can only be specified when using expressions",
    ),
    (
        {"ExpressionAttributeValues": {}},
        UPDATE,
        (
            "ExpressionAttributeValues can only be specified when using expressions: "
            "UpdateExpression and ConditionExpression are null"
        ),
    ),
    (
        {"ExpressionAttributeValues": {}, "ProjectionExpression": "a"},
        ("FilterExpression", "ProjectionExpression"),
        "ExpressionAttributeValues can only be specified when using expressions: FilterExpression is null",
    ),
    (
        {"ExpressionAttributeNames": {}, "ProjectionExpression": ""},
        QUERY,
        "ExpressionAttributeNames must not be empty",
    ),
    (
        {"ExpressionAttributeNames": {"a": "a"}, "ProjectionExpression": ""},
        QUERY,
        'ExpressionAttributeNames contains invalid key: Syntax error; key: "a"',
    ),
    (
        {"ExpressionAttributeNames": {"#": "a"}, "ProjectionExpression": ""},
        QUERY,
        'ExpressionAttributeNames contains invalid key: Syntax error; key: "#"',
    ),
    (
        {"ExpressionAttributeValues": {}, "ConditionExpression": ""},
        UPDATE,
        "ExpressionAttributeValues must not be empty",
    ),
    (
        {"ExpressionAttributeValues": {":b": {"a": ""}, "b": {"S": "a"}}, "ConditionExpression": ""},
        UPDATE,
        'ExpressionAttributeValues contains invalid key: Syntax error; key: "b"',
    ),
    (
        {"ExpressionAttributeValues": {":b": {}}, "ConditionExpression": ""},
        UPDATE,
        (
            "ExpressionAttributeValues contains invalid value: Supplied AttributeValue is empty, must contain exactly "
            "one of the supported datatypes for key :b"
        ),
    ),
    (
        {"ExpressionAttributeValues": {":b": {"SS": []}}, "ConditionExpression": ""},
        UPDATE,
        (
            "ExpressionAttributeValues contains invalid value: One or more parameter values were invalid: "
            "An string set  may not be empty for key :b"
        ),
    ),
    (
        {"ExpressionAttributeValues": {":b": {"N": "b"}}, "ConditionExpression": ""},
        UPDATE,
        (
            "ExpressionAttributeValues contains invalid value: The parameter cannot be converted to a numeric value: b "
            "for key :b"
        ),
    ),
]


@pytest.mark.parametrize(("request_", "expressions", "message"), REQUESTS)
def test_unfit_placeholders_are_refused_in_awss_words(
    request_: dict[str, Any], expressions: tuple[str, ...], message: str
) -> None:
    with pytest.raises(ValidationException) as refused:
        Placeholders.of_request(request_, expressions)
    assert refused.value.message == message


def test_what_no_expression_uses_is_refused_after_all_are_compiled() -> None:
    placeholders = Placeholders({"#a": "a", "#b": "b", "#c": "c"}, {":x": {"S": ""}, ":y": {"S": ""}, ":z": {"S": ""}})
    compile_condition("#a = :y", placeholders)
    with pytest.raises(ValidationException) as refused:
        placeholders.check_all_used()
    assert refused.value.message == ("Value provided in ExpressionAttributeNames unused in expressions: keys: {#b, #c}")
    compile_projection("#b, #c", placeholders)
    with pytest.raises(ValidationException) as refused:
        placeholders.check_all_used()
    assert refused.value.message == (
        "Value provided in ExpressionAttributeValues unused in expressions: keys: {:x, :z}"
    )
    compile_condition("a IN (:x, :z)", placeholders)
    placeholders.check_all_used()


def test_values_are_made_canonical() -> None:
    condition = compile_condition("a = :n", Placeholders(None, {":n": {"N": "1.50e0"}}))
    assert condition.matches({"a": {"N": "1.5"}})


def test_a_name_stands_for_one_attribute_whatever_is_in_it() -> None:
    condition = compile_condition("#silly = b", Placeholders({"#silly": "3 any.thing[0]!"}))
    assert condition.matches({"3 any.thing[0]!": {"S": "x"}, "b": {"S": "x"}})


def test_all_573_reserved_words_are_known_in_any_case() -> None:
    assert len(RESERVED_WORDS) == 573
    assert is_reserved("Name")
    assert is_reserved("zone")
    assert not is_reserved("named")
    for word in RESERVED_WORDS - {"AND", "OR", "NOT", "BETWEEN", "IN"}:
        with pytest.raises(ValidationException) as refused:
            compile_condition(f"{word.lower()} = b", Placeholders())
        assert refused.value.message.endswith(f"reserved keyword: {word.lower()}")

"""The legacy parameters (Developer Guide, "Legacy DynamoDB conditional parameters").

AWS's sentences: captured from AWS by github.com/architect/dynalite (test/updateItem.js, scan.js, query.js); semantics
also by github.com/scylladb/scylladb (test/alternator/test_expected.py, test_query_filter.py).
"""

from typing import Any

import pytest

from lambent.services.dynamodb.errors import ValidationException
from lambent.services.dynamodb.expressions.key_conditions import KeyCondition
from lambent.services.dynamodb.keys import KeySchema
from lambent.services.dynamodb.legacy import (
    check_query_filter,
    compile_attribute_updates,
    compile_attributes_to_get,
    compile_expected,
    compile_filter,
    compile_key_conditions,
    refuse_mixture,
)

INVALID = "One or more parameter values were invalid: "
S, N, B = {"S": "a"}, {"N": "1"}, {"B": "YQ=="}

ITEM: dict[str, Any] = {
    "pk": {"S": "key"},
    "s": {"S": "Hello"},
    "n": {"N": "7"},
    "tags": {"SS": ["a", "b"]},
    "l": {"L": [{"S": "x"}]},
    "yes": {"BOOL": True},
}


def condition(operator: str, *values: dict[str, Any]) -> dict[str, Any]:
    return {"ComparisonOperator": operator, "AttributeValueList": list(values)}


HOLDS: list[tuple[str, dict[str, Any], bool]] = [
    ("s", condition("EQ", {"S": "Hello"}), True),
    ("s", condition("EQ", N), False),
    ("tags", condition("EQ", {"SS": ["b", "a"]}), True),
    ("l", condition("EQ", {"L": [{"S": "x"}]}), True),
    ("absent", condition("EQ", S), False),
    ("s", condition("NE", S), True),
    ("absent", condition("NE", S), True),
    ("n", condition("LE", {"N": "7"}), True),
    ("n", condition("LT", {"N": "7.0"}), False),
    ("n", condition("GE", {"N": "7"}), True),
    ("n", condition("GT", {"N": "6.9"}), True),
    ("n", condition("GT", S), False),
    ("n", condition("IN", N, {"N": "7"}), True),
    ("n", condition("IN", N), False),
    ("n", condition("BETWEEN", N, {"N": "7"}), True),
    ("n", condition("BETWEEN", {"N": "8"}, {"N": "9"}), False),
    ("s", condition("BEGINS_WITH", {"S": "He"}), True),
    ("s", condition("CONTAINS", {"S": "ell"}), True),
    ("tags", condition("CONTAINS", S), True),
    ("l", condition("CONTAINS", {"S": "x"}), True),
    ("tags", condition("NOT_CONTAINS", S), False),
    ("tags", condition("NOT_CONTAINS", N), True),
    ("absent", condition("NOT_CONTAINS", S), False),
    ("absent", condition("NULL"), True),
    ("s", condition("NULL"), False),
    ("s", {"ComparisonOperator": "NOT_NULL"}, True),
    ("absent", {"ComparisonOperator": "NOT_NULL"}, False),
]


@pytest.mark.parametrize(("name", "test", "holds"), HOLDS)
def test_filters_and_expectations_hold_or_not(name: str, test: dict[str, Any], holds: bool) -> None:
    assert compile_filter({name: test}).matches(ITEM) is holds
    assert compile_expected({name: test}).matches(ITEM) is holds


def test_the_oldest_form_of_expected() -> None:
    assert compile_expected({"s": {"Value": {"S": "Hello"}}}).matches(ITEM)
    assert compile_expected({"s": {"Exists": True, "Value": {"S": "Hello"}}}).matches(ITEM)
    assert not compile_expected({"s": {"Value": S}}).matches(ITEM)
    assert compile_expected({"absent": {"Exists": False}}).matches(ITEM)
    assert not compile_expected({"s": {"Exists": False}}).matches(ITEM)
    assert compile_expected({"n": {"ComparisonOperator": "GT", "Value": N}}).matches(ITEM)
    assert compile_expected({}).matches({})


def test_conditions_join_by_and_unless_told_otherwise() -> None:
    tests = {"s": condition("EQ", {"S": "Hello"}), "n": condition("EQ", N)}
    assert not compile_filter(tests).matches(ITEM)
    assert not compile_filter(tests, "AND").matches(ITEM)
    assert compile_filter(tests, "OR").matches(ITEM)
    assert compile_expected(tests, "OR").matches(ITEM)
    assert compile_filter(tests).attributes == {"s", "n"}
    with pytest.raises(ValidationException, match="QueryFilter can only contain non-primary key attributes"):
        check_query_filter(compile_filter(tests), ("n",))


COUNT = f"{INVALID}Invalid number of argument(s) for the {{}} ComparisonOperator"
KIND = f"{INVALID}ComparisonOperator {{}} is not valid for {{}} AttributeValue type"

COLLECTIONS: list[dict[str, Any]] = [{"SS": ["a"]}, {"NS": ["1"]}, {"BS": ["YQ=="]}, {"M": {}}, {"L": []}]
UNORDERED: list[dict[str, Any]] = [{"BOOL": True}, {"NULL": True}, *COLLECTIONS]

UNFIT: list[tuple[dict[str, Any], str]] = [
    *(
        (condition(operator, *values), COUNT.format(operator))
        for operator, values in (
            ("EQ", ()),
            ("EQ", (S, S)),
            ("NE", ()),
            ("LT", (S, S)),
            ("CONTAINS", ()),
            ("BEGINS_WITH", (S, S)),
            ("IN", ()),
            ("BETWEEN", (S,)),
            ("BETWEEN", (S, S, S)),
            ("NULL", (S,)),
            ("NOT_NULL", (S,)),
        )
    ),
    *(
        (condition(operator, value), KIND.format(operator, next(iter(value))))
        for operator in ("LT", "LE", "GT", "GE", "IN")
        for value in UNORDERED
    ),
    *(
        (condition(operator, value), KIND.format(operator, next(iter(value))))
        for operator in ("CONTAINS", "NOT_CONTAINS")
        for value in COLLECTIONS
    ),
    (condition("BETWEEN", {"BOOL": True}, {"BOOL": True}), KIND.format("BETWEEN", "BOOL")),
    (condition("BEGINS_WITH", N), KIND.format("BEGINS_WITH", "N")),
    (condition("IN", S, N), f"{INVALID}AttributeValues inside AttributeValueList must be of same type"),
    (
        condition("BETWEEN", {"S": "b"}, S),
        "The BETWEEN condition was provided a range where the lower bound is greater than the upper bound",
    ),
    (condition("EQ", {}), "Supplied AttributeValue is empty, must contain exactly one of the supported datatypes"),
    (condition("EQ", {"N": "b"}), "The parameter cannot be converted to a numeric value: b"),
]


@pytest.mark.parametrize(("test", "message"), UNFIT)
def test_unfit_conditions_are_refused_in_awss_words(test: dict[str, Any], message: str) -> None:
    for compile_ in (compile_filter, compile_expected):
        with pytest.raises(ValidationException) as refused:
            compile_({"a": test})
        assert refused.value.message == message


@pytest.mark.parametrize(
    ("test", "message"),
    [
        ({}, "Value must be provided when Exists is null for Attribute: a"),
        ({"Exists": True}, "Value must be provided when Exists is true for Attribute: a"),
        ({"Exists": False, "Value": S}, "Value cannot be used when Exists is false for Attribute: a"),
        (
            {"Value": S, **condition("EQ", S)},
            "Value and AttributeValueList cannot be used together for Attribute: a",
        ),
        (
            {"Exists": True, **condition("EQ", S)},
            "Exists and ComparisonOperator cannot be used together for Attribute: a",
        ),
        (
            {"AttributeValueList": [S]},
            "AttributeValueList can only be used with a ComparisonOperator for Attribute: a",
        ),
        (
            {"ComparisonOperator": "EQ"},
            "Value or AttributeValueList must be used with ComparisonOperator: EQ for Attribute: a",
        ),
    ],
)
def test_expectations_that_contradict_themselves_are_refused(test: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationException) as refused:
        compile_expected({"a": test})
    assert refused.value.message == INVALID + message


UPDATES: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({}, {}),
    ({"s": {"Value": N}}, {"s": N}),
    ({"s": {"Action": "PUT", "Value": N}, "m": {"Value": S}}, {"s": N, "m": S}),
    ({"s": {"Action": "DELETE"}, "absent": {"Action": "DELETE"}}, {"s": None}),
    ({"n": {"Action": "ADD", "Value": N}}, {"n": {"N": "8"}}),
    ({"m": {"Action": "ADD", "Value": N}}, {"m": N}),
    ({"tags": {"Action": "ADD", "Value": {"SS": ["b", "c"]}}}, {"tags": {"SS": ["a", "b", "c"]}}),
    ({"tags": {"Action": "DELETE", "Value": {"SS": ["b", "c"]}}}, {"tags": {"SS": ["a"]}}),
    ({"tags": {"Action": "DELETE", "Value": {"SS": ["b", "a"]}}}, {"tags": None}),
    ({"l": {"Action": "ADD", "Value": {"L": [S]}}}, {"l": {"L": [{"S": "x"}, S]}}),
    ({"m": {"Action": "ADD", "Value": {"L": [S]}}}, {"m": {"L": [S]}}),
]


@pytest.mark.parametrize(("updates", "changed"), UPDATES)
def test_attribute_updates_change_what_they_say(updates: dict[str, Any], changed: dict[str, Any]) -> None:
    expected = {name: value for name, value in {**ITEM, **changed}.items() if value is not None}
    assert compile_attribute_updates(updates).apply(ITEM) == expected


@pytest.mark.parametrize(
    ("update", "message"),
    [
        ({}, "Only DELETE action is allowed when no attribute value is specified"),
        ({"Action": "ADD"}, "Only DELETE action is allowed when no attribute value is specified"),
        *(
            ({"Action": "DELETE", "Value": value}, f"DELETE action with value is not supported for the type {kind}")
            for kind, value in (("S", S), ("N", N), ("NULL", {"NULL": True}), ("M", {"M": {}}), ("L", {"L": []}))
        ),
        *(
            ({"Action": "ADD", "Value": value}, f"ADD action is not supported for the type {kind}")
            for kind, value in (
                ("S", S),
                ("B", B),
                ("NULL", {"NULL": True}),
                ("BOOL", {"BOOL": True}),
                ("M", {"M": {}}),
            )
        ),
    ],
)
def test_unfit_attribute_updates_are_refused_in_awss_words(update: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationException) as refused:
        compile_attribute_updates({"a": update})
    assert refused.value.message == INVALID + message


@pytest.mark.parametrize("update", [{"Action": "ADD", "Value": N}, {"Action": "DELETE", "Value": {"SS": ["a"]}}])
def test_attributes_of_another_type_are_not_added_to(update: dict[str, Any]) -> None:
    with pytest.raises(ValidationException) as refused:
        compile_attribute_updates({"s": update}).apply(ITEM)
    assert refused.value.message == "Type mismatch for attribute to update"


def test_key_attributes_stay() -> None:
    with pytest.raises(ValidationException, match="Cannot update attribute pk"):
        compile_attribute_updates({"pk": {"Value": S}}).check_keys(("pk",))


HASH = KeySchema("pk", "S")
BOTH = KeySchema("pk", "S", "sk", "N")


def test_key_conditions_are_a_partition_and_a_range() -> None:
    assert compile_key_conditions({"pk": condition("EQ", S)}, BOTH) == KeyCondition(S)
    for operator, sign in (("EQ", "="), ("LT", "<"), ("LE", "<="), ("GT", ">"), ("GE", ">=")):
        found = compile_key_conditions({"sk": condition(operator, N), "pk": condition("EQ", S)}, BOTH)
        assert found == KeyCondition(S, sign, (N,))
    between = {"pk": condition("EQ", S), "sk": condition("BETWEEN", N, {"N": "2"})}
    assert compile_key_conditions(between, BOTH) == KeyCondition(S, "BETWEEN", (N, {"N": "2"}))


@pytest.mark.parametrize(
    ("conditions", "schema", "message"),
    [
        ({}, HASH, "Conditions can be of length 1 or 2 only"),
        ({name: condition("EQ", S) for name in "abc"}, HASH, "Conditions can be of length 1 or 2 only"),
        ({"pk": condition("EQ")}, HASH, COUNT.format("EQ")),
        ({"pk": condition("LT", {"SS": ["a"]})}, HASH, KIND.format("LT", "SS")),
        *(
            (
                {"pk": condition(operator, *values)},
                HASH,
                "Attempted conditional constraint is not an indexable operation",
            )
            for operator, values in (("NULL", ()), ("NOT_NULL", ()), ("CONTAINS", (S,)), ("IN", (S,)), ("NE", (S,)))
        ),
        ({"x": condition("EQ", S)}, HASH, "Query condition missed key schema element: pk"),
        ({"pk": condition("EQ", S), "x": condition("EQ", N)}, BOTH, "Query condition missed key schema element: sk"),
        ({"pk": condition("LE", S)}, HASH, "Query key condition not supported"),
        ({"pk": condition("BEGINS_WITH", S)}, HASH, "Query key condition not supported"),
        (
            {"pk": condition("EQ", N)},
            HASH,
            f"{INVALID}Condition parameter type does not match schema type",
        ),
    ],
)
def test_unfit_key_conditions_are_refused_in_awss_words(
    conditions: dict[str, Any], schema: KeySchema, message: str
) -> None:
    with pytest.raises(ValidationException) as refused:
        compile_key_conditions(conditions, schema)
    assert refused.value.message == message


def test_attributes_to_get_are_distinct() -> None:
    assert compile_attributes_to_get(["s", "a.b", "n"]).pick({**ITEM, "a.b": S}) == {
        "s": ITEM["s"],
        "n": ITEM["n"],
        "a.b": S,
    }
    with pytest.raises(ValidationException) as refused:
        compile_attributes_to_get(["a", "a"])
    assert refused.value.message == f"{INVALID}Duplicate value in attribute name: a"


MIXTURE = "Can not use both expression and non-expression parameters in the same request: Non-expression parameters: "


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        (
            {"Expected": {}, "AttributeUpdates": {}, "ConditionExpression": "", "UpdateExpression": ""},
            f"{MIXTURE}{{AttributeUpdates, Expected}} Expression parameters: {{UpdateExpression, ConditionExpression}}",
        ),
        (
            {"AttributesToGet": [], "ProjectionExpression": ""},
            f"{MIXTURE}{{AttributesToGet}} Expression parameters: {{ProjectionExpression}}",
        ),
        (
            {"KeyConditions": {}, "KeyConditionExpression": ""},
            f"{MIXTURE}{{KeyConditions}} Expression parameters: {{KeyConditionExpression}}",
        ),
        (
            {"KeyConditions": {}, "QueryFilter": {}, "FilterExpression": ""},
            f"{MIXTURE}{{QueryFilter}} Expression parameters: {{FilterExpression}}",
        ),
        ({"ConditionalOperator": "OR"}, "ConditionalOperator cannot be used without Filter or Expected"),
        (
            {"ConditionalOperator": "OR", "Expected": {"a": {}}},
            "ConditionalOperator can only be used when Filter or Expected has two or more elements",
        ),
    ],
)
def test_old_and_new_parameters_do_not_mix(parameters: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationException) as refused:
        refuse_mixture(parameters)
    assert refused.value.message == message


def test_key_conditions_go_with_expressions() -> None:
    refuse_mixture({"KeyConditions": {}, "FilterExpression": "", "ProjectionExpression": ""})
    refuse_mixture({"ConditionalOperator": "OR", "ScanFilter": {"a": {}, "b": {}}})
    refuse_mixture({"Item": {}})

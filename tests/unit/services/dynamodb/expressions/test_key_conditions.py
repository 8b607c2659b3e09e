"""Key condition expressions (Developer Guide, "Key condition expressions for the Query operation").

AWS's sentences: captured from AWS by github.com/architect/dynalite (test/query.js) and, where those have changed,
github.com/paritysuite/dynamodb-conformance (error-messages/queryKeyConditionOperands).
"""

from typing import Any

import pytest

from lambent.services.dynamodb.errors import ValidationException
from lambent.services.dynamodb.expressions.key_conditions import KeyCondition, compile_key_condition
from lambent.services.dynamodb.expressions.placeholders import Placeholders
from lambent.services.dynamodb.keys import KeySchema, SortRange

HASH = KeySchema("pk", "S")
TEXT = KeySchema("pk", "S", "sk", "S")
NUMBER = KeySchema("pk", "S", "sk", "N")

VALUES: dict[str, Any] = {
    ":p": {"S": "p"},
    ":s": {"S": "s"},
    ":t": {"S": "t"},
    ":one": {"N": "1"},
    ":two": {"N": "2"},
    ":true": {"BOOL": True},
    ":blank": {"S": ""},
    ":long": {"S": "x" * 1025},
    ":longer": {"S": "x" * 2049},
}


def compiled(text: str, schema: KeySchema) -> KeyCondition:
    return compile_key_condition(text, Placeholders({"#k": "pk"}, VALUES), schema)


CONDITIONS = [
    ("pk = :p", HASH, None, ()),
    ("pk=:p", TEXT, None, ()),
    ("#k = :p", HASH, None, ()),
    (":p = pk", HASH, None, ()),
    ("(pk = :p)", HASH, None, ()),
    ("pk = :p AND sk = :s", TEXT, "=", (":s",)),
    ("sk = :s and pk = :p", TEXT, "=", (":s",)),
    ("((sk = :s) AND (pk = :p))", TEXT, "=", (":s",)),
    ("pk = :p AND sk < :s", TEXT, "<", (":s",)),
    ("pk = :p AND sk <= :one", NUMBER, "<=", (":one",)),
    ("pk = :p AND sk > :s", TEXT, ">", (":s",)),
    ("pk = :p AND sk >= :s", TEXT, ">=", (":s",)),
    (":p = pk AND :s < sk", TEXT, ">", (":s",)),
    (":p = pk AND :s >= sk", TEXT, "<=", (":s",)),
    ("pk = :p AnD sk BeTwEeN :one aNd :two", NUMBER, "BETWEEN", (":one", ":two")),
    ("pk = :p AND begins_with(sk, :s)", TEXT, "begins_with", (":s",)),
]


@pytest.mark.parametrize(("text", "schema", "operator", "values"), CONDITIONS)
def test_a_key_condition_is_a_partition_and_a_range(
    text: str, schema: KeySchema, operator: str | None, values: tuple[str, ...]
) -> None:
    condition = compiled(text, schema)
    assert condition == KeyCondition({"S": "p"}, operator, tuple(VALUES[value] for value in values))


def test_without_a_condition_the_range_is_open() -> None:
    assert compiled("pk = :p", TEXT).sort_range() == SortRange()
    assert compiled("pk = :p AND sk < :s", TEXT).sort_range() == SortRange(upper=b"s", upper_inclusive=False)


INVALID = "Invalid KeyConditionExpression: "
CONDITION = "Invalid condition in KeyConditionExpression: "
SCHEMA = "One or more parameter values were invalid: Condition parameter type does not match schema type"
TYPE = f"{INVALID}Incorrect operand type for operator or function; operator or function: "
EMPTY = (
    "One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an empty "
    "string value. Key: "
)

MESSAGES = [
    ("", HASH, f"{INVALID}The expression can not be empty;"),
    ("pk != :p", HASH, f'{INVALID}Syntax error; token: "!", near: "pk !="'),
    ("dog(sk, :s)", TEXT, f"{INVALID}Invalid function name; function: dog"),
    ("name = :p", HASH, f"{INVALID}Attribute name is a reserved keyword; reserved keyword: name"),
    ("((pk = :p))", HASH, f"{INVALID}The expression has redundant parentheses;"),
    (
        "pk = :none",
        HASH,
        f"{INVALID}An expression attribute value used in expression is not defined; attribute value: :none",
    ),
    (
        "#x = :p",
        HASH,
        f"{INVALID}An expression attribute name used in the document path is not defined; attribute name: #x",
    ),
    (
        "pk = :none AND begins_with(sk, :one)",
        TEXT,
        f"{INVALID}An expression attribute value used in expression is not defined; attribute value: :none",
    ),
    ("begins_with(sk, :one) AND pk = :none", TEXT, f"{TYPE}begins_with, operand type: N"),
    ("pk = :p AND begins_with(sk, :one) AND sk > :s", TEXT, f"{TYPE}begins_with, operand type: N"),
    ("pk = :p AND begins_with(sk, :one)", NUMBER, f"{TYPE}begins_with, operand type: N"),
    ("pk = :p AND begins_with(sk, :true)", TEXT, f"{TYPE}begins_with, operand type: BOOL"),
    ("pk = :p AND begins_with(sk, :s)", NUMBER, SCHEMA),
    ("pk = :p AND sk < :true", NUMBER, f"{TYPE}<, operand type: BOOL"),
    ("pk = :p AND :true >= sk", NUMBER, f"{TYPE}>=, operand type: BOOL"),
    ("pk = :p AND sk BETWEEN :true AND :true", NUMBER, f"{TYPE}BETWEEN, operand type: BOOL"),
    ("pk = :p AND sk = :true", NUMBER, SCHEMA),
    ("pk = :one", HASH, SCHEMA),
    ("pk = :p AND sk = :one", TEXT, SCHEMA),
    ("a > b and size(b) > c or a > c", TEXT, "Invalid operator used in KeyConditionExpression: OR"),
    ("a in (b, size(c), d)", TEXT, "Invalid operator used in KeyConditionExpression: IN"),
    ("attribute_exists(a)", TEXT, "Invalid operator used in KeyConditionExpression: attribute_exists"),
    (
        "pk = :p AND attribute_not_exists(a)",
        TEXT,
        "Invalid operator used in KeyConditionExpression: attribute_not_exists",
    ),
    ("contains(a.d, b)", TEXT, "Invalid operator used in KeyConditionExpression: contains"),
    ("not a > b", TEXT, "Invalid operator used in KeyConditionExpression: NOT"),
    ("pk = :p AND a <> b", TEXT, "Invalid operator used in KeyConditionExpression: <>"),
    (
        ":p between size(b) and size(a)",
        TEXT,
        f"{CONDITION}BETWEEN operator must have the key attribute as its first operand",
    ),
    (
        "begins_with(:p, b) and a > :s",
        TEXT,
        f"{CONDITION}begins_with operator must have the key attribute as its first operand",
    ),
    ("size(b) > a AND a.b > b AND b > c", TEXT, "KeyConditionExpressions cannot contain nested operations"),
    ("a between size(b) and size(c)", TEXT, "KeyConditionExpressions cannot contain nested operations"),
    ("b > a.b", TEXT, f"{CONDITION}Multiple attribute names used in one condition"),
    ("b between c[1] and d", TEXT, f"{CONDITION}Multiple attribute names used in one condition"),
    ("begins_with(a, b)", TEXT, f"{CONDITION}Multiple attribute names used in one condition"),
    ("b.d > a AND c.d > e.f", TEXT, "KeyConditionExpressions cannot have conditions on nested attributes"),
    ("b[0] > :p", TEXT, "KeyConditionExpressions cannot have conditions on nested attributes"),
    (":s > :p AND a < :p", TEXT, f"{CONDITION}No key attribute specified"),
    (
        "pk = :p AND sk > :one AND sk < :two",
        NUMBER,
        f"{INVALID}KeyConditionExpressions must only contain one condition per key",
    ),
    (
        "pk = :p AND sk > :one AND extra = :two",
        NUMBER,
        "The number of query conditions (3) exceeds the number of key attributes defined in the schema (2)",
    ),
    ("sk = :s", TEXT, "Query condition missed key schema element: pk"),
    ("x = :s", HASH, "Query condition missed key schema element: pk"),
    ("pk = :p AND x = :s", TEXT, "Query condition missed key schema element: sk"),
    ("pk > :p", HASH, "Query key condition not supported"),
    ("begins_with(pk, :p)", HASH, "Query key condition not supported"),
    (
        "pk = :p AND sk BETWEEN :t AND :s",
        TEXT,
        (
            f"{INVALID}The BETWEEN operator requires upper bound to be greater than or equal to lower bound; lower "
            "bound operand: AttributeValue: {S:t}, upper bound operand: AttributeValue: {S:s}"
        ),
    ),
    ("pk = :blank", HASH, f"{EMPTY}pk"),
    ("pk = :p AND sk = :blank", TEXT, f"{EMPTY}sk"),
    (
        "pk = :longer",
        HASH,
        "One or more parameter values were invalid: Size of hashkey has exceeded the maximum size limit of2048 bytes",
    ),
    (
        "pk = :p AND sk = :long",
        TEXT,
        (
            "One or more parameter values were invalid: Aggregated size of all range keys has exceeded the size limit "
            "of 1024 bytes"
        ),
    ),
]


@pytest.mark.parametrize(("text", "schema", "message"), MESSAGES)
def test_other_conditions_are_refused_in_awss_words(text: str, schema: KeySchema, message: str) -> None:
    with pytest.raises(ValidationException) as refused:
        compiled(text, schema)
    assert refused.value.message == message

"""PartiQL's grammar as tables, with AWS's messages (recorded against the real service by conformance suites)."""

import contextlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambent.services.dynamodb.errors import ValidationException
from lambent.services.dynamodb.expressions.tree import And, Comparison, Not, Or, PathNode, ValueNode
from lambent.services.dynamodb.keys import KeySchema
from lambent.services.dynamodb.partiql import page_tokens
from lambent.services.dynamodb.partiql.key_terms import condition_of, conjuncts
from lambent.services.dynamodb.partiql.page_tokens import LIFETIME_MS, Start
from lambent.services.dynamodb.partiql.parser import parse_statement
from lambent.services.dynamodb.partiql.plans import MAX_BRANCHES, plan_select
from lambent.services.dynamodb.partiql.templates import check_parameters, fill_item, placeholders_of
from lambent.services.dynamodb.partiql.tree import Insert, Select, Update
from lambent.services.dynamodb.values import Item
from lambent.wire.errors import ServiceError

NOT_WELL_FORMED = "Statement wasn't well formed, can't be processed: "
LEFTOVER = f"{NOT_WELL_FORMED}Unexpected token after expression"
TERM = f"{NOT_WELL_FORMED}Unexpected term"
KEYWORD = f"{NOT_WELL_FORMED}Unexpected keyword"
OPERATOR = f"{NOT_WELL_FORMED}Unexpected operator"
NO_RIGHT_SIDE = f"{NOT_WELL_FORMED}Missing right-hand side expression of infix operator"
NO_TABLE = f"{NOT_WELL_FORMED}Expected identifier for simple path"
NO_STATEMENT = f"{NOT_WELL_FORMED}Expected data manipulation"
ALIAS = "Aliasing is not supported"
OVERFLOW = "Number overflow. Attempting to store a number with magnitude larger than supported range"
UNDERFLOW = "Number underflow. Attempting to store a number with magnitude smaller than supported range"
DIGITS = "Attempting to store more than 38 significant digits in a Number"
IN = (
    "IN operator must have a left hand argument of type Variable Reference "
    "and right hand argument of type Seq with at least one member"
)
RETURNING_DELETE = "Only RETURNING ALL OLD * is allowed in DELETE statements."

SCHEMA = KeySchema("pk", "S", "sk", "N")


@pytest.mark.parametrize(
    ("statement", "message"),
    [
        ("", NO_STATEMENT),
        ("GRANT ALL", NO_STATEMENT),
        ("SELECT * FROM t WHERE pk = 1 foo", LEFTOVER),
        ("SELECT * FROM t WHERE pk = 1 e5", LEFTOVER),
        ("SELECT * FROM t WHERE pk = 1)", LEFTOVER),
        ("SELECT * FROM t; SELECT * FROM t", LEFTOVER),
        ("SELECT * FROM t ORDER BY pk WHERE pk = 1", LEFTOVER),
        ("INSERT INTO t VALUE {'pk': 1} foo", LEFTOVER),
        ("INSERT INTO t x VALUE {'pk': 1}", LEFTOVER),
        ("UPDATE t SET a = 9 WHERE pk = 1 foo", LEFTOVER),
        ("DELETE FROM t WHERE pk = 1 foo", LEFTOVER),
        ("DELETE FROM t WHERE pk = 1 ORDER BY pk", LEFTOVER),
        ("FROM t SET c = 1 WHERE pk = 'x' SET d = 2", LEFTOVER),
        ("SELECT * FROM t WHERE pk = 1e2147483648", NOT_WELL_FORMED),
        ("SELECT * FROM t WHERE pk = 1e99999999999", NOT_WELL_FORMED),
        ("SELECT * FROM t WHERE pk = 1.5e-2147483647", NOT_WELL_FORMED),
        ("SELECT * FROM t WHERE pk = 1 # note", NOT_WELL_FORMED),
        ("SELECT * FROM t WHERE pk = 1 /* note", NOT_WELL_FORMED),
        ("SELECT * FROM t WHERE pk = 'open", NOT_WELL_FORMED),
        ("SELECT * FROM t WHERE " + "(" * 200, NOT_WELL_FORMED),
        ("SELECT * FROM t WHERE a = " + "[" * 200, NOT_WELL_FORMED),
        ("SELECT * FROM t WHERE " + "NOT " * 200, NOT_WELL_FORMED),
        ("SELECT * FROM t x WHERE pk = 'x'", ALIAS),
        ("SELECT * FROM t AS x WHERE pk = 'x'", ALIAS),
        ("SELECT pk AS x FROM t", ALIAS),
        ("UPDATE t x SET a = 3 WHERE pk = 'x'", ALIAS),
        ("DELETE FROM t x WHERE pk = 'x'", ALIAS),
        ("UPDATE Payment-live SET a = 1 WHERE pk = 'x'", NO_STATEMENT),
        ("SELECT * FROM t WHERE pk = 1e126", f"{OVERFLOW} under root"),
        ("SELECT * FROM t WHERE pk = 1e-131", f"{UNDERFLOW} under root"),
        ("SELECT * FROM t WHERE pk = 123456789012345678901234567890123456789", f"{DIGITS} under root"),
        ("INSERT INTO t VALUE {'pk': 1e126}", f"{OVERFLOW} under root"),
        ("INSERT INTO t VALUE {'pk': 1, 'm': {'x': 1e126}}", f"{OVERFLOW} under root.x"),
        ("INSERT INTO t VALUE {'pk': 1, 'l': [1, 1e126]}", f"{OVERFLOW} under root[1]"),
        ("INSERT INTO t VALUE {'pk': 1, 'pk': 2}", "Duplicate keys in tuple. Key: pk under root"),
        ("INSERT INTO t VALUE {'pk': << >>}", "Empty bags are not supported"),
        ("INSERT INTO t VALUE {'pk': 1} RETURNING ALL OLD *", "RETURNING is not supported in INSERT"),
        ("UPDATE t SET a = 1e-131 WHERE pk = 1", f"{UNDERFLOW} under root"),
        ("SELECT * FROM t WHERE", TERM),
        ("SELECT * FROM t WHERE;", TERM),
        ("UPDATE t SET a = 1 WHERE", TERM),
        ("DELETE FROM t WHERE   ", TERM),
        ("SELECT * FROM t WHERE NOT", TERM),
        ("SELECT * FROM t WHERE (", TERM),
        ("SELECT * FROM", TERM),
        ("SELECT * FROM t WHERE pk = 'p1' AND", NO_RIGHT_SIDE),
        ("SELECT * FROM t WHERE pk = 'p1' OR", NO_RIGHT_SIDE),
        ("SELECT * FROM t WHERE ORDER BY pk", KEYWORD),
        ("INSERT INTO urls (key, target) VALUES (?, ?)", TERM),
        ("SELECT * FROM t WHERE key = 1", KEYWORD),
        ("SELECT * FROM t WHERE pk = 'a' AND x IS FOO", f"{NOT_WELL_FORMED}Expected type name"),
        ("SELECT * FROM t WHERE IS NULL", OPERATOR),
        ("SELECT * FROM t WHERE pk = LIKE", OPERATOR),
        ("DELETE FROM", NO_TABLE),
        ("DELETE FROM;", NO_TABLE),
        ("DELETE FROM WHERE pk = 'a'", NO_TABLE),
        ("SELECT * FROM a.b.c", "A path may contain at most 2 components in the FROM clause"),
        ("SELECT * FROM a, b", "Only select from a single table or index is supported."),
        ("SELECT a, * FROM t", "Other attributes should not be present in the projection when '*' is used."),
        ("SELECT *, a FROM t", "Other attributes should not be present in the projection when '*' is used."),
        ("SELECT a, b.a FROM t", "Duplicate identifiers in select clause: a"),
        ("SELECT a[*].b FROM t", "Wildcard path component like a[*].b are not supported"),
        ("SELECT a.*.b FROM t", "Unpivot path component like a.*.b are not supported"),
        ("SELECT VALUE a FROM t", "Select projection doesn't support value or pivot keywords"),
        ('DELETE FROM t."i" WHERE pk = 1', "This operation is not supported on an index"),
        ("SELECT * FROM t WHERE a IN []", IN),
        ("SELECT * FROM t WHERE 'x' IN ['x']", IN),
        ("SELECT * FROM t WHERE a IN b", IN),
        ("SELECT * FROM t WHERE a = MISSING", "MISSING must be compared using IS operator"),
        ("SELECT * FROM t WHERE a", "WHERE clause must contain an expression that resolves to a boolean"),
        ("SELECT * FROM t WHERE size(a)", "WHERE clause must contain an expression that resolves to a boolean"),
        ("SELECT * FROM t WHERE upper(a) = 'A'", "Unrecognized function: upper"),
        ("SELECT * FROM t WHERE shout(a) = 'A'", "Unrecognized function: shout"),
        (
            "SELECT * FROM t WHERE a IS INT4",
            (
                "Unsupported data type for IS operator: INT4. "
                "Supported data types are [MISSING, NULL, BOOLEAN, BLOB, STRING, NUMERIC, STRUCT, TUPLE, LIST]"
            ),
        ),
        (
            "DELETE FROM t WHERE pk = 'x' RETURNING MODIFIED NEW *",
            f"Invalid returning clause: RETURNING MODIFIED NEW *. {RETURNING_DELETE}",
        ),
        (
            "DELETE FROM t WHERE pk = 'x' RETURNING ALL OLD a",
            "Expected '*' after ( MODIFIED | ALL ) ( NEW | OLD ) in RETURNING clause",
        ),
        ("UPDATE t SET a = set_add(b, <<1>>)", "The first argument to SET_ADD must equal the assignment value"),
        ("UPDATE t SET a = set_add(a)", "SET_ADD must have exactly two arguments"),
        ("UPDATE t SET a = set_delete(a, b)", "The second argument to SET_DELETE must be a value with type SET"),
        (
            "INSERT INTO t VALUES ({'pk': 1})",
            (
                "Unsupported operation: Inserting multiple items in a single statement is not supported, "
                'use "INSERT INTO tableName VALUE item" instead'
            ),
        ),
        (
            "INSERT INTO t VALUE ?",
            (
                "Unsupported format in item expression. "
                "Please use struct format {...} to express item values for insert statement."
            ),
        ),
    ],
)
def test_refused(statement: str, message: str) -> None:
    with pytest.raises(ValidationException) as caught:
        parse_statement(statement)
    assert caught.value.message == message


@pytest.mark.parametrize(
    "statement",
    [
        "select * from t",
        'SELECT "select", year, "a""b" FROM "t-1"',
        "SELECT * FROM t WHERE a IS NOT MISSING AND (b = 1 OR NOT c <> 2) ORDER BY pk ASC, sk DESC;",
        "SELECT * FROM t WHERE ((a = 1))",
        "SELECT * FROM t WHERE a BETWEEN 1 AND 2 AND b BETWEEN ? AND ?",
        "UPDATE t SET a.b[0].c = -1 REMOVE d, e SET f = g WHERE pk = 'x' RETURNING ALL NEW *",
        "EXISTS (SELECT * FROM t WHERE pk = 'x' AND a = 1)",
        "-- first\nDELETE /* second\n */ FROM t WHERE pk = ?",
    ],
)
def test_accepted(statement: str) -> None:
    parse_statement(statement)


def test_and_binds_closer_than_or() -> None:
    body = parse_statement("SELECT * FROM t WHERE a = 1 OR b = 2 AND NOT c = 3").body
    assert isinstance(body, Select)
    assert isinstance(body.where, Or)
    first, second = body.where.terms
    assert isinstance(first, Comparison)
    assert isinstance(second, And)
    assert isinstance(second.terms[1], Not)


def test_names_keep_their_case_and_keywords_have_none() -> None:
    body = parse_statement("update T set \"SET\" = Old.Path['Key'][2] where PK = ?").body
    assert isinstance(body, Update)
    assert body.source.table == "T"
    (action,) = body.actions
    assert action.path == PathNode(("SET",), has_placeholders=False)
    assert body.where == Comparison("=", PathNode(("PK",), has_placeholders=False), ValueNode(":0"))


def test_parameters_count_from_left_to_right() -> None:
    statement = parse_statement("INSERT INTO t VALUE {'pk': ?, 'l': [?, {'m': ?}], 's': <<?, ?>>, 'q': '?'}")
    assert statement.parameters == 5
    assert isinstance(statement.body, Insert)
    parameters: list[Any] = [{"S": "a"}, {"N": "1.0"}, {"NULL": True}, {"B": "AA=="}, {"B": "AQ=="}]
    assert fill_item(statement.body.item, check_parameters(statement, parameters)) == {
        "pk": {"S": "a"},
        "l": {"L": [{"N": "1"}, {"M": {"m": {"NULL": True}}}]},
        "s": {"BS": ["AA==", "AQ=="]},
        "q": {"S": "?"},
    }


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ("1, 'a'", "Unexpected data type S in Number Set under key root"),
        ("true", "Unsupported data type in Bag. DynamoDB only supports either numbers or strings in bags"),
        ("1, 1.0", "Input collection contains duplicates"),
    ],
)
def test_unfit_sets(members: str, message: str) -> None:
    statement = parse_statement(f"INSERT INTO t VALUE {{'s': <<{members}>>}}")
    assert isinstance(statement.body, Insert)
    with pytest.raises(ValidationException) as caught:
        fill_item(statement.body.item, [])
    assert caught.value.message == message


def matches(where: str, item: Item) -> bool:
    statement = parse_statement(f"SELECT * FROM t WHERE {where}")
    assert isinstance(statement.body, Select)
    condition = condition_of(conjuncts(statement.body.where), placeholders_of(statement, []))
    assert condition is not None
    return condition.matches(item)


ITEM: Item = {"s": {"S": "abc"}, "n": {"N": "5"}, "l": {"L": [{"N": "1"}]}, "none": {"NULL": True}, "b": {"BOOL": True}}


@pytest.mark.parametrize(
    ("where", "holds"),
    [
        ("n = 5.0", True),
        ("n != 5", False),
        ("s <> 'x'", True),
        ("absent <> 'x'", True),
        ("n > 4 AND n < 6", True),
        ("6 > n", True),
        ("n IN [1, 5]", True),
        ("n NOT IN [1, 5]", False),
        ("n NOT BETWEEN 6 AND 7", True),
        ("none IS NULL", True),
        ("none = null", True),
        ("n IS NOT NULL", True),
        ("absent IS MISSING", True),
        ("absent IS NULL", False),
        ("n IS NUMERIC AND s IS STRING AND l IS LIST AND b IS BOOL", True),
        ("s IS STRUCT", False),
        ("l = [1]", True),
        ("l[0] = 1", True),
        ("b = true", True),
        ("begins_with(s, 'ab')", True),
        ("NOT contains(s, 'bc')", False),
        ("contains(l, 1)", True),
        ("SIZE(s) = 3", True),
        ("size(l) >= 1", True),
        ("attribute_type(s, 'S')", True),
        ("attribute_exists(s) AND attribute_not_exists(absent)", True),
        ("n = 1 OR n = 5 AND s = 'abc'", True),
    ],
)
def test_conditions(where: str, holds: bool) -> None:
    assert matches(where, ITEM) is holds


def planned(where: str) -> list[tuple[str | None, int]]:
    """Partitions in order, with how many filters are left."""
    statement = parse_statement(f"SELECT * FROM t WHERE {where}")
    assert isinstance(statement.body, Select)
    plan = plan_select(statement.body, SCHEMA, placeholders_of(statement, []))
    return [(branch.partition["S"] if branch.partition else None, len(branch.filters)) for branch in plan.branches]


@pytest.mark.parametrize(
    ("where", "plan"),
    [
        ("pk = 'a'", [("a", 0)]),
        ("pk = 'a' AND sk = 1", [("a", 0)]),
        ("pk = 'a' AND sk > 1 AND 5 > sk AND x = 1", [("a", 1)]),
        ("pk = 'a' AND sk <> 1", [("a", 1)]),
        ("pk = 'a' AND pk = 'b'", [("a", 1)]),
        ("pk IN ['a', 'b'] AND sk = 1", [("a", 0), ("b", 0)]),
        ("pk = 'a' OR pk = 'b' AND x = 1", [("a", 0), ("b", 1)]),
        ("(pk = 'a' OR pk = 'b') AND x = 1", [("a", 1), ("b", 1)]),
        ("pk = 'a' AND sk < 3 OR pk = 'a' AND sk >= 3", [("a", 0), ("a", 0)]),
        ("pk = 'a' AND sk <> 3 OR pk = 'a' AND sk = 3", [(None, 1)]),
        ("pk = 'a' OR x = 1", [(None, 1)]),
        ("pk > 'a' AND x = 1", [(None, 2)]),
        ("NOT pk = 'a'", [(None, 1)]),
        ("pk = x", [(None, 1)]),
        ("a.pk = 'a'", [(None, 1)]),
    ],
)
def test_plans(where: str, plan: list[tuple[str | None, int]]) -> None:
    assert planned(where) == plan


def test_too_many_partitions() -> None:
    options = ", ".join(f"'{number}'" for number in range(MAX_BRANCHES + 1))
    with pytest.raises(ValidationException, match="Too many decomposed read operations"):
        planned(f"pk IN [{options}]")


DIGEST = page_tokens.digest_of("SELECT * FROM t", [])


def test_page_token_comes_back() -> None:
    start = Start(3, {"pk": {"S": "k"}})
    token = page_tokens.write_token(start, DIGEST, now_ms=1_000)
    assert page_tokens.read_token(token, DIGEST, now_ms=1_000 + LIFETIME_MS) == start
    with pytest.raises(ValidationException, match="Given NextToken has already expired"):
        page_tokens.read_token(token, DIGEST, now_ms=1_001 + LIFETIME_MS)
    other = page_tokens.digest_of("SELECT * FROM t", [{"S": "x"}])
    with pytest.raises(ValidationException, match="NextToken does not match request"):
        page_tokens.read_token(token, other, now_ms=1_000)


WORDS = """
    SELECT * FROM t WHERE pk = ? AND OR NOT ( ) [ ] { } << >> , . : ; 'x' "y" 1 -1 1e5 <> < >= IN BETWEEN IS MISSING
    NULL true INSERT INTO VALUE UPDATE SET REMOVE DELETE RETURNING ALL OLD EXISTS ORDER BY DESC size begins_with a
    list_append set_add + - # /* --
"""
TEXTS = st.one_of(st.text(), st.lists(st.sampled_from(WORDS.split()), max_size=30).map(" ".join))


@given(TEXTS)
def test_whatever_the_text_a_refusal_is_the_worst(text: str) -> None:
    with contextlib.suppress(ServiceError):
        statement = parse_statement(text)
        parameters = check_parameters(statement, [{"S": "x"}] * statement.parameters)
        placeholders = placeholders_of(statement, parameters)
        if isinstance(statement.body, Select):
            plan = plan_select(statement.body, SCHEMA, placeholders)
            for branch in plan.branches:
                condition_of(branch.filters, placeholders)

"""Condition and filter expressions (Developer Guide, "Condition and filter expressions, operators, and functions").

AWS's sentences and their precedence: captured from AWS by the test suites of github.com/architect/dynalite
(test/scan.js), github.com/scylladb/scylladb (test/alternator) and github.com/paritysuite/dynamodb-conformance.
"""

from typing import Any

import pytest

from lambent.services.dynamodb.errors import ValidationException
from lambent.services.dynamodb.expressions.conditions import check_filter, compile_condition
from lambent.services.dynamodb.expressions.placeholders import Placeholders

ITEM: dict[str, Any] = {
    "pk": {"S": "key"},
    "s": {"S": "Hello"},
    "n": {"N": "7"},
    "big": {"N": "12345678901234567890123456789012345678"},
    "b": {"B": "AQID"},
    "yes": {"BOOL": True},
    "nil": {"NULL": True},
    "tags": {"SS": ["red", "blue"]},
    "nums": {"NS": ["1", "2.5"]},
    "bins": {"BS": ["AQ==", "Ag=="]},
    "list1": {"L": [{"S": "x"}, {"N": "3"}, {"M": {"deep": {"S": "er"}}}]},
    "doc": {"M": {"a": {"N": "1"}, "tags": {"SS": ["b", "a"]}}},
    "blank": {"S": ""},
    "unicode": {"S": "é𝄞"},
}

VALUES: dict[str, Any] = {
    ":hello": {"S": "Hello"},
    ":he": {"S": "He"},
    ":x": {"S": "x"},
    ":red": {"S": "red"},
    ":six": {"N": "6"},
    ":seven": {"N": "7"},
    ":eight": {"N": "8"},
    ":two": {"N": "2.50"},
    ":five": {"N": "5"},
    ":three": {"N": "3"},
    ":one": {"N": "1"},
    ":zero": {"N": "0"},
    ":bytes": {"B": "AQI="},
    ":all": {"B": "AQID"},
    ":byte": {"B": "AQ=="},
    ":true": {"BOOL": True},
    ":null": {"NULL": True},
    ":set": {"SS": ["blue", "red"]},
    ":doc": {"M": {"tags": {"SS": ["a", "b"]}, "a": {"N": "1"}}},
    ":S": {"S": "S"},
    ":N": {"S": "N"},
    ":SS": {"S": "SS"},
    ":L": {"S": "L"},
    ":M": {"S": "M"},
    ":B": {"S": "B"},
    ":NULL": {"S": "NULL"},
    ":BOOL": {"S": "BOOL"},
    ":same": {"N": "12345678901234567890123456789012345678"},
    ":next": {"N": "12345678901234567890123456789012345679"},
}

HOLDS = [
    ("s = :hello", True),
    ("s <> :hello", False),
    (":hello = s", True),
    ("s = :seven", False),
    ("s <> :seven", True),
    ("absent = :hello", False),
    ("absent <> :hello", True),
    ("absent = gone", False),
    ("absent <> gone", True),
    ("absent < gone", False),
    ("absent BETWEEN gone AND lost", False),
    ("n < :eight", True),
    ("n < :seven", False),
    ("n <= :seven", True),
    ("n > :six", True),
    ("n >= :seven", True),
    ("n > :seven", False),
    (":six < n", True),
    ("n < :hello", False),
    ("big < :next", True),
    ("big = :same", True),
    ("yes < n", False),
    ("list1 < :six", False),
    ("b < :all", False),
    ("b = :all", True),
    ("tags = :set", True),
    ("doc = :doc", True),
    ("yes = :true", True),
    ("nil = :null", True),
    ("n BETWEEN :six AND :eight", True),
    ("n between :seven and :seven", True),
    ("n BETWEEN :eight AND :eight", False),
    ("s BETWEEN :he AND :hello", True),
    ("n IN (:six, :seven)", True),
    ("n in (:six, :eight)", False),
    ("n IN (s, (n2), :seven)", True),
    ("attribute_exists(pk)", True),
    ("attribute_exists(doc.a)", True),
    ("attribute_exists(doc.z)", False),
    ("attribute_exists(doc[0])", False),
    ("attribute_exists(list1[2].deep)", True),
    ("attribute_exists(list1[3])", False),
    ("attribute_exists(list1.x)", False),
    ("attribute_not_exists(absent)", True),
    ("attribute_not_exists(pk)", False),
    ("attribute_type(s, :S)", True),
    ("attribute_type(s, :N)", False),
    ("attribute_type(tags, :SS)", True),
    ("attribute_type(list1, :L)", True),
    ("attribute_type(doc, :M)", True),
    ("attribute_type(b, :B)", True),
    ("attribute_type(nil, :NULL)", True),
    ("attribute_type(yes, :BOOL)", True),
    ("attribute_type(absent, :S)", False),
    ("begins_with(s, :he)", True),
    ("begins_with(s, :x)", False),
    ("begins_with(b, :bytes)", True),
    ("begins_with(n, :he)", False),
    ("begins_with(absent, :he)", False),
    ("begins_with(:hello, s)", True),
    ("contains(s, :x)", False),
    ("contains(s, :he)", True),
    ("contains(b, :bytes)", True),
    ("contains(tags, :red)", True),
    ("contains(tags, :x)", False),
    ("contains(tags, :seven)", False),
    ("contains(nums, :two)", True),
    ("contains(bins, :byte)", True),
    ("contains(list1, :x)", True),
    ("contains(list1, :three)", True),
    ("contains(list1, :red)", False),
    ("contains(doc, :x)", False),
    ("contains(:set, s)", False),
    ("size(s) = :five", True),
    ("size(b) = :three", True),
    ("size(unicode) = :three", True),
    ("size(tags) < :three", True),
    ("size(list1) >= :three", True),
    ("size(doc) > :one", True),
    ("size(blank) = :zero", True),
    ("size(n) > :zero", False),
    ("size(absent) > :zero", False),
    ("size(s) IN (:five)", True),
    (":three < size(s)", True),
    ("NOT s = :hello", False),
    ("NOT NOT s = :hello", True),
    ("NOT (s = :hello AND n = :six)", True),
    ("s = :x OR n = :seven AND yes = :true", True),
    ("(s = :x OR n = :seven) AND yes <> :true", False),
    ("NOT s = :x AND n = :seven", True),
    ("nOt s = :x aNd (n) = (:seven)", True),
    ("(s) = (:hello)", True),
    ("(doc.a) = :one", True),
    ("(doc).a = :one", True),
    ("s=:hello AND n=:seven OR s=:x", True),
    ("  s  =\n:hello\t", True),
    ("(size(s)) = :five", True),
    ("(attribute_exists(pk))", True),
    ("(s = :hello) AND (n = :seven)", True),
    ("((s = :hello) AND (n = :seven))", True),
]


def compiled(text: str, values: dict[str, Any] | None = None, names: dict[str, str] | None = None) -> Any:
    return compile_condition(text, Placeholders(names, values), parameter="FilterExpression")


@pytest.mark.parametrize(("text", "holds"), HOLDS)
def test_conditions_hold_or_not(text: str, holds: bool) -> None:
    assert compiled(text, VALUES).matches(ITEM) is holds


def test_an_item_that_does_not_exist_lacks_every_attribute() -> None:
    assert compiled("attribute_not_exists(pk)").matches({})
    assert not compiled("attribute_exists(pk)").matches({})


def test_a_condition_knows_the_attributes_it_looks_at() -> None:
    condition = compiled(
        "size(#a.b[0]) > :n AND (c = d OR contains(e, f)) AND NOT g IN (h, i)", {":n": {"N": "1"}}, {"#a": "x.y"}
    )
    assert condition.attributes == {"x.y", "c", "d", "e", "f", "g", "h", "i"}
    with pytest.raises(ValidationException) as refused:
        check_filter(condition, ("pk", "c"))
    assert refused.value.message == (
        "Filter Expression can only contain non-primary key attributes: Primary key attribute: c"
    )
    check_filter(condition, ("pk", "sk"))


def _type(function: str, kind: str) -> str:
    return f"Incorrect operand type for operator or function; operator or function: {function}, operand type: {kind}"


def _count(function: str, count: int) -> str:
    return (
        "Incorrect number of operands for operator or function; "
        f"operator or function: {function}, number of operands: {count}"
    )


def _same(operator: str, path: str) -> str:
    return (
        "The first operand must be distinct from the remaining operands for this operator or function; "
        f"operator: {operator}, first operand: {path}"
    )


REDUNDANT = "The expression has redundant parentheses;"
MISUSED = "The function is not allowed to be used this way in an expression; function: "
NO_NAME = "An expression attribute name used in the document path is not defined; attribute name: "
NO_VALUE = "An expression attribute value used in expression is not defined; attribute value: "
RESERVED = "Attribute name is a reserved keyword; reserved keyword: "

MESSAGES: list[tuple[str, str]] = [
    ("", "The expression can not be empty;"),
    ("things are not gonna be ok", 'Syntax error; token: "are", near: "things are not"'),
    ("a > 4", 'Syntax error; token: "4", near: "> 4"'),
    ("a", 'Syntax error; token: "<EOF>", near: "a"'),
    ("a = ", 'Syntax error; token: "<EOF>", near: "="'),
    ("(a = b", 'Syntax error; token: "<EOF>", near: "b"'),
    ("a = b)", 'Syntax error; token: ")", near: "b)"'),
    ("a and b = c", 'Syntax error; token: "and", near: "a and b"'),
    ("attribute_exists(Pictures-RearView)", 'Syntax error; token: "-", near: "Pictures-RearView"'),
    ('attribute_exists("Pictures.RearView")', 'Syntax error; token: """, near: "("Pictures"'),
    ("attribute_exists(Pictures..RearView)", 'Syntax error; token: ".", near: "..RearView"'),
    ("attribute_exists(asdf[a])", 'Syntax error; token: "a", near: "[a]"'),
    ("a in b, c", 'Syntax error; token: "b", near: "in b,"'),
    ("a in (b,c,)", 'Syntax error; token: ")", near: ",)"'),
    ("a > between", 'Syntax error; token: "between", near: "> between"'),
    ("(a)between(b.(c.d))and(c)", 'Syntax error; token: "(", near: ".(c"'),
    ("(a)between(b.c.d)and((c)", 'Syntax error; token: "<EOF>", near: ")"'),
    ("#$.b > a", 'Syntax error; token: "#", near: "#$"'),
    ("a > :things.stuff", 'Syntax error; token: ".", near: ":things.stuff"'),
    ("b[:a] > a", 'Syntax error; token: ":a", near: "[:a]"'),
    ("b[#_] > a", 'Syntax error; token: "#_", near: "[#_]"'),
    ("ü > a", 'Syntax error; token: "ü", near: "ü >"'),
    ("(a)between(b.c[4.5].#d)and(:a)", 'Syntax error; token: ".", near: "4.5"'),
    ("size(a).b > a", 'Syntax error; token: ".", near: ").b"'),
    ("(size(a)).b > a", 'Syntax error; token: ".", near: ").b"'),
    ("size(a)[0] > a", 'Syntax error; token: "[", near: ")[0"'),
    ("a != b", 'Syntax error; token: "!", near: "a !="'),
    ("a=b and a > ((views))", REDUNDANT),
    ("(a)between(((b.c)).d)and(c)", REDUNDANT),
    ("a > whatever((:things), ((a)))", REDUNDANT),
    ("a=b AND ((a=b AND a=b)) AND a=b", REDUNDANT),
    ("a=b OR ((a=b OR (a=b OR a=b)))", REDUNDANT),
    ("((attribute_not_exists(pk)))", REDUNDANT),
    ("a=b and whatever((:things)) > a", "Invalid function name; function: whatever"),
    ("attRIbute_exIsts((views), #a)", "Invalid function name; function: attRIbute_exIsts"),
    ("a=b and attribute_exists((views), (#a)) > b", f"{MISUSED}attribute_exists"),
    ("attribute_type(things, :a) > b", f"{MISUSED}attribute_type"),
    ("size(contains(a, b)) > a", f"{MISUSED}contains"),
    ("size(things)", f"{MISUSED}size"),
    ("NOT size(things)", f"{MISUSED}size"),
    ("a between b and attribute_exists(things)", f"{MISUSED}attribute_exists"),
    ("a in (b, attribute_exists(things))", f"{MISUSED}attribute_exists"),
    ("contains(attribute_exists(a), b)", f"{MISUSED}attribute_exists"),
    ("attribute_exists(views, #a)", f"{RESERVED}views"),
    (":a < abOrT", f"{RESERVED}abOrT"),
    ("a.b.Zone = c", f"{RESERVED}Zone"),
    ("attribute_exists(#Pictures.RearView, :a) and a=a", f"{NO_NAME}#Pictures"),
    ("begins_with(Pictures.#RearView)", f"{NO_NAME}#RearView"),
    ("(#P between :lo and :hi) and (#PC in (:cat1, :cat2))", f"{NO_NAME}#P"),
    ("#4g > a", f"{NO_NAME}#4g"),
    ("begins_with(:hello, #a, #b)", f"{NO_VALUE}:hello"),
    (":a < :b", f"{NO_VALUE}:a"),
    ("attribute_exists(things, a) and a=a", _count("attribute_exists", 2)),
    ("attribute_not_exists(things, b)", _count("attribute_not_exists", 2)),
    ("attribute_type(things)", _count("attribute_type", 1)),
    ("begins_with(things, size(a), b)", _count("begins_with", 3)),
    ("contains(things)", _count("contains", 1)),
    ("size(things, a) > b", _count("size", 2)),
    ("attribute_type(a, size(a)) and a=a", _type("attribute_type", "N")),
    ("attribute_type(a, b)", _type("attribute_type", "{NS,SS,L,BS,N,M,B,BOOL,NULL,S}")),
    ("begins_with(a, size(a))", _type("begins_with", "N")),
    ("size(size(a)) > b", _type("size", "N")),
    ("a = a AND b > :views", _same("=", "[a]")),
    ("b = c AND a <> a", _same("<>", "[a]")),
    ("contains(ab.bc[1].a, ab.bc[1].a)", _same("contains", "[ab, bc, [1], a]")),
    ("begins_with(a, a)", _same("begins_with", "[a]")),
    ("a[1234567890] = b", "List index is not within the allowable range; index: [1234567890]"),
    (f"a{'.b' * 32} = c", "The document path has too many nesting elements; nesting level: 33"),
    ("a" * 4097, "Expression size has exceeded the maximum allowed size; expression size: 4097"),
    ("a<b" + " or a<b" * 150, "The expression contains too many operators; operator count: 301"),
    ("not " * 400 + "a<b", "The expression contains too many operators; operator count: 301"),
    ("a < " + "f(" * 1000 + "b" + ")" * 1000, "Invalid function name; function: f"),
    (
        f"a IN ({', '.join(['b'] * 101)})",
        "The IN operator is provided with too many operands; number of operands: 101",
    ),
]

NUMBER: dict[str, Any] = {"N": "1"}
BYTES: dict[str, Any] = {"B": "YQ=="}
OTHERS: list[dict[str, Any]] = [
    {"BOOL": True},
    {"NULL": True},
    {"L": []},
    {"M": {}},
    {"SS": ["1"]},
    {"NS": ["1"]},
    {"BS": ["YQ=="]},
]

TYPED: list[tuple[str, dict[str, Any], str]] = [
    *(
        ("attribute_type(a, :a)", value, _type("attribute_type", next(iter(value))))
        for value in (NUMBER, BYTES, *OTHERS)
    ),
    *(
        (text, value, _type("begins_with", next(iter(value))))
        for text in ("begins_with(a, :a)", "begins_with(:a, a)")
        for value in (NUMBER, *OTHERS)
    ),
    *(("size(:a) > a", value, _type("size", next(iter(value)))) for value in (NUMBER, *OTHERS[:2])),
    *(
        (text, value, _type(operator, next(iter(value))))
        for text, operator in (("a < :a", "<"), (":a >= a", ">="), ("a BETWEEN :a AND b", "BETWEEN"))
        for value in OTHERS
    ),
    (
        "attribute_type(a, :a)",
        {"S": "1"},
        "Invalid attribute type name found; type: 1, valid types: {B,NULL,SS,BOOL,L,BS,N,NS,S,M}",
    ),
    (
        "attribute_exists(:a)",
        {"S": "1"},
        "Operator or function requires a document path; operator or function: attribute_exists",
    ),
    (
        "attribute_not_exists(size(:a))",
        {"S": "1"},
        "Operator or function requires a document path; operator or function: attribute_not_exists",
    ),
]


@pytest.mark.parametrize(("text", "message"), MESSAGES, ids=lambda text: text[:40])
def test_wrong_expressions_are_refused_in_awss_words(text: str, message: str) -> None:
    with pytest.raises(ValidationException) as refused:
        compiled(text)
    assert refused.value.message == f"Invalid FilterExpression: {message}"


@pytest.mark.parametrize(("text", "value", "message"), TYPED)
def test_constants_of_the_wrong_type_are_refused(text: str, value: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationException) as refused:
        compiled(text, {":a": value})
    assert refused.value.message == f"Invalid FilterExpression: {message}"


@pytest.mark.parametrize(
    ("lower", "upper", "message"),
    [
        (
            {"N": "1"},
            {"S": "a"},
            (
                "The BETWEEN operator requires same data type for lower and upper bounds; lower bound operand: "
                "AttributeValue: {N:1}, upper bound operand: AttributeValue: {S:a}"
            ),
        ),
        (
            {"S": "b"},
            {"S": "a"},
            (
                "The BETWEEN operator requires upper bound to be greater than or equal to lower bound; lower bound "
                "operand: AttributeValue: {S:b}, upper bound operand: AttributeValue: {S:a}"
            ),
        ),
    ],
)
def test_bounds_must_be_of_one_type_and_in_order(lower: Any, upper: Any, message: str) -> None:
    with pytest.raises(ValidationException) as refused:
        compiled("a BETWEEN :l AND :u", {":l": lower, ":u": upper})
    assert refused.value.message == f"Invalid FilterExpression: {message}"


def test_the_parameter_opens_the_sentence() -> None:
    with pytest.raises(ValidationException, match=r"^Invalid ConditionExpression: The expression can not be empty;$"):
        compile_condition("", Placeholders())


def test_the_limits_themselves_are_within() -> None:
    assert compiled("a<b" + " or a<b" * 149).matches({}) is False
    assert compiled("not " * 299 + "a<b").matches({}) is True
    assert compiled(f"a IN ({', '.join(['b'] * 100)})").matches({}) is False
    assert compiled(f"attribute_exists({'a' * (4096 - len('attribute_exists()'))})").matches({}) is False
    assert compiled("a<b " + "or (a<b " * 149 + ")" * 149).matches({}) is False
    assert compiled("not (" * 149 + "a<b" + ")" * 149).matches({}) is True

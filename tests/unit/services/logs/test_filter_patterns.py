"""Filter patterns as AWS documents them (CloudWatch Logs User Guide, "Filter pattern syntax")."""

import json
import re
import time
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from lambent.services.logs.errors import InvalidParameter
from lambent.services.logs.field_patterns import split_fields
from lambent.services.logs.filter_patterns import compile_message_filter, compile_pattern
from lambent.services.logs.pattern_regexes import compile_regex
from lambent.services.logs.pattern_text import InvalidPattern

TERMS = [
    ("", "anything", True),
    ("   ", "", True),
    ("ERROR", "[ERROR 400] BAD REQUEST", True),
    ("ERROR", "[error 400]", False),
    ("ERROR", "Exiting with ERRORCODE: -1", True),
    ("ERROR ARGUMENTS", "[ERROR 419] MISSING ARGUMENTS", True),
    ("ERROR ARGUMENTS", "[ERROR 401] UNAUTHORIZED", False),
    ("?ERROR ?ARGUMENTS", "[WARN] MISSING ARGUMENTS", True),
    ("?ERROR ?ARGUMENTS", "[WARN] nothing", False),
    ("?ERROR ?ARGUMENTS REQUEST", "[INFO] REQUEST FAILED", True),
    ("?ERROR ?ARGUMENTS REQUEST", "[ERROR] failed", False),
    ('"INTERNAL SERVER ERROR"', "[ERROR 500] INTERNAL SERVER ERROR", True),
    ('"INTERNAL SERVER ERROR"', "INTERNAL ERROR SERVER", False),
    ("ERROR -ARGUMENTS", "[ERROR 400] BAD REQUEST", True),
    ("ERROR -ARGUMENTS", "[ERROR 419] MISSING ARGUMENTS", False),
    ('ERROR - "Exiting"', "Exiting with ERRORCODE: -1", False),
    ("-ERROR", "all is well", True),
    (r'"say \"hi\" \\"', r'they say "hi" \ again', True),
    ("%AUTHORIZED%", "[ERROR 401] UNAUTHORIZED REQUEST", True),
    ("%^ERROR%", "an ERROR", False),
    ("-%[0-9]{3}%", "ERROR 4x4", True),
    ("größe_1", "die größe_1 passt", True),
]

REGEXES = [
    ("AUTHORIZED", "UNAUTHORIZED", True),
    ("^[hc]at", "hat", True),
    ("^[hc]at", "a hat", False),
    ("[hc]at$", "a cat", True),
    ("[hc]at$", "a cat\n", True),
    ("[hc]at$", "cats", False),
    ("colou?r", "color", True),
    ("colou?r", "colouur", False),
    ("[^0-9]x", "1x", False),
    ("[^0-9]x", "ax", True),
    ("3{3,5}", "33", False),
    ("^3{3,5}$", "33333", True),
    ("^3{3,5}$", "333333", False),
    ("^3{2}$", "33", True),
    ("^3{2,}$", "33333", True),
    ("gray|grey", "the grey one", True),
    (r"10\.10\.0\.1", "10.10.0.1", True),
    (r"10\.10\.0\.1", "10x10.0.1", False),
    ("ab*c", "ac", True),
    ("ab+c", "ac", False),
    ("a.c", "abc", True),
    (r"^\d+\s\w+\S\D\W$", "12 ab!x-", True),
    (r"\x28x\x29", "f(x)", True),
    ("[a-c-]+z", "a-z", True),
    ("[.*+]", "a+b", True),
    (r"[\d_]+$", "x12_3", True),
]

INVALID = [
    "foo.bar", "user@example", "ERROR!", '"open', '""', "%open", "%some!thing%", "%(a)%", "%a**%", "%[b-a]%", "%é%",
    r"%\k%", r"%\x2%", "%a{5,2}%", "%a{2000}%", "%[]%", "%*a%", "%a$b%", "%%",
    "{", "{ $.a }", "{ $.a = }", "{ $.a = 1", "{ a = 1 }", "{ $ = 1 }", "{ $.a > x }", '{ $.a < "5" }', "{ $.a == 1 }",
    "{ ($.a = 1 }", "{ $.a = 1 && }", "{ $.a IS 1 }", "{ $.a NOT 1 }", "{ $.a[x] = 1 }", "{ $.a[*].b[*] = 1 }",
    "{ $.a = a@b }", "{ $.a = %x% && $.b = %x% && $.c = %x% }", "{ " + "(" * 60 + "$.a = 1" + ")" * 60 + " }",
    "{ $.a = 1 } x}", "[", "[a, b", "[a b]", "[..., a, ...]", "[a=1 && b=2]", "[a>x]", "[a] x]", "[a~1]",
]  # fmt: skip

DOCUMENT = {
    "eventType": "UpdateTrail",
    "sourceIPAddress": "111.111.111.111",
    "arrayKey": ["value", "another value"],
    "objectList": [{"name": "a", "id": 1}, {"name": "b", "id": 2}],
    "SomeObject": None,
    "ThisFlag": True,
    "off": False,
    "latency": 512.5,
    "count": 400,
    "small": -0.005,
    "text": "400",
    "literal": "Ev*ent",
    "user": {"id": 1, "email": "John.Stiles@example.com"},
    "actions": ["GET", "PUT", "DELETE"],
    "coordinates": [[0, 1, 2], [4, 5, 6]],
    "a-b_c": "dash",
    "dotted.name": "x",
}

JSON = [
    ('{ $.eventType = "UpdateTrail" }', True),
    ("{$.eventType=UpdateTrail}", True),
    ("{ $.eventType = Update* }", True),
    ('{ $.eventType = "*Trail" }', True),
    ("{ $.eventType = *dateT* }", True),
    ("{ $.eventType = pdate* }", False),
    ("{ $.literal = Ev*ent }", True),
    ("{ $.literal = E*t }", False),
    ("{ $.eventType = * }", True),
    ("{ $.missing = * }", False),
    ("{ $.missing != x }", False),
    ("{ $.sourceIPAddress != 123.123.* }", True),
    ("{ $.sourceIPAddress != 111.111.* }", False),
    ('{ $.arrayKey[0] = "value" }', True),
    ('{ $.arrayKey[1] = "value" }', False),
    ('{ $.arrayKey[7] = "value" }', False),
    ('{ $.arrayKey[*] = "another value" }', True),
    ('{ $.arrayKey = "value" }', False),
    ('{ $.arrayKey != "value" }', False),
    ("{ $.objectList[1].id = 2 }", True),
    ("{ $.objectList[*].id = 3 }", False),
    ("{ $.objectList[*].name = b }", True),
    ("{ $.* = UpdateTrail }", True),
    ("{ $.SomeObject IS NULL }", True),
    ("{ $.ThisFlag IS NULL }", False),
    ("{ $.SomeOtherObject NOT EXISTS }", True),
    ("{ $.SomeObject NOT EXISTS }", False),
    ("{ $.SomeObject EXISTS }", True),
    ("{ $.ThisFlag IS TRUE }", True),
    ("{ $.off IS FALSE }", True),
    ("{ $.off is true }", False),
    ("{ $.count IS TRUE }", False),
    ("{ $.latency >= 500 }", True),
    ("{ $.latency > 512.5 }", False),
    ("{ $.latency <= 512.5 && $.latency < 10e3 }", True),
    ("{ $.small > -10e-3 }", True),
    ("{ $.count > +399 }", True),
    ("{ $.count = 400 }", True),
    ("{ $.count = 4* }", True),
    ("{ $.count != 500 }", True),
    ('{ $.count = "400" }', True),
    ("{ $.text = 400 }", True),
    ("{ $.text > 399 }", False),
    ("{ ($.user.id = 1) && ($.objectList[0].name = a) }", True),
    ('{ ($.user.id = 2 && $.user.email = "x") || $.actions[2] = "GET" }', False),
    ('{ $.user.email = "John.Stiles@example.com" || $.coordinates[0][1] = no && $.actions[2] = no }', True),
    ('{ ($.user.email = "John.Stiles@example.com" || $.coordinates[0][1] = no) && $.actions[2] = no }', False),
    ("{ $.coordinates[1][2] = 6 }", True),
    ("{ $.a-b_c = dash }", True),
    ("{ $['dotted.name'] = x }", True),
    ("{ $.['dotted.name'] = x }", True),
    ("{ $.eventType = %^Up.*l$% }", True),
    ("{ $.eventType != %Trail% }", False),
]

FIELDS = [
    ("[ip, user, username, timestamp, request, status_code, bytes]", True),
    ("[ip, user, username, timestamp, request, status_code]", False),
    ("[ip, ...]", True),
    ("[..., bytes]", True),
    ("[...]", True),
    ("[ip, user, ..., status_code = 404, bytes]", True),
    ("[ip, user, username, timestamp, request, status_code = 4*, bytes > 1000]", True),
    ("[ip, user, username, timestamp, request = *.html*, status_code = 4*, bytes]", True),
    ("[..., request=*.html*, status_code=4*,]", True),
    ("[..., status_code = 4* && status_code != 404, bytes]", False),
    ("[..., status_code = 2* || status_code = 4*, bytes]", True),
    ("[..., status_code=!404, bytes]", False),
    ("[ip = %127\\.0\\.0\\.[0-9]+%, ...]", True),
    ("[..., bytes < 1534]", False),
    ("[..., bytes = 1534.0]", True),
    ('[ip, user, username = "frank", ...]', True),
    ("[a, b, c, d, e, f, g, h, ...]", False),
]
ACCESS = '127.0.0.1 - frank [10/Oct/2000:13:25:15 -0700] "GET /index.html HTTP/1.0" 404 1534\n'


@pytest.mark.parametrize(("pattern", "message", "expected"), TERMS)
def test_terms(pattern: str, message: str, expected: bool) -> None:
    assert compile_pattern(pattern)(message) is expected


@pytest.mark.parametrize(("body", "text", "expected"), REGEXES)
def test_regular_expressions(body: str, text: str, expected: bool) -> None:
    assert compile_regex(body)(text) is expected


@pytest.mark.parametrize(("pattern", "expected"), JSON)
def test_json(pattern: str, expected: bool) -> None:
    matches = compile_pattern(pattern)
    assert matches(json.dumps(DOCUMENT) + "\n") is expected
    assert not matches("not json")
    assert not matches("[1]") or "NOT EXISTS" in pattern


@pytest.mark.parametrize(("pattern", "expected"), FIELDS)
def test_fields(pattern: str, expected: bool) -> None:
    assert compile_pattern(pattern)(ACCESS) is expected


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [("[w1=ERROR, w2]", [1]), ("[w1=ERROR || w1=WARN, w2]", [1, 2]), ("[w1!=ERROR && w1!=WARN, ...]", [])],
)
def test_alternatives_of_fields(pattern: str, expected: list[int]) -> None:
    messages = ["ERROR WARN message", "ERROR message", "WARN message"]
    matches = compile_pattern(pattern)
    assert [number for number, message in enumerate(messages) if matches(message)] == expected


@pytest.mark.parametrize("pattern", INVALID)
def test_invalid_patterns(pattern: str) -> None:
    with pytest.raises(InvalidPattern):
        compile_pattern(pattern)
    with pytest.raises(InvalidParameter, match="Invalid filter pattern: "):
        compile_message_filter(pattern)


def test_fields_of_a_log_event() -> None:
    assert split_fields(ACCESS) == [
        "127.0.0.1", "-", "frank", "10/Oct/2000:13:25:15 -0700", "GET /index.html HTTP/1.0", "404", "1534",
    ]  # fmt: skip
    assert split_fields('a "open [x') == ["a", '"open', "[x"]


def test_a_hostile_regular_expression_takes_time_in_proportion_to_the_text() -> None:
    matches = compile_regex(".*a.*a.*a.*a.*b.*c")
    started = time.process_time()
    assert not matches("a" * 100_000)
    assert time.process_time() - started < 1


_ALPHABET = "ab1_- ."
_SETS = st.sampled_from(["a", "b", "1", ".", r"\d", r"\w", r"\.", "[ab]", "[^a]", "[a-z1]", "_"])
_COUNTS = st.sampled_from(["", "", "*", "+", "?", "{2}", "{1,3}", "{2,}"])
_REPEATED = st.builds(lambda one, many: one + many, _SETS, _COUNTS)
_ALTERNATIVES = st.builds(
    lambda start, atoms, end: start + "".join(atoms) + end,
    st.sampled_from(["", "^"]),
    st.lists(_REPEATED, min_size=1, max_size=4),
    st.sampled_from(["", "$"]),
)


@given(st.lists(_ALTERNATIVES, min_size=1, max_size=3).map("|".join), st.text(_ALPHABET, max_size=12))
@example("a{2,}b?$|^_", "_")
def test_the_automaton_agrees_with_pythons_engine(body: str, text: str) -> None:
    assert compile_regex(body)(text) == (re.search(body, text, re.ASCII) is not None)


@given(st.text(st.sampled_from('{}[]()$.*%"?-=!<>&|,\\ ab1'), max_size=30), st.text(max_size=20))
def test_whatever_the_pattern_it_compiles_or_is_refused(pattern: str, message: str) -> None:
    try:
        matches = compile_pattern(pattern)
    except InvalidPattern:
        return
    assert matches(message) in (True, False)


_VALUES = st.one_of(st.text(max_size=5), st.integers(-1000, 1000), st.booleans(), st.none(), st.floats(-10, 10))

_NAMES = st.text("abc", min_size=1, max_size=2)


@given(st.dictionaries(_NAMES, _VALUES, max_size=4), _NAMES)
def test_equal_and_unequal_exclude_each_other(document: dict[str, Any], name: str) -> None:
    message = json.dumps(document)
    equal, unequal = compile_pattern(f"{{ $.{name} = 5 }}")(message), compile_pattern(f"{{ $.{name} != 5 }}")(message)
    assert not (equal and unequal)
    assert (equal or unequal) == (name in document and document[name] is not None)

"""Event patterns, by the examples of the EventBridge user guide ("Comparison operators for use in event patterns")."""

import json
import re
import time
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambent.services.event_pattern_values import InvalidPattern
from lambent.services.event_patterns import compile_pattern

MATCHES: list[tuple[Any, Any, bool]] = [
    # literals
    ({}, {"a": 1}, True),
    ({"a": ["x"]}, {"a": "x", "b": 1}, True),
    ({"a": ["x"]}, {"a": "X"}, False),
    ({"a": ["x", "y"]}, {"a": "y"}, True),
    ({"a": [""]}, {"a": ""}, True),
    ({"a": [None]}, {"a": None}, True),
    ({"a": [None]}, {}, False),
    ({"a": [True]}, {"a": True}, True),
    ({"a": [True]}, {"a": 1}, False),
    ({"a": [1]}, {"a": True}, False),
    ({"a": [300]}, {"a": 300}, True),
    # "300, 300.0, and 3.0e2 are not considered equal", says the user guide; AWS's matcher, and AWS, finds them equal
    ({"a": [300]}, {"a": 300.0}, True),
    ({"a": [3.0e2]}, {"a": 300}, True),
    ({"a": [300]}, {"a": "300"}, False),
    ({"a": [{"anything-but": 300}]}, {"a": 300.0}, False),
    ({"a": ["1"]}, {"a": 1}, False),
    # and, nested
    ({"a": ["x"], "b": ["y"]}, {"a": "x", "b": "y"}, True),
    ({"a": ["x"], "b": ["y"]}, {"a": "x", "b": "z"}, False),
    ({"a": {"b": {"c": [1]}}}, {"a": {"b": {"c": 1}}}, True),
    ({"a": {"b": {"c": [1]}}}, {"a": {"b": 1}}, False),
    ({"a": {"b": [1]}}, {"a": None}, False),
    ({"a": [1]}, [1], False),
    # "limited to values between -5.0e9 and +5.0e9 inclusive": others are literals only
    ({"a": [{"numeric": ["<=", 5e9]}]}, {"a": 5_000_000_000}, True),
    ({"a": [{"numeric": [">", 1]}]}, {"a": 5_000_000_001}, False),
    ({"a": [1_700_000_000_000]}, {"a": 1_700_000_000_000}, True),
    ({"a": [{"anything-but": 1}]}, {"a": 1_700_000_000_000}, True),
    # dots join names, in patterns and in events ("Considerations when creating event patterns"; so AWS answers)
    ({"a.b": ["x"]}, {"a": {"b": "x"}}, True),
    ({"a": {"b": ["x"]}}, {"a.b": "x"}, True),
    ({"a.b": ["x"]}, {"a.b": "x"}, True),
    ({"d": {"a.b": {"c": ["x"]}}}, {"d": {"a": {"b.c": "x"}}}, True),
    ({"a": {"b": ["x"]}}, {"a.b": {"b": "x"}}, False),
    ({"a.b": {"b": ["x"]}}, {"a": {"b": "x"}}, False),
    ({"a": {"b": [1], "c": [2]}}, {"a": {"b": 1}, "a.c": 2}, True),
    ({"a": {"b": [{"exists": False}]}}, {"a.b": 1}, False),
    ({"a..b": ["x"]}, {"a..b": "x"}, True),
    # lists in the event: one element is enough
    ({"a": ["x"]}, {"a": ["w", "x"]}, True),
    ({"a": ["x"]}, {"a": []}, False),
    ({"a": {"b": [1], "c": [2]}}, {"a": [{"b": 1, "c": 2}]}, True),
    ({"a": {"b": [1], "c": [2]}}, {"a": [{"b": 1, "c": 3}, {"b": 4, "c": 2}]}, False),
    # prefix and suffix
    ({"a": [{"prefix": "us-"}]}, {"a": "us-east-1"}, True),
    ({"a": [{"prefix": "us-"}]}, {"a": "eu-us-"}, False),
    ({"a": [{"prefix": "us-"}]}, {"a": 5}, False),
    ({"a": [{"prefix": {"equals-ignore-case": "EVENTB"}}]}, {"a": "eventbridge"}, True),
    ({"a": [{"suffix": ".png"}]}, {"a": "a.png"}, True),
    ({"a": [{"suffix": ".png"}]}, {"a": "a.PNG"}, False),
    ({"a": [{"suffix": {"equals-ignore-case": ".png"}}]}, {"a": "a.PNG"}, True),
    # equals-ignore-case, wildcard
    ({"a": [{"equals-ignore-case": "Alice"}]}, {"a": "aLICE"}, True),
    ({"a": [{"equals-ignore-case": "Alice"}]}, {"a": "alic"}, False),
    ({"a": [{"wildcard": "dir/*.png"}]}, {"a": "dir/sub/x.png"}, True),
    ({"a": [{"wildcard": "dir/*.png"}]}, {"a": "dir/x.gif"}, False),
    ({"a": [{"wildcard": "a\\*b"}]}, {"a": "a*b"}, True),
    ({"a": [{"wildcard": "a\\*b"}]}, {"a": "axb"}, False),
    ({"a": [{"wildcard": "a.b"}]}, {"a": "axb"}, False),
    # exists
    ({"a": [{"exists": True}]}, {"a": None}, True),
    ({"a": [{"exists": True}]}, {"b": 1}, False),
    ({"a": [{"exists": False}]}, {"b": 1}, True),
    ({"a": [{"exists": False}]}, {"a": 1}, False),
    ({"a": {"b": [{"exists": False}]}}, {}, True),
    # "Exists match only works on the leaf nodes. It does not work on intermediate nodes."
    ({"a": [{"exists": True}]}, {"a": {"b": 1}}, False),
    # numeric
    ({"a": [{"numeric": ["=", 5]}]}, {"a": 5.0}, True),
    ({"a": [{"numeric": [">", 0, "<=", 5]}]}, {"a": 5}, True),
    ({"a": [{"numeric": [">", 0, "<=", 5]}]}, {"a": 0}, False),
    ({"a": [{"numeric": ["<", 10]}]}, {"a": "5"}, False),
    ({"a": [{"numeric": ["<", 10]}]}, {"a": True}, False),
    ({"a": [{"numeric": [">=", 1.5]}]}, {"a": 1.5}, True),
    # anything-but
    ({"a": [{"anything-but": "x"}]}, {"a": "y"}, True),
    ({"a": [{"anything-but": "x"}]}, {"a": "x"}, False),
    ({"a": [{"anything-but": "x"}]}, {}, False),
    ({"a": [{"anything-but": ["x", "y"]}]}, {"a": "y"}, False),
    ({"a": [{"anything-but": [1, 2]}]}, {"a": 3}, True),
    ({"a": [{"anything-but": {"prefix": "us-"}}]}, {"a": "us-east-1"}, False),
    ({"a": [{"anything-but": {"prefix": ["us-", "eu-"]}}]}, {"a": "ap-1"}, True),
    ({"a": [{"anything-but": {"suffix": ".png"}}]}, {"a": "x.png"}, False),
    ({"a": [{"anything-but": {"equals-ignore-case": ["x", "y"]}}]}, {"a": "Y"}, False),
    ({"a": [{"anything-but": {"wildcard": "*/lib/*"}}]}, {"a": "a/lib/b"}, False),
    ({"a": [{"anything-but": {"wildcard": "*/lib/*"}}]}, {"a": "a/bin/b"}, True),
    # what is no text is none of the texts
    ({"a": [{"anything-but": {"prefix": "us-"}}]}, {"a": 12}, True),
    ({"a": [{"anything-but": {"suffix": [".png", ".gif"]}}]}, {"a": None}, True),
    ({"a": [{"anything-but": {"equals-ignore-case": "x"}}]}, {"a": None}, True),
    ({"a": [{"anything-but": {"wildcard": "*/lib/*"}}]}, {"a": True}, True),
    ({"a": [{"anything-but": {"wildcard": ""}}]}, {"a": "x"}, True),
    ({"a": [{"anything-but": {"prefix": "us-"}}]}, {}, False),
    ({"a": [{"anything-but": {"prefix": "us-"}}]}, {"a": {"b": 1}}, False),
    # cidr
    ({"a": [{"cidr": "10.0.0.0/24"}]}, {"a": "10.0.0.255"}, True),
    ({"a": [{"cidr": "10.0.0.0/24"}]}, {"a": "10.0.1.0"}, False),
    ({"a": [{"cidr": "10.0.0.0/24"}]}, {"a": "nonsense"}, False),
    ({"a": [{"cidr": "2001:db8::/32"}]}, {"a": "2001:db8::1"}, True),
    # or
    ({"$or": [{"a": [1]}, {"b": [2]}]}, {"b": 2}, True),
    ({"$or": [{"a": [1]}, {"b": [2]}]}, {"b": 3}, False),
    ({"c": [3], "$or": [{"a": [1]}, {"b": [2]}]}, {"a": 1}, False),
    ({"c": [3], "$or": [{"a": [1]}, {"b": [2]}]}, {"a": 1, "c": 3}, True),
    ({"x": {"$or": [{"a": [1]}, {"b": [{"exists": True}]}]}}, {"x": {"b": 5}}, True),
    ({"$or": ["x"]}, {"$or": "x"}, True),
    # the filters of "Using event filtering with a DynamoDB event source"
    ({"eventName": ["INSERT"]}, {"eventName": "INSERT", "dynamodb": {}}, True),
    (
        {"dynamodb": {"NewImage": {"score": {"N": [{"exists": True}]}}}},
        {"dynamodb": {"NewImage": {"score": {"N": "5"}}}},
        True,
    ),
    # numbers in items are strings, which numeric operators do not compare
    (
        {"dynamodb": {"NewImage": {"n": {"N": [{"numeric": [">", 1]}]}}}},
        {"dynamodb": {"NewImage": {"n": {"N": "5"}}}},
        False,
    ),
]


@pytest.mark.parametrize(("pattern", "event", "expected"), MATCHES, ids=lambda value: json.dumps(value)[:70])
def test_matching(pattern: Any, event: Any, expected: bool) -> None:
    assert compile_pattern(json.dumps(pattern))(event) is expected


INVALID = [
    "",
    "{",
    "[]",
    '"a"',
    '{"a": 1}',
    '{"a": "x"}',
    '{"a": []}',
    '{"a": {}}',
    '{"a": [["x"]]}',
    '{"a": [{}]}',
    '{"a": [{"prefix": "a", "suffix": "b"}]}',
    '{"a": [{"unknown": "a"}]}',
    '{"a": [{"prefix": 1}]}',
    '{"a": [{"exists": "yes"}]}',
    '{"a": [{"numeric": [">"]}]}',
    '{"a": [{"numeric": ["~", 1]}]}',
    '{"a": [{"numeric": [">", "1"]}]}',
    '{"a": [{"numeric": ">"}]}',
    '{"a": [{"anything-but": []}]}',
    '{"a": [{"anything-but": [null]}]}',
    '{"a": [{"anything-but": {"numeric": ["=", 1]}}]}',
    '{"a": [{"anything-but": {"prefix": 1}}]}',
    '{"a": [{"cidr": "10.0.0.0/99"}]}',
    '{"a": [{"wildcard": "a**b"}]}',
    '{"a": [{"wildcard": "a\\\\x"}]}',
    '{"a": [{"equals-ignore-case": ["x"]}]}',
    '{"$or": [{"a": [1]}, {}]}',
]


@pytest.mark.parametrize("pattern", INVALID)
def test_invalid(pattern: str) -> None:
    with pytest.raises(InvalidPattern):
        compile_pattern(pattern)


@pytest.mark.parametrize(
    ("leaf", "reason"),
    [
        # AWS's matcher (github.com/aws/event-ruler, JsonRuleCompiler), whose sentences TestEventPattern passes on
        ({"anything-but": None}, "Value of anything-but must be an array or single string/number value."),
        ({"anything-but": {}}, "Anything-But expression name not found"),
        ({"anything-but": {"numeric": ["=", 1]}}, "Unsupported anything-but pattern: numeric"),
        (
            {"anything-but": {"prefix": {"equals-ignore-case": "a"}}},
            "Value of anything-but must be an array or single string/number value.",
        ),
        ({"anything-but": {"suffix": ["a", 1]}}, "prefix/suffix match pattern must be a string"),
        ({"anything-but": {"prefix": ""}}, "Null prefix/suffix not allowed"),
        (
            {"anything-but": {"equals-ignore-case": [1]}},
            "Inside anything-but/equals-ignore-case list, number|start|null|boolean is not supported.",
        ),
        (
            {"anything-but": ["a", 1]},
            "Inside anything but list, either all values are number or string, mixed type is not supported",
        ),
        ({"prefix": {"equals-ignore-case": 1}}, "equals-ignore-case match pattern must be a string"),
        ({"numeric": [">", 1_700_000_000_000]}, "Value must be between -5.0E9 and 5.0E9, inclusive"),
        ({"anything-but": [5_000_000_001]}, "Value must be between -5.0E9 and 5.0E9, inclusive"),
        ({"wildcard": "arn:aws:events:us-east-1:**:a"}, "Consecutive wildcard characters at pos 26"),
        ({"wildcard": "é\\x"}, "Invalid escape character at pos 3"),
        ({"cidr": "10.0.0.0"}, "Malformed CIDR, one '/' required"),
        ({"cidr": ["10.0.0.0/8"]}, "prefix match pattern must be a string"),
        ({"cidr": "10.0.0.0/xx"}, "Malformed CIDR, mask bits must be an integer"),
        ({"cidr": "xx.11.xx/8"}, "Nonstandard IP address: xx.11.xx"),
    ],
    ids=str,
)
def test_what_is_wrong_is_said_in_the_words_of_aws(leaf: Any, reason: str) -> None:
    with pytest.raises(InvalidPattern) as raised:
        compile_pattern(json.dumps({"a": [leaf]}))
    assert str(raised.value) == reason


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=10,
)


@given(_json, _json)
def test_whatever_the_pattern_the_answer_is_yes_no_or_invalid(pattern: Any, event: Any) -> None:
    try:
        matches = compile_pattern(json.dumps(pattern))
    except InvalidPattern:
        return
    assert matches(event) in (True, False)


@pytest.mark.parametrize("depth", [2, 1_000])
def test_lists_in_lists_may_be_as_deep_as_json_is_read(depth: int) -> None:
    """Whoever filters messages and records of others is not stopped by one of them."""

    def matches(pattern: Any, innermost: str) -> bool:
        event: Any = orjson.loads(f'{{"a": {"[" * depth}{innermost}{"]" * depth}}}')
        return compile_pattern(json.dumps(pattern))(event)

    assert matches({"a": ["x"]}, '"y", "x"')
    assert not matches({"a": ["x"]}, '"y"')
    assert matches({"a": [{"exists": False}]}, '{"b": "x"}')
    assert matches({"a": {"b": ["x"]}}, '1, {"b": "x"}')
    assert not matches({"a": {"b": [{"exists": False}]}}, "")


def test_patterns_have_a_depth() -> None:
    """As deep as they may be they are asked of events as deep, wherever the interpreter's stack ends."""

    def nested(depth: int) -> str:
        return '{"a":' * depth + '["x"]' + "}" * depth

    event = json.loads(nested(99))
    assert compile_pattern(nested(99))(event)
    for deeper in (100, 1_000):
        with pytest.raises(InvalidPattern, match=r"more than 100 levels|not valid JSON"):
            compile_pattern(nested(deeper))
    with pytest.raises(InvalidPattern, match="more than 100 levels"):
        compile_pattern(json.dumps({".".join("a" * 2_000): ["x"]}))
    lists: Any = "x"
    for _ in range(240):
        lists = [lists]
    assert compile_pattern('{"a": ["x"]}')({"a": lists})
    assert not compile_pattern('{"a": {"b": ["x"]}}')({"a": lists})


@given(st.text("ab*", max_size=8).filter(lambda pattern: "**" not in pattern), st.text("ab*", max_size=10))
def test_wildcards_mean_what_a_regular_expression_does(pattern: str, text: str) -> None:
    expected = re.fullmatch(".*".join(map(re.escape, pattern.split("*"))), text) is not None
    assert compile_pattern(json.dumps({"a": [{"wildcard": pattern}]}))({"a": text}) == expected


def test_no_wildcard_takes_for_ever() -> None:
    """Rules are matched on the event loop: this pattern stopped the platform."""
    matches = compile_pattern(json.dumps({"a": [{"wildcard": "*a" * 60 + "*b"}]}))
    started = time.monotonic()
    assert not matches({"a": "a" * 200_000})
    assert time.monotonic() - started < 1

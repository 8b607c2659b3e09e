"""Condition blocks of resource policies: operators over the request's context.

Source: IAM user guide, "IAM JSON policy elements: Condition operators". Context keys are compared without regard to
case; `IfExists`, `ForAnyValue:` and `ForAllValues:` are understood in front of or behind every operator.
"""

import ipaddress
import operator
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from lambent.kit.frozen import frozen

Context = Mapping[str, tuple[str, ...]]
"""Key in lower case -> its values in the request; a key that is absent is not in the request."""

Test = Callable[[str, str], bool]
"""(value in the policy, value in the request) -> bool"""


class InvalidPolicy(Exception):
    """A document that is no policy; the sentence says why. Each service has a code of its own for it."""


@frozen
class Condition:
    operator: str
    """Without qualifiers: `StringEquals`."""
    key: str
    """In lower case."""
    values: tuple[str, ...]
    if_exists: bool = False
    quantifier: str = ""
    """`ForAnyValue`, `ForAllValues` or nothing."""


def parse(document: Any) -> tuple[Condition, ...]:
    """Raises InvalidPolicy."""
    if not isinstance(document, dict):
        raise InvalidPolicy("Condition must be an object")
    parsed = []
    for name, keys in document.items():
        quantifier, _, rest = name.rpartition(":")
        bare = rest.removesuffix("IfExists")
        if (bare not in _TESTS and bare != "Null") or quantifier not in ("", "ForAnyValue", "ForAllValues"):
            raise InvalidPolicy(f"Invalid Condition type : {name}")
        if not isinstance(keys, dict):
            raise InvalidPolicy("Conditions must be a map of keys to values")
        parsed += [
            Condition(bare, key.lower(), _values(values), rest != bare, quantifier) for key, values in keys.items()
        ]
    return tuple(parsed)


def holds(condition: Condition, context: Context) -> bool:
    present = context.get(condition.key, ())
    if condition.operator == "Null":
        return any((value.lower() == "true") == (not present) for value in condition.values)
    test, negated = _TESTS[condition.operator]
    if not present:
        return negated or condition.if_exists or condition.quantifier == "ForAllValues"
    outcomes = (any(_safely(test, wanted, value) for wanted in condition.values) != negated for value in present)
    return all(outcomes) if condition.quantifier == "ForAllValues" or negated else any(outcomes)


#: Keys whose fixed values make a policy non-public (S3 user guide, "The meaning of 'public'").
_NARROWING_KEYS = frozenset(
    {
        "aws:sourceip",
        "aws:sourcearn",
        "aws:sourcevpc",
        "aws:sourcevpce",
        "aws:sourceowner",
        "aws:sourceaccount",
        "aws:principalorgid",
        "aws:principalarn",
        "aws:principalaccount",
        "aws:userid",
        "s3:dataaccesspointaccount",
        "s3:dataaccesspointarn",
    }
)
_NARROWING_OPERATORS = frozenset(
    {"StringEquals", "StringEqualsIgnoreCase", "StringLike", "ArnEquals", "ArnLike", "IpAddress"}
)


def narrows(condition: Condition) -> bool:
    """Whether only callers with certain fixed properties pass."""
    return (
        condition.key in _NARROWING_KEYS
        and condition.operator in _NARROWING_OPERATORS
        and not condition.if_exists
        and condition.quantifier != "ForAllValues"
        and not any(value in ("0.0.0.0/0", "::/0") or set(value) & set("*?") for value in condition.values)
    )


def like(pattern: str, value: str) -> bool:
    """IAM's wildcards: `*` any run of characters, `?` any one. No pattern costs more than len x len steps."""
    if "*" not in pattern and "?" not in pattern:
        return pattern == value
    at = taken = 0
    star = -1
    resume = 0
    while taken < len(value):
        if at < len(pattern) and pattern[at] == "*":
            star, resume = at, taken
            at += 1
        elif at < len(pattern) and pattern[at] in ("?", value[taken]):
            at += 1
            taken += 1
        elif star >= 0:
            resume += 1
            at, taken = star + 1, resume
        else:
            return False
    return not pattern[at:].strip("*")


def _equals_ignoring_case(wanted: str, value: str) -> bool:
    return wanted.lower() == value.lower()


def _in_network(wanted: str, value: str) -> bool:
    return ipaddress.ip_address(value) in ipaddress.ip_network(wanted, strict=False)


def _numeric(compare: Callable[[float, float], bool]) -> Test:
    return lambda wanted, value: compare(float(value), float(wanted))


def _dated(compare: Callable[[float, float], bool]) -> Test:
    return lambda wanted, value: compare(_seconds(value), _seconds(wanted))


def _seconds(text: str) -> float:
    if text.replace(".", "", 1).isdigit():
        return float(text)
    moment = datetime.fromisoformat(text)
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def _safely(test: Test, wanted: str, value: str) -> bool:
    """A value that is not of the operator's kind (a network that is none) matches nothing."""
    try:
        return test(wanted, value)
    except ValueError:
        return False


#: Operator -> (test, whether its outcome is turned round).
_TESTS: Mapping[str, tuple[Test, bool]] = {
    "StringEquals": (operator.eq, False),
    "StringNotEquals": (operator.eq, True),
    "StringEqualsIgnoreCase": (_equals_ignoring_case, False),
    "StringNotEqualsIgnoreCase": (_equals_ignoring_case, True),
    "StringLike": (like, False),
    "StringNotLike": (like, True),
    "ArnEquals": (like, False),
    "ArnNotEquals": (like, True),
    "ArnLike": (like, False),
    "ArnNotLike": (like, True),
    "Bool": (_equals_ignoring_case, False),
    "BinaryEquals": (operator.eq, False),
    "IpAddress": (_in_network, False),
    "NotIpAddress": (_in_network, True),
    "NumericEquals": (_numeric(operator.eq), False),
    "NumericNotEquals": (_numeric(operator.eq), True),
    "NumericLessThan": (_numeric(operator.lt), False),
    "NumericLessThanEquals": (_numeric(operator.le), False),
    "NumericGreaterThan": (_numeric(operator.gt), False),
    "NumericGreaterThanEquals": (_numeric(operator.ge), False),
    "DateEquals": (_dated(operator.eq), False),
    "DateNotEquals": (_dated(operator.eq), True),
    "DateLessThan": (_dated(operator.lt), False),
    "DateLessThanEquals": (_dated(operator.le), False),
    "DateGreaterThan": (_dated(operator.gt), False),
    "DateGreaterThanEquals": (_dated(operator.ge), False),
}


def _values(values: Any) -> tuple[str, ...]:
    listed = values if isinstance(values, list) else [values]
    if not all(isinstance(value, (str, bool, int, float)) for value in listed):
        raise InvalidPolicy("Invalid condition value")
    return tuple(str(value).lower() if isinstance(value, bool) else str(value) for value in listed)

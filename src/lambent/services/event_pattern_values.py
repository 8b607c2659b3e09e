"""What may stand in the leaf of an event pattern: a literal, or one comparison.

A comparison is told whether the field is there at all: only `exists: false` wants it absent.
https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-pattern-operators.html
"""

import ipaddress
import itertools
import operator
import re
from collections.abc import Callable, Iterable, Mapping
from enum import Enum
from typing import Any


class Absent(Enum):
    """Stands for a field that is not there, or is no leaf."""

    ABSENT = "absent"


class InvalidPattern(Exception):
    """The sentence says what is wrong with the pattern."""


Choice = Callable[[Any], bool]
TextTest = Callable[[str], bool]

_COMPARISONS: Mapping[str, Callable[[Any, Any], bool]] = {
    "=": operator.eq,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}

#: What a range begins with, and what it goes on with.
_LOWER = (">", ">=")
_UPPER = ("<", "<=")

#: "Numeric matching ... is limited to values between -5.0e9 and +5.0e9 inclusive", in patterns and in events.
_MOST = 5e9


def compile_choice(wanted: Any) -> Choice:
    """Raises InvalidPattern."""
    if isinstance(wanted, list):
        raise InvalidPattern("Match value must be String, number, true, false, or null")
    if not isinstance(wanted, dict):
        return _literal(wanted)
    if len(wanted) != 1:
        raise InvalidPattern("Only one key allowed in match expression")
    [(name, operand)] = wanted.items()
    build = _OPERATORS.get(name)
    if build is None:
        raise InvalidPattern(f"Unrecognized match type {name}")
    return build(operand)


def _literal(wanted: Any) -> Choice:
    """Numbers by their value: the user guide says that 300 and 300.0 differ, but at AWS they match."""
    if _is_number(wanted):
        return lambda value: _is_number(value) and value == wanted
    kind = type(wanted)
    return lambda value: type(value) is kind and value == wanted


def _prefix(operand: Any) -> Choice:
    return _text(_edge("prefix", operand, str.startswith))


def _suffix(operand: Any) -> Choice:
    return _text(_edge("suffix", operand, str.endswith))


def _edge(name: str, operand: Any, has: Callable[[str, str], bool]) -> TextTest:
    if isinstance(operand, dict) and list(operand) == ["equals-ignore-case"]:
        folded = _string("equals-ignore-case", operand["equals-ignore-case"]).lower()
        return lambda text: has(text.lower(), folded)
    wanted = _string(name, operand)
    return lambda text: has(text, wanted)


def _other_edge(operand: Any, has: Callable[[str, str], bool]) -> TextTest:
    """Inside `anything-but`, where case counts and every text has the empty one."""
    wanted = _string("prefix/suffix", operand)
    if not wanted:
        raise InvalidPattern("Null prefix/suffix not allowed")
    return lambda text: has(text, wanted)


def _equals_ignore_case(operand: Any) -> Choice:
    return _text(_same_ignoring_case(operand))


def _same_ignoring_case(operand: Any) -> TextTest:
    folded = _string("equals-ignore-case", operand).lower()
    return lambda text: text.lower() == folded


def _wildcard(operand: Any) -> Choice:
    return _text(_wildcard_test(operand))


def _wildcard_test(operand: Any) -> TextTest:
    r"""`*` is any run of characters, `\*` and `\\` are themselves; two stars in a row are refused.

    What stands between stars is looked for from left to right, each at its first place: no pattern costs more than one
    way through the text. (As a regular expression, `*a*a*a*b` takes for ever on a text of a's.)
    """
    text = _string("wildcard", operand)
    parts = re.findall(r"\\[*\\]|\*|[^*\\]+|\\", text)
    # AWS counts bytes of the text in its quotes.
    ends = itertools.accumulate((len(part.encode(errors="replace")) for part in parts), initial=1)
    for at, (part, following) in zip(ends, itertools.pairwise([*parts, ""]), strict=False):
        if part == following == "*":
            raise InvalidPattern(f"Consecutive wildcard characters at pos {at}")
        if part == "\\":
            raise InvalidPattern(f"Invalid escape character at pos {at}")
    first, *others = _between_stars(parts)
    if not others:
        return lambda value: value == first
    *middle, last = others
    return lambda value: _follow_each_other(value, first, middle, last)


def _between_stars(parts: Iterable[str]) -> list[str]:
    pieces = [""]
    for part in parts:
        if part == "*":
            pieces.append("")
        else:
            pieces[-1] += part.removeprefix("\\")
    return pieces


def _follow_each_other(text: str, first: str, middle: Iterable[str], last: str) -> bool:
    """Whether `text` begins with `first` and ends with `last`, and has the others in between, in this order."""
    at, end = len(first), len(text) - len(last)
    if at > end or not text.startswith(first) or not text.endswith(last):
        return False
    for piece in middle:
        found = text.find(piece, at, end)
        if found < 0:
            return False
        at = found + len(piece)
    return True


def _exists(operand: Any) -> Choice:
    if not isinstance(operand, bool):
        raise InvalidPattern("exists match pattern must be either true or false.")
    return lambda value: (value is not Absent.ABSENT) is operand


def _numeric(operand: Any) -> Choice:
    """`["=", 5]`, `["<", 5]`, or a range: `[">", 0, "<=", 5]`. The sentences are those of AWS's own matcher."""
    if not isinstance(operand, list):
        raise InvalidPattern("Value of numeric must be an array.")
    tests = [_comparison(operand[:2])]
    if len(operand) > 2:
        if operand[0] not in _LOWER:
            raise InvalidPattern("Too many elements in numeric expression")
        tests.append(_upper_bound(operand[1], operand[2:]))
    return lambda value: _is_number(value) and abs(value) <= _MOST and all(test(value) for test in tests)


def _comparison(terms: list[Any]) -> Callable[[float], bool]:
    symbol = terms[0] if terms else "]"
    if not terms or not isinstance(symbol, str):
        raise InvalidPattern(f"Invalid member in numeric match: {symbol}")
    compare = _COMPARISONS.get(symbol)
    if compare is None:
        raise InvalidPattern(f"Unrecognized numeric range operator: {symbol}")
    bound: Any = terms[1] if len(terms) > 1 else None
    if not _is_number(bound):
        raise InvalidPattern(f"Value of {'equals' if symbol == '=' else symbol} must be numeric")
    _check_size(bound)
    return lambda value: compare(value, bound)


def _check_size(bound: float) -> None:
    if abs(bound) > _MOST:
        raise InvalidPattern("Value must be between -5.0E9 and 5.0E9, inclusive")


def _upper_bound(bottom: float, terms: list[Any]) -> Callable[[float], bool]:
    symbol = terms[0]
    if not isinstance(symbol, str):
        raise InvalidPattern(f"Bad value in numeric range: {symbol}")
    if symbol not in _UPPER:
        raise InvalidPattern(f"Bad numeric range operator: {symbol}")
    test = _comparison(terms[:2])
    if bottom >= terms[1]:
        raise InvalidPattern("Bottom must be less than top")
    if len(terms) > 2:
        raise InvalidPattern("Too many terms in numeric range expression")
    return test


def _cidr(operand: Any) -> Choice:
    """The sentences are those of AWS, the one that speaks of a prefix as well."""
    address, *masks = _string("prefix", operand).split("/")
    if len(masks) != 1:
        raise InvalidPattern("Malformed CIDR, one '/' required")
    if not re.fullmatch(r"-?[0-9]+", masks[0], re.ASCII):
        raise InvalidPattern("Malformed CIDR, mask bits must be an integer")
    try:
        version = ipaddress.ip_address(address).version
    except ValueError as error:
        raise InvalidPattern(f"Nonstandard IP address: {address}") from error
    try:
        network = ipaddress.ip_network(operand, strict=False)
    except ValueError as error:
        raise InvalidPattern(f"IPv{version} mask bits are out of range: {masks[0]}") from error

    def contains(text: str) -> bool:
        try:
            return ipaddress.ip_address(text) in network
        except ValueError:
            return False

    return _text(contains)


def _anything_but(operand: Any) -> Choice:
    """Wants a value, and none of these: literals, or what one text comparison finds. What is no text it never finds."""
    if isinstance(operand, dict):
        return _no_text_of(operand)
    literals = _several(operand)
    if any(isinstance(one, dict | list | bool) or one is None for one in literals):
        raise InvalidPattern("Inside anything but list, start|null|boolean is not supported.")
    if len({isinstance(one, str) for one in literals}) != 1:
        raise InvalidPattern(
            "Inside anything but list, either all values are number or string, mixed type is not supported"
        )
    for one in literals:
        if not isinstance(one, str):
            _check_size(one)
    choices = [_literal(one) for one in literals]
    return lambda value: value is not Absent.ABSENT and not any(choice(value) for choice in choices)


def _no_text_of(operand: Mapping[str, Any]) -> Choice:
    if not operand:
        raise InvalidPattern("Anything-But expression name not found")
    name = next(iter(operand))
    if name not in _NEGATED:
        raise InvalidPattern(f"Unsupported anything-but pattern: {name}")
    if len(operand) != 1:
        raise InvalidPattern("Only one key allowed in match expression")
    tests = [_NEGATED[name](one) for one in _several(operand[name])]
    if not tests:
        raise InvalidPattern("Empty arrays are not allowed")
    return lambda value: (
        value is not Absent.ABSENT and not (isinstance(value, str) and any(test(value) for test in tests))
    )


def _several(operand: Any) -> list[Any]:
    if isinstance(operand, dict | bool) or operand is None:
        raise InvalidPattern("Value of anything-but must be an array or single string/number value.")
    return operand if isinstance(operand, list) else [operand]


def _other_case(operand: Any) -> TextTest:
    if not isinstance(operand, str):
        raise InvalidPattern("Inside anything-but/equals-ignore-case list, number|start|null|boolean is not supported.")
    return _same_ignoring_case(operand)


def _text(test: TextTest) -> Choice:
    return lambda value: isinstance(value, str) and test(value)


def _string(name: str, operand: Any) -> str:
    if not isinstance(operand, str):
        raise InvalidPattern(f"{name} match pattern must be a string")
    return operand


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


_OPERATORS: Mapping[str, Callable[[Any], Choice]] = {
    "prefix": _prefix,
    "suffix": _suffix,
    "equals-ignore-case": _equals_ignore_case,
    "wildcard": _wildcard,
    "exists": _exists,
    "numeric": _numeric,
    "cidr": _cidr,
    "anything-but": _anything_but,
}

_NEGATED: Mapping[str, Callable[[Any], TextTest]] = {
    "prefix": lambda operand: _other_edge(operand, str.startswith),
    "suffix": lambda operand: _other_edge(operand, str.endswith),
    "equals-ignore-case": _other_case,
    "wildcard": _wildcard_test,
}

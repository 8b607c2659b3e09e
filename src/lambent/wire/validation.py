"""Does the input keep the model's constraints? If not, AWS's sentence, with everything that is wrong in it.

    2 validation errors detected: Value '' at 'logGroupName' failed to satisfy constraint: Member must have length
    greater than or equal to 1; Value 'x' at 'limit' failed to satisfy constraint: ...

Required members, lengths, ranges, enumerations and patterns, compiled once per operation; what has no constraint is
never visited. S3 is not checked here: it knows nothing of these sentences, and its own rules stand beside its
operations (`Operation.validation_code` is None).

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Programming.Errors.html
"""

import re
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from typing import Any, NamedTuple

from lambent.wire.errors import ValidationError
from lambent.wire.model import Member, Operation, Shape

Problems = list[str]
Check = Callable[[Any, str, Problems], None]


class Test(NamedTuple):
    keeps: Callable[[Any], bool]
    """Does the value keep the constraint?"""
    words: str
    keeps_all: Callable[[Iterable[Any]], bool] | None = None
    """Do all of these keep it? Where that is quicker to tell at once."""


#: More than anybody reads; AWS stops at ten.
MAX_PROBLEMS = 10
_LONGEST_VALUE_SHOWN = 1_000

_LENGTH_TYPES = frozenset(("string", "list", "map", "blob"))
_RANGE_TYPES = frozenset(("integer", "long", "float", "double"))


def validate(operation: Operation, value: Mapping[str, Any]) -> None:
    """Raises ValidationError with the code that this operation's service uses."""
    check = _compile(operation)
    if check is None:
        return
    problems: Problems = []
    check(value, "", problems)
    if problems:
        shown = problems[:MAX_PROBLEMS]
        count = f"{len(shown)} validation error{'s' if len(shown) > 1 else ''} detected: "
        raise ValidationError(count + "; ".join(shown), code=operation.validation_code)


@cache
def _compile(operation: Operation) -> Check | None:
    if operation.validation_code is None or operation.input is None:
        return None
    return _Compiler().structure(operation.input, skip=operation.streaming_input)


class _Compiler:
    def __init__(self) -> None:
        self._compiled: dict[int, Check | None] = {}

    def structure(self, shape: Shape, *, skip: str | None = None) -> Check | None:
        if id(shape) in self._compiled:
            return self._compiled[id(shape)]
        children: list[tuple[str, str, Check]] = []
        required = [(name, _path_name(name)) for name in shape.required if name != skip]

        def check(value: Mapping[str, Any], path: str, problems: Problems) -> None:
            for name, shown in required:
                if name not in value:
                    problems.append(_problem("null", path + shown, "Member must not be null"))
            for name, shown, check_child in children:
                if name in value:
                    check_child(value[name], path + shown, problems)

        # A shape inside itself is checked, whether or not its other members turn out to have constraints.
        self._compiled[id(shape)] = _nested(check)
        for name, member in shape.members.items():
            child = None if name == skip else self.member(member)
            if child is not None:
                children.append((name, _path_name(name), child))
        if not children and not required:
            self._compiled[id(shape)] = None
            return None
        return check

    def member(self, member: Member) -> Check | None:
        shape = member.shape
        tests = [_scalar_check(test) for test in _tests(shape)]
        if shape.type == "structure":
            if id(shape) in self._compiled:
                return self._compiled[id(shape)]
            inner = self.structure(shape)
            return _nested(inner) if inner is not None else None
        if shape.type == "list" and shape.element is not None:
            tests += self._list_checks(shape.element)
        if shape.type == "map" and shape.key is not None and shape.value is not None:
            tests += self._map_checks(shape.key, shape.value)
        return _all(tests)

    def _list_checks(self, element: Member) -> list[Check]:
        tests = _tests(element.shape)
        if element.shape.type in ("structure", "list", "map"):
            inner = self.member(element)
            return [_each_element(inner)] if inner is not None else []
        return [_together("Member", tests, lambda value: value)] if tests else []

    def _map_checks(self, key: Member, value: Member) -> list[Check]:
        checks: list[Check] = []
        key_tests, value_tests = _tests(key.shape), _tests(value.shape)
        if key_tests:
            checks.append(_together("Map keys", key_tests, lambda entries: entries.keys()))
        if value.shape.type in ("structure", "list", "map"):
            inner = self.member(value)
            return [*checks, _each_entry(inner)] if inner is not None else checks
        if value_tests:
            checks.append(_together("Map value", value_tests, lambda entries: entries.values()))
        return checks


def _path_name(name: str) -> str:
    """AWS's paths have their members' first letter in lower case: `functionName`."""
    return name[:1].lower() + name[1:]


def _problem(value: str, path: str, constraint: str) -> str:
    return f"Value {value} at '{path}' failed to satisfy constraint: {constraint}"


def _nested(check: Check) -> Check:
    return lambda value, path, problems: check(value, path + ".", problems)


def _all(checks: list[Check]) -> Check | None:
    if len(checks) < 2:
        return checks[0] if checks else None

    def check_all(value: Any, path: str, problems: Problems) -> None:
        for check in checks:
            check(value, path, problems)

    return check_all


def _scalar_check(test: Test) -> Check:
    keeps, words = test.keeps, test.words

    def check(value: Any, path: str, problems: Problems) -> None:
        if not keeps(value):
            problems.append(_problem(f"'{_shown(value)}'", path, words))

    return check


def _each_element(check: Check) -> Check:
    def check_each(value: list[Any], path: str, problems: Problems) -> None:
        for number, element in enumerate(value, 1):
            if len(problems) >= MAX_PROBLEMS:
                return
            check(element, f"{path}.{number}.member", problems)

    return check_each


def _each_entry(check: Check) -> Check:
    def check_each(value: Mapping[str, Any], path: str, problems: Problems) -> None:
        for key, entry in value.items():
            if len(problems) >= MAX_PROBLEMS:
                return
            check(entry, f"{path}.{key[:_LONGEST_VALUE_SHOWN]}.member", problems)

    return check_each


def _together(what: str, tests: list[Test], items: Callable[[Any], Any]) -> Check:
    """Scalars in a list or map are reported once for all of them, with all their constraints."""
    words = f"{what} must satisfy constraint: [{', '.join([test.words for test in tests])}]"
    tests_of_all = [test.keeps_all or _for_all(test.keeps) for test in tests]

    def check(value: Any, path: str, problems: Problems) -> None:
        given = items(value)
        for keeps in tests_of_all:
            if not keeps(given):
                problems.append(_problem(f"'{_shown(value)}'", path, words))
                return

    return check


def _for_all(keeps: Callable[[Any], bool]) -> Callable[[Iterable[Any]], bool]:
    return lambda items: all(map(keeps, items))


def _tests(shape: Shape) -> list[Test]:
    tests: list[Test] = []
    if shape.type in _LENGTH_TYPES:
        tests += _length_tests(shape)
    elif shape.type in _RANGE_TYPES:
        tests += _range_tests(shape)
    if shape.type == "string" and shape.enum:
        allowed = frozenset(shape.enum)
        words = f"Member must satisfy enum value set: [{', '.join(shape.enum)}]"
        tests.append(Test(allowed.__contains__, words, allowed.issuperset))
    if shape.type == "string" and shape.pattern:
        tests += _pattern_test(shape)
    return tests


def _length_tests(shape: Shape) -> list[Test]:
    tests: list[Test] = []
    if shape.max is not None:
        most = int(shape.max)
        words = f"Member must have length less than or equal to {most}"
        tests.append(
            Test(lambda value: len(value) <= most, words, lambda items: max(map(len, items), default=0) <= most)
        )
    if shape.min is not None and shape.min > 0:
        least = int(shape.min)
        words = f"Member must have length greater than or equal to {least}"
        tests.append(
            Test(lambda value: len(value) >= least, words, lambda items: min(map(len, items), default=least) >= least)
        )
    return tests


def _range_tests(shape: Shape) -> list[Test]:
    tests: list[Test] = []
    if shape.max is not None:
        most = shape.max
        tests.append(Test(lambda value: value <= most, f"Member must have value less than or equal to {_number(most)}"))
    if shape.min is not None:
        least = shape.min
        words = f"Member must have value greater than or equal to {_number(least)}"
        tests.append(Test(lambda value: value >= least, words))
    return tests


def _number(value: float) -> str:
    return str(int(value)) if value == int(value) else str(value)


#: Java's classes of characters, as near as Python's `re` comes to them inside brackets.
_JAVA_CLASSES = (
    (r"\p{L}", r"\w"), (r"\p{M}", r"\w"), (r"\p{N}", r"\d"), (r"\p{Nd}", r"\d"), (r"\p{Z}", r"\s"), (r"\p{Zs}", r"\s"),
    (r"\p{S}", "$+<=>^`|~"), (r"\p{P}", r"!-/:-@\[-`{-~"), (r"\p{Alnum}", "A-Za-z0-9"), (r"\p{Alpha}", "A-Za-z"),
    (r"\p{Graph}", "!-~"), (r"\p{Punct}", r"!-/:-@\[-`{-~"), (r"\p{ASCII}", r"\x00-\x7f"), (r"\p{Print}", " -~"),
    (r"\p{IsLetter}", r"\w"), (r"\p{IsDigit}", r"\d"),
)  # fmt: skip


def _pattern_test(shape: Shape) -> list[Test]:
    """No test for a pattern that Python cannot read. What is too long is not matched: that is said already."""
    source = shape.pattern
    for java, python in _JAVA_CLASSES:
        source = source.replace(java, python)
    try:
        match = re.compile(source).fullmatch
    except re.error:
        return []
    most = shape.max
    words = f"Member must satisfy regular expression pattern: {shape.pattern}"
    return [Test(lambda value: (most is not None and len(value) > most) or match(value) is not None, words)]


def _shown(value: Any) -> str:
    """As Java prints it."""
    match value:
        case bool():
            text = "true" if value else "false"
        case bytes():
            text = f"java.nio.HeapByteBuffer[pos=0 lim={len(value)} cap={len(value)}]"
        case list():
            text = f"[{', '.join([_shown(one) for one in value[:100]])}]"
        case dict():
            text = "{" + ", ".join([f"{key}={_shown(one)}" for key, one in list(value.items())[:100]]) + "}"
        case _:
            text = str(value)
    return text[:_LONGEST_VALUE_SHOWN]

"""Filter patterns for fields between spaces: `[ip, user, ..., request = *.html*, status = 4* && status != 403, bytes]`.

User Guide, "Using filter patterns to match terms in space-delimited log events". What stands between square brackets
or double quotation marks in the log event is one field. The pattern names every field, unless an ellipsis stands for
any number of them.
"""

from collections.abc import Callable

from lambent.kit.frozen import frozen
from lambent.services.logs.pattern_text import InvalidPattern, Scanner
from lambent.services.logs.pattern_values import COMPARISONS, Comparison, ComparisonReader, parse_number

FieldTest = Callable[[str], bool]

_CLOSING = {"[": "]", '"': '"'}


@frozen
class _Fields:
    """Tests by position from the front and, after an ellipsis, from the back."""

    front: list[FieldTest | None]
    back: list[FieldTest | None] | None


def compile_fields(text: str) -> Callable[[str], bool]:
    """Raises InvalidPattern."""
    if not text.endswith("]"):
        raise InvalidPattern("If a filter pattern starts with '[' it must end with ']'")
    fields = _Parser(text).parse()
    front, back = fields.front, fields.back

    def matches(message: str) -> bool:
        values = split_fields(message)
        if back is None:
            return len(values) == len(front) and _hold(front, values)
        if len(values) < len(front) + len(back):
            return False
        return _hold(front, values) and _hold(back, values[len(values) - len(back) :])

    return matches


def split_fields(message: str) -> list[str]:
    """`1.2.3.4 [a b] "c d" e` -> the four fields, without their brackets and quotation marks."""
    fields: list[str] = []
    at, end = 0, len(message)
    while at < end:
        if message[at].isspace():
            at += 1
            continue
        closing = _CLOSING.get(message[at])
        close = message.find(closing, at + 1) if closing else -1
        if close >= 0:
            fields.append(message[at + 1 : close])
            at = close + 1
        else:
            start = at
            while at < end and not message[at].isspace():
                at += 1
            fields.append(message[start:at])
    return fields


def _hold(tests: list[FieldTest | None], values: list[str]) -> bool:
    return all(test is None or test(value) for test, value in zip(tests, values, strict=False))


class _Parser:
    def __init__(self, text: str) -> None:
        self._scanner = Scanner(text)
        self._comparisons = ComparisonReader(self._scanner)

    def parse(self) -> _Fields:
        scanner = self._scanner
        scanner.expect("[")
        parts: list[list[FieldTest | None]] = [[]]
        while True:
            if scanner.take_symbol("..."):
                parts.append([])
            else:
                parts[-1].append(self._field())
            if not scanner.take_symbol(","):
                break
        scanner.expect("]")
        if not scanner.at_end():
            raise InvalidPattern("Unexpected text after ']'")
        if len(parts) > 2:
            raise InvalidPattern("A filter pattern may have one ellipsis")
        return _Fields(parts[0], parts[1] if len(parts) == 2 else None)

    def _field(self) -> FieldTest | None:
        """A name with or without conditions, or nothing: a field that may hold anything."""
        name = self._name()
        self._scanner.skip_space()
        if self._scanner.peek() in (",", "]"):
            return None
        return self._any(name, self._all(name, self._comparison()))

    def _any(self, name: str, first: FieldTest) -> FieldTest:
        tests = [first]
        while self._scanner.take_symbol("||"):
            tests.append(self._all(name, self._named_comparison(name)))
        return first if len(tests) == 1 else lambda value: any(test(value) for test in tests)

    def _all(self, name: str, first: FieldTest) -> FieldTest:
        tests = [first]
        while self._scanner.take_symbol("&&"):
            tests.append(self._named_comparison(name))
        return first if len(tests) == 1 else lambda value: all(test(value) for test in tests)

    def _named_comparison(self, name: str) -> FieldTest:
        if self._name() != name:
            raise InvalidPattern(f"The conditions of field '{name}' must name it")
        return self._comparison()

    def _comparison(self) -> FieldTest:
        operator = self._scanner.take_symbol(*COMPARISONS)
        if not operator:
            raise InvalidPattern("Expected a comparison, ',' or ']' after a field's name")
        if operator == "=" and self._scanner.take_symbol("!"):
            operator = "!="  # the guide also writes `w1=!ERROR`
        return _test(self._comparisons.read(operator))

    def _name(self) -> str:
        self._scanner.skip_space()
        return self._scanner.take_while(lambda character: character.isalnum() or character in "_-$")


def _test(comparison: Comparison) -> FieldTest:
    matches_text, matches_number = comparison.matches_text, comparison.matches_number
    if matches_number is None:
        return matches_text

    def test(value: str) -> bool:
        number = parse_number(value)
        return matches_text(value) if number is None else matches_number(number)

    return test

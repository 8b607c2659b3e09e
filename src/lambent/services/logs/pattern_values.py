"""What a field of a log event is compared with: text with wildcards, a number, or a regular expression.

`*` counts at the beginning and the end of a text; between them it is an ordinary character (User Guide, "Filter
pattern syntax": `Ev*ent` only matches the string `Ev*ent`).
"""

from collections.abc import Callable

from lambent.kit.frozen import frozen
from lambent.services.logs.pattern_regexes import MAX_REGEXES, compile_regex
from lambent.services.logs.pattern_text import InvalidPattern, Scanner

COMPARISONS = ("!=", "<=", ">=", "=", "<", ">")

_STOPS = frozenset(' \t\r\n(){}[],&|<>=!"%')
#: What may stand outside quotation marks in a value, beside letters and digits.
_UNQUOTED = frozenset("_-.*:/+#?;")


@frozen
class Comparison:
    """`= 4*`, `!= "x"`, `>= 10e-3`, `= %regex%`."""

    matches_text: Callable[[str], bool]
    matches_number: Callable[[float], bool] | None
    """None: compare numbers by their text."""


class ComparisonReader:
    """Reads the right-hand sides of one pattern; counts its regular expressions."""

    def __init__(self, scanner: Scanner) -> None:
        self._scanner = scanner
        self._regexes = 0

    def read(self, operator: str) -> Comparison:
        """Raises InvalidPattern."""
        scanner = self._scanner
        scanner.skip_space()
        if scanner.peek() == "%":
            return _text(operator, self._regex())
        if scanner.peek() == '"':
            return _text(operator, wildcard(scanner.take_quoted()))
        term = scanner.take_until(_STOPS)
        if not term or not all(character.isalnum() or character in _UNQUOTED for character in term):
            raise InvalidPattern(f"Invalid character(s) in term '{term or scanner.peek()}'")
        number = parse_number(term)
        return _text(operator, wildcard(term)) if number is None else _number(operator, number, term)

    def _regex(self) -> Callable[[str], bool]:
        self._regexes += 1
        if self._regexes > MAX_REGEXES:
            raise InvalidPattern(f"A filter pattern may hold {MAX_REGEXES} regular expressions")
        return compile_regex(self._scanner.take_regex())


def wildcard(term: str) -> Callable[[str], bool]:
    if term == "*":
        return lambda _: True
    starts, ends = term.startswith("*"), term.endswith("*")
    body = term[starts : len(term) - ends]
    if starts and ends:
        return lambda text: body in text
    if starts:
        return lambda text: text.endswith(body)
    if ends:
        return lambda text: text.startswith(body)
    return lambda text: text == body


def parse_number(text: str) -> float | None:
    """A decimal with an optional sign and exponent; no `inf`, no `nan`, no `1_000`."""
    if not text or not set(text) <= _NUMERIC:
        return None
    try:
        return float(text)
    except ValueError:
        return None


_NUMERIC = frozenset("0123456789+-.eE")


def _text(operator: str, matches: Callable[[str], bool]) -> Comparison:
    if operator == "=":
        return Comparison(matches, None)
    if operator == "!=":
        return Comparison(lambda text: not matches(text), None)
    raise InvalidPattern(f"'{operator}' compares numbers only")


def _number(operator: str, bound: float, term: str) -> Comparison:
    compare: dict[str, Callable[[float], bool]] = {
        "=": lambda value: value == bound,
        "!=": lambda value: value != bound,
        "<": lambda value: value < bound,
        "<=": lambda value: value <= bound,
        ">": lambda value: value > bound,
        ">=": lambda value: value >= bound,
    }
    by_text: dict[str, Callable[[str], bool]] = {"=": lambda text: text == term, "!=": lambda text: text != term}
    return Comparison(by_text.get(operator, lambda _: False), compare[operator])

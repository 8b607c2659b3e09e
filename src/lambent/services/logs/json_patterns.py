"""Filter patterns for JSON: `{ ($.user.id = 1 && $.list[0] != "x*") || $.flag IS TRUE || $.gone NOT EXISTS }`.

User Guide, "Using filter patterns to match terms in JSON log events". A selector must lead to a text, a number or a
boolean: where it leads to an object, an array or nowhere, neither `=` nor `!=` holds. `&&` binds tighter than `||`.
"""

from collections.abc import Callable, Iterator
from typing import Any

import orjson

from lambent.services.logs.pattern_text import InvalidPattern, Scanner
from lambent.services.logs.pattern_values import COMPARISONS, Comparison, ComparisonReader

Condition = Callable[[Any], bool]
#: One step of a selector: a property, an index, or None for the wildcard.
Step = str | int | None

#: Parentheses within parentheses.
MAX_DEPTH = 50

_NAME_EXTRA = frozenset("-_")


def compile_json(text: str) -> Callable[[str], bool]:
    """Raises InvalidPattern."""
    if not text.endswith("}"):
        raise InvalidPattern("If a filter pattern starts with '{' it must end with '}'")
    condition = _Parser(text).parse()

    def matches(message: str) -> bool:
        try:
            document = orjson.loads(message)
        except orjson.JSONDecodeError:
            return False
        return condition(document)

    return matches


class _Parser:
    def __init__(self, text: str) -> None:
        self._scanner = Scanner(text)
        self._comparisons = ComparisonReader(self._scanner)
        self._depth = 0

    def parse(self) -> Condition:
        self._scanner.expect("{")
        condition = self._any()
        self._scanner.expect("}")
        if not self._scanner.at_end():
            raise InvalidPattern("Unexpected text after '}'")
        return condition

    def _any(self) -> Condition:
        conditions = [self._all()]
        while self._scanner.take_symbol("||"):
            conditions.append(self._all())
        if len(conditions) == 1:
            return conditions[0]
        return lambda document: any(condition(document) for condition in conditions)

    def _all(self) -> Condition:
        conditions = [self._unit()]
        while self._scanner.take_symbol("&&"):
            conditions.append(self._unit())
        if len(conditions) == 1:
            return conditions[0]
        return lambda document: all(condition(document) for condition in conditions)

    def _unit(self) -> Condition:
        if not self._scanner.take_symbol("("):
            return self._condition()
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise InvalidPattern("Too many parentheses")
        condition = self._any()
        self._scanner.expect(")")
        self._depth -= 1
        return condition

    def _condition(self) -> Condition:
        select = _selector(self._selector_steps())
        if self._scanner.take_word("IS"):
            return self._is(select)
        if self._scanner.take_word("NOT"):
            if not self._scanner.take_word("EXISTS"):
                raise InvalidPattern("Expected EXISTS after NOT")
            return lambda document: not any(True for _ in select(document))
        if self._scanner.take_word("EXISTS"):
            return lambda document: any(True for _ in select(document))
        operator = self._scanner.take_symbol(*COMPARISONS)
        if not operator:
            raise InvalidPattern("Expected a comparison after a property selector")
        return _compared(select, self._comparisons.read(operator))

    def _is(self, select: Callable[[Any], Iterator[Any]]) -> Condition:
        word = self._scanner.take_word("TRUE", "FALSE", "NULL")
        if not word:
            raise InvalidPattern("Expected TRUE, FALSE or NULL after IS")
        wanted = {"TRUE": True, "FALSE": False, "NULL": None}[word]
        return lambda document: any(value is wanted for value in select(document))

    def _selector_steps(self) -> list[Step]:
        """`$.a.b[0]['c d']`; one wildcard (`.*` or `[*]`) is allowed."""
        if not self._scanner.take_symbol("$"):
            raise InvalidPattern("A property selector starts with '$.'")
        steps: list[Step] = []
        while self._scanner.peek() in (".", "["):
            steps.append(self._bracket() if self._scanner.take_symbol(".", "[") == "[" else self._property())
        if not steps:
            raise InvalidPattern("A property selector starts with '$.'")
        if steps.count(None) > 1:
            raise InvalidPattern("A property selector may have one wildcard")
        return steps

    def _property(self) -> Step:
        if self._scanner.peek() == "*":
            self._scanner.take_symbol("*")
            return None
        if self._scanner.peek() == "[":
            self._scanner.take_symbol("[")
            return self._bracket()
        name = self._scanner.take_while(lambda character: character.isalnum() or character in _NAME_EXTRA)
        if not name:
            raise InvalidPattern("A property name is missing after '.'")
        return name

    def _bracket(self) -> Step:
        scanner = self._scanner
        if scanner.peek() in ("'", '"'):
            quote = scanner.take_symbol("'", '"')
            step: Step = scanner.take_until(frozenset(quote))
            scanner.expect(quote)
        elif scanner.take_symbol("*"):
            step = None
        else:
            digits = scanner.take_while(lambda character: character in "0123456789")
            if not digits or len(digits) > 9:
                raise InvalidPattern("An index is a number, '*' or a name in quotation marks")
            step = int(digits)
        scanner.expect("]")
        return step


def _selector(steps: list[Step]) -> Callable[[Any], Iterator[Any]]:
    def select(document: Any) -> Iterator[Any]:
        found: list[Any] = [document]
        for step in steps:
            found = [value for node in found for value in _children(node, step)]
        return iter(found)

    return select


def _children(node: Any, step: Step) -> list[Any]:
    if isinstance(node, dict):
        if step is None:
            return list(node.values())
        return [node[step]] if step in node else []
    if isinstance(node, list):
        if step is None:
            return node
        return [node[step]] if isinstance(step, int) and step < len(node) else []
    return []


def _compared(select: Callable[[Any], Iterator[Any]], comparison: Comparison) -> Condition:
    return lambda document: any(_holds(comparison, value) for value in select(document))


def _holds(comparison: Comparison, value: Any) -> bool:
    if isinstance(value, str):
        return comparison.matches_text(value)
    if isinstance(value, bool):
        return comparison.matches_text("true" if value else "false")
    if isinstance(value, int | float):
        if comparison.matches_number is not None:
            return comparison.matches_number(value)
        return comparison.matches_text(str(value))
    return False

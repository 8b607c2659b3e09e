"""Metric math as text: `100 * errors / FILL(invocations, 1)` becomes a tree. By recursive descent.

"Using metric math", https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/using-metric-math.html. What is not
served is refused by its name: SEARCH, Metrics Insights (`SELECT ...`), anomaly detection.
"""

import re
from collections.abc import Callable

from lambent.kit.frozen import frozen
from lambent.services.cloudwatch.errors import ValidationError

#: An expression has 2,048 characters at most; deeper ones are no real ones.
MAX_DEPTH = 60

_TOKEN = re.compile(
    r"\s*(?:(?P<number>\d+\.?\d*(?:[eE][+-]?\d+)?|\.\d+(?:[eE][+-]?\d+)?)|(?P<name>[A-Za-z_][A-Za-z0-9_]*)"
    r"|(?P<string>\"[^\"]*\"|'[^']*')|(?P<sign>&&|\|\||==|!=|<=|>=|[-+*/^()<>,\[\]]))"
)
_INSIGHTS = re.compile(r"\s*SELECT\b", re.IGNORECASE)


@frozen
class Number:
    value: float


@frozen
class Name:
    """The id of another query; REPEAT and LINEAR of FILL are names as well."""

    name: str


@frozen
class Text:
    value: str


@frozen
class Array:
    elements: "tuple[Node, ...]"


@frozen
class Call:
    function: str
    arguments: "tuple[Node, ...]"


@frozen
class Binary:
    sign: str
    left: "Node"
    right: "Node"


@frozen
class Negative:
    operand: "Node"


Node = Number | Name | Text | Array | Call | Binary | Negative


def parse(text: str) -> Node:
    """Raises ValidationError."""
    if _INSIGHTS.match(text):
        raise ValidationError("Metrics Insights queries (SELECT ...) are not served by Lambent; use MetricStat.")
    parser = _Parser(text)
    node = parser.disjunction()
    parser.expect_end()
    return node


def names_in(node: Node) -> set[str]:
    """The ids an expression refers to."""
    found: set[str] = set()
    left_to_see = [node]
    while left_to_see:
        match left_to_see.pop():
            case Name(name):
                found.add(name)
            case Array(inner) | Call(_, inner):
                left_to_see += inner
            case Binary(_, left, right):
                left_to_see += (left, right)
            case Negative(operand):
                left_to_see.append(operand)
    return found


class _Parser:
    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens = list(_tokens(text))
        self._at = 0
        self._depth = 0

    def disjunction(self) -> Node:
        return self._chain(self._conjunction, ("||", "OR"))

    def expect_end(self) -> None:
        if self._at < len(self._tokens):
            raise self._wrong(f"unexpected {self._tokens[self._at][1]!r}")

    def _conjunction(self) -> Node:
        return self._chain(self._comparison, ("&&", "AND"))

    def _comparison(self) -> Node:
        return self._chain(self._sum, ("==", "!=", "<=", ">=", "<", ">"))

    def _sum(self) -> Node:
        return self._chain(self._product, ("+", "-"))

    def _product(self) -> Node:
        return self._chain(self._factor, ("*", "/"))

    def _factor(self) -> Node:
        if self._take("-"):
            return self._nested(lambda: Negative(self._factor()))
        base = self._atom()
        return Binary("^", base, self._nested(self._factor)) if self._take("^") else base

    def _chain(self, operand: Callable[[], Node], signs: tuple[str, ...]) -> Node:
        """Left to right."""
        node = operand()
        while (sign := self._take(*signs)) is not None:
            node = Binary(sign, node, operand())
        return node

    def _atom(self) -> Node:
        kind, text = self._next()
        if kind == "number":
            return Number(float(text))
        if kind == "string":
            return Text(text[1:-1])
        if kind == "name":
            return Call(text.upper(), self._list(")")) if self._take("(") else Name(text)
        if text == "(":
            node = self._nested(self.disjunction)
            self._expect(")")
            return node
        if text == "[":
            return Array(self._list("]"))
        raise self._wrong(f"unexpected {text!r}")

    def _list(self, end: str) -> tuple[Node, ...]:
        found: list[Node] = []
        if self._take(end):
            return ()
        while True:
            found.append(self._nested(self.disjunction))
            if self._take(end):
                return tuple(found)
            self._expect(",")

    def _nested(self, read: Callable[[], Node]) -> Node:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise self._wrong("nested too deep")
        node = read()
        self._depth -= 1
        return node

    def _take(self, *wanted: str) -> str | None:
        if self._at < len(self._tokens) and self._tokens[self._at][1] in wanted:
            self._at += 1
            return self._tokens[self._at - 1][1]
        return None

    def _next(self) -> tuple[str, str]:
        if self._at == len(self._tokens):
            raise self._wrong("unexpected end")
        self._at += 1
        return self._tokens[self._at - 1]

    def _expect(self, wanted: str) -> None:
        if self._take(wanted) is None:
            found = self._tokens[self._at][1] if self._at < len(self._tokens) else "the end"
            raise self._wrong(f"{wanted!r} expected instead of {found!r}")

    def _wrong(self, what: str) -> ValidationError:
        return ValidationError(f"Error in expression '{self._text}': {what}")


def _tokens(text: str) -> list[tuple[str, str]]:
    found = []
    position, end = 0, len(text.rstrip())
    while position < end:
        token = _TOKEN.match(text, position)
        if token is None:
            raise ValidationError(f"Error in expression '{text}': unexpected {text[position:].strip()[:1]!r}")
        assert token.lastgroup is not None
        found.append((token.lastgroup, token[token.lastgroup]))
        position = token.end()
    return found

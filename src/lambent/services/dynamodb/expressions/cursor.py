"""What the parsers have in common: a position among tokens, document paths, operands, and the limits of AWS.

Syntax errors come first and end the parse. Everything else that is wrong with a text alone is noted while parsing
and reported after it, in AWS's order of precedence.
"""

from collections.abc import Callable

from lambent.services.dynamodb.expressions.invalid import InvalidExpression
from lambent.services.dynamodb.expressions.lexer import Kind, Token, tokenise
from lambent.services.dynamodb.expressions.reserved_words import is_reserved
from lambent.services.dynamodb.expressions.tree import Function, Operand, PathNode, ValueNode

#: Developer Guide, "Quotas", expression parameters.
MAX_EXPRESSION_BYTES = 4096
MAX_OPERATORS = 300

#: Brackets within brackets. AWS has no such limit but that of operators; ours keeps well within Python's stack.
MAX_NESTING = 150

#: Developer Guide, "Quotas": 32 levels of nesting.
MAX_PATH_DEPTH = 32

#: AWS reads list indices as 32-bit integers.
_MAX_INDEX_DIGITS = 9


class Cursor:
    def __init__(self, text: str, keywords: frozenset[str]) -> None:
        """`keywords` are upper-case words that are no names. Raises InvalidExpression for a text too long or empty."""
        size = len(text.encode())
        if size > MAX_EXPRESSION_BYTES:
            raise InvalidExpression(f"Expression size has exceeded the maximum allowed size; expression size: {size}")
        self._text = text
        self._tokens = tokenise(text)
        self._at = 0
        self._keywords = keywords
        self._nesting = 0
        self.operators = 0
        #: The first reserved word used as a name.
        self.reserved: str | None = None
        #: The first function name nobody knows.
        self.unknown_function: str | None = None
        if len(self._tokens) == 1:
            raise InvalidExpression("The expression can not be empty;")

    @property
    def token(self) -> Token:
        return self._tokens[self._at]

    @property
    def position(self) -> int:
        """How many tokens have been taken."""
        return self._at

    def peek(self, ahead: int) -> Token:
        return self._tokens[min(self._at + ahead, len(self._tokens) - 1)]

    def advance(self) -> Token:
        token = self._tokens[self._at]
        if token.kind is not Kind.END:
            self._at += 1
        return token

    def syntax_error(self) -> InvalidExpression:
        """AWS quotes the token that does not fit, and it with its neighbours as they are written."""
        token = self.token
        before = self._tokens[max(self._at - 1, 0)]
        near = self._text[before.start : self.peek(1).end]
        return InvalidExpression(f'Syntax error; token: "{token.text}", near: "{near.rstrip()}"')

    def at_symbol(self, symbol: str) -> bool:
        token = self._tokens[self._at]
        return token.text == symbol and token.kind is Kind.SYMBOL

    def take_symbol(self, symbol: str) -> bool:
        if self.at_symbol(symbol):
            self._at += 1
            return True
        return False

    def expect_symbol(self, symbol: str) -> None:
        if not self.take_symbol(symbol):
            raise self.syntax_error()

    def keyword(self) -> str | None:
        """The keyword that comes next, in upper case."""
        token = self._tokens[self._at]
        if token.kind is not Kind.WORD:
            return None
        word = token.text.upper()
        return word if word in self._keywords else None

    def take_keyword(self, keyword: str) -> bool:
        if self.keyword() == keyword:
            self._at += 1
            return True
        return False

    def expect_end(self) -> None:
        if self.token.kind is not Kind.END:
            raise self.syntax_error()

    def count_operator(self) -> None:
        self.operators += 1

    def nest(self) -> None:
        self._nesting += 1
        if self._nesting > MAX_NESTING:
            self.check_functions()
            raise InvalidExpression(f"The expression is nested too deeply; nesting level: {self._nesting}")

    def unnest(self) -> None:
        self._nesting -= 1

    def check_operators(self) -> None:
        """AWS stops counting at the first operator too many."""
        if self.operators > MAX_OPERATORS:
            raise InvalidExpression(f"The expression contains too many operators; operator count: {MAX_OPERATORS + 1}")

    def check_reserved(self) -> None:
        if self.reserved is not None:
            raise InvalidExpression(f"Attribute name is a reserved keyword; reserved keyword: {self.reserved}")

    def check_functions(self) -> None:
        if self.unknown_function is not None:
            raise InvalidExpression(f"Invalid function name; function: {self.unknown_function}")

    def path(self) -> PathNode:
        return self.longer_path(PathNode((), has_placeholders=False), first=True)

    def longer_path(self, path: PathNode, *, first: bool = False) -> PathNode:
        """`path` with the names and indices that follow; from its first name on, or from a dot or bracket on."""
        parts = list(path.parts)
        has_placeholders = path.has_placeholders
        if first:
            parts.append(name := self._name())
            has_placeholders = name[0] == "#"
        while True:
            if self.take_symbol("."):
                parts.append(name := self._name())
                has_placeholders = has_placeholders or name[0] == "#"
            elif self.take_symbol("["):
                parts.append(self._index())
                self.expect_symbol("]")
            else:
                break
        if len(parts) > MAX_PATH_DEPTH:
            raise InvalidExpression(f"The document path has too many nesting elements; nesting level: {len(parts)}")
        return PathNode(tuple(parts), has_placeholders)

    def operand(self, functions: frozenset[str], within: Callable[[], Operand]) -> Operand:
        """A path, a value or a function call, without brackets around it; `within` reads operands of functions."""
        token = self.token
        if token.kind is Kind.VALUE:
            self.advance()
            return ValueNode(token.text)
        if token.kind is Kind.WORD and self.keyword() is None:
            following = self.peek(1)
            if following.kind is Kind.SYMBOL and following.text == "(":
                self.advance()
                return self._call(token.text, functions, within)
        return self.path()

    def operands(self, read: Callable[[], Operand]) -> tuple[Operand, ...]:
        """One or more in brackets, with commas between."""
        self.expect_symbol("(")
        operands = [read()]
        while self.take_symbol(","):
            operands.append(read())
        self.expect_symbol(")")
        return tuple(operands)

    def _call(self, name: str, functions: frozenset[str], read: Callable[[], Operand]) -> Function:
        if name not in functions and self.unknown_function is None:
            self.unknown_function = name
        self.count_operator()
        self.nest()
        operands = self.operands(read)
        self.unnest()
        return Function(name, operands)

    def _name(self) -> str:
        token = self.token
        if token.kind is Kind.NAME:
            self.advance()
            return token.text
        if token.kind is not Kind.WORD or self.keyword() is not None:
            raise self.syntax_error()
        if self.reserved is None and is_reserved(token.text):
            self.reserved = token.text
        self.advance()
        return token.text

    def _index(self) -> int:
        token = self.token
        if token.kind is not Kind.INDEX:
            raise self.syntax_error()
        self.advance()
        if len(token.text.lstrip("0")) > _MAX_INDEX_DIGITS:
            raise InvalidExpression(f"List index is not within the allowable range; index: [{token.text}]")
        return int(token.text)

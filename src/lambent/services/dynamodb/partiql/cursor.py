"""A place in a statement's tokens, and what parsers of all its parts do there."""

from lambent.services.dynamodb.errors import ValidationException
from lambent.services.dynamodb.expressions.tree import PathNode, ValueNode
from lambent.services.dynamodb.partiql.keywords import KEYWORDS, OPERATORS
from lambent.services.dynamodb.partiql.lexer import Kind, Token, tokenize
from lambent.services.dynamodb.partiql.malformed import malformed
from lambent.services.dynamodb.partiql.tree import Template

#: Parentheses and documents in one another. AWS states no limit; items stop at 32.
MAX_NESTING = 64


class Cursor:
    """Lives while one text is parsed; everything it raises is a ValidationException."""

    def __init__(self, text: str) -> None:
        self._tokens = tokenize(text)
        self._position = 0
        self._depth = 0
        self.templates: list[Template] = []
        self.parameters = 0

    @property
    def token(self) -> Token:
        return self._tokens[self._position]

    @property
    def next_token(self) -> Token:
        return self._tokens[min(self._position + 1, len(self._tokens) - 1)]

    def advance(self) -> Token:
        """The token passed over."""
        token = self.token
        if token.kind is not Kind.END:
            self._position += 1
        return token

    def accept_keyword(self, *keywords: str) -> bool:
        """Pass over all of `keywords`, one after the other, if the first of them stands here."""
        if self.token.keyword != keywords[0]:
            return False
        for keyword in keywords:
            if self.token.keyword != keyword:
                raise self.unexpected()
            self.advance()
        return True

    def accept_symbol(self, symbol: str) -> bool:
        if not self.token.is_symbol(symbol):
            return False
        self.advance()
        return True

    def expect_symbol(self, symbol: str) -> None:
        if not self.accept_symbol(symbol):
            raise self.unexpected()

    def unexpected(self) -> ValidationException:
        """What stands here cannot stand here."""
        token = self.token
        if token.keyword in OPERATORS or token.is_symbol("=", "<", ">", "<=", ">=", "<>", "!="):
            return malformed("Unexpected operator")
        return malformed("Unexpected keyword" if token.keyword in KEYWORDS else "Unexpected term")

    def enter(self) -> None:
        self._depth += 1
        if self._depth > MAX_NESTING:
            raise malformed()

    def leave(self) -> None:
        self._depth -= 1

    # Names

    def is_name(self) -> bool:
        return self.token.kind is Kind.QUOTED or (self.token.kind is Kind.WORD and self.token.keyword not in KEYWORDS)

    def name(self) -> str:
        if not self.is_name():
            raise self.unexpected()
        text = self.advance().text
        if not text:
            raise ValidationException("Path component cannot be an empty string")
        return text

    def path(self) -> PathNode:
        """`a."b"[0]['c']`"""
        parts: list[str | int] = [self.name()]
        while True:
            if self.accept_symbol("."):
                if self.token.is_symbol("*"):
                    raise ValidationException("Unpivot path component like a.*.b are not supported")
                parts.append(self.name())
            elif self.accept_symbol("["):
                parts.append(self._member())
                self.expect_symbol("]")
            else:
                return PathNode(tuple(parts), has_placeholders=False)

    def _member(self) -> str | int:
        token = self.advance()
        if token.is_symbol("*"):
            raise ValidationException("Wildcard path component like a[*].b are not supported")
        if token.kind is Kind.STRING:
            return token.text
        if token.kind is not Kind.NUMBER or not token.text.isdigit():
            raise ValidationException("Unexpected path component")
        return int(token.text)

    # Values

    def take_position(self) -> int:
        """Of the next parameter."""
        self.parameters += 1
        return self.parameters - 1

    def keep(self, template: Template) -> ValueNode:
        """The value as an expression calls it."""
        self.templates.append(template)
        return ValueNode(f":{len(self.templates) - 1}")

"""A statement's text as tokens: words, "quoted identifiers", 'strings', numbers, symbols. Comments and blanks go."""

import re
from enum import Enum, auto

from lambent.kit.frozen import frozen
from lambent.services.dynamodb.partiql.malformed import malformed


class Kind(Enum):
    #: A name or keyword, as written.
    WORD = auto()
    #: An identifier in double quotes; never a keyword.
    QUOTED = auto()
    STRING = auto()
    NUMBER = auto()
    SYMBOL = auto()
    END = auto()


@frozen
class Token:
    kind: Kind
    text: str
    """Without quotes."""

    @property
    def keyword(self) -> str:
        """In capitals; "" of what cannot be one."""
        return self.text.upper() if self.kind is Kind.WORD else ""

    def is_symbol(self, *symbols: str) -> bool:
        return self.kind is Kind.SYMBOL and self.text in symbols


_TOKEN = re.compile(
    r"""
    (?P<blank>\s+|--[^\n]*|/\*.*?\*/)
    |(?P<number>(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?)
    |(?P<word>[A-Za-z_$][A-Za-z0-9_$]*)
    |"(?P<quoted>(?:[^"]|"")*)"
    |'(?P<string>(?:[^']|'')*)'
    |(?P<symbol><<|>>|<=|>=|<>|!=|/(?!\*)|[=<>+\-*?,.:;(){}\[\]])
    """,
    re.VERBOSE | re.DOTALL,
)
_QUOTES = {Kind.QUOTED: '"', Kind.STRING: "'"}


def tokenize(text: str) -> tuple[Token, ...]:
    """Ends with an END token. Raises ValidationException."""
    tokens: list[Token] = []
    position = 0
    while position < len(text):
        found = _TOKEN.match(text, position)
        if found is None:
            raise malformed()
        position = found.end()
        if found.lastgroup != "blank":
            assert found.lastgroup is not None
            tokens.append(_token(Kind[found.lastgroup.upper()], found[found.lastgroup]))
    return (*tokens, Token(Kind.END, ""))


def _token(kind: Kind, text: str) -> Token:
    quote = _QUOTES.get(kind)
    return Token(kind, text if quote is None else text.replace(quote * 2, quote))

"""Expression text into tokens. A character that belongs nowhere is a token, too, which no rule of grammar accepts."""

import re
from enum import Enum

from lambent.kit.frozen import frozen


class Kind(Enum):
    #: A word: attribute name, function name or keyword.
    WORD = "word"
    #: `#name`, a placeholder for an attribute name.
    NAME = "name"
    #: `:value`, a placeholder for an attribute value.
    VALUE = "value"
    #: Digits: a list index.
    INDEX = "index"
    #: An operator, bracket, comma or dot.
    SYMBOL = "symbol"
    #: Anything else.
    STRAY = "stray"
    #: The end of the text.
    END = "end"


@frozen
class Token:
    kind: Kind
    text: str
    start: int
    end: int


#: How AWS names the end of an expression.
END_TEXT = "<EOF>"

_TOKENS = re.compile(
    r"""[ \t\r\n]*(?:
      (?P<word>[A-Za-z][A-Za-z0-9_]*)
    | (?P<name>\#[A-Za-z0-9_]+)
    | (?P<value>:[A-Za-z0-9_]+)
    | (?P<index>[0-9]+)
    | (?P<symbol><>|<=|>=|[=<>()\[\],.+-])
    | (?P<stray>[^ \t\r\n])
    )""",
    re.VERBOSE,
)


def tokenise(text: str) -> list[Token]:
    """All tokens, the end last."""
    tokens = [
        Token(Kind(found.lastgroup), found[found.lastgroup], found.start(found.lastgroup), found.end())
        for found in _TOKENS.finditer(text)
        if found.lastgroup
    ]
    tokens.append(Token(Kind.END, END_TEXT, len(text), len(text)))
    return tokens

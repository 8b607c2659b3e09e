"""The text of a filter pattern, read from left to right; what the three dialects have in common."""

from collections.abc import Callable


class InvalidPattern(Exception):
    """The pattern is not in AWS's syntax; the message is what AWS says after "Invalid filter pattern"."""


class Scanner:
    """A position in a pattern."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0

    def peek(self) -> str:
        """The next character; "" at the end."""
        return self._text[self._at : self._at + 1]

    def at_end(self) -> bool:
        self.skip_space()
        return self._at >= len(self._text)

    def skip_space(self) -> None:
        while self.peek().isspace():
            self._at += 1

    def take_any(self, characters: str) -> str:
        """The next character if it is one of these, else ""."""
        self.skip_space()
        found = self.peek()
        if not found or found not in characters:
            return ""
        self._at += 1
        return found

    def take_word(self, *words: str) -> str:
        """The first of `words` that comes next (any case), else ""."""
        self.skip_space()
        for word in words:
            end = self._at + len(word)
            if self._text[self._at : end].upper() == word and not self._text[end : end + 1].isalnum():
                self._at = end
                return word
        return ""

    def take_symbol(self, *symbols: str) -> str:
        """The first of `symbols` that comes next, else ""."""
        self.skip_space()
        for symbol in symbols:
            if self._text.startswith(symbol, self._at):
                self._at += len(symbol)
                return symbol
        return ""

    def expect(self, symbol: str) -> None:
        if not self.take_symbol(symbol):
            found = self.peek() or "the end of the pattern"
            raise InvalidPattern(f"Expected '{symbol}' but found {found} at position {self._at}")

    def take_until(self, stops: frozenset[str]) -> str:
        start = self._at
        while (character := self.peek()) and character not in stops:
            self._at += 1
        return self._text[start : self._at]

    def take_while(self, wanted: Callable[[str], bool]) -> str:
        start = self._at
        while (character := self.peek()) and wanted(character):
            self._at += 1
        return self._text[start : self._at]

    def take_quoted(self) -> str:
        r"""A string in double quotation marks; `\"` and `\\` stand for the mark and the backslash."""
        self.expect('"')
        taken: list[str] = []
        while (character := self.peek()) != '"':
            self._at += 1
            if character == "\\" and self.peek() in ('"', "\\"):
                character = self.peek()
                self._at += 1
            if not character:
                raise InvalidPattern("Unclosed quotation mark")
            taken.append(character)
        self._at += 1
        return "".join(taken)

    def take_regex(self) -> str:
        r"""What stands between two percent signs; `\%` is not one of AWS's escapes, so there is no way to quote it."""
        self.expect("%")
        body = self.take_until(frozenset("%"))
        if not self.peek():
            raise InvalidPattern("Unclosed regular expression: a second '%' is missing")
        self._at += 1
        return body

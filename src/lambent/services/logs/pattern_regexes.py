r"""The regular expressions of filter patterns, matched in time proportional to the text.

User Guide, "Supported regular expressions (regex) syntax": letters, digits, the symbols `: _ # = @ / ; , -`, the
operators `^ $ ? [ ] { } | \ * + .`, classes `\d \D \s \S \w \W`, `\xHH` for the rest; no parentheses, no
multi-byte characters. Python's own engine backtracks (`%a.*b%` over one long line can hold the process for a minute),
so this subset, which has no groups, is run as an automaton whose states are made as they are met.
"""

from collections.abc import Callable

from lambent.kit.frozen import frozen
from lambent.services.logs.pattern_text import InvalidPattern

#: "There is a limit of 2 regex for each filter pattern when creating a delimited or JSON filter pattern".
MAX_REGEXES = 2
#: Atoms after `{n,m}` is written out.
MAX_ATOMS = 1_000
#: Transitions remembered before the automaton forgets and starts to learn anew.
MAX_TRANSITIONS = 20_000

_PLAIN = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 :_#=@/;,-")
_DIGITS = frozenset("0123456789")
_WORD = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_")
_SPACE = frozenset(" \t\n\r\f\v")


@frozen
class CharacterSet:
    characters: frozenset[str]
    is_negated: bool = False

    def holds(self, character: str) -> bool:
        return (character in self.characters) != self.is_negated


@frozen
class Atom:
    """One character of a set; `*` makes it optional and repeatable."""

    allowed: CharacterSet
    is_optional: bool = False
    is_repeated: bool = False


@frozen
class Alternative:
    atoms: tuple[Atom, ...]
    at_start: bool
    at_end: bool


_ANY = CharacterSet(frozenset("\n"), is_negated=True)
_ESCAPED = {
    "d": CharacterSet(_DIGITS), "D": CharacterSet(_DIGITS, is_negated=True),
    "w": CharacterSet(_WORD), "W": CharacterSet(_WORD, is_negated=True),
    "s": CharacterSet(_SPACE), "S": CharacterSet(_SPACE, is_negated=True),
}  # fmt: skip


def compile_regex(body: str) -> Callable[[str], bool]:
    """Does it match anywhere in the text? Raises InvalidPattern."""
    return Automaton(Parser(body).parse()).search


class Parser:
    """Reads a regular expression from left to right."""

    def __init__(self, body: str) -> None:
        self._body = body
        self._at = 0

    def parse(self) -> list[Alternative]:
        if not self._body:
            raise self._invalid()
        alternatives = [self._alternative()]
        while self._take("|"):
            alternatives.append(self._alternative())
        if sum(len(alternative.atoms) for alternative in alternatives) > MAX_ATOMS:
            raise InvalidPattern("The regular expression is too long")
        return alternatives

    def _alternative(self) -> Alternative:
        at_start = self._take("^")
        atoms: list[Atom] = []
        while self._peek() not in ("", "|", "$"):
            atoms += self._repeated(self._set())
        at_end = self._take("$")
        if self._peek() not in ("", "|"):
            raise self._invalid()
        return Alternative(tuple(atoms), at_start, at_end)

    def _set(self) -> CharacterSet:
        character = self._next()
        if character == ".":
            return _ANY
        if character == "\\":
            return self._escape()
        if character == "[":
            return self._bracketed()
        if character not in _PLAIN:
            raise self._invalid()
        return CharacterSet(frozenset(character))

    def _escape(self) -> CharacterSet:
        character = self._next()
        if character == "x":
            return CharacterSet(frozenset(self._hexadecimal()))
        if character in _ESCAPED:
            return _ESCAPED[character]
        if not character.isascii() or character.isalnum():
            raise self._invalid()
        return CharacterSet(frozenset(character))

    def _hexadecimal(self) -> str:
        digits = self._body[self._at : self._at + 2]
        self._at += 2
        try:
            return bytes.fromhex(digits).decode("ascii") or self._fail()
        except ValueError as error:
            raise self._invalid() from error

    def _bracketed(self) -> CharacterSet:
        is_negated = self._take("^")
        characters: set[str] = set()
        while not self._take("]"):
            low = self._member()
            if self._peek() == "-" and self._body[self._at + 1 : self._at + 2] not in ("", "]"):
                self._at += 1
                low = self._range(low, self._member())
            if low.is_negated:
                raise self._invalid()
            characters |= low.characters
        if not characters:
            raise self._invalid()
        return CharacterSet(frozenset(characters), is_negated)

    def _member(self) -> CharacterSet:
        character = self._next()
        if character == "\\":
            return self._escape()
        if character not in _PLAIN and character not in "$?{}|*+.^":
            raise self._invalid()
        return CharacterSet(frozenset(character))

    def _range(self, low: CharacterSet, high: CharacterSet) -> CharacterSet:
        if len(low.characters) != 1 or len(high.characters) != 1:
            raise self._invalid()
        first, last = ord(min(low.characters)), ord(min(high.characters))
        if first > last:
            raise self._invalid()
        return CharacterSet(frozenset(map(chr, range(first, last + 1))))

    def _repeated(self, allowed: CharacterSet) -> list[Atom]:
        if self._take("*"):
            return [Atom(allowed, is_optional=True, is_repeated=True)]
        if self._take("+"):
            return [Atom(allowed), Atom(allowed, is_optional=True, is_repeated=True)]
        if self._take("?"):
            return [Atom(allowed, is_optional=True)]
        if self._take("{"):
            return self._counted(allowed)
        return [Atom(allowed)]

    def _counted(self, allowed: CharacterSet) -> list[Atom]:
        """`{n}`, `{n,}`, `{n,m}`"""
        least_text, comma, most_text = self._braces().partition(",")
        if not least_text.isdecimal() or (most_text and not most_text.isdecimal()):
            raise self._invalid()
        least = int(least_text)
        most = int(most_text) if most_text else least
        if most < least or most > MAX_ATOMS:
            raise self._invalid()
        if comma and not most_text:
            return [*[Atom(allowed)] * least, Atom(allowed, is_optional=True, is_repeated=True)]
        return [*[Atom(allowed)] * least, *[Atom(allowed, is_optional=True)] * (most - least)]

    def _braces(self) -> str:
        end = self._body.find("}", self._at)
        if end < 0 or end - self._at > len("1000,1000"):
            raise self._invalid()
        inside = self._body[self._at : end]
        self._at = end + 1
        return inside

    def _peek(self) -> str:
        return self._body[self._at : self._at + 1]

    def _next(self) -> str:
        character = self._peek()
        if not character:
            raise self._invalid()
        self._at += 1
        return character

    def _take(self, character: str) -> bool:
        found = self._peek() == character
        self._at += found
        return found

    def _fail(self) -> str:
        raise self._invalid()

    def _invalid(self) -> InvalidPattern:
        return InvalidPattern(f"Invalid character(s) in term '%{self._body}%'")


class Automaton:
    """A state is the set of atoms that may come next, as bits; each alternative ends with one accepting bit."""

    def __init__(self, alternatives: list[Alternative]) -> None:
        self._atoms: list[Atom | None] = []
        self._restart = self._start = self._accept = self._accept_at_end = 0
        for alternative in alternatives:
            self._add(alternative)
        self._start, self._restart = self._closed(self._start), self._closed(self._restart)
        self._next: dict[tuple[int, str], int] = {}

    def search(self, text: str) -> bool:
        """`$` also stands before a final newline, which every line of a function ends with."""
        state, known, accept = self._start, self._next, self._accept
        for character in text.removesuffix("\n"):
            if state & accept:
                return True
            following = known.get((state, character))
            state = self._learn(state, character) if following is None else following
        return bool(state & (accept | self._accept_at_end))

    def _learn(self, state: int, character: str) -> int:
        if len(self._next) >= MAX_TRANSITIONS:
            self._next.clear()
        following = self._next[state, character] = self._step(state, character)
        return following

    def _add(self, alternative: Alternative) -> None:
        first = 1 << len(self._atoms)
        self._start |= first
        if not alternative.at_start:
            self._restart |= first
        self._atoms += alternative.atoms
        last = 1 << len(self._atoms)
        self._atoms.append(None)
        if alternative.at_end:
            self._accept_at_end |= last
        else:
            self._accept |= last

    def _closed(self, state: int) -> int:
        """With what may be skipped."""
        for index, atom in enumerate(self._atoms):
            if atom is not None and atom.is_optional and state >> index & 1:
                state |= 1 << (index + 1)
        return state

    def _step(self, state: int, character: str) -> int:
        following = 0
        for index, atom in enumerate(self._atoms):
            if atom is not None and state >> index & 1 and atom.allowed.holds(character):
                following |= (1 if atom.is_repeated else 2) << index
        return self._closed(following) | self._restart

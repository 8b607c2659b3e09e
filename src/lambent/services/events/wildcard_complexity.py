"""How complex the wildcards of an event pattern are: EventBridge refuses a rule whose field has too complex ones.

The measure is that of AWS's own matcher (`MachineComplexityEvaluator` of https://github.com/aws/event-ruler): how many
beginnings of the wildcards of a field some one text could match at once, for that is what a matcher has to keep in
mind. The texts of one `anything-but` are one wildcard: where they begin in the same way, up to the first star, that
counts once. With `$or`, AWS measures fields of several alternatives together; here each is measured for itself.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import field
from typing import Any

from lambent.kit.frozen import mutable
from lambent.services import event_patterns
from lambent.services.event_pattern_values import InvalidPattern

#: Not in AWS's documentation. `*:*:*:*:*:event-bus/*`, which the user guide has as too complex, measures 11; rules that
#: measure 9 are known to be taken, and an emulator that was compared with AWS ("wildcardComplexityLimit") takes 10.
MAX_COMPLEXITY = 10

#: Sets of beginnings that are looked at; nobody waits longer. What is not found to be too complex by then is taken.
MAX_SETS = 5_000

_STAR = 256
#: Some byte that no wildcard has.
_OTHER = 257

_TOKEN = re.compile(rb"\\[*\\]|.", re.DOTALL)


@mutable
class _Beginning:
    """Of a wildcard, which a text may match."""

    is_star: bool
    """Does it end with a star?"""
    wildcards: set[int] = field(default_factory=set)
    """Whose it is: up to its first star a wildcard shares its beginnings with others."""
    following: dict[int, list["_Beginning"]] = field(default_factory=dict)
    star: "_Beginning | None" = None
    """The one with a star more: every text that matches this matches that."""


_Matched = frozenset[_Beginning]


def check_complexity(document: Mapping[str, Any]) -> None:
    """Of a pattern that is one. Raises InvalidPattern."""
    for leaf in _leaves(document):
        wildcards = {_texts(choice) for choice in leaf} - {()}
        if wildcards and complexity([[_quoted(text) for text in texts] for texts in wildcards]) > MAX_COMPLEXITY:
            raise InvalidPattern(
                "Rule is too complex - try using fewer wildcard characters or fewer repeating character sequences "
                "after a wildcard character"
            )


def complexity(wildcards: Sequence[Sequence[bytes]]) -> int:
    """Of a field: each wildcard as its texts, of which only an `anything-but` has several. Stops above the maximum."""
    start = _with_stars([_beginnings(wildcards)])
    seen, pending, most = {start}, [start], 0
    while pending and len(seen) <= MAX_SETS and most <= MAX_COMPLEXITY:
        matched = pending.pop()
        for byte in {_OTHER, *(byte for one in matched for byte in one.following)}:
            found = _after(matched, byte)
            most = max(most, sum(len(one.wildcards) for one in found))
            if found not in seen:
                seen.add(found)
                pending.append(found)
    return most


def _leaves(document: Mapping[str, Any]) -> Iterator[list[Any]]:
    """Lists of choices."""
    for key, value in document.items():
        if isinstance(value, dict):
            yield from _leaves(value)
        elif event_patterns.has_alternatives(key, value):
            for alternative in value:
                yield from _leaves(alternative)
        else:
            yield value


def _texts(choice: Any) -> tuple[str, ...]:
    """Of the wildcard that a choice is, or denies."""
    if not isinstance(choice, dict):
        return ()
    if isinstance(choice.get("anything-but"), dict):
        choice = choice["anything-but"]
    found = choice.get("wildcard", ())
    return (found,) if isinstance(found, str) else tuple(found)


def _quoted(text: str) -> bytes:
    """As AWS's matcher has it: a text of JSON."""
    return f'"{text}"'.encode(errors="replace")


def _beginnings(wildcards: Sequence[Sequence[bytes]]) -> _Beginning:
    """The empty one, which leads to all others."""
    empty = _Beginning(is_star=False)
    for number, texts in enumerate(wildcards):
        for text in texts:
            _add(empty, number, [_STAR if token == b"*" else token[-1] for token in _TOKEN.findall(text)])
    return empty


def _add(empty: _Beginning, number: int, tokens: Iterable[int]) -> None:
    last, is_shared = empty, True
    for token in tokens:
        found = _next(last, token) if is_shared else None
        if found is None:
            found = _Beginning(is_star=token == _STAR)
            if token == _STAR:
                last.star = found
            else:
                last.following.setdefault(token, []).append(found)
        found.wildcards.add(number)
        last, is_shared = found, is_shared and token != _STAR


def _next(beginning: _Beginning, token: int) -> _Beginning | None:
    if token == _STAR:
        return beginning.star
    return next(iter(beginning.following.get(token, ())), None)


def _after(matched: _Matched, byte: int) -> _Matched:
    """What a text matches with one byte more."""
    stay = [one for one in matched if one.is_star]
    return _with_stars([*stay, *(found for one in matched for found in one.following.get(byte, ()))])


def _with_stars(beginnings: Sequence[_Beginning]) -> _Matched:
    return frozenset([*beginnings, *(one.star for one in beginnings if one.star is not None)])

"""Chains: happenings with one trace root, as people read them: which set off which, and how long it took.

A function that ran is known by its segment; what it set off names that as its parent. Happenings come when they end,
so a child may come before its parent: times of starting put them in order.
"""

import re
import zlib
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from lambent.kit.frozen import frozen

Happening = dict[str, Any]

#: Characters of a root that are shown where there is little room; commands take them for the whole.
SHORT = 6

#: Of the terminal: bright enough on dark and light, without the red and yellow that say something went wrong.
_COLOURS = ("36", "35", "34", "32", "96", "95", "94", "92")

#: Invocations remembered while following.
_REMEMBERED = 100_000

#: In the first characters of a function's error document, which may be cut off.
_ERROR_MESSAGE = re.compile(r'"errorMessage": ?"((?:[^"\\]|\\.)*)')
_ERROR_TYPE = re.compile(r'"errorType": ?"([^"]*)"')


@frozen
class Step:
    """One happening in its chain."""

    happening: Happening
    depth: int
    at_ms: float
    """Since the chain began."""
    gap_ms: float | None
    """Between the end of what set it off and its start; None if nothing is known that did, or that still ran."""


class Depths:
    """How deep in its chain each happening stands, as far as what set it off is known."""

    def __init__(self) -> None:
        self._parents: dict[str, str] = {}
        """Of segments."""

    def learn(self, happenings: Iterable[Happening]) -> None:
        """Also of what is shown later: a function's end may come after that of what it set off."""
        if len(self._parents) > _REMEMBERED:
            self._parents.clear()
        for happening in happenings:
            if happening.get("segment"):
                self._parents[happening["segment"]] = happening["parent"]

    def of(self, happening: Happening) -> int:
        depth, parent, seen = 0, happening.get("parent"), set[str]()
        while parent and parent not in seen:
            seen.add(parent)
            depth += 1
            parent = self._parents.get(parent)
        return depth


def short(root: str) -> str:
    return root[-SHORT:]


def colour_of(root: str) -> str:
    """The same for a chain wherever it is shown."""
    return _COLOURS[zlib.crc32(root.encode()) % len(_COLOURS)] if root else ""


def started_ms(happening: Happening) -> float:
    return float(happening["timeMs"] - happening["durationMs"])


def target_of(happening: Happening) -> str:
    """What ran or was sent to: a function's name and qualifier, `queue` or `topic` with theirs, else the ARN."""
    arn: str = happening.get("targetArn") or happening["functionArn"]
    function = arn.partition(":function:")[2]
    if function:
        return function
    parts = arn.split(":", 5)
    return f"{parts[2]}:{parts[5].rpartition('/')[2]}" if len(parts) == 6 else arn


def detail_of(happening: Happening) -> str:
    """What went wrong, for people, and what follows."""
    return "; ".join(text for text in (_wrong(happening), happening.get("prospect")) if text)


def _wrong(happening: Happening) -> str:
    detail: str = happening.get("detail") or ""
    return error_of(detail) if happening["outcome"] == "error" else detail


def error_of(document: str) -> str:
    """Type and message of a function's error; the document as it is if it has none."""
    message, kind = _ERROR_MESSAGE.search(document), _ERROR_TYPE.search(document)
    if message is None:
        return document
    text = message[1].replace('\\"', '"').replace("\\n", " ")
    return f"{kind[1]}: {text}" if kind else text


def tree(happenings: Iterable[Happening]) -> list[Step]:
    """One chain, parents before their children, in the order they started."""
    ordered = sorted(happenings, key=started_ms)
    if not ordered:
        return []
    began = started_ms(ordered[0])
    children: dict[int | None, list[Happening]] = {}
    for happening in ordered:
        parent = _parent_of(happening, ordered)
        children.setdefault(id(parent) if parent else None, []).append(happening)
    return list(_walk(None, children, began, depth=0))


def _parent_of(happening: Happening, ordered: Sequence[Happening]) -> Happening | None:
    """The last attempt with that segment that had begun."""
    if not happening.get("parent"):
        return None
    attempts = [one for one in ordered if one["segment"] == happening["parent"] and one is not happening]
    begun = [one for one in attempts if started_ms(one) <= started_ms(happening)]
    return begun[-1] if begun else (attempts[0] if attempts else None)


def _walk(
    parent: Happening | None, children: dict[int | None, list[Happening]], began: float, *, depth: int
) -> Iterator[Step]:
    for happening in children.pop(id(parent) if parent else None, ()):
        start = started_ms(happening)
        gap = start - parent["timeMs"] if parent else None
        yield Step(happening, depth, start - began, gap if gap is not None and gap >= 0 else None)
        yield from _walk(happening, children, began, depth=depth + 1)

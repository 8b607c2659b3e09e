r"""JSON paths, as far as EventBridge has them: `$.detail.state`, `$['detail']`, `$.list[0]`, `$.list[*].id`.

"Supported syntax includes: dot notation, dashes, underscores, alphanumeric characters, array indices, wildcards",
https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-transform-target-input.html
"""

import re
from enum import Enum
from typing import Any

from lambent.kit.frozen import frozen

_STEP = re.compile(
    r"""
      \.(?P<name>[^.\[\]\s*'"]+)
    | \[\s*'(?P<single>[^']*)'\s*\]
    | \[\s*"(?P<double>[^"]*)"\s*\]
    | \[\s*(?P<index>-?[0-9]{1,6})\s*\]
    | (?P<wildcard>\.\*|\[\s*\*\s*\])
    """,
    re.VERBOSE,
)


class Missing(Enum):
    """Stands for what a path does not find."""

    MISSING = "missing"


MISSING = Missing.MISSING


@frozen
class Path:
    steps: tuple[str | int | None, ...]
    """A member's name, an index, or None for all members or elements."""

    def find(self, document: Any) -> Any:
        """The value, MISSING, or with a wildcard the list of all that was found."""
        found = [document]
        for step in self.steps:
            found = [value for one in found for value in _follow(one, step)]
        if None in self.steps:
            return found or MISSING
        return found[0] if found else MISSING


def parse(text: str) -> Path | None:
    """None if it is no path."""
    if not text.startswith("$"):
        return None
    steps: list[str | int | None] = []
    at = 1
    while at < len(text):
        found = _STEP.match(text, at)
        if found is None:
            return None
        steps.append(_step(found))
        at = found.end()
    return Path(tuple(steps))


def _step(found: re.Match[str]) -> str | int | None:
    if found["wildcard"]:
        return None
    if found["index"] is not None:
        return int(found["index"])
    return next(name for name in (found["name"], found["single"], found["double"]) if name is not None)


def _follow(value: Any, step: str | int | None) -> list[Any]:
    match value, step:
        case dict(), None:
            return list(value.values())
        case list(), None:
            return value
        case dict(), str() if step in value:
            return [value[step]]
        case list(), int() if -len(value) <= step < len(value):
            return [value[step]]
        case _:
            return []

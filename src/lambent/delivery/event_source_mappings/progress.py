"""Progress: how far a lane has got in its shard, with all that must survive a restart.

The position is the checkpoint. In front of it may stand sections: stretches of the log that were tried as batches and
failed, to be tried again as they were (or halved). `ahead` says which slots were further than the position when lanes
were divided anew, `window` is the tumbling window that is open.
"""

from dataclasses import replace
from typing import Any

import orjson

from lambent.kit.frozen import frozen


@frozen
class Section:
    """From where the section before it ends (or the position) to `through`."""

    through: int
    attempts: int = 0
    """Failed ones that count against MaximumRetryAttempts."""
    invocations: int = 0
    """Of its records, also as part of a larger batch."""


@frozen
class Ahead:
    """Records of slots from `low` to before `high` are settled up to `position`."""

    low: int
    high: int
    position: int


@frozen
class OpenWindow:
    start_ms: int
    size_ms: int
    began: int
    """The position before its first record."""
    state: str = "{}"
    """JSON, as the function returned it."""
    attempts: int = 0
    """Failed ones to invoke for its end."""
    is_overfull: bool = False
    """Its state has outgrown what is carried: it ends early."""

    @property
    def end_ms(self) -> int:
        return self.start_ms + self.size_ms


@frozen
class Progress:
    position: int
    sections: tuple[Section, ...] = ()
    ahead: tuple[Ahead, ...] = ()
    window: OpenWindow | None = None
    windows_closed_ms: int = 0
    """Tumbling windows that ended up to then are over."""

    def moved(self, position: int, sections: tuple[Section, ...]) -> "Progress":
        """The position moves; what it has passed is forgotten."""
        kept_from = min(position, self.window.began) if self.window else position
        ahead = tuple(one for one in self.ahead if one.position > kept_from)
        return replace(self, position=position, sections=sections, ahead=ahead)

    def rewound(self) -> "Progress":
        """To where an open window began (or the position), with nothing tried yet."""
        position = self.window.began if self.window else self.position
        return replace(self, position=position, sections=(), window=None)


_SIMPLE = b"{}"


def dump(progress: Progress) -> bytes:
    """All but the position, which has a column of its own."""
    document: dict[str, Any] = {}
    if progress.sections:
        document["sections"] = [(one.through, one.attempts, one.invocations) for one in progress.sections]
    if progress.ahead:
        document["ahead"] = [(one.low, one.high, one.position) for one in progress.ahead]
    if progress.window:
        document["window"] = progress.window
    if progress.windows_closed_ms:
        document["closed"] = progress.windows_closed_ms
    return orjson.dumps(document) if document else _SIMPLE


def load(position: int, data: bytes) -> Progress:
    if data == _SIMPLE:
        return Progress(position)
    document = orjson.loads(data)
    window = document.get("window")
    return Progress(
        position=position,
        sections=tuple(Section(*one) for one in document.get("sections", ())),
        ahead=tuple(Ahead(*one) for one in document.get("ahead", ())),
        window=OpenWindow(**window) if window else None,
        windows_closed_ms=document.get("closed", 0),
    )

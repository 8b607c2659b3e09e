"""Whose turn is it to build?                                                                            (pure)

One invocation builds at a time. Who finds the turn taken says so in it and leaves: whoever has the turn looks at the
sources again if anybody *called*, and so sees every change whose event found the turn taken. A hundred uploads make two
builds.

The turn is one small object in the state bucket, changed only by conditional writes (If-Match, If-None-Match). It
cannot be lost for good: it ends with the invocation's own deadline, and a retry of the invocation that died holding it
takes it back at once, for Lambda retries under the same request id.

Whoever gives it back leaves a note of what they saw. An event that tells of nothing else is no news: whatever came
after that look has an event of its own. A turn taken carries no note, so a death leaves none that could be wrong. The
note names the source manifest that says almost the same, and what is different: after a failed build, say.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from enum import Enum
from typing import Any

from sitebuilder.events import Asked, Look
from sitebuilder.sources import Source

#: The holder has died by its deadline; this much is left for clocks that disagree.
CLOCK_SLACK_SECONDS = 5.0


class Decision(Enum):
    TAKE = "take"
    #: Somebody else has it, and will see what we came for.
    LEAVE = "leave"
    #: Nobody has it, and what we came for has been seen.
    NOTHING_NEW = "nothing new"


@dataclass(frozen=True, slots=True)
class Seen:
    """The sources at somebody's last look that came to an end, well or badly."""

    recipe: str
    manifest: str = ""
    """The name of a source manifest (`manifests`); "": of none."""
    but: Mapping[str, str | None] = field(default_factory=dict)
    """ETags that were others; None: there was no such source."""

    def etags(self, manifest: Mapping[str, Source]) -> dict[str, str]:
        every = {key: source.etag for key, source in manifest.items()} | dict(self.but)
        return {key: etag for key, etag in every.items() if etag is not None}


@dataclass(frozen=True, slots=True)
class Turn:
    holder: str | None = None
    """Request id of the invocation that builds."""
    until: float = 0.0
    """Seconds since the epoch."""
    called: bool = False
    """Somebody found it taken, and left."""
    seen: Seen | None = None
    last_build: dict[str, Any] | None = None
    """How the last one went, for people and tools."""


def decide(
    turn: Turn,
    wake: Look | Asked,
    manifest: Callable[[str], Mapping[str, Source]],
    *,
    request_id: str,
    recipe: str,
    now: float,
) -> Decision:
    """`manifest` finds a source manifest by its name."""
    if turn.holder not in (None, request_id) and now < turn.until:
        return Decision.LEAVE
    if not isinstance(wake, Look) or wake.changes is None or turn.seen is None or turn.seen.recipe != recipe:
        return Decision.TAKE
    seen = turn.seen.etags(manifest(turn.seen.manifest))
    is_news = any(seen.get(change.key) != change.etag for change in wake.changes)
    return Decision.TAKE if is_news else Decision.NOTHING_NEW


def taken(turn: Turn, *, request_id: str, deadline: float) -> Turn:
    return Turn(holder=request_id, until=deadline + CLOCK_SLACK_SECONDS, last_build=turn.last_build)


def given_back(turn: Turn, *, seen: Seen | None, last_build: dict[str, Any] | None) -> Turn:
    return Turn(seen=seen, last_build=last_build or turn.last_build)


def count_news(seen: Mapping[str, str], wanted: Mapping[str, Source]) -> int:
    """How many sources have another ETag than somebody saw."""
    return len(_differing(seen, wanted))


def see(wanted: Mapping[str, Source], recipe: str, name: str, manifest: Mapping[str, Source]) -> Seen:
    """`name` is the manifest's."""
    but = _differing({key: source.etag for key, source in manifest.items()}, wanted)
    return Seen(recipe, name, {key: wanted[key].etag if key in wanted else None for key in sorted(but)})


def encode(turn: Turn) -> bytes:
    document = {
        "holder": turn.holder,
        "until": turn.until,
        "called": turn.called,
        "seen": turn.seen and asdict(turn.seen),
        "last_build": turn.last_build,
    }
    return json.dumps(document, ensure_ascii=False).encode()


def decode(content: bytes) -> Turn:
    """What cannot be read (written by another version, say) is a turn that nobody has: it must not stop the site."""
    try:
        document = json.loads(content)
        seen = document["seen"] and Seen(**document["seen"])
        return Turn(document["holder"], document["until"], document["called"], seen, document["last_build"])
    except (ValueError, KeyError, TypeError):
        return Turn()


def _differing(seen: Mapping[str, str], wanted: Mapping[str, Source]) -> set[str]:
    keys = seen.keys() | wanted.keys()
    return {key for key in keys if seen.get(key) != (wanted[key].etag if key in wanted else None)}

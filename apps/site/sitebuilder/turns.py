"""Whose turn is it to build?                                                                            (pure)

One invocation builds at a time; the others leave at once, for whoever has the turn looks at the sources again *after*
giving it back, and so sees every change whose event found the turn taken. A hundred uploads make two or three builds.

The turn is one small object in the state bucket, changed only by conditional writes (If-Match, If-None-Match). It
cannot be lost for good: it ends with the invocation's own deadline, and a retry of the invocation that died holding it
takes it back at once, for Lambda retries under the same request id.

Whoever gives it back leaves a note of what they saw. An event that tells of nothing else is no news: whatever came
after that look has an event of its own. A turn taken carries no note, so a death leaves none that could be wrong.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
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
    etags: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Turn:
    holder: str | None = None
    """Request id of the invocation that builds."""
    until: float = 0.0
    """Seconds since the epoch."""
    seen: Seen | None = None
    last_build: dict[str, Any] | None = None
    """How the last one went, for people and tools."""


def decide(turn: Turn, wake: Look | Asked, *, request_id: str, recipe: str, now: float) -> Decision:
    if turn.holder not in (None, request_id) and now < turn.until:
        return Decision.LEAVE
    return Decision.TAKE if _is_news(wake, turn.seen, recipe) else Decision.NOTHING_NEW


def taken(turn: Turn, *, request_id: str, deadline: float) -> Turn:
    return Turn(holder=request_id, until=deadline + CLOCK_SLACK_SECONDS, last_build=turn.last_build)


def given_back(turn: Turn, *, seen: Seen | None, last_build: dict[str, Any] | None) -> Turn:
    return Turn(seen=seen, last_build=last_build or turn.last_build)


def count_news(seen: Seen | None, wanted: Mapping[str, Source]) -> int:
    """How many sources differ from what somebody saw; all, if nobody did."""
    before = seen.etags if seen else {}
    return sum(
        before.get(key) != (wanted[key].etag if key in wanted else None) for key in before.keys() | wanted.keys()
    )


def see(wanted: Mapping[str, Source], recipe: str) -> Seen:
    return Seen(recipe, {key: source.etag for key, source in wanted.items()})


def encode(turn: Turn) -> bytes:
    document = {
        "holder": turn.holder,
        "until": turn.until,
        "seen": turn.seen and {"recipe": turn.seen.recipe, "etags": dict(turn.seen.etags)},
        "last_build": turn.last_build,
    }
    return json.dumps(document, ensure_ascii=False).encode()


def decode(content: bytes) -> Turn:
    """What cannot be read (written by another version, say) is a turn that nobody has: it must not stop the site."""
    try:
        document = json.loads(content)
        seen = document["seen"] and Seen(**document["seen"])
        return Turn(document["holder"], document["until"], seen, document["last_build"])
    except (ValueError, KeyError, TypeError):
        return Turn()


def _is_news(wake: Look | Asked, seen: Seen | None, recipe: str) -> bool:
    if not isinstance(wake, Look) or wake.changes is None or seen is None or seen.recipe != recipe:
        return True
    return any(seen.etags.get(change.key) != change.etag for change in wake.changes)

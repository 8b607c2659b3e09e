"""Whose turn is it to build?                                                                            (pure)

One invocation builds at a time; the others leave at once, for whoever has the turn looks at the sources again *after*
giving it back, and so sees every change whose event found the turn taken. A hundred uploads make two or three builds.

The turn is one small object in the state bucket, changed only by conditional writes (If-Match, If-None-Match). It
cannot be lost for good: it ends with the invocation's own deadline, and a retry of the invocation that died holding it
takes it back at once, for Lambda retries under the same request id.
"""

import json
from dataclasses import dataclass
from typing import Any

#: The holder has died by its deadline; this much is left for clocks that disagree.
CLOCK_SLACK_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Turn:
    holder: str | None = None
    """Request id of the invocation that builds."""
    until: float = 0.0
    """Seconds since the epoch."""
    last_build: dict[str, Any] | None = None
    """How the last one went, for people and tools."""


def may_take(turn: Turn, *, request_id: str, now: float) -> bool:
    return turn.holder is None or turn.holder == request_id or now >= turn.until


def taken(turn: Turn, *, request_id: str, deadline: float) -> Turn:
    return Turn(holder=request_id, until=deadline + CLOCK_SLACK_SECONDS, last_build=turn.last_build)


def given_back(turn: Turn, last_build: dict[str, Any] | None) -> Turn:
    return Turn(last_build=last_build or turn.last_build)


def encode(turn: Turn) -> bytes:
    return json.dumps({"holder": turn.holder, "until": turn.until, "last_build": turn.last_build}).encode()


def decode(content: bytes) -> Turn:
    document = json.loads(content)
    return Turn(holder=document["holder"], until=document["until"], last_build=document["last_build"])

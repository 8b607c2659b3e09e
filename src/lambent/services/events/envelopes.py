"""Events on their way: the document that rules match and targets receive, and what travels beside it unseen.

The document is kept as text: what a client wrote as `detail` reaches the target letter by letter. A record of the log
`events` is one line of JSON about the event, then the document.
https://docs.aws.amazon.com/eventbridge/latest/ref/overiew-event-structure.html
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from functools import lru_cache

import orjson

from lambent.kit.frozen import frozen
from lambent.services.events.names import BusKey

LOG = "events"

#: Events come many a second, and their times say the second only.
_SECONDS_REMEMBERED = 1024


@frozen
class Envelope:
    bus: BusKey
    event: bytes
    """The document."""
    accepted_ms: int
    trace: str = ""
    is_forwarded: bool = False
    """Came from another bus: it goes to no third one."""
    fired_rule: str = ""
    """ARN of the one rule that is meant, whatever its pattern says: its schedule was due."""
    replay: str = ""
    """Name of the replay it comes from: it is not archived again."""
    only_rules: tuple[str, ...] = ()
    """ARNs of the rules that a replay is for; all if there are none."""

    def to_bytes(self) -> bytes:
        head = {
            "bus": list(self.bus),
            "acceptedMs": self.accepted_ms,
            "trace": self.trace,
            "forwarded": self.is_forwarded,
            "fired": self.fired_rule,
            "replay": self.replay,
            "only": self.only_rules,
        }
        return orjson.dumps(head) + b"\n" + self.event

    @classmethod
    def from_bytes(cls, record: bytes) -> "Envelope":
        line, _, event = record.partition(b"\n")
        head = orjson.loads(line)
        return cls(
            bus=BusKey(*head["bus"]),
            event=event,
            accepted_ms=head["acceptedMs"],
            trace=head["trace"],
            is_forwarded=head["forwarded"],
            fired_rule=head["fired"],
            replay=head["replay"],
            only_rules=tuple(head["only"]),
        )


@frozen
class Facts:
    """What an event says of itself beside its detail."""

    event_id: str
    source: str
    detail_type: str
    account_id: str
    region: str
    time_ms: int
    resources: Sequence[str] = ()


def document(facts: Facts, detail: str) -> bytes:
    """`detail` is the text of a JSON object."""
    return orjson.dumps(
        {
            "version": "0",
            "id": facts.event_id,
            "detail-type": facts.detail_type,
            "source": facts.source,
            "account": facts.account_id,
            "time": iso_time(facts.time_ms),
            "region": facts.region,
            "resources": list(facts.resources),
            "detail": orjson.Fragment(detail),
        }
    )


def of_replay(event: bytes, replay: str) -> bytes:
    """The document with the `replay-name` that tells a replayed event from the first one."""
    return b'{"replay-name":' + orjson.dumps(replay) + b"," + event[1:]


def iso_time(time_ms: int) -> str:
    """`2026-11-26T10:00:00Z`"""
    return _iso_second(time_ms // 1000)


@lru_cache(_SECONDS_REMEMBERED)
def _iso_second(second: int) -> str:
    return datetime.fromtimestamp(second, UTC).replace(tzinfo=None).isoformat() + "Z"


def is_event(text: bytes) -> bool:
    """Whether it is a document that can be on a bus."""
    try:
        event = orjson.loads(text)
        parse_time(event["time"])
    except (orjson.JSONDecodeError, LookupError, TypeError, ValueError):
        return False
    return all(isinstance(event.get(name), str) for name in ("id", "source", "detail-type"))


def parse_time(text: str) -> int:
    """Back to milliseconds. Raises ValueError, TypeError."""
    return round(datetime.fromisoformat(text).timestamp() * 1000)

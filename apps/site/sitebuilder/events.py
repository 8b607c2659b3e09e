"""Is this event a reason to look at the sources, and what does it say has changed?                     (pure)

Events are wake-ups and nothing more: they may come twice, late and out of order, and several may share one delivery.
What to build is read from the bucket. An event's own words serve only to tell news from what has been seen already
(`turns.decide`), so that the hundredth event of an upload costs one request and not a listing.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote_plus

from sitebuilder import sources


@dataclass(frozen=True, slots=True)
class Change:
    key: str
    etag: str | None
    """None: the object is gone."""


class Ignore:
    """Nothing that concerns the site."""


@dataclass(frozen=True, slots=True)
class Look:
    """Something changed: build if the sources are not what was published last."""

    changes: tuple[Change, ...] | None
    """None: look whatever has been seen before."""
    draws: bool = False
    """Somebody wants to see the dependency tree of what is published."""


@dataclass(frozen=True, slots=True)
class Build:
    """Somebody asked (a person, a timer): build even if the sources are the same, for time passes too."""

    cause: str = "asked"
    is_confirmed: bool = False
    """However much it deletes."""
    from_nothing: bool = False
    """Verify: fetch every source anew, believe no pack, and say what was wrong on the website."""
    unpin: bool = False
    """Leave the generation that was rolled back to."""


@dataclass(frozen=True, slots=True)
class Rollback:
    generation: int


Wake = Ignore | Look | Build | Rollback
Asked = Build | Rollback


class UnknownAction(ValueError):
    """The event asks for something there is not."""


def read(event: Any, *, input_bucket: str, prefix: str = "") -> Wake:
    """Of an S3 notification, S3's test event, or anything else, which is a request: `{"action": ...}`."""
    if not isinstance(event, Mapping):
        return Build()
    if "action" in event:
        return _action(event)
    if event.get("Event") == "s3:TestEvent":
        return Ignore()
    records = event.get("Records")
    if not isinstance(records, list):
        return Build()
    changes = [_change(record, input_bucket, prefix) for record in records]
    concerning = tuple(change for change in changes if change is not None)
    return Look(concerning) if concerning else Ignore()


def site_of(event: Any) -> str | None:
    """Which site a request is about; None: all of the function's."""
    site = event.get("site") if isinstance(event, Mapping) else None
    return str(site) if site else None


def _action(event: Mapping[str, Any]) -> Look | Build | Rollback:
    match event["action"]:
        case "build":
            return Build(cause=str(event.get("cause", "asked")))
        case "confirm":
            return Build(cause="confirmed", is_confirmed=True)
        case "verify":
            return Build(cause="verify", from_nothing=True)
        case "unpin":
            return Build(cause="unpinned", unpin=True)
        case "rollback":
            return Rollback(int(event["generation"]))
        case "tree":
            return Look(changes=None, draws=True)
    raise UnknownAction(f"{event['action']!r}: there are build, confirm, verify, unpin, rollback and tree")


def _change(record: Any, input_bucket: str, prefix: str) -> Change | None:
    try:
        name, entity = record["eventName"], record["s3"]
        bucket, thing = entity["bucket"]["name"], entity["object"]
        # S3 URL-encodes keys in events, with "+" for a space (Amazon S3 User Guide, "Event message structure").
        key = unquote_plus(thing["key"])
    except (KeyError, TypeError):
        return None
    if bucket != input_bucket or not key.startswith(prefix) or not sources.is_source(key := key.removeprefix(prefix)):
        return None
    removed = str(name).removeprefix("s3:").startswith("ObjectRemoved:")
    return Change(key, None if removed else str(thing.get("eTag", "")))

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


class Build:
    """Somebody asked (a person, a timer): build even if the sources are the same, for time passes too."""


Wake = Ignore | Look | Build


def read(event: Any, *, input_bucket: str) -> Wake:
    """Of an S3 notification, S3's test event, or anything else, which is a request to build."""
    if not isinstance(event, Mapping):
        return Build()
    if event.get("Event") == "s3:TestEvent":
        return Ignore()
    records = event.get("Records")
    if not isinstance(records, list):
        return Build()
    changes = [_change(record, input_bucket) for record in records]
    concerning = tuple(change for change in changes if change is not None)
    return Look(concerning) if concerning else Ignore()


def _change(record: Any, input_bucket: str) -> Change | None:
    try:
        name, entity = record["eventName"], record["s3"]
        bucket, thing = entity["bucket"]["name"], entity["object"]
        # S3 URL-encodes keys in events, with "+" for a space (Amazon S3 User Guide, "Event message structure").
        key = unquote_plus(thing["key"])
    except (KeyError, TypeError):
        return None
    if bucket != input_bucket or not sources.is_source(key):
        return None
    removed = str(name).removeprefix("s3:").startswith("ObjectRemoved:")
    return Change(key, None if removed else str(thing.get("eTag", "")))

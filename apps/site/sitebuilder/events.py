"""Is this event a reason to look at the sources?                                                       (pure)

Events are wake-ups and nothing more: they may come twice, late and out of order, and several may share one delivery.
What to build is read from the bucket, so a record serves only to tell an object that matters from one that does not.
"""

from collections.abc import Mapping
from enum import Enum
from typing import Any
from urllib.parse import unquote_plus

from sitebuilder import sources


class Wake(Enum):
    #: Nothing that concerns the site.
    IGNORE = "ignore"
    #: Something changed: build if the sources are not what was published last.
    LOOK = "look"
    #: Somebody asked (a person, a timer): build even if the sources are the same, for time passes too.
    BUILD = "build"


def classify(event: Any, *, input_bucket: str) -> Wake:
    """Of an S3 notification, S3's test event, or anything else, which is a request to build."""
    if not isinstance(event, Mapping):
        return Wake.BUILD
    if event.get("Event") == "s3:TestEvent":
        return Wake.IGNORE
    records = event.get("Records")
    if not isinstance(records, list):
        return Wake.BUILD
    concerns = any(_concerns_site(record, input_bucket) for record in records)
    return Wake.LOOK if concerns else Wake.IGNORE


def _concerns_site(record: Any, input_bucket: str) -> bool:
    try:
        entity = record["s3"]
        bucket, key = entity["bucket"]["name"], entity["object"]["key"]
    except (KeyError, TypeError):
        return False
    # S3 URL-encodes keys in events, with "+" for a space (Amazon S3 User Guide, "Event message structure").
    return bool(bucket == input_bucket and sources.is_source(unquote_plus(key)))

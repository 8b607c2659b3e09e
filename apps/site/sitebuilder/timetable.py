"""When does the website change by itself: the next post to appear or to expire?                          (pure)

hugo says it (`hugo list all`), by its own rules for dates in front matter, file names and cascades.
"""

import csv
import math
from collections.abc import Iterator
from datetime import UTC, datetime


def next_change(listing: str, *, now: float) -> float | None:
    """Of `hugo list all`'s CSV: the first instant after `now`, in whole seconds since the epoch, rounded up."""
    moments = [moment for row in csv.DictReader(listing.splitlines()) for moment in _moments(row)]
    return min((float(math.ceil(moment)) for moment in moments if moment > now), default=None)


def expression(moment: float) -> str:
    """As EventBridge Scheduler wants it: UTC, to the second (its User Guide, "Schedule types", one-time)."""
    return f"at({datetime.fromtimestamp(moment, UTC):%Y-%m-%dT%H:%M:%S})"


def _moments(row: dict[str, str]) -> Iterator[float]:
    if row.get("draft") == "true":
        return
    for column in ("publishDate", "expiryDate"):
        try:
            moment = datetime.fromisoformat(row.get(column) or "")
        except ValueError:
            continue
        if moment.year > 1:  # hugo's "none" is the year 1
            yield moment.timestamp()

"""Stream labels: when a table's stream was enabled, which tells it from those the table had before."""

from datetime import UTC, datetime


def label_of(now_ms: int) -> str:
    """As AWS writes it: `2015-05-11T21:21:33.291`."""
    return datetime.fromtimestamp(now_ms / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{now_ms % 1000:03d}"

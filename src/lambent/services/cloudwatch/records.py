"""What the store keeps: metrics, and their values summed up over periods."""

from typing import NamedTuple

import orjson

from lambent.kit.frozen import frozen
from lambent.kit.meter import Dimensions, Summary

#: Seconds of the periods that values are kept in, from the one they come in to the longest.
SECOND, MINUTE, FIVE_MINUTES, HOUR = 1, 60, 300, 3600

#: How far in the future a value may be: "no more than two hours" (PutMetricData).
MAX_AHEAD_SECONDS = 2 * 3_600


class MetricKey(NamedTuple):
    account_id: str
    region: str
    namespace: str
    name: str
    dimensions: Dimensions
    """By name."""

    @property
    def dimensions_text(self) -> str:
        return orjson.dumps(self.dimensions).decode()


@frozen
class Measured:
    """Values of one metric in one period."""

    metric: MetricKey
    period: int
    start: int
    """Seconds since the epoch, a multiple of the period."""
    unit: str
    summary: Summary


class Row(NamedTuple):
    """As read back."""

    period: int
    start: int
    unit: str
    summary: Summary


def metric_key(account_id: str, region: str, namespace: str, name: str, dimensions: Dimensions) -> MetricKey:
    return MetricKey(account_id, region, namespace, name, tuple(sorted(dimensions)))

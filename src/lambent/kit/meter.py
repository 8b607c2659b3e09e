"""Meter: what the platform counts about itself: a number of messages, the milliseconds of an invocation.

Counting happens on the path of requests, so it is an append to a list and nothing else. `take` hands over what came
since the last time; CloudWatch's publisher turns that into one-minute rows, `totals` is what the Prometheus page shows.
What is a state and not an event (the depth of a queue) is a gauge: somebody who knows is asked once a minute.

    sent = meter.series(Series(account_id, region, "AWS/SQS", "NumberOfMessagesSent", ((("QueueName", name),),)))
    sent.add(1)

Used on the event loop only.
"""

import math
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import field
from typing import NamedTuple

from lambent.kit.frozen import mutable

Dimensions = tuple[tuple[str, str], ...]
"""Names and values."""

#: Values of one series that wait to be summed up; a busy one is summed up every so many.
MAX_FRESH = 1_024

#: Series known by name; beyond it those that are idle are forgotten.
MAX_SERIES = 10_000

#: Different values of a sum that are kept as they are; further ones are rounded.
MAX_EXACT = 250

#: Values are rounded to powers of this factor, so to one per cent.
ROUNDING_FACTOR = 1.02
_LOG_FACTOR = math.log(ROUNDING_FACTOR)


class Series(NamedTuple):
    """What is counted, and under which sets of dimensions it is published (`()` is a set: that of the account)."""

    account_id: str
    region: str
    namespace: str
    """`AWS/SQS`, as CloudWatch calls it."""
    metric: str
    dimension_sets: tuple[Dimensions, ...]
    unit: str = "Count"


@mutable
class Summary:
    """Values summed up: enough for every statistic."""

    count: float = 0.0
    total: float = 0.0
    low: float = math.inf
    high: float = -math.inf
    values: dict[float, float] = field(default_factory=dict)
    """How often each occurs, perhaps rounded; empty where nobody knows the single values."""

    def add(self, value: float, times: float = 1.0) -> None:
        self.count += times
        self.total += value * times
        self.low = min(self.low, value)
        self.high = max(self.high, value)
        self._keep(value, times)

    def merge(self, other: "Summary") -> None:
        """Where one of them knows no single values, the sum does not either."""
        knows = (not self.count or self.values) and (not other.count or other.values)
        self.count += other.count
        self.total += other.total
        self.low = min(self.low, other.low)
        self.high = max(self.high, other.high)
        if not knows:
            self.values = {}
            return
        for value, times in other.values.items():
            self._keep(value, times)

    def _keep(self, value: float, times: float) -> None:
        values = self.values
        if len(values) >= MAX_EXACT and value not in values:
            value = rounded(value)
        values[value] = values.get(value, 0.0) + times


class Distribution:
    """The values of one series; whoever adds to it often may hold on to it."""

    __slots__ = ("_active", "_fresh", "_summary", "count", "series", "total")

    def __init__(self, series: Series, active: list["Distribution"]) -> None:
        self.series = series
        self.count = 0.0
        """Since the start, as `total`; what is fresh not yet included."""
        self.total = 0.0
        self._active = active
        self._fresh: list[float] = []
        self._summary = Summary()

    def add(self, value: float = 1.0) -> None:
        fresh = self._fresh
        if not fresh and not self._summary.count:
            self._active.append(self)
        fresh.append(value)
        if len(fresh) >= MAX_FRESH:
            self.fold()

    def fold(self) -> None:
        for value, times in Counter(self._fresh).items():
            self._summary.add(value, times)
        self.count += len(self._fresh)
        self.total += sum(self._fresh)
        self._fresh.clear()

    def take(self) -> Summary:
        """What came since the last time."""
        self.fold()
        taken, self._summary = self._summary, Summary()
        return taken


Sample = tuple[Series, float]

Gauge = Callable[[], Awaitable[Iterable[Sample]]]
"""Asked once a minute, and whenever somebody looks; what it says is a value each."""


class Meter:
    def __init__(self) -> None:
        self._known: dict[Series, Distribution] = {}
        self._active: list[Distribution] = []
        """Those with something to take."""
        self._gauges: list[Gauge] = []

    def count(
        self,
        namespace: str,
        metric: str,
        dimensions: Dimensions,
        value: float = 1.0,
        *,
        account_id: str,
        region: str,
        unit: str = "Count",
    ) -> None:
        """For what is not counted often."""
        self.series(Series(account_id, region, namespace, metric, (dimensions,), unit)).add(value)

    def series(self, series: Series) -> Distribution:
        """The one of that name; an idle one that somebody held on to and we forgot counts all the same."""
        found = self._known.get(series)
        if found is None:
            if len(self._known) >= MAX_SERIES:
                self._known = {one.series: one for one in self._active}
            found = self._known[series] = Distribution(series, self._active)
        return found

    def gauge(self, read: Gauge) -> None:
        self._gauges.append(read)

    def take(self) -> list[tuple[Series, Summary]]:
        """What was counted since the last time; of each series once or more."""
        taken = [(one.series, one.take()) for one in self._active]
        self._active.clear()
        return taken

    async def read_gauges(self) -> list[Sample]:
        return [sample for read in self._gauges for sample in await read()]

    def totals(self) -> list[Distribution]:
        """Since the start, in the order they were first counted."""
        for one in self._active:
            one.fold()
        return list(self._known.values())


def rounded(value: float) -> float:
    """To the next power of ROUNDING_FACTOR; what is rounded stays as it is."""
    if value == 0:
        return 0.0
    power = math.exp(round(math.log(abs(value)) / _LOG_FACTOR) * _LOG_FACTOR)
    return math.copysign(power, value)

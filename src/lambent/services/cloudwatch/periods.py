"""Periods: which lengths may be asked for, where they begin, and rows put together into them.

API reference, GetMetricStatistics and GetMetricData: a start time is rounded down by its age; values that are kept in
longer periods than the one asked for are not shown.
"""

import math
from collections.abc import Iterable

from lambent.kit.frozen import frozen
from lambent.kit.meter import Summary
from lambent.services.cloudwatch.errors import InvalidParameterValue
from lambent.services.cloudwatch.records import FIVE_MINUTES, HOUR, MAX_AHEAD_SECONDS, MINUTE, Row

_SHORT = frozenset({1, 5, 10, 20, 30})
_DAY = 86_400
#: Start times older than so many days are rounded down to so many seconds.
_ROUNDING = ((63, HOUR), (15, FIVE_MINUTES), (0, MINUTE))

#: Values in periods shorter than that are kept for so many seconds (GetMetricData).
_KEPT = ((MINUTE, 3 * 3_600), (FIVE_MINUTES, 15 * _DAY), (HOUR, 63 * _DAY))
_KEPT_LONGEST = 455 * _DAY


@frozen
class Span:
    """Seconds since the epoch; `end` is not in it."""

    start: int
    end: int
    period: int
    now: float

    @property
    def periods(self) -> int:
        return max(0, -(-(self.end - self.start) // self.period))

    def times(self, period: int) -> range:
        """Where a series of that period can have values: what is older is kept in longer ones, what is newer not taken.

        A request may span from the first year to the last; nothing must be made for each minute of that.
        """
        kept_since = self.now - next((seconds for longest, seconds in _KEPT if period < longest), _KEPT_LONGEST)
        skipped = max(0, math.ceil((kept_since - self.start) / period))
        return range(self.start + skipped * period, min(self.end, int(self.now) + MAX_AHEAD_SECONDS), period)


def check_period(period: int, parameter: str) -> int:
    """Raises InvalidParameterValue."""
    if period not in _SHORT and period % MINUTE:
        raise InvalidParameterValue(f"The parameter {parameter} must be 1, 5, 10, 20, 30, or a multiple of 60.")
    return period


def span(start: float, end: float, period: int, *, now: float) -> Span:
    """Raises InvalidParameterValue if it would be empty."""
    if start >= end:
        raise InvalidParameterValue("The parameter StartTime must be less than the parameter EndTime.")
    age_days = (now - start) / _DAY
    step = next((seconds for days, seconds in _ROUNDING if age_days > days), MINUTE)
    if period < MINUTE:
        step = period
    return Span(int(start // step * step), int(-(-end // 1)), period, now)


def gather(rows: Iterable[Row], span: Span) -> dict[int, Summary]:
    """By the start of its period, what all rows in it make together."""
    found: dict[int, Summary] = {}
    for row in rows:
        start = span.start + (row.start - span.start) // span.period * span.period
        found.setdefault(start, Summary()).merge(row.summary)
    return found
